/** The stage of RequestJourney at a moment. */
import { html, nothing, type SVGTemplateResult, svg, type TemplateResult } from "lit-html";
import { barrier, box, MONO, mark, type Point, type Rect, r, text, type Way } from "../draw.ts";
import { fit, microseconds } from "../format.ts";
import { shortName, type TraceIndex } from "../index.ts";
import { type ClusterState, endpointsOf } from "../state.ts";
import type { Surroundings } from "../widget.ts";
import {
  clientBox,
  destination,
  entryBox,
  objectsOf,
  podBoxes,
  type Rule,
  routesOf,
  rowsOf,
  ruleBoxes,
  ruleNumber,
  rulesOf,
  undrawn,
} from "./boxes.ts";
import { type Layout, layoutOf, wayBetween, wayInside } from "./layout.ts";
import type { Flow, Journey, Leg, Place } from "./model.ts";
import { barsOf, waterfall } from "./waterfall.ts";

export interface Picture {
  index: TraceIndex;
  journey: Journey;
  state: ClusterState;
  /** Microseconds since the request began; beyond its end when it is over. */
  elapsed: number;
  /** Rows of Pods kept free through the whole trace. */
  rows: number;
  around: Surroundings;
}

export interface Reach {
  /** Places touched so far. */
  on: Set<Place>;
  now: Place | null;
  leg: Leg | null;
  done: boolean;
}

export function stageOf(picture: Picture): TemplateResult {
  const { journey, around } = picture;
  const rules = rulesOf(picture);
  const objects = objectsOf(picture);
  const layout = layoutOf(around.width, {
    flow: journey.flow,
    rules: journey.flow === "direct" ? 0 : Math.max(1, rules.length),
    pods: Math.max(1, picture.rows),
    objects: objects.length,
    bars: barsOf(journey).length,
  });
  const reach = reachOf(journey, picture.elapsed);
  const ways = waysOf(layout, picture, rules);
  return html`<svg viewBox="0 0 ${around.width} ${layout.height}" width=${around.width} height=${layout.height} role="img" aria-label=${labelOf(picture, reach)}>
    ${layout.control.map((d) => svg`<path class="kh-control" d=${d}></path>`)}
    ${layout.caption ? text("kh-note", layout.caption[0], layout.caption[1], controlCaption(journey.flow)) : nothing}
    ${wires(picture, layout, ways, reach)}
    ${objects.map((options, i) => box(layout.objects[i] as Rect, { ...options, object: true }))}
    ${box(layout.client, { ...clientBox(journey), on: true, now: reach.now === "client" })}
    ${layout.stacked ? nothing : text("kh-sub", layout.client.x, layout.client.y + layout.client.h + 18, fit(destination(picture), layout.entry.x + layout.entry.w - layout.client.x, MONO))}
    ${journey.flow === "direct" ? nothing : box(layout.entry, { ...entryBox(picture), on: reach.on.has("entry"), now: reach.now === "entry" })}
    ${ruleBoxes(picture, layout, rules, reach)}
    ${podBoxes(picture, layout, reach)}
    ${traveller(picture, layout, ways, rules, reach)}
    ${waterfall(journey, picture.elapsed, { x: 14, y: layout.bottom, w: around.width - 28, h: 0 })}
  </svg>`;
}

const controlCaption = (flow: Flow): string =>
  flow === "cluster" ? "kube-proxy watches these, writes the rules" : "Traefik watches these";

export function reachOf(journey: Journey, elapsed: number): Reach {
  const done = elapsed >= journey.request.us;
  const leg = done
    ? null
    : (journey.legs.find((each) => elapsed >= each.start && elapsed < each.end) ?? null);
  const on = new Set<Place>(["client"]);
  for (const each of journey.legs) if (elapsed >= each.end || done) on.add(each.to);
  const passed = journey.legs.findLast((each) => elapsed >= each.end);
  return { on, leg, done, now: done ? "client" : leg ? null : (passed?.to ?? "client") };
}

function labelOf(picture: Picture, reach: Reach): string {
  const { request, stop } = picture.journey;
  const rest = undrawn(picture);
  const to = request.to ? ` to Pod ${shortName(request.to)}` : "";
  const where = reach.done
    ? `answered ${request.status || "nothing"} after ${microseconds(request.us)}; it got as far as the ${stop}`
    : `is ${reach.leg ? `between ${reach.leg.from} and ${reach.leg.to}` : `at the ${reach.now}`}`;
  return `Request ${request.id}, ${request.method} ${request.path}${to}, ${where}.${rest && ` ${rest}.`}`;
}

type Ways = Map<string, Way>;

/** Ways of this request, keyed by leg; out and back share one. */
function waysOf(layout: Layout, picture: Picture, rules: Rule[]): Ways {
  const { journey } = picture;
  const row = rowsOf(picture).get(journey.request.to?.id ?? "");
  const pod = row === undefined ? before(layout.pods) : (layout.pods[row] as Rect);
  const container = layout.containers[row ?? 0] as Rect;
  const rule = layout.rules[Math.max(0, ruleNumber(journey, rules))] as Rect;
  const rects: Record<Place, Rect> = { client: layout.client, entry: layout.entry, rule, pod, container };
  const ways: Ways = new Map();
  for (const leg of journey.legs) {
    if (leg.back) continue;
    const way =
      leg.to === "container" ? wayInside(pod, container) : wayBetween(layout, rects[leg.from], rects[leg.to]);
    ways.set(`${leg.from}-${leg.to}`, way);
  }
  return ways;
}

/** Beside all Pods: where a request stands of which nobody knows its Pod. */
function before(pods: Rect[]): Rect {
  const [first, last] = [pods[0] as Rect, pods.at(-1) as Rect];
  return { ...first, x: first.x - 12, h: last.y + last.h - first.y };
}

function wires(picture: Picture, layout: Layout, ways: Ways, reach: Reach): SVGTemplateResult[] {
  const { journey } = picture;
  const base = possibleWires(picture, layout);
  const taken = journey.legs
    .filter((leg) => !leg.back && leg.to !== "container")
    .map((leg) => {
      const on = reach.on.has(leg.to) || reach.leg?.from === leg.from || reach.leg?.to === leg.from;
      const refused = leg.to === "pod" && journey.stop === "pod" && journey.barred;
      const way = ways.get(`${leg.from}-${leg.to}`) as Way;
      return svg`<path class="kh-wire ${on ? "kh-on" : ""} ${refused ? "kh-refused" : ""}" d=${way.d}></path>`;
    });
  return [...base, ...taken];
}

/** Ways a request could take: from each rule to the endpoints of its Service. */
function possibleWires(picture: Picture, layout: Layout): SVGTemplateResult[] {
  const { journey, state } = picture;
  if (journey.flow === "direct" || journey.portless || layout.stacked) return [];
  const services =
    journey.flow === "cluster"
      ? [journey.service]
      : routesOf(journey, state).map(([, rule]) => String(rule.service ?? ""));
  return services.flatMap((service, i) => {
    const rule = layout.rules[i] as Rect;
    return [thin(wayBetween(layout, layout.entry, rule), true), ...wiresTo(picture, layout, rule, service)];
  });
}

function wiresTo(picture: Picture, layout: Layout, rule: Rect, service: string): SVGTemplateResult[] {
  const rows = rowsOf(picture);
  return endpointsOf(picture.state, service).flatMap((end) => {
    const row = rows.get(end.pod);
    if (row === undefined) return [];
    return [thin(wayBetween(layout, rule, layout.pods[row] as Rect), end.ready)];
  });
}

const thin = (way: Way, open: boolean): SVGTemplateResult =>
  svg`<path class="kh-wire kh-thin ${open ? "" : "kh-dashed"}" d=${way.d}></path>`;

function traveller(
  picture: Picture,
  layout: Layout,
  ways: Ways,
  rules: Rule[],
  reach: Reach,
): SVGTemplateResult {
  const { journey, around } = picture;
  const stopped = journey.barred ? barrier(stoppedAt(journey, layout, ways, rules)) : nothing;
  const shown = reach.on.has(journey.stop) ? stopped : nothing;
  if (around.reduced && !reach.done) return svg`${shown}`;
  const point = positionOf(journey, ways, picture.elapsed, reach);
  const tag = reach.leg?.back || reach.done ? answerTag(journey, point, reach.done) : nothing;
  return svg`${shown}<g data-travel=${journey.request.id}>${mark(point, journey.failed)}</g>${tag}`;
}

function answerTag(journey: Journey, [x, y]: Point, done: boolean): SVGTemplateResult {
  const answer = journey.request.status ? String(journey.request.status) : "—";
  return text("kh-answer", r(done ? x + 9 : x), r(y - 13), answer, done ? "start" : "middle");
}

/** Traefik and a rule were entered and left nothing to go on to; a Pod was not entered. */
function stoppedAt(journey: Journey, layout: Layout, ways: Ways, rules: Rule[]): Point {
  const rect =
    journey.stop === "entry"
      ? layout.entry
      : journey.stop === "rule"
        ? layout.rules[ruleNumber(journey, rules)]
        : undefined;
  if (rect && !layout.stacked) return [rect.x + rect.w, rect.y + rect.h / 2];
  const [x, y] = turningPoint(journey, ways);
  return layout.stacked ? [x - 7, y] : [x, y];
}

function turningPoint(journey: Journey, ways: Ways): Point {
  const last = journey.legs.findLast((leg) => !leg.back);
  return last ? (ways.get(`${last.from}-${last.to}`) as Way).at(1) : [0, 0];
}

function positionOf(journey: Journey, ways: Ways, elapsed: number, reach: Reach): Point {
  const first = ways.values().next().value as Way | undefined;
  if (reach.done || !first) return first ? first.at(0) : [0, 0];
  const leg = reach.leg ?? journey.legs.findLast((each) => elapsed >= each.end) ?? (journey.legs[0] as Leg);
  const share = leg.end > leg.start ? (elapsed - leg.start) / (leg.end - leg.start) : 1;
  const way = leg.back ? ways.get(`${leg.to}-${leg.from}`) : ways.get(`${leg.from}-${leg.to}`);
  const u = Math.min(1, Math.max(0, share));
  return (way as Way).at(leg.back ? 1 - u : u);
}
