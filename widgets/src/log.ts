/** Everything that happened until a moment, in words, each with its source. */
import { microseconds } from "./format.ts";
import { countUntil, shortName, type TraceIndex } from "./index.ts";
import { memo } from "./memo.ts";
import type { EndpointEvent, HpaEvent, PodEvent, Request, TraceEvent } from "./trace.ts";

export interface Entry {
  t: number;
  text: string;
  source: string;
}

export const entries = memo((index: TraceIndex): Entry[] => {
  const events = index.events.map((event) => ({
    t: event.t,
    text: eventInWords(event),
    source: event.src ?? "",
  }));
  const requests = index.requests.map((request) => ({
    t: request.t,
    text: requestInWords(request),
    source: sourcesOf(index, request),
  }));
  return [...events, ...requests].sort((a, b) => a.t - b.t);
});

export function entriesUntil(index: TraceIndex, t: number): Entry[] {
  const all = entries(index);
  return all.slice(0, countUntil(all, t));
}

function sourcesOf(index: TraceIndex, request: Request): string {
  return Object.keys(index.lines[String(request.id)] ?? {}).join(", ") || `request ${request.id}`;
}

export function requestInWords(request: Request): string {
  const to = request.to ? ` by ${shortName(request.to)}` : "";
  const answer = request.status ? `${request.status}${to}` : request.error || "no answer";
  return `${request.method} ${request.path}: ${answer} in ${microseconds(request.us)}`;
}

const short = (id: string): string => id.replace(/^[a-z]+:/, "");

const WORDS: { [K in TraceEvent["e"]]: (event: never) => string } = {
  pod: podInWords,
  ep: endpointInWords,
  svc: (event: { id: string; op: string }) => `Service ${short(event.id)} ${past(event.op)}`,
  route: (event: { id: string; op: string }) => `Rule ${short(event.id)} ${past(event.op)}`,
  hpa: hpaInWords,
  scale: (event: { id: string; from: number | null; to: number }) =>
    `${short(event.id)} scaled from ${event.from ?? "?"} to ${event.to}`,
  load: (event: { rate: number; text?: string }) =>
    event.text ?? (event.rate ? `Load: ${event.rate} requests/s` : "Load ends"),
  cmd: (event: { text: string }) => `$ ${event.text}`,
  note: (event: { text: string }) => event.text,
  gap: (event: { op: string; source: string; text: string }) =>
    event.op === "add"
      ? `Not seen from here: ${event.source} (${event.text})`
      : `Seen again: ${event.source}`,
  dns: (event: { name: string; rcode: string }) => `DNS ${event.name}: ${event.rcode}`,
  nft: (event: { rule: string }) => `Rule hit: ${event.rule}`,
  ct: (event: { original: string }) => `Connection tracked: ${event.original}`,
  cpu: (event: { id: string; usage_m: number }) => `${short(event.id)} uses ${event.usage_m}m CPU`,
};

export function eventInWords(event: TraceEvent): string {
  return WORDS[event.e](event as never);
}

function podInWords({ id, op, s }: PodEvent): string {
  if (op === "del") return `Pod ${short(id)} is gone`;
  const facts = [
    s?.phase,
    s?.ready ? "ready" : "not ready",
    s?.terminating ? "terminating" : "",
    s?.reason,
  ].filter(Boolean);
  return `Pod ${short(id)} ${op === "add" ? "appears" : "is now"}: ${facts.join(", ")}`;
}

function endpointInWords({ id, op, svc, ready, serving, terminating }: EndpointEvent): string {
  if (op === "del") return `Endpoint ${short(id)} leaves ${short(svc)}`;
  return `Endpoint ${short(id)} of ${short(svc)}: ready=${ready} serving=${serving} terminating=${terminating}`;
}

function hpaInWords({ id, current, desired, utilization, target }: HpaEvent): string {
  const seen = utilization === null || utilization === undefined ? "<unknown>" : `${utilization} %`;
  return `HPA ${short(id)}: ${seen} of ${target} %, ${current} → ${desired ?? "?"} replicas`;
}

function past(op: string): string {
  return { add: "appears", mod: "changes", del: "is deleted" }[op] ?? op;
}

/** Stretches of time in which a source was not seen. */
export function gapsOf(index: TraceIndex): { from: number; to: number; text: string }[] {
  const open = new Map<string, { from: number; text: string }>();
  const closed: { from: number; to: number; text: string }[] = [];
  for (const event of index.events) {
    if (event.e !== "gap") continue;
    if (event.op === "add") open.set(event.source, { from: event.t, text: `${event.source}: ${event.text}` });
    else {
      const gap = open.get(event.source);
      if (gap) closed.push({ ...gap, to: event.t });
      open.delete(event.source);
    }
  }
  for (const gap of open.values()) closed.push({ ...gap, to: index.duration });
  return closed;
}
