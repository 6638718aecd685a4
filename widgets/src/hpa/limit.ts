/**
 * What becomes of a recommendation: stabilization, policies or the step cap, minimum and maximum.
 *
 * Source: kubernetes v1.37.2, pkg/controller/podautoscaler/horizontal.go; `limit.py` is the same in Python.
 */
import type { HpaBehaviorPolicy, HpaEvent, HpaScalingRules } from "../trace.ts";

export interface Decision {
  stabilized: number;
  /** After policies, or the step cap where `behavior` is not set. */
  paced: number;
  desired: number;
}

interface Then {
  /** Milliseconds by the controller's clock. */
  at: number;
  replicas: number;
}

export interface History {
  proposals: Then[];
  changes: { at: number; by: number }[];
}

/** What an HPA entity says of the time before the trace; `trace/hpa/past.py` writes it. */
export interface Past {
  /** Milliseconds, and what was proposed then. */
  proposals: [number, number][];
  /** Milliseconds, and the replicas before and after. */
  scaled: [number, number, number][];
}

export function historyOf(past?: Past): History {
  return {
    proposals: (past?.proposals ?? []).map(([at, replicas]) => ({ at, replicas })),
    changes: (past?.scaled ?? []).map(([at, from, to]) => ({ at, by: to - from })),
  };
}

const STABILIZATION_MS = 300_000;
const UP: HpaScalingRules = {
  stabilizationWindowSeconds: 0,
  selectPolicy: "Max",
  policies: [
    { type: "Pods", value: 4, periodSeconds: 15 },
    { type: "Percent", value: 100, periodSeconds: 15 },
  ],
};
const DOWN: HpaScalingRules = {
  selectPolicy: "Max",
  policies: [{ type: "Percent", value: 100, periodSeconds: 15 }],
};

const clock = (event: HpaEvent): number => event.src_t ?? event.t;

/** Judge the controller's recommendation, and remember it. */
export function decide(event: HpaEvent, history: History): Decision | null {
  const at = clock(event);
  if (!history.proposals.length) history.proposals.push({ at, replicas: event.current });
  if (event.recommendation === null) return null;
  const decision = event.behavior ? byRules(event, history) : byCap(event, history);
  history.proposals.push({ at, replicas: event.recommendation });
  return decision;
}

export function rememberScale(event: HpaEvent, history: History): void {
  if (event.desired !== null && event.desired !== event.current) {
    history.changes.push({ at: clock(event), by: event.desired - event.current });
  }
}

/** Without `behavior`: the highest proposal of the window, and one sync at most doubles, or makes four. */
function byCap(event: HpaEvent, history: History): Decision {
  const since = clock(event) - (event.window_ms ?? STABILIZATION_MS);
  const recent = history.proposals.filter((then) => then.at >= since).map((then) => then.replicas);
  const stabilized = Math.max(event.recommendation as number, ...recent);
  const paced = Math.min(stabilized, Math.max(2 * event.current, 4));
  return { stabilized, paced, desired: stabilized < event.min ? event.min : Math.min(paced, event.max) };
}

function byRules(event: HpaEvent, history: History): Decision {
  const { current, min, max, behavior } = event;
  const [up, down] = [filled(behavior?.scaleUp, UP), filled(behavior?.scaleDown, DOWN)];
  const stabilized = between(event, history, up, down);
  if (stabilized > current) {
    const paced = Math.min(stabilized, Math.max(reach(up, event, history, 1), current));
    return { stabilized, paced, desired: Math.min(paced, max) };
  }
  if (stabilized < current) {
    const paced = Math.max(stabilized, Math.min(reach(down, event, history, -1), current));
    return { stabilized, paced, desired: Math.max(paced, min) };
  }
  return { stabilized, paced: stabilized, desired: stabilized };
}

function filled(rules: HpaScalingRules | null | undefined, usual: HpaScalingRules): HpaScalingRules {
  return {
    stabilizationWindowSeconds: rules?.stabilizationWindowSeconds ?? usual.stabilizationWindowSeconds ?? null,
    selectPolicy: rules?.selectPolicy ?? usual.selectPolicy ?? null,
    policies: rules?.policies?.length ? rules.policies : (usual.policies ?? []),
  };
}

/** The current count, brought between the lowest proposal of the up window and the highest of the down window. */
function between(event: HpaEvent, history: History, up: HpaScalingRules, down: HpaScalingRules): number {
  const at = clock(event);
  const proposal = event.recommendation as number;
  const within = (windowMs: number): number[] =>
    history.proposals.filter((then) => then.at > at - windowMs).map((then) => then.replicas);
  const low = Math.min(proposal, ...within((up.stabilizationWindowSeconds ?? 0) * 1000));
  const downSeconds = down.stabilizationWindowSeconds;
  const downMs = typeof downSeconds === "number" ? downSeconds * 1000 : (event.window_ms ?? STABILIZATION_MS);
  const high = Math.max(proposal, ...within(downMs));
  return Math.min(Math.max(event.current, low), high);
}

/** The furthest that the policies let the count go in one direction. */
function reach(rules: HpaScalingRules, event: HpaEvent, history: History, sign: 1 | -1): number {
  if (rules.selectPolicy === "Disabled") return event.current;
  const ends = (rules.policies ?? []).map((policy) => reachOf(policy, event, history, sign));
  const wide = (rules.selectPolicy === "Min") === sign < 0 ? Math.max : Math.min;
  return wide(...ends);
}

function reachOf(policy: HpaBehaviorPolicy, event: HpaEvent, history: History, sign: 1 | -1): number {
  const since = clock(event) - policy.periodSeconds * 1000;
  const changed = history.changes
    .filter((change) => change.at > since)
    .reduce((sum, change) => sum + change.by, 0);
  const start = event.current - changed;
  if (policy.type === "Pods") return start + sign * policy.value;
  const part = start * (1 + (sign * policy.value) / 100);
  return sign > 0 ? Math.ceil(part) : Math.trunc(part);
}

/** A quantity such as `0.05` or `50m`. */
export function numberOf(quantity: string | number | null | undefined): number | null {
  if (quantity === null || quantity === undefined) return null;
  const text = String(quantity);
  return text.endsWith("m") ? Number(text.slice(0, -1)) / 1000 : Number(text);
}
