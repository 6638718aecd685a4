/** The state of the cluster at a time: a pure fold of the trace. No clock, no chance, no DOM. */
import { countUntil, type TraceIndex } from "./index.ts";
import { memo } from "./memo.ts";
import type { EndpointEvent, GapEvent, PodEvent, RouteEvent, ServiceEvent, TraceEvent } from "./trace.ts";

export interface PodState {
  id: string;
  /** The place it stands in, from 0; the lowest free one when it appeared, kept until it goes. */
  slot: number;
  phase: string;
  ready: boolean;
  terminating: boolean;
  address: string;
  node: string;
  reason: string;
  since: number;
}

export interface EndpointState {
  pod: string;
  service: string;
  slice: string;
  address: string;
  port: number | null;
  ready: boolean;
  serving: boolean;
  terminating: boolean;
}

export interface OpenGap {
  source: string;
  from: number;
  text: string;
}

export interface ClusterState {
  t: number;
  pods: Map<string, PodState>;
  endpoints: Map<string, EndpointState>;
  services: Map<string, NonNullable<ServiceEvent["s"]>>;
  routes: Map<string, NonNullable<RouteEvent["s"]>>;
  gaps: OpenGap[];
  /** How many events have happened: `events[0 .. seen)`. */
  seen: number;
}

export type Readiness = "ready" | "not-ready" | "terminating" | "failed";

/** State at `t` milliseconds. The same arguments give an equal answer, whatever was asked before. */
export function stateAt(index: TraceIndex, t: number): ClusterState {
  const state = beginning(index);
  advance(state, index, t);
  return state;
}

/** The state before the first event. */
export function beginning(index: TraceIndex): ClusterState {
  const state: ClusterState = {
    t: 0,
    pods: new Map(),
    endpoints: new Map(),
    services: new Map(),
    routes: new Map(),
    gaps: [],
    seen: 0,
  };
  const mentioned = podsWithEvents(index);
  for (const entity of index.entities) {
    if (entity.kind === "Pod" && !mentioned.has(entity.id)) addStill(state, entity);
    if (entity.kind === "Service" && entity.p) state.services.set(entity.id, serviceFacts(entity.p));
    if (entity.kind === "Route" && entity.p) state.routes.set(entity.id, routeFacts(entity.p));
  }
  return state;
}

/** Let a state grow older, in place, up to and with `t`. */
export function advance(state: ClusterState, index: TraceIndex, t: number): void {
  const goal = countUntil(index.events, t);
  while (state.seen < goal) {
    apply(state, index.events[state.seen] as TraceEvent);
    state.seen += 1;
  }
  state.t = t;
}

const podsWithEvents = memo(
  (index) => new Set(index.events.filter((event) => event.e === "pod").map((event) => event.id)),
);

function apply(state: ClusterState, event: TraceEvent): void {
  if (event.e === "pod") applyPod(state, event);
  else if (event.e === "ep") applyEndpoint(state, event);
  else if (event.e === "svc") applyFacts(state.services, event);
  else if (event.e === "route") applyFacts(state.routes, event);
  else if (event.e === "gap") applyGap(state, event);
}

function applyPod(state: ClusterState, event: PodEvent): void {
  if (event.op === "del") {
    state.pods.delete(event.id);
    return;
  }
  const old = state.pods.get(event.id);
  state.pods.set(event.id, {
    id: event.id,
    slot: old?.slot ?? lowestFreeSlot(state),
    phase: event.s?.phase ?? old?.phase ?? "Pending",
    ready: event.s?.ready ?? old?.ready ?? false,
    terminating: event.s?.terminating ?? old?.terminating ?? false,
    address: event.s?.ip ?? old?.address ?? "",
    node: event.s?.node ?? old?.node ?? "",
    reason: event.s?.reason ?? "",
    since: old?.since ?? event.t,
  });
}

function applyEndpoint(state: ClusterState, event: EndpointEvent): void {
  const key = `${event.svc} ${event.id}`;
  if (event.op === "del") {
    state.endpoints.delete(key);
    return;
  }
  state.endpoints.set(key, {
    pod: event.id,
    service: event.svc,
    slice: event.slice ?? "",
    address: event.address ?? "",
    port: event.port ?? null,
    ready: event.ready,
    serving: event.serving,
    terminating: event.terminating,
  });
}

function applyFacts<S>(into: Map<string, S>, event: { id: string; op: string; s?: S }): void {
  if (event.op === "del") into.delete(event.id);
  else if (event.s) into.set(event.id, event.s);
}

function applyGap(state: ClusterState, event: GapEvent): void {
  if (event.op === "add") state.gaps.push({ source: event.source, from: event.t, text: event.text });
  else state.gaps = state.gaps.filter((gap) => gap.source !== event.source);
}

function lowestFreeSlot(state: ClusterState): number {
  const taken = new Set([...state.pods.values()].map((pod) => pod.slot));
  let slot = 0;
  while (taken.has(slot)) slot += 1;
  return slot;
}

/** A Pod that nothing happened to is there from the start, with the facts its entity states. */
function addStill(state: ClusterState, entity: { id: string; p?: Record<string, unknown> }): void {
  const text = (name: string): string => String(entity.p?.[name] ?? "");
  state.pods.set(entity.id, {
    id: entity.id,
    slot: lowestFreeSlot(state),
    phase: "Running",
    ready: entity.p?.ready !== false,
    terminating: false,
    address: text("ip") || text("address"),
    node: text("node"),
    reason: "",
    since: 0,
  });
}

function serviceFacts(p: Record<string, unknown>): NonNullable<ServiceEvent["s"]> {
  return { type: "ClusterIP", ...(p as object) };
}

function routeFacts(p: Record<string, unknown>): NonNullable<RouteEvent["s"]> {
  return { path: "/", ...(p as object) };
}

/** Give a place to a Pod that a request went to although it is gone. */
export function haunt(state: ClusterState, id: string): void {
  if (state.pods.has(id)) return;
  const slot = lowestFreeSlot(state);
  const facts = { ready: false, terminating: false, address: "", node: "", reason: "gone", since: state.t };
  state.pods.set(id, { id, slot, phase: "Failed", ...facts });
}

export function readinessOf(pod: PodState): Readiness {
  if (pod.phase === "Failed" || /BackOff|OOMKilled|Error|ErrImage/.test(pod.reason)) return "failed";
  if (pod.terminating) return "terminating";
  return pod.ready ? "ready" : "not-ready";
}

/** How many endpoints of one Service there are, and how many of them are ready. */
export function countEndpoints(state: ClusterState, service: string): { ready: number; all: number } {
  const ends = endpointsOf(state, service);
  return { ready: ends.filter((end) => end.ready).length, all: ends.length };
}

/** Endpoints of one Service, in the order of their Pods' slots. */
export function endpointsOf(state: ClusterState, service: string): EndpointState[] {
  const slot = (endpoint: EndpointState): number => state.pods.get(endpoint.pod)?.slot ?? 999;
  return [...state.endpoints.values()]
    .filter((endpoint) => endpoint.service === service)
    .sort((a, b) => slot(a) - slot(b));
}

/** What a request asked for. */
export interface Asked {
  /** Where its first packet goes: a Service's name means its cluster IP. */
  address: string;
  /** As asked for; a URL without one means 80. */
  number: string;
  port: ServicePort | undefined;
  /** Whether the Service has no such port. */
  missing: boolean;
}

type ServicePort = NonNullable<NonNullable<ServiceEvent["s"]>["ports"]>[number];

export function askedOf(state: ClusterState, service: string, host: string): Asked {
  const facts = state.services.get(service);
  const [name = "", number = "80"] = host.split(/:(?=\d+$)/);
  const address = /^[\d[]/.test(host) ? name : (facts?.cluster_ip ?? "the Service's address");
  // Node ports are open at nodes, not at the cluster IP.
  const port = facts?.ports?.find(
    (each) => each.port === +number || (each.node_port === +number && address !== facts.cluster_ip),
  );
  return { address: `${address}:${number}`, number, port, missing: Boolean(facts?.ports) && !port };
}
