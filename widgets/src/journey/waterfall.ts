/** Where the time went: nested bars to scale, and a line at the current moment. */
import { type SVGTemplateResult, svg } from "lit-html";
import { MONO, type Rect, r, text } from "../draw.ts";
import { microseconds } from "../format.ts";
import type { Journey } from "./model.ts";

interface Bar {
  label: string;
  us: number;
}

export function barsOf({ request, flow }: Journey): Bar[] {
  const bars: Bar[] = [
    { label: flow === "ingress" ? "as the client saw it" : "whole request", us: request.us },
  ];
  if (request.eus !== null) bars.push({ label: "in Traefik", us: request.eus });
  if (request.ous !== null) bars.push({ label: "waiting for the Pod", us: request.ous });
  if (request.pus !== null) bars.push({ label: "in the container", us: request.pus });
  return bars;
}

export function waterfall(journey: Journey, elapsed: number, area: Rect): SVGTemplateResult {
  const bars = barsOf(journey);
  const whole = Math.max(1, journey.request.us);
  const labelWidth = Math.min(150, area.w * 0.42);
  const timeWidth = 9 * MONO;
  const x0 = area.x + labelWidth;
  const width = area.w - labelWidth - timeWidth;
  const x = (us: number): number => r(x0 + (Math.min(Math.max(us, 0), whole) / whole) * width);
  const now = x(elapsed);
  return svg`<g class="kh-fall">${bars.map((bar, i) => {
    const y = area.y + i * 22;
    const start = (whole - Math.min(bar.us, whole)) / 2;
    const [left, right] = [x(start), x(start + bar.us)];
    const done = Math.max(0, Math.min(now, right) - left);
    return svg`${text("kh-label", area.x, y + 11, bar.label)}
      <rect class="kh-rest" x=${left} y=${y} width=${Math.max(1.5, r(right - left))} height="12" rx="2"></rect>
      <rect class="kh-done" x=${left} y=${y} width=${elapsed >= whole ? Math.max(1.5, r(right - left)) : r(done)} height="12" rx="2"></rect>
      ${text("kh-sub", area.x + area.w, y + 11, microseconds(bar.us), "end")}`;
  })}${elapsed < whole ? svg`<path class="kh-cursor" d="M${now} ${area.y - 5}V${area.y + bars.length * 22 - 5}"></path>` : ""}</g>`;
}
