/** SVG parts that every stage uses, so that the same thing looks the same everywhere. */
import { nothing, type SVGTemplateResult, svg } from "lit-html";
import { fit, fitMiddle } from "./format.ts";
import type { Readiness } from "./state.ts";

export interface Rect {
  x: number;
  y: number;
  w: number;
  h: number;
}

export type Point = [number, number];

/** Widths of a character, pixels. */
export const MONO = 7.25;
export const BOLD = 8.3;

const ICONS: Record<Readiness, string> = {
  ready: "M-6 0l4 5 8-10",
  "not-ready": "M-5.5 0h.01M0 0h.01M5.5 0h.01",
  terminating: "M0-6.5V0M-4-4.4a6 6 0 1 0 8 0",
  failed: "M-5-5L5 5M5-5L-5 5",
};

export const WORDS: Record<Readiness, string> = {
  ready: "ready",
  "not-ready": "not ready",
  terminating: "terminating",
  failed: "failed",
};

export function icon(state: Readiness, x: number, y: number): SVGTemplateResult {
  return svg`<path class="kh-icon kh-is-${state}" transform="translate(${x} ${y})" d=${ICONS[state]}></path>`;
}

/** Words on a stage; `anchor` says which end of them stands at x. */
export function text(
  style: string,
  x: number,
  y: number,
  words: string | number,
  anchor = "start",
): SVGTemplateResult {
  return svg`<text class=${style} x=${x} y=${y} text-anchor=${anchor}>${words}</text>`;
}

export interface BoxOptions {
  title: string;
  sub?: string;
  /** Reached by the request. */
  on?: boolean;
  /** Where the request is now. */
  now?: boolean;
  faint?: boolean;
  state?: Readiness;
  /** A control plane object: drawn with square corners and a folded edge. */
  object?: boolean;
  align?: "start" | "middle";
  /** Full text for pointers, when the visible text is cut. */
  hint?: string;
}

export function box(rect: Rect, options: BoxOptions): SVGTemplateResult {
  const { x, y, w, h } = rect;
  const start = options.align === "start";
  const room = w - (start ? 20 : 6) - (options.state ? 26 : 0);
  const tx = start ? x + 12 : x + w / 2;
  const sub = options.sub;
  const anchor = start ? "start" : "middle";
  return svg`<g class=${options.faint ? "kh-dim" : ""}>${options.hint ? svg`<title>${options.hint}</title>` : nothing}
    <rect class=${classesOf(options)} x=${x} y=${y} width=${w} height=${h} rx=${options.object ? 3 : 8}></rect>
    ${text("kh-name", tx, y + h / 2 + (sub === undefined ? 4.5 : -4), fitMiddle(options.title, room, BOLD), anchor)}
    ${sub === undefined ? nothing : text("kh-sub", tx, y + h / 2 + 14, fit(sub, room, MONO), anchor)}
    ${options.state ? icon(options.state, x + w - 17, y + 17) : nothing}</g>`;
}

function classesOf({ on, now, faint, object, state }: BoxOptions): string {
  const flags = {
    "kh-on": on,
    "kh-now": now,
    "kh-faint": faint,
    "kh-object": object,
    [`kh-is-${state}`]: state,
  };
  return ["kh-box", ...Object.keys(flags).filter((name) => flags[name as keyof typeof flags])].join(" ");
}

/** A way between two points, and the point at a share of it; equal shares are equal lengths. */
export interface Way {
  d: string;
  at(share: number): Point;
}

export function straightWay(points: Point[]): Way {
  const d = points.map(([x, y], i) => `${i ? "L" : "M"}${r(x)} ${r(y)}`).join("");
  return { d, at: along(points) };
}

/** A curve that leaves and arrives horizontally. */
export function curvedWay([x0, y0]: Point, [x1, y1]: Point): Way {
  const bend = (x1 - x0) * 0.5;
  const points: Point[] = [];
  for (let i = 0; i <= 24; i += 1) {
    const u = i / 24;
    const v = 1 - u;
    const x = v * v * v * x0 + 3 * v * v * u * (x0 + bend) + 3 * v * u * u * (x1 - bend) + u * u * u * x1;
    points.push([x, v * v * v * y0 + 3 * v * v * u * y0 + 3 * v * u * u * y1 + u * u * u * y1]);
  }
  return {
    d: `M${r(x0)} ${r(y0)}C${r(x0 + bend)} ${r(y0)} ${r(x1 - bend)} ${r(y1)} ${r(x1)} ${r(y1)}`,
    at: along(points),
  };
}

function along(points: Point[]): (share: number) => Point {
  const lengths = [0];
  for (let i = 1; i < points.length; i += 1) {
    const [a, b] = [points[i - 1] as Point, points[i] as Point];
    lengths.push((lengths[i - 1] as number) + Math.hypot(b[0] - a[0], b[1] - a[1]));
  }
  const total = lengths.at(-1) as number;
  return (share) => {
    const goal = Math.min(1, Math.max(0, share)) * total;
    const i = Math.max(
      1,
      lengths.findIndex((length) => length >= goal),
    );
    const [a, b] = [points[i - 1] as Point, points[i] as Point];
    const part = (lengths[i] as number) - (lengths[i - 1] as number);
    const u = part > 0 ? (goal - (lengths[i - 1] as number)) / part : 0;
    return [a[0] + (b[0] - a[0]) * u, a[1] + (b[1] - a[1]) * u];
  };
}

/** One request. A failed one is a larger, dark-ringed diamond. */
export function mark([x, y]: Point, failed: boolean, extra = ""): SVGTemplateResult {
  const style = `transform:translate(${r(x)}px,${r(y)}px)`;
  return failed
    ? svg`<path class="kh-mark kh-failed ${extra}" style=${style} d="M0-9L9 0 0 9-9 0Z"></path>`
    : svg`<circle class="kh-mark ${extra}" style=${style} r="7"></circle>`;
}

/** Where a request could go no further. */
export function barrier([x, y]: Point): SVGTemplateResult {
  return svg`<g class="kh-barrier" transform="translate(${r(x)} ${r(y)})"><circle r="10"></circle><path d="M-4-4L4 4M4-4L-4 4"></path></g>`;
}

export const r = (value: number): number => Math.round(value * 10) / 10;
