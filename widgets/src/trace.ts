/** The trace format `kubehop-trace/1`, as `src/kubehop/trace/schema.json` has it. */

export type EntityKind =
  | "Client"
  | "Ingress"
  | "Route"
  | "Service"
  | "EndpointSlice"
  | "Pod"
  | "Container"
  | "Node"
  | "Deployment"
  | "HPA"
  | "DNS"
  | "LoadGen";

export interface Entity {
  id: string;
  kind: EntityKind;
  name?: string;
  parent?: string;
  /** Facts that do not change while the trace runs. */
  p?: Record<string, unknown>;
}

interface EventBase {
  /** Milliseconds since the start, as the observer saw it arrive. */
  t: number;
  /** Evidence: `Kind/name@resourceVersion`, or the log it came from. */
  src?: string;
  src_t?: number;
}

type Op = "add" | "mod" | "del";

export interface PodEvent extends EventBase {
  e: "pod";
  id: string;
  op: Op;
  s?: {
    phase: string;
    ready: boolean;
    ip?: string;
    node?: string;
    terminating?: boolean;
    restarts?: number;
    reason?: string;
  };
}

export interface EndpointEvent extends EventBase {
  e: "ep";
  /** The Pod behind the endpoint, or `addr:<address>`. */
  id: string;
  op: Op;
  svc: string;
  slice?: string;
  address?: string;
  port?: number | null;
  ready: boolean;
  serving: boolean;
  terminating: boolean;
}

export interface ServiceEvent extends EventBase {
  e: "svc";
  id: string;
  op: Op;
  s?: {
    type: string;
    cluster_ip?: string;
    ports?: { name?: string; port: number; target_port?: number | string; node_port?: number }[];
  };
}

export interface RouteEvent extends EventBase {
  e: "route";
  id: string;
  op: Op;
  s?: { host?: string; path: string; path_type?: string; service?: string; port?: number | string };
}

export interface HpaPod {
  name: string;
  request_m: number | null;
  usage_m: number | null;
  ready: boolean;
  unready_reason: string | null;
}

export interface HpaBehaviorPolicy {
  type: string;
  value: number;
  periodSeconds: number;
}

export interface HpaScalingRules {
  stabilizationWindowSeconds?: number | null;
  selectPolicy?: string | null;
  policies?: HpaBehaviorPolicy[] | null;
  tolerance?: string | number | null;
}

export interface HpaBehavior {
  scaleUp?: HpaScalingRules | null;
  scaleDown?: HpaScalingRules | null;
}

export interface HpaEvent extends EventBase {
  e: "hpa";
  id: string;
  current: number;
  desired: number | null;
  target: number;
  pods: HpaPod[];
  utilization?: number | null;
  ratio?: number | null;
  recommendation: number | null;
  reason?: string;
  stabilized?: number | null;
  limited?: string | null;
  min: number;
  max: number;
  behavior?: HpaBehavior | null;
  window_ms?: number;
  error?: string;
  log?: string;
}

export interface ScaleEvent extends EventBase {
  e: "scale";
  id: string;
  from: number | null;
  to: number;
}

export interface LoadEvent extends EventBase {
  e: "load";
  rate: number;
  text?: string;
}

export interface GapEvent extends EventBase {
  e: "gap";
  source: string;
  op: "add" | "del";
  from?: number;
  text: string;
}

export interface TextEvent extends EventBase {
  e: "cmd" | "note";
  id?: string;
  text: string;
}

/** Kinds that no widget draws yet; they still stand in the log. */
export interface OtherEvent extends EventBase {
  e: "dns" | "nft" | "ct" | "cpu";
  id?: string;
  rule?: string;
  original?: string;
  name?: string;
  rcode?: string;
  usage_m?: number;
  line?: string;
}

export type TraceEvent =
  | PodEvent
  | EndpointEvent
  | ServiceEvent
  | RouteEvent
  | HpaEvent
  | ScaleEvent
  | LoadEvent
  | GapEvent
  | TextEvent
  | OtherEvent;

export interface Meta {
  id: string;
  title: string;
  summary: string;
  origin: "recorded" | "live" | "model";
  duration_ms: number;
  recorded_at?: string;
  recorder?: string;
  cluster?: Record<string, string>;
  namespace?: string;
  scenario?: string;
  seed?: number;
  params?: Record<string, unknown>;
  chapters?: { t: number; label: string }[];
  loss?: { req_dropped: number; events_dropped: number; gaps: number };
}

export type Lines = Record<string, { client?: string; traefik?: string; pod?: string }>;

export interface RequestTable {
  cols: string[];
  dict?: Partial<Record<"path" | "host" | "meth" | "err", string[]>>;
  rows: number[][];
  lines?: Lines;
}

export interface Trace {
  schema: string;
  meta: Meta;
  entities: Entity[];
  events: TraceEvent[];
  req?: RequestTable;
}

/** What a growing trace sends: parts to append, and the facts of `meta` that changed. */
export interface Batch {
  meta?: Partial<Meta>;
  entities?: Entity[];
  events?: TraceEvent[];
  req?: Partial<RequestTable>;
}

/** One row of `req`, its indexes resolved. Times in microseconds; null where nobody measured. */
export interface Request {
  id: number;
  /** Start, milliseconds since the start of the trace. */
  t: number;
  from: Entity | null;
  via: Entity | null;
  to: Entity | null;
  path: string;
  host: string;
  method: string;
  /** Whole duration as the outermost observer measured it. */
  us: number;
  /** The ingress controller's whole time. */
  eus: number | null;
  /** Time the ingress controller waited for the Pod. */
  ous: number | null;
  /** The Pod's own time. */
  pus: number | null;
  /** HTTP status; 0 when no answer came. */
  status: number;
  connection: number | null;
  retries: number;
  error: string;
}
