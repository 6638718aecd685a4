/** What happens at each hop, in words, and which object decided it. */
import { microseconds } from "../format.ts";
import { shortName } from "../index.ts";
import { askedOf, type ClusterState, countEndpoints, endpointsOf } from "../state.ts";
import type { Request } from "../trace.ts";
import type { Place, Shape } from "./model.ts";

export interface Sentence {
  text: string;
  decider: string;
}

export function sentence(shape: Shape, place: Place, state: ClusterState): Sentence {
  const { request, flow, stop } = shape;
  const stopped = place === stop;
  if (place === "client") return asks(shape);
  if (place === "entry") return flow === "ingress" ? atController(shape) : atKernel(shape, state);
  if (place === "rule")
    return flow === "ingress" ? atRule(shape, state, stopped) : atProxyRule(shape, state, stopped);
  if (place === "pod") return atPod(shape, state, stopped);
  return {
    text: `The container in Pod ${shortName(request.to)} answers ${request.status}${request.pus === null ? "" : ` in ${microseconds(request.pus)}`}.`,
    decider: request.to?.id ?? "",
  };
}

function asks({ request, service, flow }: Shape): Sentence {
  const name =
    request.host || (flow === "cluster" ? shortId(service) : shortName(request.to)) || "an unknown address";
  return {
    text: `${capital(shortName(request.from) || "the client")} sends ${request.method} ${request.path} to ${name}.`,
    decider: shortName(request.from) || "the client",
  };
}

function atController({ request, stop, barred }: Shape): Sentence {
  const host = request.host ? ` host ${request.host} and` : "";
  let text = "Traefik accepts the connection and compares host and path with its rules.";
  if (stop === "entry" && barred)
    text = `No rule has${host} path ${request.path}: Traefik itself answers ${request.status}. No Pod is asked.`;
  else if (request.via?.kind !== "Route")
    text = `No line of Traefik's log names a rule: the inside was not seen.${stop === "entry" ? outcome(request) : ""}`;
  return { text, decider: "traefik" };
}

const outcome = ({ status, error }: Request): string =>
  status ? ` The answer is ${status}.` : ` No answer: ${error || "the connection failed"}.`;

function atRule(shape: Shape, state: ClusterState, stopped: boolean): Sentence {
  const { request, service } = shape;
  const rule = state.routes.get(request.via?.id ?? "");
  const ingress = ingressName(request.via?.id ?? "");
  const matches = `Rule ${rule?.path ?? shortName(request.via)} of Ingress ${ingress} matches and names Service ${shortId(service)}`;
  if (!stopped) return { text: `${matches}.`, decider: request.via?.id ?? "" };
  const { ready, all } = countEndpoints(state, service);
  return {
    text: `${matches}. Its EndpointSlice has ${ready} ready of ${all}. Traefik dials nobody and answers ${request.status}.`,
    decider: ready ? "traefik" : sliceOf(state, service),
  };
}

function atKernel(shape: Shape, state: ClusterState): Sentence {
  const { service, request } = shape;
  if (!service)
    return {
      text: `${headless(request)}Where this packet went was not seen.${outcome(request)}`,
      decider: "the kernel's rules",
    };
  const node = nodeOf(shape, state);
  const { address } = askedOf(state, service, request.host);
  return {
    text: `The packet to ${address} meets the kernel's rules${node && ` on ${node}`}. No process listens there.`,
    decider: service,
  };
}

/** A Service that no rule stands for is a headless one. */
const headless = ({ via }: Request): string =>
  via ? `Service ${shortName(via)} is headless: its name means its Pods' addresses. ` : "";

function atProxyRule(shape: Shape, state: ClusterState, stopped: boolean): Sentence {
  const { service, request, kept, portless } = shape;
  if (stopped) {
    const why = portless
      ? `no port ${askedOf(state, service, request.host).number}, so no rule chooses a Pod`
      : "0 ready endpoints: the rule has no Pod to choose";
    return {
      text: `Service ${shortId(service)} has ${why} (${request.error || "no answer"}).`,
      decider: portless ? service : sliceOf(state, service),
    };
  }
  const target = request.to ? addressOf(request, state, service) : "its address";
  if (kept)
    return {
      text: `No new choice: conntrack keeps the Pod that this connection's first packet chose, and rewrites the destination to ${target}.`,
      decider: "conntrack",
    };
  return {
    text: `The rule that kube-proxy wrote picks 1 of ${countEndpoints(state, service).ready} ready endpoints at random and rewrites the destination to ${target}.`,
    decider: `kube-proxy, from ${sliceOf(state, service) || "EndpointSlice"}`,
  };
}

function atPod(shape: Shape, state: ClusterState, stopped: boolean): Sentence {
  const { request, flow, service } = shape;
  if (!request.to)
    return {
      text: `A Pod was dialed; which one is not known.${outcome(request)}`,
      decider: `a Pod of ${shortId(service)}`,
    };
  let target = addressOf(request, state, service);
  const straight = flow === "direct" && (request.via || request.host.startsWith(target));
  if (straight) target += `:${askedOf(state, service, request.host).number}`;
  if (stopped) return refused(shape, target);
  if (flow === "direct") {
    const text = straight
      ? `${headless(request)}The packet goes straight to ${target}: no rule.`
      : `The packet arrives at ${target}; its way was not seen.`;
    return { text, decider: "route table" };
  }
  if (!service) return { text: `Traefik dials ${target}.`, decider: "traefik" };
  const { ready, all } = countEndpoints(state, service);
  const text =
    flow === "ingress"
      ? `Traefik picks ${target} from the EndpointSlice (${ready} of ${all} ready) and dials the Pod. The Service is read, not passed through.`
      : `The packet arrives at ${target}. Later packets of this connection follow it without a new choice.`;
  return { text, decider: sliceOf(state, service) };
}

function refused({ request, flow }: Shape, target: string): Sentence {
  const why = request.error || (request.status === 504 ? "no answer in time" : "the connection failed");
  const who = flow === "ingress" ? "Traefik" : "The client";
  const answer = request.status ? ` ${who} reports ${request.status}.` : "";
  const text = `Pod ${shortName(request.to)} was dialed at ${target}: ${why}.${answer}`;
  return { text, decider: request.to?.id ?? "" };
}

export function addressOf(request: Request, state: ClusterState, service: string): string {
  const end = state.endpoints.get(`${service} ${request.to?.id}`);
  const address = end?.address || state.pods.get(request.to?.id ?? "")?.address || shortName(request.to);
  return end?.port ? `${address}:${end.port}` : address;
}

function sliceOf(state: ClusterState, service: string): string {
  return (
    endpointsOf(state, service).find((end) => end.slice)?.slice ??
    (service ? `EndpointSlice of ${shortId(service)}` : "")
  );
}

/** The node whose rules a packet meets: the client's, where that is known, but at a node port the one asked. */
export function nodeOf({ request, service }: Shape, state: ClusterState): string {
  const { port, number } = askedOf(state, service, request.host);
  if (port && port.port !== Number(number)) return "";
  return state.pods.get(request.from?.id ?? "")?.node || String(request.from?.p?.node ?? "");
}

export const shortId = (id: string): string => id.replace(/^[a-z]+:/, "");
export const ingressName = (route: string): string =>
  shortId(route).replace(/^.*\//, "").replace(/#\d+$/, "");
const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);
