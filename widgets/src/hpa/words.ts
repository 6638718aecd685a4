/** A decision in words and as a row of stations: each number, and where it comes from. */
import { plural } from "../format.ts";
import type { HpaEvent } from "../trace.ts";
import type { Proposal, Tick } from "./hpa.ts";

export interface Station {
  name: string;
  value: string;
  /** How the number came about. */
  how: string;
  /** True where this step changed the number it was given. */
  decides: boolean;
}

export const ratioText = (ratio: number): string => ratio.toFixed(2);

export function stationsOf(tick: Tick): Station[] {
  const { event, proposal } = tick;
  const { utilization, ratio, usage, request } = proposal;
  if (utilization === null || ratio === null) return unknownStations(event.current, event.desired);
  const stations: Station[] = [
    { name: "utilization", value: `${utilization} %`, how: `${usage} of ${request}m`, decides: false },
    { name: "ratio", value: ratioText(ratio), how: `${utilization} / ${event.target}`, decides: false },
  ];
  if (proposal.corrected !== null) stations.push(correction(proposal, event.target));
  const recommendation = event.recommendation ?? proposal.replicas ?? event.current;
  stations.push(proposalStation(proposal, recommendation));
  const stabilized = stabilizedOf(tick);
  const paced = pacedOf(tick);
  const desired = event.desired ?? paced;
  const moved = stabilized !== recommendation;
  stations.push({
    name: "stabilized",
    value: String(stabilized),
    how: moved ? windowText(event.window_ms, stabilized > recommendation) : "window agrees",
    decides: moved,
  });
  const capped = paced !== stabilized;
  const cap = event.behavior ? "by its policies" : `cap max(2×${event.current}, 4)`;
  stations.push({ name: "step", value: String(paced), how: capped ? cap : "small enough", decides: capped });
  const decides = desired !== paced;
  const how = decides && !boundOf(tick) ? reasonSeen(event) : `min ${event.min}, max ${event.max}`;
  stations.push({ name: "replicas", value: `${event.current} → ${desired}`, how, decides });
  return stations;
}

const stabilizedOf = ({ event, proposal, decision }: Tick): number =>
  event.stabilized ?? decision?.stabilized ?? event.recommendation ?? proposal.replicas ?? event.current;

const pacedOf = (tick: Tick): number => tick.decision?.paced ?? stabilizedOf(tick);

/** The bound that cut the number; "" when neither did, and something else did that nobody computed. */
function boundOf(tick: Tick): string {
  const { desired, min, max } = tick.event;
  const paced = pacedOf(tick);
  if (desired === max && paced > max) return "spec.maxReplicas";
  return desired === min && paced < min ? "spec.minReplicas" : "";
}

const reasonSeen = ({ reason }: HpaEvent): string =>
  reason ? `the HPA says ${reason}` : "the reason was not seen";

function unknownStations(current: number, desired: number | null): Station[] {
  return [
    { name: "utilization", value: "?", how: "no number", decides: true },
    {
      name: "replicas",
      value: `${current} → ${desired ?? current}`,
      how: "no change without numbers",
      decides: false,
    },
  ];
}

function correction(proposal: Proposal, target: number): Station {
  const parts: string[] = [];
  if (proposal.unready.length && (proposal.ratio ?? 0) > 1)
    parts.push(`${proposal.unready.length} unready as 0`);
  if (proposal.missing.length) parts.push(`${proposal.missing.length} missing as ${proposal.missingAs} %`);
  const how = parts.join(", ") || `${proposal.correctedUtilization} / ${target}`;
  return { name: "corrected", value: ratioText(proposal.corrected ?? 0), how, decides: true };
}

function proposalStation(proposal: Proposal, recommendation: number): Station {
  const ratio = proposal.corrected ?? proposal.ratio ?? 0;
  const how = {
    ceil: `⌈${ratioText(ratio)} × ${proposal.counted}⌉`,
    tolerance: "within tolerance: stay",
    direction: "would turn round: stay",
    "no metrics": "unknown",
  }[proposal.rule];
  return { name: "proposal", value: String(recommendation), how, decides: proposal.rule !== "ceil" };
}

const windowText = (ms: number | undefined, high: boolean): string =>
  `${high ? "highest" : "lowest"} of ${Math.round((ms ?? 300_000) / 1000)} s`;

const lastWord = (tick: Tick): string => stationsOf(tick).findLast((station) => station.decides)?.name ?? "";

/** Why this number: one sentence, naming the rule that had the last word. */
export function reasonOf(tick: Tick): string {
  const { event, proposal, textbook } = tick;
  if (proposal.utilization === null)
    return `No number: ${event.error ?? event.reason ?? "no Pod has a sample"}.`;
  const desired = event.desired ?? event.current;
  const verb = desired === event.current ? `stays at ${desired}` : `goes from ${event.current} to ${desired}`;
  const differs = textbook !== null && textbook !== desired ? ` The formula says ${textbook}.` : "";
  return `At ${proposal.utilization} % of requests it ${verb}: ${because(tick)}.${differs}`;
}

/** The Pods that do not count as measured, and as what they count. */
function assumed({ unready, missing, missingAs, ratio }: Proposal): string {
  const idle = (ratio ?? 0) > 1 ? unready.length : 0;
  const without = `${idle ? missing.length : plural(missing.length, "Pod")} without a sample`;
  const which = [idle ? plural(idle, "unready Pod") : "", missing.length ? without : ""];
  return `${which.filter(Boolean).join(" and ")} counted as ${missingAs ? `${missingAs} %` : "idle"}`;
}

function because(tick: Tick): string {
  const { event, proposal } = tick;
  const ratio = ratioText(proposal.corrected ?? proposal.ratio ?? 0);
  const says: Record<string, string> = {
    corrected: assumed(proposal),
    proposal:
      proposal.rule === "direction"
        ? `with ${assumed(proposal)} the ratio turns round to ${ratio}, and the controller never turns round`
        : `ratio ${ratio} is within the tolerance`,
    stabilized: `the ${event.behavior ? "" : "highest "}proposal that still counts is ${stabilizedOf(tick)}`,
    step: event.behavior ? "its policies allow no more" : "one step at most doubles, or makes four",
    replicas: boundOf(tick) ? `the bounds are ${event.min} and ${event.max}` : reasonSeen(event),
  };
  return says[lastWord(tick)] ?? `ratio ${ratio} times ${plural(proposal.counted, "Pod")}, rounded up`;
}

/** The object or rule that had the last word. */
export function deciderOf(tick: Tick): string {
  const { event, proposal } = tick;
  const young = proposal.unready.length ? "readiness of the Pods" : "samples that are missing";
  const names: Record<string, string> = {
    utilization: "metrics.k8s.io",
    corrected: young,
    proposal: proposal.rule === "direction" ? young : "tolerance",
    stabilized: event.behavior ? "spec.behavior" : "downscale stabilization",
    step: event.behavior ? "spec.behavior.policies" : "the controller's step cap",
    replicas: boundOf(tick) || (event.reason ? event.id : ""),
  };
  return names[lastWord(tick)] ?? "averageUtilization";
}

/** What the reader cannot see and needs to predict a shrinking: the highest proposal that still counts. */
export function windowOf({ event, proposal, decision }: Tick): string {
  const { current, behavior, window_ms } = event;
  if (!decision || behavior || (event.recommendation ?? proposal.replicas ?? 0) >= current) return "";
  return `; highest proposal of the last ${Math.round((window_ms ?? 300_000) / 1000)} s: ${decision.stabilized}`;
}

export const podsText = (tick: Tick): string => {
  const { proposal, event } = tick;
  const ready = event.pods.length - proposal.unready.length - proposal.missing.length;
  const more = [
    proposal.unready.length ? `${proposal.unready.length} unready` : "",
    proposal.missing.length ? `${proposal.missing.length} without a sample` : "",
  ].filter(Boolean);
  return [`${plural(ready, "Pod")} with a sample`, ...more].join(", ");
};
