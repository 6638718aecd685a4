/** W3 LoadBalancing: is it fair? */
import { html, svg } from "lit-html";
import { microseconds, plural, probability, seconds } from "../format.ts";
import { answerOf, countUntil, shortName, type TraceIndex, verbatim } from "../index.ts";
import { memo } from "../memo.ts";
import { keyGoal, MARK_LIMIT, sample, sampledInWords } from "../strip.ts";
import { type Piece, rateInWords, roundRate, type Timeline, timelineOf } from "../timeline.ts";
import type { Request } from "../trace.ts";
import type { Moment, Prediction, Scene, Surroundings, Widget } from "../widget.ts";
import {
  begunBy,
  byController,
  lanesOf,
  type Members,
  membersOf,
  type Policy,
  policyOf,
  type Series,
  seriesOf,
  verdictOf,
} from "./model.ts";
import { heightOf, type Panel, panelOf, sentenceOf } from "./view.ts";

interface Setup {
  series: Series;
  members: Members;
  policy: Policy;
}

const setups = memo((index: TraceIndex): Setup[] =>
  seriesOf(index).map((each) => ({ series: each, members: membersOf(index, each), policy: policyOf(each) })),
);

/** Twelve seconds for the whole, unless real time is near that. */
const timeline = memo((index: TraceIndex): Timeline => {
  const span = Math.max(1, index.duration);
  const rate = span >= 4000 && span <= 30_000 ? 1 : roundRate(span, 12_000);
  const piece: Piece = { from: 0, to: span, rate, cut: false };
  return timelineOf([piece]);
});

const opening = (index: TraceIndex): Moment => ({ t: index.duration, focus: null });

const stops = memo((index: TraceIndex): number[] => {
  const times = new Set<number>([0, index.duration]);
  for (const request of index.requests) times.add(request.t);
  for (const event of index.events) times.add(event.t);
  return [...times].sort((a, b) => a - b);
});

function focusOf(index: TraceIndex, { t, focus }: Moment): Request | null {
  const chosen = focus === null ? undefined : index.requests.find((request) => request.id === focus);
  return chosen ?? index.requests[countUntil(index.requests, t) - 1] ?? null;
}

function panels(index: TraceIndex, moment: Moment, around: Surroundings): Panel[] {
  const all = setups(index);
  return all.map(({ series, members, policy }) => {
    const answers = begunBy(series, moment.t);
    return {
      series,
      lanes: lanesOf(members.pods, answers, policy),
      verdict: verdictOf(members, answers, policy),
      t: moment.t,
      chosen: moment.focus,
      choose: around.choose,
      limit: Math.max(1, Math.floor(MARK_LIMIT / all.length)),
    };
  });
}

const DECIDERS: Record<Policy, string> = {
  random: "the rule that kube-proxy wrote, at each new connection",
  turns: "Traefik, at each request",
  one: "the connection: its first packet chose",
};

function scene(index: TraceIndex, moment: Moment, around: Surroundings): Scene {
  const drawn = panels(index, moment, around);
  const request = focusOf(index, moment);
  const mine =
    drawn.findLast((panel) => request !== null && panel.series.requests.includes(request)) ?? drawn[0];
  const heights = drawn.map((panel) => heightOf(panel, around.width));
  const tops = heights.map((_, i) => 8 + heights.slice(0, i).reduce((sum, height) => sum + height, 0));
  const height = 8 + heights.reduce((sum, each) => sum + each, 0);
  const label = drawn.map(inWords).join(" ") || "No request yet.";
  const marks = drawn.reduce(
    (sum, panel) => sum + sample(begunBy(panel.series, moment.t), panel.limit).length,
    0,
  );
  const sampled = sampledInWords(marks, countUntil(index.requests, moment.t));
  return {
    why: whyOf(request, mine),
    decider: mine ? DECIDERS[mine.verdict.policy] : "",
    label,
    stage: html`<p class="kh-hidden" id="${around.uid}-picture">${label}</p>
      <div class="kh-keys" role="slider" tabindex="0" aria-label="Request" aria-describedby="${around.uid}-picture" aria-valuemin="0" aria-valuemax=${index.requests.length} aria-valuenow=${countUntil(index.requests, moment.t)} aria-valuetext=${request ? describe(request) : "none yet"} @keydown=${(event: KeyboardEvent) => move(event, index, request, around)}>
      <svg viewBox="0 0 ${around.width} ${height}" width=${around.width} height=${height}>
      ${drawn.map((panel, i) => panelOf(panel, around.width, tops[i] as number))}
      ${tops.slice(1).map((y) => svg`<path class="kh-rule" d="M14 ${y - 8}H${around.width - 14}"></path>`)}</svg></div>`,
    lines: request ? linesOf(index, request) : [],
    command: commandOf(request),
    table: tableOf(drawn),
    scale: rateInWords(timeline(index).pieces[0]?.rate ?? 1) + (sampled && `; ${sampled}`),
  };
}

function inWords(panel: Panel): string {
  const counts = panel.lanes.map((lane) => `${lane.pod.replace(/^pod:/, "")} ${lane.count}`).join(", ");
  return `${panel.series.label || "Answers"}: ${counts}. ${sentenceOf(panel.verdict, 9999).join(" ")}`;
}

const describe = (request: Request): string =>
  `request ${request.id}, ${request.to ? `answered by ${shortName(request.to)}` : "not answered"}, ${answerOf(request)}, ${microseconds(request.us)}`;

function whyOf(request: Request | null, panel: Panel | undefined): string {
  if (!request || !panel) return "No request has been made yet.";
  const { changes, steps, expected } = panel.verdict.order;
  const who = request.to ? shortName(request.to) : "nobody";
  return `Request ${request.id} was answered by ${who}. So far another Pod than before answered ${changes} of ${plural(steps, "time")}; chance expects ${expected.toFixed(1)}.`;
}

function move(event: KeyboardEvent, index: TraceIndex, at: Request | null, around: Surroundings): void {
  const here = at ? index.requests.indexOf(at) : -1;
  const goal = keyGoal(event.key, here, index.requests.length);
  if (goal === null) return;
  event.preventDefault();
  const request = index.requests[goal];
  if (request) around.choose(request.id);
}

function linesOf(index: TraceIndex, request: Request): Scene["lines"] {
  const via = request.via ? `${shortName(request.via)} ` : "";
  const connection = request.connection === null ? "" : ` connection ${request.connection}`;
  const text = `${seconds(request.t)} ${request.method} ${request.host}${request.path} ${via}→ ${shortName(request.to) || "nobody"} ${request.status || request.error} ${microseconds(request.us)}${connection}`;
  return [{ source: "", text }, ...verbatim(index, request)];
}

function commandOf(request: Request | null): string {
  if (byController(request)) return "kubectl logs -n traefik deploy/traefik";
  const service = request?.via ? ` -l kubernetes.io/service-name=${shortName(request.via)}` : "";
  return `kubectl get endpointslices${service}`;
}

function tableOf(drawn: Panel[]): Scene["table"] {
  return {
    caption: "Answers by Pod",
    head: [
      "series",
      "Pod",
      "answers",
      "95 % band",
      "p50",
      "p95",
      "p99",
      "changes",
      "p (few)",
      "p (many)",
      "p (counts)",
    ],
    rows: drawn.flatMap(({ series: { label }, lanes, verdict }) =>
      lanes.map((lane) => [
        label || "all",
        lane.pod.replace(/^pod:/, ""),
        String(lane.count),
        `${lane.low} to ${lane.high}`,
        ...[lane.p50, lane.p95, lane.p99].map((us) => (lane.count ? microseconds(us) : "")),
        `${verdict.order.changes} of ${verdict.order.steps}`,
        probability(verdict.order.few),
        probability(verdict.order.many),
        probability(verdict.split.p),
      ]),
    ),
  };
}

/** At the request's own start, so that it and all before it are drawn. */
function momentOf(index: TraceIndex, request: number): Moment {
  return { t: index.requests.find((each) => each.id === request)?.t ?? index.duration, focus: request };
}

function chapterEnd(index: TraceIndex, chapter: number): number {
  const from = index.meta.chapters?.[chapter]?.t ?? 0;
  const to = index.meta.chapters?.[chapter + 1]?.t ?? index.duration + 1;
  return index.requests.findLast((request) => request.t >= from && request.t < to)?.t ?? from;
}

function predict(index: TraceIndex, moment: Moment): Prediction | null {
  const after =
    index.requests.find((request) => request.t > moment.t && request.to) ??
    index.requests.find((request) => request.to);
  const mine = setups(index).find((each) => after !== undefined && each.series.requests.includes(after));
  if (!after?.to || !mine) return null;
  const { policy } = mine;
  const pods = mine.members.pods;
  const why: Record<Policy, string> = {
    random: "Each connection is a new draw: no guess is better than another.",
    turns: "Traefik goes through the Pods in turn: the answer before tells you.",
    one: "The connection was assigned with its first packet; later requests on it choose nothing.",
  };
  return {
    prompt: `Request ${after.id}${mine.series.label ? ` (${mine.series.label})` : ""}: which Pod answers?`,
    options: pods.map((pod) => pod.replace(/^pod:/, "")),
    correct: pods.indexOf(after.to.id),
    why: why[policy],
    before: { t: after.t - 1, focus: null },
    answer: { t: after.t, focus: after.id },
  };
}

export const LoadBalancing: Widget = {
  name: "LoadBalancing",
  timeline,
  opening,
  stops,
  momentOf,
  chapterEnd,
  scene,
  predict,
};
