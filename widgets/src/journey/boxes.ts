/** What stands on the stage: the client, who takes the request in, rules, objects, Pods. */
import { type SVGTemplateResult, svg } from "lit-html";
import { BOLD, type BoxOptions, box, MONO, type Rect, text } from "../draw.ts";
import { fit, fitMiddle, plural } from "../format.ts";
import { shortName } from "../index.ts";
import {
  askedOf,
  type ClusterState,
  countEndpoints,
  endpointsOf,
  type PodState,
  readinessOf,
} from "../state.ts";
import type { Layout } from "./layout.ts";
import type { Journey } from "./model.ts";
import type { Picture, Reach } from "./view.ts";
import { ingressName, nodeOf, shortId } from "./words.ts";

export function clientBox({ request }: Journey): BoxOptions {
  const id = request.from?.id ?? "client";
  const known: Record<string, string> = {
    client: "Browser",
    "client:pod": "Client Pod",
    "client:outside": "Outside",
  };
  const title = known[id] ?? shortName(request.from);
  return { title, sub: request.method, hint: shortName(request.from) };
}

export function entryBox({ journey, state, index }: Picture): BoxOptions {
  if (journey.flow === "ingress") {
    return { title: "Traefik", sub: `on port ${index.byId.get("traefik")?.p?.port ?? 80}` };
  }
  return { title: "Kernel", sub: `of ${nodeOf(journey, state) || "the node"}` };
}

/** What was asked for: host and path, or a Service's name and what it means. */
export function destination({ journey, state }: Picture): string {
  const { request, flow, service } = journey;
  const { address } = askedOf(state, service, request.host);
  const named = service && flow === "cluster" && !address.startsWith(request.host);
  return named ? `${request.host} = ${address}` : request.host + request.path;
}

export interface Rule {
  id: string;
  title: string;
  sub: string;
}

export function rulesOf({ journey, state }: Picture): Rule[] {
  if (journey.flow === "cluster") {
    const { ready } = countEndpoints(state, journey.service);
    const none = journey.barred ? "no endpoints" : "not known";
    const choice = journey.portless ? "no such port" : ready ? `1 of ${ready}, at random` : none;
    return [
      {
        id: journey.service,
        title: `${shortId(journey.service)} rule`,
        sub: journey.kept ? "by conntrack" : choice,
      },
    ];
  }
  if (journey.flow !== "ingress") return [];
  return routesOf(journey, state).map(([id, facts]) => ({
    id,
    title: facts.path,
    sub: `→ ${shortId(String(facts.service ?? ""))}`,
  }));
}

/** Rules for the host that was asked for; all of them when there is none. */
export function routesOf(
  { request }: Journey,
  state: ClusterState,
): [string, { path: string; service?: string }][] {
  const all = [...state.routes];
  const mine = all.filter(([id, rule]) => !rule.host || rule.host === request.host || id === request.via?.id);
  return mine.length ? mine : all;
}

export function objectsOf({ journey, state, index }: Picture): BoxOptions[] {
  if (journey.flow === "direct") return [];
  const { ready, all } = countEndpoints(state, journey.service);
  const facts = state.services.get(journey.service);
  const port =
    journey.flow === "cluster"
      ? askedOf(state, journey.service, journey.request.host).port
      : facts?.ports?.[0];
  const arrow = port ? ` ${port.port}→${port.target_port ?? port.port}` : "";
  const found = Boolean(journey.service);
  const none = journey.barred ? "none" : "not known";
  const service: BoxOptions = {
    title: "Service",
    sub: found ? `${shortId(journey.service)}${arrow}` : none,
    faint: !found,
    on: journey.portless,
  };
  const slice: BoxOptions = {
    title: "EndpointSlice",
    sub: found ? `${ready} of ${all} ready` : none,
    faint: !found,
    on: stopsBySlice(journey),
  };
  if (journey.flow === "cluster") return [service, slice];
  const route =
    journey.request.via?.kind === "Route" ? journey.request.via.id : (routesOf(journey, state)[0]?.[0] ?? "");
  const host = journey.request.host || String(index.byId.get(route)?.p?.host ?? "");
  return [{ title: "Ingress", sub: ingressName(route), faint: !route, hint: host }, service, slice];
}

const stopsBySlice = ({ stop, portless }: Journey): boolean => stop === "rule" && !portless;

export const ruleNumber = (journey: Journey, rules: Rule[]): number =>
  journey.flow === "cluster" ? 0 : rules.findIndex((rule) => rule.id === journey.request.via?.id);

export function ruleBoxes(
  { journey }: Picture,
  layout: Layout,
  rules: Rule[],
  reach: Reach,
): SVGTemplateResult[] {
  const chosen = ruleNumber(journey, rules);
  const passed = journey.stop === "entry" && journey.barred ? "entry" : "rule";
  if (!rules.length && journey.flow === "ingress") {
    return [box(layout.rules[0] as Rect, { title: "no rules", faint: true })];
  }
  return rules.map((rule, i) => {
    const hit = i === chosen;
    const rect = layout.rules[i] as Rect;
    return box(rect, {
      ...rule,
      align: "start",
      on: hit && reach.on.has("rule"),
      now: hit && reach.now === "rule",
      faint: journey.flow === "ingress" && !hit && reach.on.has(passed),
    });
  });
}

export function podBoxes(picture: Picture, layout: Layout, reach: Reach): SVGTemplateResult[] {
  const { state, journey } = picture;
  const members = new Set(endpointsOf(state, journey.service).map((end) => end.pod));
  const last = layout.pods.at(-1) as Rect;
  const boxes = [...rowsOf(picture)].map(([id, row]) =>
    podBox(picture, layout, reach, [state.pods.get(id) as PodState, row], members),
  );
  return [...boxes, text("kh-label", last.x, last.y + last.h + 15, undrawn(picture))];
}

/** The row of each Pod that is drawn: its place, and the last one for the request's own where its place is beyond. */
export function rowsOf({ journey, state, rows }: Picture): Map<string, number> {
  const mine = state.pods.get(journey.request.to?.id ?? "");
  const free = mine && mine.slot >= rows ? rows - 1 : rows;
  const drawn = [...state.pods.values()].filter((pod) => pod.slot < free || pod === mine);
  return new Map(drawn.map((pod) => [pod.id, Math.min(pod.slot, rows - 1)]));
}

/** Says which Pods have no box. */
export function undrawn(picture: Picture): string {
  const rest = picture.state.pods.size - rowsOf(picture).size;
  return rest ? `${plural(rest, "more Pod")} not drawn` : "";
}

function podBox(
  { journey, state }: Picture,
  layout: Layout,
  reach: Reach,
  [pod, row]: [PodState, number],
  members: Set<string>,
): SVGTemplateResult {
  const rect = layout.pods[row] as Rect;
  const inner = layout.containers[row] as Rect;
  const mine = pod.id === journey.request.to?.id;
  // The port that is dialed is the endpoint's; whether the container listens there shows in the answer.
  const ends = [...state.endpoints.values()].filter((end) => end.pod === pod.id);
  const port = (ends.find((end) => end.service === journey.service) ?? ends[0])?.port;
  const address = port && rect.w > 206 ? `${pod.address}:${port}` : pod.address;
  const inside = mine && reach.on.has("container");
  const name = fitMiddle(shortId(pod.id), rect.w - 58, BOLD);
  const faint = journey.flow !== "direct" && members.size > 0 && !members.has(pod.id) && !mine;
  return svg`<g class=${faint ? "kh-dim" : ""}><title>Pod ${shortId(pod.id)} on ${pod.node || "its node"}</title>
    ${box(rect, { title: "", state: readinessOf(pod), on: mine && reach.on.has("pod"), now: mine && reach.now === "pod" })}
    ${text("kh-name", rect.x + 12, rect.y + 22, name)}
    ${text("kh-sub", rect.x + 12, rect.y + 46, fit(address, inner.x - rect.x - 14, MONO))}
    <rect class="kh-inner ${inside ? "kh-on" : ""}" x=${inner.x} y=${inner.y} width=${inner.w} height=${inner.h} rx="5"></rect>
    ${text("kh-tiny", inner.x + inner.w / 2, inner.y + 15.5, "container", "middle")}</g>`;
}
