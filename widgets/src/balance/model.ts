/** Who answered, in which order, and what that says about how the choice was made. Pure. */
import { countUntil, type TraceIndex } from "../index.ts";
import { advance, beginning, endpointsOf } from "../state.ts";
import { binomialInterval, type Order, orderOf, percentile, type Split, splitEqual } from "../stats.ts";
import type { Request } from "../trace.ts";

/** What the thing that balances promises. */
export type Policy = "random" | "turns" | "one";

export interface Series {
  label: string;
  from: number;
  to: number;
  requests: Request[];
}

export interface Lane {
  pod: string;
  /** What tells its name from the others'. */
  label: string;
  count: number;
  /** Counts the claimed policy gives in 95 of 100 runs. */
  low: number;
  high: number;
  /** Latency, microseconds: half, 95 and 99 of 100 are no slower. */
  p50: number;
  p95: number;
  p99: number;
}

export interface Verdict {
  policy: Policy;
  order: Order;
  /** The counts against equal shares. */
  split: Split;
  /** False when the set of Pods changed: then neither band nor test means anything. */
  steady: boolean;
}

/** The trace cut at its chapters; a chapter without requests is left out. */
export function seriesOf(index: TraceIndex): Series[] {
  const marks = index.meta.chapters ?? [];
  const cuts = marks.length > 1 ? marks : [{ t: 0, label: "" }];
  return cuts
    .map((cut, i) => {
      const to = cuts[i + 1]?.t ?? Number.POSITIVE_INFINITY;
      const requests = index.requests.filter((r) => r.t >= (i ? cut.t : 0) && r.t < to);
      return { label: cut.label, from: cut.t, to, requests };
    })
    .filter((series) => series.requests.length > 0);
}

/** Requests of a series that have begun by `t`. */
export const begunBy = (series: Series, t: number): Request[] =>
  series.requests.slice(0, countUntil(series.requests, t));

/** Whether a request is known to have passed the ingress controller. */
export const byController = (request: Request | null | undefined): boolean =>
  request?.via?.kind === "Route" || request?.via?.kind === "Ingress";

/** Without the controller the kernel chooses, for each connection: at a cluster IP, a node port, a load balancer. */
export function policyOf(series: Series): Policy {
  const first = series.requests[0];
  if (byController(first)) return "turns";
  const connection = first?.connection ?? null;
  const shared = series.requests.length > 1 && series.requests.every((r) => r.connection === connection);
  return shared && connection !== null ? "one" : "random";
}

export interface Members {
  /** Pods that could have answered, and those that did: in the order of their places. */
  pods: string[];
  /** Whether the same Pods were ready from the first request to the last. */
  steady: boolean;
}

export function membersOf(index: TraceIndex, series: Series): Members {
  const state = beginning(index);
  const sets = new Set<string>();
  let able: string[] = [];
  for (const request of series.requests) {
    advance(state, index, request.t);
    const service = serviceOf(series.requests[0], state.routes);
    able = endpointsOf(state, service)
      .filter((end) => end.ready)
      .map((end) => end.pod);
    sets.add(able.join());
  }
  const answered = series.requests.flatMap((r) => (r.to ? [r.to.id] : []));
  const slot = (pod: string): number => state.pods.get(pod)?.slot ?? 999;
  const pods = [...new Set([...able, ...answered])].sort((a, b) => slot(a) - slot(b) || a.localeCompare(b));
  return { pods, steady: sets.size < 2 };
}

function serviceOf(request: Request | undefined, routes: Map<string, { service?: string }>): string {
  if (request?.via?.kind === "Service") return request.via.id;
  return routes.get(request?.via?.id ?? "")?.service ?? "";
}

export function lanesOf(pods: string[], answers: Request[], policy: Policy): Lane[] {
  const n = answers.filter((r) => r.to).length;
  const leader = answers.find((r) => r.to)?.to?.id;
  return pods.map((pod) => {
    const mine = answers.filter((r) => r.to?.id === pod);
    const times = mine.map((r) => r.us).sort((a, b) => a - b);
    const [low, high] = band(policy, n, pods.length, pod === leader);
    return {
      pod,
      label: shortLabel(pod, pods),
      count: mine.length,
      low,
      high,
      p50: percentile(times, 0.5),
      p95: percentile(times, 0.95),
      p99: percentile(times, 0.99),
    };
  });
}

/** `4zxkl` for `pod:web-79d8c5b6f4-4zxkl`, as long as that is nobody else's. */
function shortLabel(pod: string, pods: string[]): string {
  const name = (id: string): string =>
    id
      .slice(id.lastIndexOf("-") + 1)
      .replace(/^pod:/, "")
      .slice(-7);
  return pods.some((other) => other !== pod && name(other) === name(pod)) ? pod.slice(-7) : name(pod);
}

function band(policy: Policy, n: number, pods: number, leader: boolean): [number, number] {
  if (policy === "one") return leader ? [n, n] : [0, 0];
  if (policy === "turns") return [Math.floor(n / pods), Math.ceil(n / pods)];
  return binomialInterval(0.95, n, 1 / pods);
}

export function verdictOf({ pods, steady }: Members, answers: Request[], policy: Policy): Verdict {
  const order = answers.flatMap((r) => (r.to ? [r.to.id] : []));
  const counts = pods.map((pod) => order.filter((each) => each === pod).length);
  return { policy, order: orderOf(order, pods.length), split: splitEqual(counts), steady };
}
