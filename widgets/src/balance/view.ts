/** One panel a series: a row a Pod, the order of the answers, bars with the band of the claimed policy. */
import { nothing, type SVGTemplateResult, svg } from "lit-html";
import { MONO, type Point, r } from "../draw.ts";
import { probability, wrap } from "../format.ts";
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
  narrow: boolean;
  name: number;
  strip: [number, number];
  bar: [number, number];
  latency: number | null;
}

function columnsOf(width: number): Columns {
  if (width < 600)
    return {
      narrow: true,
      name: 14,
      strip: [14 + 60, width - 18],
      bar: [14 + 60, width - 52],
      latency: null,
    };
  const latency = 158;
  const bars = width * 0.17;
  const end = width - 14 - latency - 44;
  return {
    narrow: false,
    name: 14,
    strip: [88, end - bars - 26],
    bar: [end - bars, end],
    latency: width - 14,
  };
}

export const heightOf = (panel: Panel, width: number): number =>
  HEAD +
  panel.lanes.length * ROW * (width < 600 ? 2 : 1) +
  (width < 600 ? 18 : 0) +
  sentenceOf(panel.verdict, width).length * 16 +
  TAIL;

export function panelOf(panel: Panel, width: number, top: number): SVGTemplateResult {
  const cols = columnsOf(width);
  const rows = top + HEAD;
  const barsTop = cols.narrow ? rows + panel.lanes.length * ROW + 18 : rows;
  const after = barsTop + panel.lanes.length * ROW;
  return svg`<g><text class="kh-name" x="14" y=${top + 18}>${panel.series.label || CLAIM[panel.verdict.policy]}</text>
    ${cols.narrow ? nothing : headings(cols, top + 36)}
    ${cols.narrow ? svg`<text class="kh-label" x="14" y=${top + 37}>who answered, in order</text><text class="kh-label" x="14" y=${barsTop - 4}>answers, and the 95 % band</text>` : nothing}
    ${panel.lanes.map((lane, i) => laneOf(lane, cols, rows + i * ROW))}
    ${panel.lanes.map((lane, i) => barOf(panel, lane, cols, barsTop + i * ROW))}
    ${orderOf(panel, cols, rows)}
    ${sentenceOf(panel.verdict, width).map((text, i) => svg`<text class="kh-label" x="14" y=${after + 18 + i * 16}>${text}</text>`)}</g>`;
}

const CLAIM: Record<Policy, string> = {
  random: "kube-proxy: each new connection at random",
  turns: "Traefik: each request the next Pod",
  one: "one kept-alive connection: one choice",
};

function headings(cols: Columns, y: number): SVGTemplateResult {
  return svg`<text class="kh-label" x=${cols.strip[0]} y=${y}>who answered, in order</text>
    <text class="kh-label" x=${cols.bar[0]} y=${y}>answers, 95 % band</text>
    <text class="kh-label" x=${cols.latency ?? 0} y=${y} text-anchor="end">time p50 · p95 · p99</text>`;
}

function laneOf(lane: Lane, cols: Columns, y: number): SVGTemplateResult {
  return svg`<g><title>${lane.pod.replace(/^pod:/, "Pod ")}</title><text class="kh-name" x=${cols.name} y=${y + 18}>${lane.label}</text>
    <path class="kh-lane" d="M${cols.strip[0] - 6} ${y + 14}H${cols.strip[1] + 6}"></path></g>`;
}

function barOf({ lanes, verdict, series }: Panel, lane: Lane, cols: Columns, y: number): SVGTemplateResult {
  const most = Math.max(
    1,
    series.requests.length * (verdict.policy === "one" ? 1 : 0),
    ...lanes.map((each) => (verdict.steady ? Math.max(each.count, each.high) : each.count)),
  );
  const [left, right] = cols.bar;
  const x = (count: number): number => r(left + (count / most) * (right - left));
  const outside = verdict.steady && (lane.count < lane.low || lane.count > lane.high);
  const name = cols.narrow
    ? svg`<text class="kh-name" x=${cols.name} y=${y + 18}>${lane.label}</text>`
    : nothing;
  const times = [lane.p50, lane.p95, lane.p99].map((us) => (us / 1000).toFixed(us < 99_500 ? 2 : 0));
  return svg`${name}<rect class="kh-count ${outside ? "kh-outside" : ""}" x=${left} y=${y + 6} width=${Math.max(0, x(lane.count) - left)} height="16" rx="2"></rect>
    ${verdict.steady ? svg`<path class="kh-band" d="M${x(lane.low)} ${y + 2}V${y + 26}M${x(lane.high)} ${y + 2}V${y + 26}M${x(lane.low)} ${y + 14}H${x(lane.high)}"></path>` : nothing}
    <text class="kh-sub kh-strong" x=${right + 10} y=${y + 18}>${lane.count}</text>
    ${cols.latency === null ? nothing : svg`<text class="kh-sub" x=${cols.latency} y=${y + 18} text-anchor="end">${lane.count ? `${times.join(" · ")} ms` : "–"}</text>`}`;
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
