/** Who answered, in which order, and what that says about how the choice was made. Pure. */
import { countUntil, type TraceIndex } from "../index.ts";
import { endpointsOf, stateAt } from "../state.ts";
import { binomialInterval, binomialTest, chiSquareEqual, percentile } from "../stats.ts";
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
  /** Answers by the same Pod as the answer before. */
  repeats: number;
  /** Pairs of neighbours. */
  pairs: number;
  /** What chance expects of `repeats`, and how likely it is to be as far off as this. */
  expected: number;
  p: number;
  /** Pearson's statistic of the counts against equal shares. */
  chiSquare: number;
  chiP: number;
  looksLike: Policy | "unclear";
}

/** Below this a result is called incompatible with chance: one false alarm in ten thousand. */
export const ALPHA = 1e-4;

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

export function policyOf(series: Series): Policy {
  const first = series.requests[0];
  if (first?.via?.kind !== "Service") return "turns";
  const connection = first.connection;
  const shared = series.requests.length > 1 && series.requests.every((r) => r.connection === connection);
  return shared && connection !== null ? "one" : "random";
}

/** Pods that could have answered, and those that did: in the order of their places. */
export function podsOf(index: TraceIndex, series: Series): string[] {
  const last = series.requests.at(-1);
  const state = stateAt(index, last?.t ?? 0);
  const service = serviceOf(series.requests[0], state.routes);
  const able = endpointsOf(state, service)
    .filter((end) => end.ready)
    .map((end) => end.pod);
  const answered = series.requests.flatMap((r) => (r.to ? [r.to.id] : []));
  const slot = (pod: string): number => state.pods.get(pod)?.slot ?? 999;
  return [...new Set([...able, ...answered])].sort((a, b) => slot(a) - slot(b) || a.localeCompare(b));
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

export function verdictOf(pods: string[], answers: Request[], policy: Policy): Verdict {
  const order = answers.flatMap((r) => (r.to ? [r.to.id] : []));
  const pairs = Math.max(0, order.length - 1);
  const repeats = order.filter((pod, i) => i > 0 && pod === order[i - 1]).length;
  const share = 1 / Math.max(1, pods.length);
  const p = pods.length > 1 ? binomialTest(repeats, pairs, share) : 1;
  const counts = pods.map((pod) => order.filter((each) => each === pod).length);
  const { statistic, p: chiP } = chiSquareEqual(counts);
  const looksLike = appearance(repeats, pairs, share, p);
  return { policy, repeats, pairs, expected: pairs * share, p, chiSquare: statistic, chiP, looksLike };
}

function appearance(repeats: number, pairs: number, share: number, p: number): Verdict["looksLike"] {
  if (share === 1 || pairs === 0) return "unclear";
  if (p >= ALPHA) return pairs * Math.log(1 - share) < Math.log(ALPHA) ? "random" : "unclear";
  if (repeats === pairs) return "one";
  return repeats < pairs * share ? "turns" : "unclear";
}
