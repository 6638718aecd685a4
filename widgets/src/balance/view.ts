/** One panel a series: a row a Pod, the order of the answers, bars with the band of the claimed policy. */
import { nothing, type SVGTemplateResult, svg } from "lit-html";
import { BOLD, MONO, type Point, r, text } from "../draw.ts";
import { fit, probability, wrap } from "../format.ts";
import type { OrderVerdict } from "../stats.ts";
import { failed, sample } from "../strip.ts";
import type { Request } from "../trace.ts";
import { begunBy, type Lane, type Policy, type Series, type Verdict } from "./model.ts";

const ROW = 28;
const HEAD = 44;
const TAIL = 26;

export interface Panel {
  series: Series;
  lanes: Lane[];
  verdict: Verdict;
  t: number;
  chosen: number | null;
  choose: (id: number) => void;
  /** Marks each panel may draw. */
  limit: number;
}

interface Columns {
  /** The order above, the bars below it: on a narrow stage, and where many requests need the width. */
  stacked: boolean;
  strip: [number, number];
  bar: [number, number];
  latency: number | null;
}

const WIDE_FROM = 600;
const MANY = 60;

function columnsOf(panel: Panel, width: number): Columns {
  const narrow = width < WIDE_FROM;
  const latency = narrow ? null : width - 14;
  const left = narrow ? 74 : 88;
  if (narrow || panel.series.requests.length > MANY) {
    return { stacked: true, strip: [left, width - 18], bar: [left, width - (narrow ? 52 : 230)], latency };
  }
  const end = width - 14 - 162 - 44;
  const start = end - width * 0.17;
  return { stacked: false, strip: [left, start - 26], bar: [start, end], latency };
}

export function heightOf(panel: Panel, width: number): number {
  const { stacked } = columnsOf(panel, width);
  const rows = panel.lanes.length * ROW * (stacked ? 2 : 1) + (stacked ? 22 : 0);
  return HEAD + rows + sentenceOf(panel.verdict, width).length * 16 + TAIL;
}

export function panelOf(panel: Panel, width: number, top: number): SVGTemplateResult {
  const cols = columnsOf(panel, width);
  const rows = top + HEAD;
  const barsTop = cols.stacked ? rows + panel.lanes.length * ROW + 22 : rows;
  const after = barsTop + panel.lanes.length * ROW;
  return svg`<g>${text("kh-name", 14, top + 18, fit(panel.series.label || CLAIM[panel.verdict.policy], width - 24, BOLD))}
    ${headings(cols, top + 37, barsTop - 7)}
    ${panel.lanes.map((lane, i) => laneOf(lane, cols, rows + i * ROW))}
    ${panel.lanes.map((lane, i) => barOf(panel, lane, cols, barsTop + i * ROW))}
    ${orderOf(panel, cols, rows)}
    ${sentenceOf(panel.verdict, width).map((line, i) => text("kh-label", 14, after + 18 + i * 16, line))}</g>`;
}

const CLAIM: Record<Policy, string> = {
  random: "kube-proxy: connections at random",
  turns: "Traefik: each request the next Pod",
  one: "one kept-alive connection: one choice",
};

function headings({ strip, bar, latency }: Columns, y: number, barsY: number): SVGTemplateResult {
  return svg`${text("kh-label", strip[0], y, `who answered, in order`)}
    ${text("kh-label", bar[0], barsY, `answers, 95 % band`)}
    ${latency === null ? nothing : text("kh-label", latency, barsY, `time p50 · p95 · p99`, "end")}`;
}

function laneOf(lane: Lane, { strip }: Columns, y: number): SVGTemplateResult {
  return svg`<g><title>${lane.pod.replace(/^pod:/, "Pod ")}</title>${text("kh-name", 14, y + 18, lane.label)}
    <path class="kh-lane" d="M${strip[0] - 6} ${y + 14}H${strip[1] + 6}"></path></g>`;
}

function barOf({ lanes, verdict }: Panel, lane: Lane, cols: Columns, y: number): SVGTemplateResult {
  const most = Math.max(
    1,
    ...lanes.map((each) => (verdict.steady ? Math.max(each.count, each.high) : each.count)),
  );
  const [left, right] = cols.bar;
  const x = (count: number): number => r(left + (count / most) * (right - left));
  const outside = verdict.steady && (lane.count < lane.low || lane.count > lane.high);
  const times = [lane.p50, lane.p95, lane.p99].map((us) =>
    (us / 1000).toFixed(us < 9_950 ? 2 : us < 99_500 ? 1 : 0),
  );
  const band = `M${x(lane.low)} ${y + 2}v24M${x(lane.high)} ${y + 2}v24M${x(lane.low)} ${y + 14}H${x(lane.high)}`;
  return svg`${cols.stacked ? text("kh-name", 14, y + 18, lane.label) : nothing}
    <rect class="kh-count ${outside ? "kh-outside" : ""}" x=${left} y=${y + 6} width=${Math.max(0, x(lane.count) - left)} height="16" rx="2"></rect>
    ${verdict.steady ? svg`<path class="kh-band" d=${band}></path>` : nothing}
    ${text("kh-sub kh-strong", right + 10, y + 18, lane.count)}
    ${cols.latency === null ? nothing : text("kh-sub", cols.latency, y + 18, lane.count ? `${times.join(" · ")} ms` : "–", "end")}`;
}

function orderOf(panel: Panel, cols: Columns, rows: number): SVGTemplateResult {
  const { series, lanes, chosen, limit, t } = panel;
  const begun = begunBy(series, t);
  const [left, right] = cols.strip;
  const places = Math.max(series.requests.length, 12);
  const x = (i: number): number => r(left + ((right - left) * (i + 0.5)) / places);
  const lane = (request: Request): number => lanes.findIndex((each) => each.pod === request.to?.id);
  const y = (request: Request): number => (lane(request) < 0 ? rows - 6 : rows + lane(request) * ROW + 14);
  const radius = Math.min(5, Math.max(2, (right - left) / places / 2 - 0.4));
  const numbers = new Map(begun.map((request, i) => [request, i]));
  const answered = begun.filter((request) => request.to);
  const line = answered
    .map((request, i) => `${i ? "L" : "M"}${x(numbers.get(request) as number)} ${y(request)}`)
    .join("");
  const dots = sample(begun, limit).map((request) => {
    const at: Point = [x(numbers.get(request) as number), y(request)];
    return dotOf(request, at, radius + (request.id === chosen ? 2 : 0), request.id === chosen, panel.choose);
  });
  return svg`<path class="kh-order" d=${line || "M0 0"}></path>${dots}`;
}

function dotOf(
  request: Request,
  [x, y]: Point,
  size: number,
  chosen: boolean,
  choose: Panel["choose"],
): SVGTemplateResult {
  const bad = failed(request);
  const names = `kh-mark kh-pick ${bad ? "kh-failed" : ""} ${chosen ? "kh-chosen" : ""}`;
  const s = size + 2;
  const shape = bad
    ? svg`<path class=${names} d="M0${-s}L${s} 0 0 ${s}-${s} 0Z"></path>`
    : svg`<circle class=${names} r=${size}></circle>`;
  return svg`<g data-req=${request.id} transform="translate(${x} ${y})" @click=${() => choose(request.id)}><title>Request ${request.id}: ${request.to?.id.slice(4) ?? "nobody"}, ${request.status || request.error}</title>${shape}</g>`;
}

const LOOKS: Record<OrderVerdict, string> = {
  random: "what chance does",
  "round robin": "taking turns",
  "one connection": "one Pod for all",
  sticky: "stickier than chance",
  undecided: "too little to tell",
};

/** The stated statistic, in one or two lines. */
export function sentenceOf({ order, split, steady }: Verdict, width: number): string[] {
  const { changes, steps, expected, few, many } = order;
  const room = (width - 28) / (MONO - 0.75);
  const seen = `Another Pod than before: ${changes} of ${steps} times`;
  if (!steady) return wrap(`${seen}. The set of Pods changed meanwhile, so no band and no test.`, room);
  const tail = changes < expected ? `so few, p = ${probability(few)}` : `so many, p = ${probability(many)}`;
  const first = `${seen}; chance expects ${expected.toFixed(1)} (${tail}).`;
  const second = `That is ${LOOKS[order.verdict]}. Counts: χ² = ${split.statistic.toFixed(1)}, p = ${probability(split.p)}.`;
  if (first.length + second.length < room) return [`${first} ${second}`];
  return [first, second].flatMap((text) => wrap(text, room));
}
