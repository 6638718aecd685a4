/** Where everything stands: fixed columns on a wide stage, a spine from top to bottom on a narrow one. */
import { curvedWay, type Point, type Rect, straightWay, type Way } from "../draw.ts";
import type { Flow } from "./model.ts";

export interface Layout {
  stacked: boolean;
  width: number;
  height: number;
  client: Rect;
  entry: Rect;
  /** One for each rule, in the order of the rules. */
  rules: Rect[];
  /** Control plane objects above the line they control: entry's source, Service, EndpointSlice. */
  objects: Rect[];
  pods: Rect[];
  /** The container's box in each Pod. */
  containers: Rect[];
  /** Dotted lines from the objects to who reads them. */
  control: string[];
  /** Where the control path's caption stands; null where there is no room. */
  caption: Point | null;
  /** Top of the waterfall. */
  bottom: number;
}

export interface Contents {
  flow: Flow;
  rules: number;
  pods: number;
  objects: number;
  bars: number;
}

export const WIDE_FROM = 600;
const POD_H = 60;
const POD_GAP = 12;
const RULE_H = 40;
const RULE_GAP = 8;
const BAR_H = 22;

export function layoutOf(width: number, contents: Contents): Layout {
  return width >= WIDE_FROM ? wide(width, contents) : stacked(width, contents);
}

const clamp = (value: number, low: number, high: number): number => Math.min(high, Math.max(low, value));

interface Columns {
  client: [number, number];
  entry: [number, number];
  rules: [number, number];
  pods: [number, number];
}

function columns(width: number): Columns {
  const m = 14;
  const client = clamp(width * 0.13, 92, 124);
  const entry = clamp(width * 0.14, 98, 128);
  const rules = clamp(width * 0.215, 140, 230);
  const pods = clamp(width * 0.295, 190, 300);
  const free = width - 2 * m - client - entry - rules - pods;
  const gap = free / 3.4;
  const xe = m + client + gap;
  const xr = xe + entry + gap;
  return { client: [m, client], entry: [xe, entry], rules: [xr, rules], pods: [width - m - pods, pods] };
}

function wide(width: number, { rules, pods, objects, bars, flow }: Contents): Layout {
  const cols = columns(width);
  const top = objects ? 112 : 24;
  const podsH = pods * (POD_H + POD_GAP) - POD_GAP;
  const rulesH = rules * (RULE_H + RULE_GAP) - RULE_GAP;
  const region = Math.max(podsH, rulesH, 60);
  const middle = top + region / 2;
  const [xe, we] = cols.entry;
  const [xr, wr] = cols.rules;
  const [xp, wp] = cols.pods;
  const objectRects = objectsOf(objects, flow === "cluster" ? xe : xr, xp + wp);
  const podRects = stack(pods, xp, wp, POD_H, POD_GAP, middle - podsH / 2);
  const ruleRects = stack(rules, xr, wr, RULE_H, RULE_GAP, middle - rulesH / 2);
  const reader = flow === "cluster" ? xr + wr / 2 : xe + we / 2;
  const arrival = flow === "cluster" ? (ruleRects[0]?.y ?? middle) : middle - 30;
  return {
    stacked: false,
    width,
    client: { x: cols.client[0], y: middle - 30, w: cols.client[1], h: 60 },
    entry: { x: xe, y: middle - 30, w: we, h: 60 },
    rules: ruleRects,
    objects: objectRects,
    pods: podRects,
    containers: podRects.map(containerIn),
    control: objectRects.length ? rail(objectRects, reader, arrival) : [],
    caption: objectRects.length ? [cols.client[0], 84] : null,
    bottom: top + region + 26,
    height: top + region + 26 + bars * BAR_H + 16,
  };
}

function objectsOf(count: number, from: number, to: number): Rect[] {
  const gap = 14;
  const w = Math.min(190, (to - from - gap * (count - 1)) / Math.max(1, count));
  return Array.from({ length: count }, (_, i) => ({
    x: to - (count - i) * w - (count - 1 - i) * gap,
    y: 14,
    w,
    h: 48,
  }));
}

function stack(count: number, x: number, w: number, h: number, gap: number, top: number): Rect[] {
  return Array.from({ length: count }, (_, i) => ({ x, y: top + i * (h + gap), w, h }));
}

function containerIn(pod: Rect): Rect {
  const w = 66;
  return { x: pod.x + pod.w - w - 7, y: pod.y + 31, w, h: 22 };
}

/** The objects hang on a dotted rail that ends at whoever watches them. */
function rail(objects: Rect[], reader: number, arrival: number): string[] {
  const y = 80;
  const centers = objects.map((rect) => rect.x + rect.w / 2);
  const [left, right] = [Math.min(reader, ...centers), Math.max(reader, ...centers)];
  return [
    ...objects.map((rect, i) => `M${centers[i]} ${rect.y + rect.h}V${y}`),
    `M${left} ${y}H${right}`,
    `M${reader} ${y}V${arrival}`,
  ];
}

const SPINE = 16;
const INDENT = 34;

function stacked(width: number, { rules, pods, objects, bars, flow }: Contents): Layout {
  const w = width - INDENT - 12;
  let y = 12;
  const next = (h: number, gap: number, inset = 0): Rect => {
    const rect = { x: INDENT + inset, y, w: w - 1.6 * inset, h };
    y += h + gap;
    return rect;
  };
  const rows = (count: number, h: number, gap: number, inset = 0): Rect[] =>
    Array.from({ length: count }, () => next(h, gap, inset));
  const client = next(44, 12);
  const before = flow === "ingress" ? 1 : 0;
  const entry = flow === "direct" ? { x: INDENT, y, w, h: 0 } : next(44, 14);
  const first = rows(Math.min(before, objects), 42, 14, 26);
  const ruleRects = rows(rules, RULE_H, RULE_GAP);
  if (rules) y += 8;
  const second = rows(Math.max(0, objects - before), 42, 10, 26);
  if (second.length) y += 6;
  const podRects = rows(pods, POD_H, 10);
  return {
    stacked: true,
    width,
    client,
    entry,
    rules: ruleRects,
    objects: [...first, ...second],
    pods: podRects,
    containers: podRects.map(containerIn),
    control: sideRail([...first, ...second], entry, ruleRects[0], flow),
    caption: null,
    bottom: y + 14,
    height: y + 14 + bars * BAR_H + 16,
  };
}

function sideRail(objects: Rect[], entry: Rect, rule: Rect | undefined, flow: Flow): string[] {
  if (!objects.length) return [];
  const reader = flow === "cluster" && rule ? rule : entry;
  const edge = reader.x + reader.w;
  const last = objects.at(-1) as Rect;
  return [
    `M${edge + 1} ${reader.y + reader.h / 2}H${edge + 7}V${last.y + last.h / 2}`,
    ...objects.map((rect) => `M${rect.x + rect.w} ${rect.y + rect.h / 2}H${edge + 7}`),
  ];
}

/** The way of a request from one box into another. */
export function wayBetween(layout: Layout, from: Rect, to: Rect): Way {
  if (!layout.stacked) return curvedWay([from.x + from.w, from.y + from.h / 2], [to.x, to.y + to.h / 2]);
  const [y0, y1] = [from.y + from.h / 2, to.y + to.h / 2];
  return straightWay([
    [from.x, y0],
    [SPINE, y0],
    [SPINE, y1],
    [to.x, y1],
  ]);
}

/** Inside a Pod: from its edge to its container. */
export function wayInside(pod: Rect, container: Rect): Way {
  return straightWay([
    [pod.x, pod.y + pod.h / 2],
    [container.x + 6, container.y + container.h / 2],
  ]);
}
