/** W1 RequestJourney: where did my click go? */
import { html } from "lit-html";
import { microseconds, seconds } from "../format.ts";
import { answerOf, countUntil, shortName, type TraceIndex, verbatim } from "../index.ts";
import { memo } from "../memo.ts";
import { advance, beginning, haunt, stateAt } from "../state.ts";
import { strip } from "../strip.ts";
import { type Piece, pieceAt, rateInWords, roundRate, type Timeline, timelineOf } from "../timeline.ts";
import type { Moment, Prediction, Scene, Surroundings, Widget } from "../widget.ts";
import { type Journey, journeysOf } from "./model.ts";
import { stageOf } from "./view.ts";
import { addressOf, shortId } from "./words.ts";

const journeys = memo(journeysOf);

/** Each request plays in about five seconds, whatever it took; the waiting between them in half a second. */
const PLAYING_MS = 5000;
const WAITING_MS = 500;

const timeline = memo((index: TraceIndex): Timeline => {
  const pieces: Piece[] = [];
  let at = 0;
  for (const { start, end, request } of journeys(index)) {
    if (start > at) pieces.push(waiting(at, start));
    const from = Math.max(at, start);
    if (end > from)
      pieces.push({ from, to: end, rate: roundRate(request.us / 1000, PLAYING_MS), cut: false });
    at = Math.max(at, end);
  }
  if (index.duration > at) pieces.push(waiting(at, index.duration));
  return timelineOf(pieces);
});

function waiting(from: number, to: number): Piece {
  return { from, to, rate: Math.max(1, (to - from) / WAITING_MS), cut: to - from > WAITING_MS };
}

/** The request a moment is about: the chosen one, else the last that began. */
export function focusOf(index: TraceIndex, moment: Moment): Journey | null {
  const all = journeys(index);
  const chosen = moment.focus === null ? undefined : all.find((each) => each.request.id === moment.focus);
  if (chosen) return chosen;
  return all.findLast((each) => each.start <= moment.t + 1e-6) ?? all[0] ?? null;
}

function opening(index: TraceIndex): Moment {
  const all = journeys(index);
  const mostFail = all.filter((each) => each.failed).length * 2 > all.length;
  const told = all.find((each) => each.failed === mostFail) ?? all[0];
  return told ? { t: told.end, focus: told.request.id } : { t: index.duration, focus: null };
}

function stops(index: TraceIndex): number[] {
  const times = new Set<number>([0, index.duration]);
  for (const { start, steps } of journeys(index)) for (const step of steps) times.add(start + step.at / 1000);
  for (const event of index.events) times.add(event.t);
  return [...times].sort((a, b) => a - b);
}

/** The end of the chapter's first request. */
function chapterEnd(index: TraceIndex, chapter: number): number {
  const from = index.meta.chapters?.[chapter]?.t ?? 0;
  return journeys(index).find((each) => each.start >= from)?.end ?? from;
}

function momentOf(index: TraceIndex, request: number): Moment {
  const found = journeys(index).find((each) => each.request.id === request);
  return { t: found?.end ?? index.duration, focus: request };
}

function rowsNeeded(index: TraceIndex): number {
  let most = 1;
  const state = beginning(index);
  for (const event of index.events) {
    advance(state, index, event.t);
    for (const pod of state.pods.values()) most = Math.max(most, pod.slot + 1);
  }
  return Math.min(most, 8);
}

const rows = memo(rowsNeeded);

function scene(index: TraceIndex, moment: Moment, around: Surroundings): Scene {
  const journey = focusOf(index, moment);
  // What the reader is asked about is not shown before.
  if (!journey || (around.covered && journey.start > moment.t)) return empty(index, moment, around);
  // To a thousandth of a microsecond: sums of milliseconds are not exact.
  const elapsed = Math.round((moment.t - journey.start) * 1e6) / 1e3;
  // After its end the request stays in the picture, and the cluster goes on: a Pod may leave meanwhile.
  const state = stateAt(index, Math.max(moment.t, journey.start));
  if (journey.request.to) haunt(state, journey.request.to.id);
  const step = journey.steps.findLast((each) => each.at <= elapsed + 0.5) ?? journey.steps[0];
  const begun = countUntil(index.requests, moment.t);
  const picture = { index, journey, state, elapsed, rows: rows(index), around };
  const piece = pieceAt(timeline(index), moment.t);
  return {
    why: step?.text ?? "",
    decider: step?.decider ?? "",
    label: "",
    stage: html`${stageOf(picture)}${strip(index.requests, { uid: around.uid, begun, covered: around.covered, chosen: journey.request.id, choose: around.choose, name: wordsOf })}`,
    lines: linesOf(index, journey),
    command: commandOf(index, journey),
    table: tableOf(index, begun),
    scale: piece.cut ? `${rateInWords(piece.rate)}: waiting, cut short` : rateInWords(piece.rate),
  };

  function wordsOf(request: Journey["request"]): string {
    return `Request ${request.id}: ${request.method} ${request.path}, ${answerOf(request)}`;
  }
}

function empty(index: TraceIndex, moment: Moment, around: Surroundings): Scene {
  const state = stateAt(index, moment.t);
  return {
    why: "No request has been made yet.",
    decider: "",
    label: "No request yet",
    stage: html`<p class="kh-empty" style="width:${around.width}px">${state.pods.size} Pods, no request yet.</p>`,
    lines: [],
    command: "",
    table: tableOf(index, 0),
    scale: "real time",
  };
}

function linesOf(index: TraceIndex, journey: Journey): { source: string; text: string }[] {
  const { request, start } = journey;
  const state = stateAt(index, journey.end);
  const rule = request.via?.kind === "Route" ? `${shortId(request.via.id)} ` : "";
  const target = request.to
    ? `→ ${shortName(request.to)} ${addressOf(request, state, journey.service)} `
    : "";
  const parts = [
    request.pus === null ? "" : `container ${microseconds(request.pus)}`,
    request.eus === null ? "" : `Traefik ${microseconds(request.eus)}`,
  ];
  const detail = parts.filter(Boolean).join(", ");
  const summary = `${seconds(start)} ${request.method} ${request.host}${request.path} ${rule}${target}${answerOf(request)} ${microseconds(request.us)}${detail ? ` (${detail})` : ""}`;
  return [{ source: "", text: summary }, ...verbatim(index, request)];
}

function commandOf(index: TraceIndex, { flow, request, service, portless }: Journey): string {
  if (flow === "ingress") return "kubectl logs -n traefik deploy/traefik";
  if (portless) return `kubectl get service ${shortId(service)}`;
  if (flow === "cluster")
    return `kubectl get endpointslices -l kubernetes.io/service-name=${shortId(service)}`;
  return `kubectl logs ${shortName(request.to) || shortName(index.entities[0])}`;
}

function tableOf(index: TraceIndex, begun: number): Scene["table"] {
  const rowsOf = journeys(index).slice(0, begun);
  return {
    caption: `Requests until now: ${begun}`,
    head: [
      "#",
      "start",
      "request",
      "rule or Service",
      "Pod",
      "stopped at",
      "status",
      "whole",
      "Traefik",
      "container",
    ],
    rows: rowsOf.map(({ request, start, stop, barred }) => [
      String(request.id),
      seconds(start),
      `${request.method} ${request.host}${request.path}`,
      shortName(request.via) || "none",
      shortName(request.to) || (barred && stop !== "pod" ? "none" : "not known"),
      stop,
      answerOf(request),
      microseconds(request.us),
      request.eus === null ? "" : microseconds(request.eus),
      request.pus === null ? "" : microseconds(request.pus),
    ]),
  };
}

function predict(index: TraceIndex, moment: Moment): Prediction | null {
  const known = journeys(index).filter((each) => each.barred || each.stop === "container");
  const next = known.find((each) => each.start > moment.t) ?? known[0];
  if (!next) return null;
  const places: Partial<Record<Journey["stop"], string>> = {
    ...(next.flow === "ingress" && { entry: "at Traefik, before any rule" }),
    rule: "at the rule: nobody to dial",
    pod: "at the Pod's door",
    container: "in the container",
  };
  return {
    prompt: `${next.request.method} ${next.request.host}${next.request.path} at ${seconds(next.start)}: how far does it get?`,
    options: Object.values(places),
    correct: Object.keys(places).indexOf(next.stop),
    why: next.steps.at(-2)?.text ?? "",
    before: { t: Math.max(0, next.start - 0.001), focus: null },
    answer: { t: next.end, focus: next.request.id },
  };
}

export const RequestJourney: Widget = {
  name: "RequestJourney",
  timeline,
  opening,
  stops,
  momentOf,
  chapterEnd,
  scene,
  predict,
};
