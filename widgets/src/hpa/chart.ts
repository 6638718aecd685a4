/** The timeline of HpaDecision: utilization and replicas, a mark a decision, the current one marked. */
import { nothing, type SVGTemplateResult, svg } from "lit-html";
import { r, text } from "../draw.ts";
import type { TraceIndex } from "../index.ts";
import type { LoadEvent } from "../trace.ts";
import type { Tick } from "./hpa.ts";

const UTIL_H = 62;
const REPLICAS_H = 84;
export const CHART_H = UTIL_H + REPLICAS_H + 66;

export interface Chart {
  index: TraceIndex;
  ticks: Tick[];
  /** Milliseconds: decisions after it are drawn faintly, */
  t: number;
  /** or not at all, while the reader is asked about them. */
  covered: boolean;
  current: Tick;
  width: number;
  choose: (tick: number) => void;
}

export function chart(picture: Chart, top: number): SVGTemplateResult {
  const { index, ticks, t, width } = picture;
  const [left, right] = [58, width - 16];
  const x = (time: number): number => r(left + (time / Math.max(1, index.duration)) * (right - left));
  const begun = ticks.filter((tick) => tick.event.t <= t);
  const replicasTop = top + 20 + UTIL_H + 22;
  const frame: Frame = { x, left, right, top: top + 20 };
  const below: Frame = { ...frame, top: replicasTop };
  const later = picture.covered ? [] : ticks.slice(Math.max(0, begun.length - 1));
  return svg`<g>${loads(index, x, picture.covered ? t : index.duration, top, replicasTop + REPLICAS_H)}
    ${axes(picture, frame, below)}
    <g class="kh-future">${utilization(picture, later, frame)}${replicas(picture, later, below)}</g>
    ${utilization(picture, begun, frame)}${replicas(picture, begun, below)}
    ${begun.map((tick) => tickMark(picture, tick, below))}
    <path class="kh-cursor" d="M${x(Math.min(t, index.duration))} ${top + 14}V${replicasTop + REPLICAS_H}"></path>
    ${text("kh-label", left, replicasTop + REPLICAS_H + 16, `0 s`)}
    ${text("kh-label", right, replicasTop + REPLICAS_H + 16, `${Math.round(index.duration / 1000)} s`, "end")}</g>`;
}

interface Frame {
  x: (t: number) => number;
  left: number;
  right: number;
  top: number;
}

function percentScale(
  { ticks, current }: Chart,
  { top }: Frame,
): { y: (percent: number) => number; most: number } {
  const most = Math.max(2 * current.event.target, ...ticks.map((tick) => tick.proposal.utilization ?? 0));
  return { y: (percent) => r(top + UTIL_H - (percent / most) * UTIL_H), most };
}

function countScale({ ticks, current }: Chart, { top }: Frame): (count: number) => number {
  const counts = ticks.map((tick) => Math.max(tick.event.desired ?? 0, tick.event.current));
  const most = Math.max(current.event.max, ...counts) * 1.4;
  return (count) => r(top + REPLICAS_H - (Math.min(count, most) / most) * REPLICAS_H);
}

function axes(picture: Chart, above: Frame, below: Frame): SVGTemplateResult {
  const { target, max } = picture.current.event;
  const { left, right } = above;
  const { y, most } = percentScale(picture, above);
  const count = countScale(picture, below);
  const label = (at: number, words: string): SVGTemplateResult =>
    text("kh-label", left - 6, at + 4, words, "end");
  return svg`<path class="kh-lane" d="M${left} ${y(0)}H${right}M${left} ${count(0)}H${right}"></path>
    <path class="kh-target" d="M${left} ${y(target)}H${right}"></path><path class="kh-bound" d="M${left} ${count(max)}H${right}"></path>
    ${label(y(target), `${target} %`)}${label(y(most) + 4, `${most} %`)}${label(count(max), `max ${max}`)}${label(count(0), "0")}
    ${text("kh-halo", right, above.top + 8, `utilization`, "end")}
    ${text("kh-halo", right, below.top - 6, `replicas, ◇ by the formula`, "end")}`;
}

/** Bands where a load runs. */
function loads(
  index: TraceIndex,
  x: (t: number) => number,
  t: number,
  top: number,
  bottom: number,
): SVGTemplateResult {
  const events = index.events.filter((event): event is LoadEvent => event.e === "load" && event.t <= t);
  return svg`${events.map((event, i) => {
    if (event.rate === 0) return nothing;
    const end = x(Math.min(events[i + 1]?.t ?? index.duration, t));
    return svg`<rect class="kh-load" x=${x(event.t)} y=${top + 14} width=${Math.max(0, r(end - x(event.t)))} height=${bottom - top - 14}></rect>
      ${text("kh-label", x(event.t) + 4, top + 11, `load ${event.rate}/s`)}`;
  })}`;
}

function utilization(picture: Chart, ticks: Tick[], frame: Frame): SVGTemplateResult {
  const { y } = percentScale(picture, frame);
  const points = ticks.filter((tick) => tick.proposal.utilization !== null);
  const line = points.map(
    (tick, i) => `${i ? "L" : "M"}${frame.x(tick.event.t)} ${y(tick.proposal.utilization as number)}`,
  );
  return svg`<path class="kh-track" d=${line.join("") || "M0 0"}></path>`;
}

function replicas(picture: Chart, ticks: Tick[], frame: Frame): SVGTemplateResult {
  const y = countScale(picture, frame);
  const path = ticks.map(
    ({ event }, i) =>
      `${i ? "H" : "M"}${frame.x(event.t)}${i ? "" : ` ${y(event.current)}`}V${y(event.desired ?? event.current)}`,
  );
  return svg`<path class="kh-track kh-strong-track" d=${path.join("") || "M0 0"}></path>`;
}

function tickMark(picture: Chart, tick: Tick, frame: Frame): SVGTemplateResult {
  const { event, textbook } = tick;
  const y = countScale(picture, frame);
  const chosen = tick === picture.current;
  const desired = event.desired ?? event.current;
  const x = frame.x(event.t);
  const ghost =
    textbook !== null && textbook !== desired
      ? svg`<path class="kh-ghost" transform="translate(${x} ${y(textbook)})" d="M0-5L5 0 0 5-5 0Z"></path>`
      : nothing;
  return svg`<g data-tick=${tick.number} @click=${() => picture.choose(tick.number)}><title>${Math.round(event.t / 1000)} s: ${event.current} to ${desired}, formula ${textbook ?? "unknown"}</title>
    ${ghost}<circle class="kh-mark kh-pick ${chosen ? "kh-chosen" : ""}" cx=${x} cy=${y(desired)} r=${chosen ? 6.5 : 4}></circle></g>`;
}
