/** What one request did: where it went, when, and which object decided each hop. Pure. */
import { microseconds } from "../format.ts";
import type { TraceIndex } from "../index.ts";
import { advance, askedOf, beginning, type ClusterState, countEndpoints } from "../state.ts";
import type { Entity, Request } from "../trace.ts";
import { sentence } from "./words.ts";

/** Through an ingress controller; through a Service address; or straight to a Pod's address. */
export type Flow = "ingress" | "cluster" | "direct";
export type Place = "client" | "entry" | "rule" | "pod" | "container";

export interface Step {
  /** Microseconds after the request began. */
  at: number;
  place: Place;
  /** True on the way back. */
  back: boolean;
  text: string;
  /** The object that decided this hop: an entity's id, or the name of the part of the system. */
  decider: string;
}

export interface Leg {
  from: Place;
  to: Place;
  start: number;
  end: number;
  back: boolean;
}

export interface Journey {
  request: Request;
  flow: Flow;
  /** Trace time, milliseconds. Starts are kept in order; whole milliseconds are all the trace has. */
  start: number;
  end: number;
  /** Where it turned around, or how far it was seen. */
  stop: Place;
  /** Whether it could go no further than `stop`. */
  barred: boolean;
  /** Whether an earlier request chose the Pod of its connection. */
  kept: boolean;
  /** Whether the Service has no such port as was asked for. */
  portless: boolean;
  failed: boolean;
  service: string;
  steps: Step[];
  legs: Leg[];
}

export function journeysOf(index: TraceIndex): Journey[] {
  const ends = new Map<string, number>();
  const lines = new Set<string>();
  const state = beginning(index);
  return index.requests.map((request) => {
    const lane = `${request.from?.id} ${request.connection}`;
    const before = ends.get(lane) ?? 0;
    // Times are cut to whole milliseconds: a start up to 1 ms late keeps one connection's requests apart.
    const start = before > request.t && before - request.t < 1 ? before : request.t;
    advance(state, index, request.t);
    const line = `${lane} ${request.via?.id}`;
    const kept = request.connection !== null && lines.has(line);
    if (request.status) lines.add(line);
    const journey = journeyOf(request, start, kept, state);
    ends.set(lane, journey.end);
    return journey;
  });
}

function journeyOf(request: Request, start: number, kept: boolean, state: ClusterState): Journey {
  const service = serviceOf(request, state);
  const flow = flowOf(request, service);
  const missing = flow === "cluster" && askedOf(state, service, request.host).missing;
  // Somebody answered, or the connection has its Pod: then it matters not who is ready now.
  const open = request.status > 0 || kept || (!missing && countEndpoints(state, service).ready > 0);
  const stop = stopOf(request, flow, service, open);
  const portless = missing && stop === "rule";
  const barred = barredAt(stop, request, flow);
  const places = placesOf(request, flow, stop);
  const arrivals = arrivalsOf(request, places);
  const shape = {
    request,
    flow,
    start,
    stop,
    barred,
    kept,
    portless,
    service,
    end: start + request.us / 1000,
  };
  return {
    ...shape,
    failed: request.status === 0 || request.status >= 400,
    legs: legsOf(places, arrivals, request.us),
    steps: stepsOf(shape, places, arrivals, state),
  };
}

function flowOf(request: Request, service: string): Flow {
  if (request.via?.kind === "Service") return service || !request.to ? "cluster" : "direct";
  if (request.via || request.from?.id === "client") return "ingress";
  return request.to ? "direct" : "cluster";
}

/** No answer, or one that only the controller can have written: the Pod was dialed but logged nothing. */
const brokenAtPod = ({ status, pus }: Request, flow: Flow): boolean =>
  pus === null && (status === 0 || (flow === "ingress" && (status === 502 || status === 504)));

function stopOf(request: Request, flow: Flow, service: string, open: boolean): Place {
  if (request.to) return brokenAtPod(request, flow) ? "pod" : "container";
  if (flow === "ingress") return !byRule(request) ? "entry" : request.ous === null ? "rule" : "pod";
  if (!service) return "entry";
  return open ? "pod" : "rule";
}

function barredAt(stop: Place, request: Request, flow: Flow): boolean {
  // Traefik was seen, and dialed nobody.
  if (stop === "entry") return request.eus !== null && request.ous === null && request.status >= 400;
  return stop === "rule" || (stop === "pod" && brokenAtPod(request, flow));
}

const byRule = (request: Request): boolean => request.via?.kind === "Route";

/** The Service whose rules or endpoints choose the Pod; a headless one only gives Pods' addresses a name. */
function serviceOf(request: Request, state: ClusterState): string {
  if (request.via?.kind === "Service") {
    return state.services.get(request.via.id)?.cluster_ip === "None" ? "" : request.via.id;
  }
  if (!byRule(request)) return "";
  const via = request.via as Entity;
  const named = state.routes.get(via.id)?.service ?? via.p?.service;
  const id = typeof named === "string" ? named : "";
  return id && !id.startsWith("svc:") ? `svc:${id}` : id;
}

function placesOf(request: Request, flow: Flow, stop: Place): Place[] {
  const rule: Place[] = flow === "cluster" || byRule(request) ? ["rule"] : [];
  const whole: Place[] =
    flow === "direct" ? ["client", "pod", "container"] : ["client", "entry", ...rule, "pod", "container"];
  return whole.slice(0, whole.indexOf(stop) + 1);
}

/**
 * Microseconds at which each place is reached on the way out.
 *
 * Logs give lengths, not starts: each part is drawn in the middle of the part around it. A place nobody
 * measured is put evenly between its neighbours.
 */
function arrivalsOf(request: Request, places: Place[]): number[] {
  const inside: Partial<Record<Place, number | null>> = {
    client: request.us,
    entry: request.eus,
    rule: request.ous,
    container: request.pus,
  };
  const known = places.map((place, i): number | null => {
    const length = i === 0 ? request.us : (inside[place] ?? null);
    return length === null ? null : (request.us - Math.min(length, request.us)) / 2;
  });
  if (known.at(-1) === null) known[known.length - 1] = request.us / 2;
  return interpolate(known);
}

function interpolate(values: (number | null)[]): number[] {
  const filled: number[] = [];
  for (let i = 0; i < values.length; i += 1) {
    const value = values[i] ?? null;
    if (value !== null) filled.push(Math.max(value, filled.at(-1) ?? 0));
    else {
      const next = values.findIndex((each, j) => j > i && each !== null);
      const before = filled[i - 1] ?? 0;
      filled.push(before + ((values[next] as number) - before) / (next - i + 1));
    }
  }
  return filled;
}

function legsOf(places: Place[], arrivals: number[], us: number): Leg[] {
  const out: Leg[] = [];
  const back: Leg[] = [];
  for (let i = 1; i < places.length; i += 1) {
    const [from, to] = [places[i - 1] as Place, places[i] as Place];
    const [start, end] = [arrivals[i - 1] as number, arrivals[i] as number];
    out.push({ from, to, start, end, back: false });
    back.unshift({ from: to, to: from, start: us - end, end: us - start, back: true });
  }
  return [...out, ...back];
}

export type Shape = Omit<Journey, "failed" | "legs" | "steps">;

function stepsOf(shape: Shape, places: Place[], arrivals: number[], state: ClusterState): Step[] {
  const out = places.map((place, i): Step => {
    const at = arrivals[i] as number;
    const { text, decider } = sentence(shape, place, state);
    return { at, place, back: false, text, decider };
  });
  const { request } = shape;
  const last = out.at(-1) as Step;
  const answer = request.status || request.error || "No answer";
  const text =
    shape.stop === "container" && request.status < 400
      ? `${answer} is back after ${microseconds(request.us)}.${shares(shape)}`
      : `${last.text} Back after ${microseconds(request.us)}.`;
  return [...out, { at: request.us, place: "client", back: true, text, decider: last.decider }];
}

function shares({ request }: Shape): string {
  const parts: string[] = [];
  if (request.pus !== null) parts.push(`the container took ${microseconds(request.pus)}`);
  if (request.eus !== null && request.ous !== null)
    parts.push(`Traefik added ${microseconds(request.eus - request.ous)}`);
  return parts.length ? ` Of that, ${parts.join(" and ")}.` : "";
}
