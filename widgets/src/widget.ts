/** What a widget is: pure functions from a trace and a moment to a picture. The frame does the rest. */
import type { TemplateResult } from "lit-html";
import type { TraceIndex } from "./index.ts";
import type { Timeline } from "./timeline.ts";

/** The point in the trace a picture shows. `focus` is a request's id where the reader chose one. */
export interface Moment {
  t: number;
  focus: number | null;
}

export interface Surroundings {
  /** Differs for each widget on a page; begins the ids of its parts. */
  uid: string;
  /** Pixels of the stage. */
  width: number;
  /** No travelling marks. */
  reduced: boolean;
  /** A question about what comes next stands open. */
  covered: boolean;
  choose: (request: number) => void;
}

export interface Table {
  caption: string;
  head: string[];
  rows: string[][];
}

export interface Scene {
  /** One line that changes with the current event and names the object that decided. */
  why: string;
  decider: string;
  /** The picture's state in words, for those who do not see it. */
  label: string;
  stage: TemplateResult;
  /** The current log lines: where each is from, and its words. */
  lines: { source: string; text: string }[];
  /** A command that shows the same fact on the reader's cluster. */
  command: string;
  table: Table;
  /** Magnification and anything cut or sampled, in words. */
  scale: string;
}

export interface Prediction {
  prompt: string;
  options: string[];
  correct: number;
  why: string;
  /** What is shown while the question stands, */
  before: Moment;
  /** and what shows the answer. */
  answer: Moment;
}

export interface Widget {
  name: string;
  timeline(index: TraceIndex): Timeline;
  /** What is shown before anybody clicks: the most telling moment. */
  opening(index: TraceIndex): Moment;
  /** Trace times that "previous" and "next" go to. */
  stops(index: TraceIndex): number[];
  /** What a chapter shows when it is chosen: its most telling time. */
  chapterEnd(index: TraceIndex, chapter: number): number;
  /** The moment that tells all about one request. */
  momentOf(index: TraceIndex, request: number): Moment;
  scene(index: TraceIndex, moment: Moment, around: Surroundings): Scene;
  predict?(index: TraceIndex, moment: Moment): Prediction | null;
}
