/**
 * What the HorizontalPodAutoscaler's controller makes of the numbers it had: upstream's rules, restated.
 *
 * Source: kubernetes v1.37.2, pkg/controller/podautoscaler/replica_calculator.go (GetResourceReplicas).
 * `src/kubehop/trace/hpa/model.py` is the same in Python; both must give every recorded recommendation.
 */
import type { HpaEvent, HpaPod } from "../trace.ts";
import { type Decision, decide, historyOf, numberOf, type Past, rememberScale } from "./limit.ts";

export const TOLERANCE = 0.1;

/** Which rule gave the proposal. */
export type Rule = "no metrics" | "tolerance" | "direction" | "ceil";

export interface Proposal {
  replicas: number | null;
  rule: Rule;
  /** Percent of requests over the Pods that are ready and have a sample; cut, not rounded. */
  utilization: number | null;
  ratio: number | null;
  /** The same with unready and missing Pods counted in; null when none had to be. */
  correctedUtilization: number | null;
  corrected: number | null;
  /** Pods the last ratio is multiplied by. */
  counted: number;
  unready: string[];
  missing: string[];
  /** Percent of its request that a Pod without a sample is taken to use. */
  missingAs: number;
  usage: number;
  request: number;
}

type Usage = Map<string, number>;

export function propose(event: Pick<HpaEvent, "pods" | "current" | "target" | "behavior">): Proposal {
  const { pods, current, target } = event;
  const requests = new Map(pods.map((pod) => [pod.name, pod.request_m ?? 0]));
  const sampled = pods.filter((pod) => pod.ready && pod.usage_m !== null);
  const usage: Usage = new Map(sampled.map((pod) => [pod.name, pod.usage_m as number]));
  const found = unknown(pods);
  if (usage.size === 0 || pods.some((pod) => pod.request_m === null)) return found;
  const utilization = utilizationOf(usage, requests);
  const ratio = utilization / target;
  const [used, requested] = totals(usage, requests);
  Object.assign(found, { utilization, ratio, usage: used, request: requested, counted: usage.size });
  const within = withinOf(event);
  const growing = found.unready.length > 0 && ratio > 1;
  if (!growing && found.missing.length === 0) return plain(found, ratio, current, within);
  fillMissing(found, usage, requests, ratio, target);
  if (growing) for (const name of found.unready) usage.set(name, 0);
  return corrected(found, usage, requests, { ratio, target, current, within });
}

/** Nothing missing, and nothing unready that matters: the ready Pods decide. */
function plain(found: Proposal, ratio: number, current: number, within: Before["within"]): Proposal {
  if (within(ratio)) return { ...found, rule: "tolerance", replicas: current };
  return { ...found, rule: "ceil", replicas: Math.ceil(ratio * found.counted) };
}

function unknown(pods: readonly HpaPod[]): Proposal {
  return {
    replicas: null,
    rule: "no metrics",
    utilization: null,
    ratio: null,
    correctedUtilization: null,
    corrected: null,
    counted: 0,
    unready: pods.filter((pod) => !pod.ready).map((pod) => pod.name),
    missing: pods.filter((pod) => pod.ready && pod.usage_m === null).map((pod) => pod.name),
    missingAs: 0,
    usage: 0,
    request: 0,
  };
}

function withinOf({ behavior }: Pick<HpaEvent, "behavior">): (ratio: number) => boolean {
  const up = numberOf(behavior?.scaleUp?.tolerance) ?? TOLERANCE;
  const down = numberOf(behavior?.scaleDown?.tolerance) ?? TOLERANCE;
  return (ratio) => 1 - down <= ratio && ratio <= 1 + up;
}

/** A Pod without a sample gets what is worst for the change: all it requested, or nothing. */
function fillMissing(found: Proposal, usage: Usage, requests: Usage, ratio: number, target: number): void {
  if (ratio === 1) return;
  found.missingAs = ratio < 1 ? Math.max(100, target) : 0;
  for (const name of found.missing)
    usage.set(name, Math.trunc(((requests.get(name) ?? 0) * found.missingAs) / 100));
}

interface Before {
  ratio: number;
  target: number;
  current: number;
  within: (ratio: number) => boolean;
}

/** With them counted in, look again, and never turn the direction round. */
function corrected(found: Proposal, usage: Usage, requests: Usage, before: Before): Proposal {
  const { ratio, target, current, within } = before;
  const correctedUtilization = utilizationOf(usage, requests);
  const again = correctedUtilization / target;
  const seen = { ...found, correctedUtilization, corrected: again, counted: usage.size };
  if (within(again)) return { ...seen, rule: "tolerance", replicas: current };
  if ((ratio < 1 && again > 1) || (ratio > 1 && again < 1))
    return { ...seen, rule: "direction", replicas: current };
  const replicas = Math.ceil(again * usage.size);
  if ((again < 1 && replicas > current) || (again > 1 && replicas < current)) {
    return { ...seen, rule: "direction", replicas: current };
  }
  return { ...seen, rule: "ceil", replicas };
}

function totals(usage: Usage, requests: Usage): [number, number] {
  let used = 0;
  let requested = 0;
  for (const [name, value] of usage) {
    used += value;
    requested += requests.get(name) ?? 0;
  }
  return [used, requested];
}

function utilizationOf(usage: Usage, requests: Usage): number {
  const [used, requested] = totals(usage, requests);
  return Math.trunc((used * 100) / requested);
}

/** The formula of the documentation: ceil(current replicas x utilization / target). */
export function textbook(
  event: Pick<HpaEvent, "current" | "target">,
  utilization: number | null,
): number | null {
  return utilization === null ? null : Math.ceil((event.current * utilization) / event.target);
}

export interface Tick {
  number: number;
  event: HpaEvent;
  proposal: Proposal;
  /** What the model makes of the recommendation; null without one. */
  decision: Decision | null;
  textbook: number | null;
}

/** Every decision about one HPA, each judged with what the controller remembered then. */
export function ticksOf(events: readonly HpaEvent[], past?: Past): Tick[] {
  const history = historyOf(past);
  return events.map((event, number) => {
    const proposal = propose(event);
    // Where nobody read the controller's log, what it proposed is what the model proposes.
    const recommendation = event.recommendation ?? (event.log || event.error ? null : proposal.replicas);
    const decision = decide({ ...event, recommendation }, history);
    rememberScale(event, history);
    return { number, event, proposal, decision, textbook: textbook(event, proposal.utilization) };
  });
}
