/** W7 HpaDecision: why this number of replicas? */
import { html } from "lit-html";
import { seconds } from "../format.ts";
import { countUntil, shortName, type TraceIndex } from "../index.ts";
import { memo } from "../memo.ts";
import { keyGoal } from "../strip.ts";
import { rateInWords, roundRate, type Timeline, timelineOf } from "../timeline.ts";
import type { HpaEvent } from "../trace.ts";
import type { Moment, Prediction, Scene, Surroundings, Widget } from "../widget.ts";
import { CHART_H, chart } from "./chart.ts";
import { type Tick, ticksOf } from "./hpa.ts";
import type { Past } from "./limit.ts";
import { barsHeight, comparison, comparisonHeight, stationRow, stationsHeight, usageBars } from "./view.ts";
import { deciderOf, podsText, ratioText, reasonOf, windowOf } from "./words.ts";

const ROW_LIMIT = 10;
const PLAYING_MS = 24_000;

/** Decisions about the HPA that decided most; a trace with several shows that one. */
export const ticks = memo((index: TraceIndex): Tick[] => {
  const events = index.events.filter((event): event is HpaEvent => event.e === "hpa");
  const counts = new Map<string, number>();
  for (const event of events) counts.set(event.id, (counts.get(event.id) ?? 0) + 1);
  const most = [...counts].sort((a, b) => b[1] - a[1])[0]?.[0];
  const past = index.byId.get(most ?? "")?.p?.past as Past | undefined;
  return ticksOf(
    events.filter((event) => event.id === most),
    past,
  );
});

const timeline = memo((index: TraceIndex): Timeline => {
  const span = Math.max(1, index.duration);
  return timelineOf([{ from: 0, to: span, rate: Math.max(1, roundRate(span, PLAYING_MS)), cut: false }]);
});

const changes = (tick: Tick): boolean => (tick.event.desired ?? tick.event.current) !== tick.event.current;
const differs = (tick: Tick): boolean => tick.textbook !== null && tick.textbook !== tick.event.desired;

/** The first decision that grew and is not the formula's; else the first change; else the end. */
function opening(index: TraceIndex): Moment {
  const all = ticks(index);
  const corrected = all.find(
    (tick) => differs(tick) && tick.proposal.corrected !== null && (tick.proposal.ratio ?? 0) > 1,
  );
  const told =
    corrected ?? all.find((tick) => differs(tick) && changes(tick)) ?? all.find(changes) ?? all.at(-1);
  return { t: told?.event.t ?? index.duration, focus: null };
}

const stops = memo((index: TraceIndex): number[] => {
  const times = new Set([
    0,
    index.duration,
    ...index.events.filter((event) => event.e !== "cpu").map((event) => event.t),
  ]);
  return [...times].sort((a, b) => a - b);
});

function tickAt(index: TraceIndex, { t, focus }: Moment): Tick | null {
  const all = ticks(index);
  if (focus !== null && all[focus]) return all[focus] as Tick;
  return (
    all[
      Math.max(
        0,
        countUntil(
          all.map((tick) => tick.event),
          t,
        ) - 1,
      )
    ] ?? null
  );
}

const rows = memo((index: TraceIndex): number => {
  const most = Math.max(1, ...ticks(index).map((tick) => tick.event.pods.length));
  return Math.min(ROW_LIMIT, most);
});

function scene(index: TraceIndex, moment: Moment, around: Surroundings): Scene {
  const tick = tickAt(index, moment);
  if (!tick) return nothingYet(around);
  const all = ticks(index);
  const { width } = around;
  const count = rows(index);
  const stationsTop = 14 + barsHeight(count, width);
  const compareTop = stationsTop + stationsHeight(width);
  const chartTop = compareTop + comparisonHeight(width);
  const height = chartTop + CHART_H;
  const label = `${reasonOf(tick)} ${podsText(tick)}.`;
  const move = (event: KeyboardEvent): void => {
    const goal = keyGoal(event.key, tick.number, all.length);
    if (goal === null) return;
    event.preventDefault();
    around.choose(goal);
  };
  return {
    why: reasonOf(tick),
    decider: deciderOf(tick),
    label,
    stage: html`<p class="kh-hidden" id="${around.uid}-picture">${label}</p>
      <div class="kh-keys" role="slider" tabindex="0" aria-label="Decision" aria-describedby="${around.uid}-picture" aria-valuemin="1" aria-valuemax=${all.length} aria-valuenow=${tick.number + 1} aria-valuetext="${seconds(tick.event.t, 0)}: ${tick.event.current} to ${tick.event.desired ?? tick.event.current}" @keydown=${move}>
      <svg viewBox="0 0 ${width} ${height}" width=${width} height=${height}>
      ${usageBars(tick, count, width, 14)}${stationRow(tick, width, stationsTop)}${comparison(tick, width, compareTop)}
      ${chart({ index, ticks: all, t: moment.t, covered: around.covered, current: tick, width, choose: around.choose }, chartTop)}</svg></div>`,
    lines: linesOf(tick),
    command: `kubectl describe hpa ${shortName(index.byId.get(tick.event.id)) || tick.event.id.replace(/^hpa:/, "")}`,
    table: tableOf(all.filter((each) => each.event.t <= moment.t)),
    scale: rateInWords(timeline(index).pieces[0]?.rate ?? 1),
  };
}

function nothingYet(around: Surroundings): Scene {
  const stage = html`<p class="kh-empty" style="width:${around.width}px">No decision yet.</p>`;
  const table = { caption: "Decisions", head: [], rows: [] };
  return {
    why: "The controller has not decided yet.",
    decider: "",
    label: "No decision yet",
    stage,
    lines: [],
    command: "kubectl get hpa",
    table,
    scale: "real time",
  };
}

function linesOf(tick: Tick): Scene["lines"] {
  const { event, proposal } = tick;
  const percent = proposal.utilization === null ? "<unknown>" : `${proposal.utilization}%`;
  const text = `${seconds(event.t)} ${event.id.replace(/^hpa:/, "")} cpu: ${percent}/${event.target}% ${event.min} ${event.max} ${event.current} → ${event.desired ?? "?"} (proposal ${event.recommendation ?? "none"})`;
  const logged = (event.log ?? event.error ?? "").split("\n").filter(Boolean);
  return [{ source: "", text }, ...logged.map((line) => ({ source: event.src ?? "log", text: line }))];
}

function tableOf(all: Tick[]): Scene["table"] {
  return {
    caption: `Decisions until now: ${all.length}`,
    head: [
      "time",
      "replicas",
      "Pods",
      "utilization",
      "ratio",
      "corrected",
      "proposal",
      "stabilized",
      "wanted",
      "formula",
      "reason",
    ],
    rows: all.map((tick) => {
      const { event, proposal, decision, textbook } = tick;
      return [
        seconds(event.t, 1),
        String(event.current),
        podsText(tick),
        proposal.utilization === null ? "unknown" : `${proposal.utilization} %`,
        proposal.ratio === null ? "" : ratioText(proposal.ratio),
        proposal.corrected === null ? "" : ratioText(proposal.corrected),
        String(event.recommendation ?? "none"),
        String(event.stabilized ?? decision?.stabilized ?? ""),
        String(event.desired ?? "unknown"),
        String(textbook ?? ""),
        event.reason ?? "",
      ];
    }),
  };
}

function momentOf(index: TraceIndex, number: number): Moment {
  return { t: ticks(index)[number]?.event.t ?? index.duration, focus: null };
}

function chapterEnd(index: TraceIndex, chapter: number): number {
  const from = index.meta.chapters?.[chapter]?.t ?? 0;
  return ticks(index).find((tick) => tick.event.t >= from)?.event.t ?? from;
}

/** Decisions that are not simply "no change by the formula"; of equal ones in a row the first. */
const worthAsking = memo((index: TraceIndex): Tick[] => {
  const asked = ticks(index).filter(
    (tick) => tick.event.desired !== null && (changes(tick) || differs(tick)),
  );
  const same = (one: Tick, other: Tick | undefined): boolean =>
    other !== undefined && one.event.desired === other.event.desired && deciderOf(one) === deciderOf(other);
  return asked.filter((tick, i) => changes(tick) || !same(tick, asked[i - 1]));
});

function predict(index: TraceIndex, moment: Moment): Prediction | null {
  const worth = worthAsking(index);
  const tick = worth.find((each) => each.event.t > moment.t) ?? worth[0];
  if (!tick) return null;
  const { event, proposal, textbook } = tick;
  const correct = event.desired as number;
  const use = proposal.utilization === null ? "" : `, using ${proposal.utilization} % of their requests`;
  const rivals = [textbook, event.current, proposal.replicas, event.max, correct + 1, correct + 2];
  const options = [correct, ...rivals.filter((n): n is number => n !== null && n > 0)];
  const four = [...new Set(options)].slice(0, 4).sort((a, b) => a - b);
  return {
    prompt: `At ${seconds(event.t, 0)}: ${podsText(tick)}${use}; target ${event.target} %, now ${event.current} replicas, min ${event.min}, max ${event.max}${windowOf(tick)}. How many next?`,
    options: four.map(String),
    correct: four.indexOf(correct),
    why: reasonOf(tick),
    before: { t: event.t - 1, focus: null },
    answer: { t: event.t, focus: null },
  };
}

export const HpaDecision: Widget = {
  name: "HpaDecision",
  timeline,
  opening,
  stops,
  momentOf,
  chapterEnd,
  scene,
  predict,
};
