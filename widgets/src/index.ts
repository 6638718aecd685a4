/** A trace made ready for questions. Grows by `append`: what came before stays, what is better known replaces. */
import type { Batch, Entity, Lines, Meta, Request, Trace, TraceEvent } from "./trace.ts";

type Words = Record<"path" | "host" | "meth" | "err", string[]>;

export interface TraceIndex {
  meta: Meta;
  /** In the order they came in: rows name them by number. */
  entities: Entity[];
  byId: Map<string, Entity>;
  events: TraceEvent[];
  /** In the order they began. */
  requests: Request[];
  lines: Lines;
  /** Length of the trace in milliseconds, at least the end of what happened in it. */
  duration: number;
  /** Changes with every append: what memoised work is keyed by. */
  revision: number;
  words: Words;
}

export function indexTrace(trace: Trace): TraceIndex {
  const index: TraceIndex = {
    meta: { ...trace.meta },
    entities: [],
    byId: new Map(),
    events: [],
    requests: [],
    lines: {},
    duration: 0,
    revision: 0,
    words: { path: [], host: [], meth: [], err: [] },
  };
  append(index, { entities: trace.entities, events: trace.events, ...(trace.req ? { req: trace.req } : {}) });
  return index;
}

/**
 * Add a batch. Events and texts are appended; an entity or a row that was there before is replaced.
 * Numbers of entities and texts count from the start of the whole trace.
 */
export function append(index: TraceIndex, batch: Batch): void {
  if (batch.meta) Object.assign(index.meta, batch.meta);
  for (const entity of batch.entities ?? []) addEntity(index, entity);
  addEvents(index.events, batch.events ?? []);
  if (batch.req) addRequests(index, batch.req);
  index.duration = Math.max(index.meta.duration_ms, lastMoment(index));
  index.revision += 1;
}

function addEntity(index: TraceIndex, entity: Entity): void {
  const old = index.byId.get(entity.id);
  index.byId.set(entity.id, entity);
  if (old) index.entities[index.entities.indexOf(old)] = entity;
  else index.entities.push(entity);
}

/** A line read late is put where it belongs; the order of equals is kept. */
function addEvents(into: TraceEvent[], more: readonly TraceEvent[]): void {
  let sorted = true;
  for (const event of more) {
    sorted &&= event.t >= (into.at(-1)?.t ?? 0);
    into.push(event);
  }
  if (!sorted) into.sort((a, b) => a.t - b.t);
}

function addRequests(index: TraceIndex, req: NonNullable<Batch["req"]>): void {
  Object.assign(index.lines, req.lines ?? {});
  for (const kind of ["path", "host", "meth", "err"] as const)
    index.words[kind].push(...(req.dict?.[kind] ?? []));
  const cols = new Map((req.cols ?? []).map((name, i) => [name, i]));
  const byId = new Map(index.requests.map((request) => [request.id, request]));
  for (const row of req.rows ?? []) {
    const request = decode(index, row, cols);
    byId.set(request.id, request);
  }
  index.requests = [...byId.values()].sort((a, b) => a.t - b.t || a.id - b.id);
}

function decode(index: TraceIndex, row: readonly number[], cols: Map<string, number>): Request {
  const cell = (name: string): number => row[cols.get(name) ?? -1] ?? -1;
  const known = (name: string): number | null => (cell(name) < 0 ? null : cell(name));
  const word = (name: keyof Words): string => index.words[name][cell(name)] ?? "";
  const entity = (name: string): Entity | null => index.entities[cell(name)] ?? null;
  return {
    id: cell("id"),
    t: cell("t"),
    from: entity("from"),
    via: entity("via"),
    to: entity("to"),
    path: word("path") || "/",
    host: word("host"),
    method: word("meth") || "GET",
    us: Math.max(0, cell("us")),
    eus: known("eus"),
    ous: known("ous"),
    pus: known("pus"),
    status: Math.max(0, cell("st")),
    connection: known("conn"),
    retries: Math.max(0, cell("try")),
    error: word("err"),
  };
}

function lastMoment(index: TraceIndex): number {
  let end = index.events.at(-1)?.t ?? 0;
  for (const request of index.requests) end = Math.max(end, request.t + request.us / 1000);
  return Math.ceil(end);
}

/** How many items of a sorted list have begun by `t`. */
export function countUntil<T extends { t: number }>(items: readonly T[], t: number): number {
  let low = 0;
  let high = items.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((items[middle] as T).t <= t) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** The name people say: `web-b` for `pod:web-b`. */
export function shortName(entity: Entity | null | undefined): string {
  if (!entity) return "";
  return entity.name ?? entity.id.replace(/^[a-z]+:/, "");
}

/** The status, or why there is none. */
export const answerOf = ({ status, error }: Request): string => String(status || error || "no answer");

/** The lines that logs have of a request, word for word. */
export const verbatim = (index: TraceIndex, request: Request): { source: string; text: string }[] =>
  Object.entries(index.lines[String(request.id)] ?? {}).map(([source, text]) => ({
    source,
    text: text ?? "",
  }));
