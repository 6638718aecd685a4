// Writes test/data/*.json: traces computed with a seed, so that tests need no cluster. Origin "model".
import { mkdir, writeFile } from "node:fs/promises";

const OUT = new URL("data/", import.meta.url);

/** Mulberry32: small, seeded, good enough for a fixture. */
function chance(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let x = Math.imul(state ^ (state >>> 15), state | 1);
    x ^= x + Math.imul(x ^ (x >>> 7), x | 61);
    return ((x ^ (x >>> 14)) >>> 0) / 4294967296;
  };
}

const COLS = ["t", "id", "from", "via", "to", "path", "host", "meth", "us", "eus", "ous", "pus", "st", "conn", "try", "seen", "err"];

function trace({ id, title, summary, seed, params, entities, events, rows, dict, lines, chapters, duration, hosts }) {
  const at = (name) => entities.findIndex((entity) => entity.id === name);
  const table = {
    cols: COLS,
    dict: { path: [], host: [], meth: ["GET"], err: [], ...dict },
    rows: rows.map((row) => [row.t, row.id, at(row.from), at(row.via), at(row.to), row.path ?? 0, row.host ?? -1, 0, row.us, row.eus ?? -1, row.ous ?? -1, row.pus ?? -1, row.st, row.conn ?? -1, 0, 1, row.err ?? -1]),
    ...(lines ? { lines } : {}),
  };
  return {
    schema: "kubehop-trace/1",
    meta: { id, title, summary, origin: "model", duration_ms: duration, seed, params, ...(chapters ? { chapters } : {}), ...(hosts ? { hosts } : {}) },
    entities,
    events: events.sort((a, b) => a.t - b.t),
    ...(rows.length ? { req: table } : {}),
  };
}

const pod = (name, ip, node) => ({ t: 0, e: "pod", id: `pod:${name}`, op: "add", s: { phase: "Running", ready: true, ip, node } });
const endpoint = (name, svc, address, more = {}) => ({ t: 0, e: "ep", id: `pod:${name}`, op: "add", svc: `svc:${svc}`, slice: `slice:${svc}-x7k2p`, address, port: 8080, ready: true, serving: true, terminating: false, ...more });
const service = (name, ip) => ({ t: 0, e: "svc", id: `svc:${name}`, op: "add", s: { type: "ClusterIP", cluster_ip: ip, ports: [{ port: 80, target_port: 8080 }] } });
const entity = (id, kind, more = {}) => ({ id, kind, ...more });
const client = (id, name) => entity(id, "Client", { name });
const podEntity = (name) => entity(`pod:${name}`, "Pod", { name });

function ingress() {
  const host = "ingress.localhost";
  const rule = (n) => `route:shop/app-ingress#${n}`;
  const entities = [
    client("client", "your machine"), entity("traefik", "Ingress", { name: "Traefik" }),
    entity(rule(0), "Route"), entity(rule(1), "Route"), entity(rule(2), "Route"),
    entity("svc:stable-svc", "Service"), entity("svc:canary-svc", "Service"), entity("svc:search-svc", "Service"),
    entity("slice:stable-svc-x7k2p", "EndpointSlice", { parent: "svc:stable-svc" }), entity("slice:canary-svc-x7k2p", "EndpointSlice", { parent: "svc:canary-svc" }), entity("slice:search-svc-x7k2p", "EndpointSlice", { parent: "svc:search-svc" }),
    podEntity("stable-6d4f9c7b8-2xkqp"), podEntity("stable-6d4f9c7b8-wz7mh"), podEntity("canary-7f5b6c9d4-p4t8v"), podEntity("search-5c8d7f6b9-q9n5r"),
  ];
  const route = (n, path, svc) => ({ t: 0, e: "route", id: rule(n), op: "add", s: { host, path, path_type: "Prefix", service: `svc:${svc}`, port: 80, class: "traefik" } });
  const events = [
    service("stable-svc", "10.96.14.7"), service("canary-svc", "10.96.201.33"), service("search-svc", "10.96.77.120"),
    route(0, "/", "stable-svc"), route(1, "/canary", "canary-svc"), route(2, "/search", "search-svc"),
    pod("stable-6d4f9c7b8-2xkqp", "10.244.1.4", "node-1"), pod("stable-6d4f9c7b8-wz7mh", "10.244.2.7", "node-2"), pod("canary-7f5b6c9d4-p4t8v", "10.244.2.8", "node-2"),
    endpoint("stable-6d4f9c7b8-2xkqp", "stable-svc", "10.244.1.4"), endpoint("stable-6d4f9c7b8-wz7mh", "stable-svc", "10.244.2.7"), endpoint("canary-7f5b6c9d4-p4t8v", "canary-svc", "10.244.2.8"),
    { t: 0, e: "pod", id: "pod:search-5c8d7f6b9-q9n5r", op: "add", s: { phase: "Running", ready: false, ip: "10.244.1.9", node: "node-1" } },
    endpoint("search-5c8d7f6b9-q9n5r", "search-svc", "10.244.1.9", { ready: false, serving: false }),
    { t: 2400, e: "cmd", text: "kubectl set env deployment/canary LISTEN=:9090" },
  ];
  const ok = { from: "client", host: 0, st: 200 };
  const rows = [
    { ...ok, t: 180, id: 1, via: rule(0), to: "pod:stable-6d4f9c7b8-wz7mh", path: 0, us: 2410, eus: 1830, ous: 1210, pus: 640, conn: 1 },
    { ...ok, t: 760, id: 2, via: rule(0), to: "pod:stable-6d4f9c7b8-2xkqp", path: 0, us: 1920, eus: 1390, ous: 930, pus: 510, conn: 2 },
    { ...ok, t: 1320, id: 3, via: rule(1), to: "pod:canary-7f5b6c9d4-p4t8v", path: 1, us: 2660, eus: 2010, ous: 1440, pus: 760, conn: 3 },
    { ...ok, t: 1900, id: 4, via: "traefik", to: "", path: 0, host: 1, us: 900, eus: 210, st: 404, conn: 4 },
    { ...ok, t: 2980, id: 5, via: rule(1), to: "pod:canary-7f5b6c9d4-p4t8v", path: 1, us: 1780, eus: 1240, ous: 830, st: 502, conn: 5, err: 0 },
    { ...ok, t: 3600, id: 6, via: rule(2), to: "", path: 2, us: 1010, eus: 340, st: 503, conn: 6 },
  ];
  const line = (row, more) => ({ traefik: JSON.stringify({ DownstreamStatus: row.st, Duration: row.eus * 1000, OriginDuration: (row.ous ?? 0) * 1000, RequestHost: row.host ? "typo.localhost" : host, ...more }) });
  const lines = Object.fromEntries(rows.map((row) => [row.id, line(row, { RouterName: row.via.startsWith("route") ? `shop-app-ingress-${row.via.slice(-1)}@kubernetes` : "" })]));
  return trace({
    id: "journey-ingress", title: "The ingress controller dials a Pod. It only reads the Service.",
    summary: "Six requests through Traefik: three answered by Pods, then a 404, a 502 and a 503, each stopped at another hop.",
    seed: 1, params: { requests: 6 }, entities, events, rows, lines,
    dict: { path: ["/", "/canary", "/search"], host: [host, "typo.localhost"], err: ["connection refused"] },
    chapters: [{ t: 0, label: "answered" }, { t: 1890, label: "404: no rule" }, { t: 2970, label: "502: nobody listens" }, { t: 3590, label: "503: nobody ready" }], duration: 4200, hosts: [host, "typo.localhost"],
  });
}

function cluster() {
  const random = chance(11);
  const names = ["web-79d8c5b6f4-4zxkl", "web-79d8c5b6f4-bq2wn", "web-79d8c5b6f4-m8vtd"];
  const entities = [
    client("client:pod", "client Pod"), entity("svc:web-svc", "Service"), entity("slice:web-svc-x7k2p", "EndpointSlice", { parent: "svc:web-svc" }),
    ...names.map(podEntity), entity("svc:ghost-svc", "Service"),
  ];
  const events = [service("web-svc", "10.96.10.21"), service("ghost-svc", "10.96.10.99"), ...names.map((name, i) => pod(name, `10.244.${1 + (i % 2)}.${4 + i}`, `node-${1 + (i % 2)}`)), ...names.map((name, i) => endpoint(name, "web-svc", `10.244.${1 + (i % 2)}.${4 + i}`))];
  const rows = Array.from({ length: 5 }, (_, i) => {
    const pus = 300 + Math.floor(random() * 500);
    return { t: 150 + i * 420, id: i + 1, from: "client:pod", via: "svc:web-svc", to: `pod:${names[Math.floor(random() * 3)]}`, host: 0, us: pus + 500 + Math.floor(random() * 300), pus, st: 200, conn: i + 1 };
  });
  rows.push({ t: 2400, id: 6, from: "client:pod", via: "svc:ghost-svc", to: "", host: 1, us: 420, st: 0, conn: 6, err: 0 });
  return trace({
    id: "journey-cluster", title: "A Service is a rule in the kernel, not a process that packets pass through.",
    summary: "A Pod asks a Service five times; the rules of kube-proxy pick one of three Pods each time. The sixth request goes to a Service without endpoints.",
    seed: 11, params: { policy: "random", pods: 3 }, entities, events, rows,
    dict: { path: ["/"], host: ["web-svc", "ghost-svc"], err: ["connection refused"] }, duration: 3000,
  });
}

function balance() {
  const random = chance(5);
  const names = ["web-79d8c5b6f4-4zxkl", "web-79d8c5b6f4-bq2wn", "web-79d8c5b6f4-m8vtd"];
  const rule = "route:shop/app-ingress#0";
  const entities = [client("client", "your machine"), client("client:pod", "client Pod"), entity("traefik", "Ingress", { name: "Traefik" }), entity(rule, "Route"), entity("svc:web-svc", "Service"), entity("slice:web-svc-x7k2p", "EndpointSlice", { parent: "svc:web-svc" }), ...names.map(podEntity)];
  const events = [service("web-svc", "10.96.10.21"), { t: 0, e: "route", id: rule, op: "add", s: { path: "/", service: "svc:web-svc", port: 80 } }, ...names.map((name, i) => pod(name, `10.244.${1 + (i % 2)}.${4 + i}`, `node-${1 + (i % 2)}`)), ...names.map((name, i) => endpoint(name, "web-svc", `10.244.${1 + (i % 2)}.${4 + i}`))];
  const rows = [];
  const add = (t, who, more) => {
    const pus = Math.round(300 + 250 * -Math.log(1 - random() * 0.999));
    rows.push({ t, id: rows.length + 1, to: `pod:${names[who]}`, host: 0, us: pus + 600, pus, st: 200, ...more });
  };
  for (let i = 0; i < 45; i += 1) add(100 + i * 40, Math.floor(random() * 3), { from: "client:pod", via: "svc:web-svc", conn: i });
  for (let i = 0; i < 45; i += 1) add(2100 + i * 40, i % 3, { from: "client", via: rule, conn: 100, eus: 900, ous: 700 });
  for (let i = 0; i < 45; i += 1) add(4100 + i * 40, 1, { from: "client:pod", via: "svc:web-svc", conn: 200 });
  return trace({
    id: "balance-three", title: "Chance, turns, or one Pod for all: who balances decides, and what it counts.",
    summary: "45 requests each through kube-proxy with new connections, through Traefik, and through kube-proxy on one kept-alive connection.",
    seed: 5, params: { pods: 3, requests: 135 }, entities, events, rows, dict: { path: ["/"], host: ["web-svc"] },
    chapters: [{ t: 0, label: "kube-proxy, a new connection each" }, { t: 2050, label: "Traefik" }, { t: 4050, label: "kube-proxy, one kept-alive connection" }], duration: 6100,
  });
}

function lifecycle() {
  const random = chance(3);
  const names = ["web-79d8c5b6f4-4zxkl", "web-79d8c5b6f4-bq2wn", "web-79d8c5b6f4-m8vtd"];
  const entities = [client("client:pod", "client Pod"), entity("svc:web-svc", "Service"), entity("slice:web-svc-x7k2p", "EndpointSlice", { parent: "svc:web-svc" }), ...names.map(podEntity), podEntity("web-79d8c5b6f4-new01")];
  const ip = (i) => `10.244.${1 + (i % 2)}.${4 + i}`;
  const all = [...names, "web-79d8c5b6f4-new01"];
  const slice = (t, i, op, ready, terminating) => endpoint(all[i], "web-svc", ip(i), { t, op, ready, serving: true, terminating });
  const events = [service("web-svc", "10.96.10.21"), ...names.map((name, i) => pod(name, ip(i), "node-1")), ...names.map((_, i) => slice(0, i, "add", true, false)),
    { t: 4000, e: "cmd", text: "kubectl delete pod web-79d8c5b6f4-bq2wn" },
    { t: 4020, e: "pod", id: `pod:${names[1]}`, op: "mod", s: { phase: "Running", ready: true, terminating: true, ip: ip(1), node: "node-1" } }, slice(4030, 1, "mod", false, true),
    { t: 4060, e: "pod", id: `pod:${all[3]}`, op: "add", s: { phase: "Pending", ready: false } }, slice(5400, 1, "del", false, true), { t: 5500, e: "pod", id: `pod:${names[1]}`, op: "del" },
    { t: 6200, e: "gap", source: "pods", op: "add", text: "the watch broke: 410 Gone" }, { t: 6900, e: "gap", source: "pods", op: "del", from: 6200, text: "listed again" },
    { t: 7000, e: "pod", id: `pod:${all[3]}`, op: "mod", s: { phase: "Running", ready: true, ip: ip(3), node: "node-2" } }, slice(7030, 3, "add", true, false)];
  const rows = [];
  for (let t = 50, id = 1; t < 9800; t += 40 + Math.floor(random() * 20), id += 1) {
    const live = t < 4050 ? [0, 1, 2] : t < 7050 ? [0, 2] : [0, 2, 3];
    const broken = t > 4050 && t < 4140;
    rows.push({ t, id, from: "client:pod", via: "svc:web-svc", to: `pod:${all[broken ? 1 : live[Math.floor(random() * live.length)]]}`, host: 0, us: 900 + Math.floor(random() * 700), ...(broken ? { st: 0, err: 0 } : { st: 200, pus: 400 }), conn: id });
  }
  const made = trace({ id: "pod-replaced", title: "A deleted Pod leaves the rules a moment after it stops answering.", summary: "About 200 requests to a Service with three Pods while one Pod is deleted and replaced; two fail, and the Pod watch breaks once.", seed: 3, params: { rate: 20 }, entities, events, rows, dict: { path: ["/"], host: ["web-svc"], err: ["connection refused"] }, duration: 10000 });
  made.meta.loss = { req_dropped: 0, events_dropped: 0, gaps: 1 };
  return made;
}

await mkdir(OUT, { recursive: true });
for (const made of [ingress(), cluster(), balance(), lifecycle()]) {
  await writeFile(new URL(`${made.meta.id}.json`, OUT), `${JSON.stringify(made)}\n`);
}
