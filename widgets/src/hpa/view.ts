/** The stage of HpaDecision: usage bars, stations, formula beside controller, timeline. */
import { nothing, type SVGTemplateResult, svg } from "lit-html";
import { icon, MONO, r, text } from "../draw.ts";
import { fit, plural } from "../format.ts";
import type { HpaPod } from "../trace.ts";
import type { Tick } from "./hpa.ts";
import { type Station, stationsOf } from "./words.ts";

const ROW = 24;
const WIDE_FROM = 600;

/** Pods side by side where there is room: five rows a column. */
const perColumn = (rows: number, width: number): number =>
  width >= WIDE_FROM && rows > 5 ? Math.ceil(rows / 2) : rows;
const rowHeight = (width: number): number => (width < WIDE_FROM ? 20 : ROW);

/** What each Pod uses of what it requests, against the target. */
export function usageBars(tick: Tick, rows: number, width: number, top: number): SVGTemplateResult {
  const { pods, target } = tick.event;
  const high = perColumn(rows, width);
  const columns = Math.ceil(rows / high);
  const step = (width - 28 + 24) / columns;
  const most = Math.max(100, target, ...pods.map(shareOf)) * 1.05;
  return svg`${text("kh-name", 14, top + 12, `CPU use of requests`)}
    ${pods.length > rows ? text("kh-label", 14, top + 30 + high * rowHeight(width), `${plural(pods.length - rows, "more Pod")} not drawn`) : nothing}
    ${text("kh-label", width - 14, top + 12, `┆ target ${target} %`, "end")}
    ${Array.from({ length: columns }, (_, c) => {
      const [left, right] = [14 + c * step + 68, 14 + (c + 1) * step - 24 - 62];
      const x = (share: number): number => r(left + (Math.min(share, most) / most) * (right - left));
      const lines = pods.slice(c * high, (c + 1) * high);
      return svg`${lines.map((pod, i) => usageBar(tick, pod, x, [14 + c * step, left, right], top + 20 + i * rowHeight(width)))}
        <path class="kh-target" d="M${x(target)} ${top + 20}v${lines.length * rowHeight(width)}"></path>`;
    })}`;
}

const shareOf = (pod: HpaPod): number => (pod.request_m ? ((pod.usage_m ?? 0) * 100) / pod.request_m : 0);

function countedAs({ proposal }: Tick, pod: HpaPod): { counted: boolean; share: number; words: string } {
  if (proposal.missing.includes(pod.name)) {
    return { counted: false, share: proposal.missingAs, words: `as ${proposal.missingAs} %` };
  }
  if (pod.ready) return { counted: true, share: shareOf(pod), words: `${Math.trunc(shareOf(pod))} %` };
  return { counted: false, share: shareOf(pod), words: (proposal.ratio ?? 0) > 1 ? "as 0 %" : "left out" };
}

type Row = [number, number, number];

function usageBar(
  tick: Tick,
  pod: HpaPod,
  x: (share: number) => number,
  [start, left, right]: Row,
  y: number,
): SVGTemplateResult {
  const { counted, share, words } = countedAs(tick, pod);
  const state = pod.ready ? "ready" : "not-ready";
  return svg`<g><title>Pod ${pod.name}: ${pod.usage_m ?? "no sample"} of ${pod.request_m ?? "no request"}, ${pod.unready_reason ?? "counted"}</title>
    ${text("kh-sub", start, y + 14, pod.name.slice(pod.name.lastIndexOf("-") + 1).slice(-5))}
    ${icon(state, left - 14, y + 10)}
    <path class="kh-lane" d="M${left} ${y + 18}H${right}"></path>
    <rect class=${counted ? "kh-count" : "kh-hollow"} x=${left} y=${y + 3} width=${Math.max(2, r(x(share) - left))} height="13" rx="2"></rect>
    ${pod.usage_m === null ? text("kh-small", right - 6, y + 14, `no sample`, "end") : nothing}
    <text class="kh-sub ${counted ? "kh-strong" : ""}" x=${right + 62} y=${y + 14} text-anchor="end">${words}</text></g>`;
}

export const barsHeight = (rows: number, width: number): number =>
  20 + perColumn(rows, width) * rowHeight(width) + 14;

export const stationsHeight = (width: number): number => (width < WIDE_FROM ? 7 * 34 + 8 : 86);

/** The numbers in the order in which one becomes the next. */
export function stationRow(tick: Tick, width: number, top: number): SVGTemplateResult {
  const stations = stationsOf(tick);
  return width < WIDE_FROM ? stationList(stations, width, top) : stationChain(stations, width, top);
}

function stationChain(stations: Station[], width: number, top: number): SVGTemplateResult {
  const step = (width - 28) / stations.length;
  return svg`${stations.map((station, i) => {
    const x = r(14 + i * step);
    const w = step - 14;
    const last = i === stations.length - 1;
    return svg`<g><rect class="kh-box ${station.decides || last ? "kh-on" : ""} ${last ? "kh-now" : ""}" x=${x} y=${top} width=${w} height="70" rx="8"></rect>
      ${text("kh-label", x + w / 2, top + 17, station.name, "middle")}
      ${text("kh-big", x + w / 2, top + 41, station.value, "middle")}
      ${twoLines(station.how, w).map((line, j, all) => text("kh-small", x + w / 2, top + (all.length > 1 ? 54 : 60) + j * 12, line, "middle"))}
      ${last ? nothing : svg`<path class="kh-wire kh-on" d="M${x + w + 2} ${top + 35}h8m-4-4l4 4-4 4"></path>`}</g>`;
  })}`;
}

/** One line, or two of about the same length. */
function twoLines(text: string, width: number): string[] {
  if (text.length * 6.7 <= width - 6) return [text];
  const middle = text.length / 2;
  const spaces = [...text.matchAll(/ /g)]
    .map((found) => found.index)
    .sort((a, b) => Math.abs(a - middle) - Math.abs(b - middle));
  const cut = spaces[0];
  if (cut === undefined) return [fit(text, width, 6.7)];
  return [text.slice(0, cut), text.slice(cut + 1)].map((part) => fit(part, width, 6.7));
}

function stationList(stations: Station[], width: number, top: number): SVGTemplateResult {
  return svg`${stations.map((station, i) => {
    const y = top + i * 34;
    const last = i === stations.length - 1;
    return svg`<g><rect class="kh-box ${station.decides || last ? "kh-on" : ""} ${last ? "kh-now" : ""}" x="14" y=${y} width=${width - 28} height="29" rx="6"></rect>
      ${text("kh-label", 24, y + 19, station.name)}
      ${text("kh-mid", width * 0.42, y + 19.5, station.value, "middle")}
      ${text("kh-small", width - 22, y + 19, fit(station.how, width * 0.42, 6.4), "end")}</g>`;
  })}`;
}

/** The formula of the documentation beside what the controller did. */
export function comparison(tick: Tick, width: number, top: number): SVGTemplateResult {
  const { event, proposal, textbook } = tick;
  const desired = event.desired ?? event.current;
  const formula =
    textbook === null
      ? "formula: no utilization"
      : `formula: ⌈${event.current} × ${proposal.utilization} / ${event.target}⌉ = ${textbook}`;
  const same = textbook === desired;
  const controller = `controller: ${desired}`;
  const narrow = width < WIDE_FROM;
  return svg`${text("kh-mid", 14, top + 16, formula)}
    <text class="kh-mid ${same ? "" : "kh-differs"}" x=${narrow ? 14 : 14 + (formula.length + 3) * MONO * 1.13} y=${narrow ? top + 36 : top + 16}>${same ? "=" : "≠"} ${controller}</text>`;
}

export const comparisonHeight = (width: number): number => (width < WIDE_FROM ? 50 : 32);
