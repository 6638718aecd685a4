import { describe, expect, test } from "vitest";
import { indexTrace } from "../src/index.ts";
import { type Journey, journeysOf } from "../src/journey/model.ts";
import { RequestJourney } from "../src/journey/widget.ts";
import type { Trace } from "../src/trace.ts";
import { show, traceOf, traceWith } from "./tools.ts";

const journey = (trace: Trace, id: number): Journey =>
  journeysOf(indexTrace(trace)).find(({ request }) => request.id === id)!;
const textAt = ({ steps }: Journey, place: string): string =>
  steps.find((step) => step.place === place && !step.back)?.text ?? "";
const last = ({ steps }: Journey): string => steps.at(-1)!.text;

/** The picture of a request when it is over. */
function pictured(trace: Trace, id: number) {
  const shown = show("RequestJourney", trace);
  const moment = RequestJourney.momentOf(shown.index, id);
  shown.player.seek(moment.t, moment.focus);
  const barred = shown.figure.querySelector(".kh-barrier") !== null;
  return { ...shown, barred };
}

/** Answers of the questions that are asked, by the time they are asked for. */
function asked(trace: Trace, id: number): string | null {
  const index = indexTrace(trace);
  const { start } = journey(trace, id);
  const question = RequestJourney.predict!(index, { t: start - 0.01, focus: null });
  return question?.answer.focus === id ? question.options[question.correct]! : null;
}

const UNKNOWN = { to: null, pus: null };
const UNSEEN = { via: null, eus: null, ous: null, pus: null };

describe("a Service whose Pod is not known", () => {
  test("refused: a Pod was dialed, and that is where it stopped", () => {
    const trace = traceWith("journey-cluster", 2, { ...UNKNOWN, st: 0, err: 0 });
    const found = journey(trace, 2);
    expect([found.stop, found.barred, found.failed]).toEqual(["pod", true, true]);
    expect(last(found)).toMatch(/^A Pod was dialed; which one is not known. No answer: connection refused\./);
    expect(found.steps.at(-1)!.decider).toBe("a Pod of web-svc");
    expect(textAt(found, "rule")).toContain("picks 1 of 3 ready endpoints");
    expect([asked(trace, 2), pictured(trace, 2).barred]).toEqual(["at the Pod's door", true]);
  });

  test("answered: no barrier, and no question about it", () => {
    const trace = traceWith("journey-cluster", 2, UNKNOWN);
    const found = journey(trace, 2);
    expect([found.stop, found.barred]).toEqual(["pod", false]);
    expect(last(found)).toMatch(/^A Pod was dialed; which one is not known. The answer is 200\./);
    expect([asked(trace, 2), pictured(trace, 2).barred]).toEqual([null, false]);
  });

  test("the mark stands beside all Pods, and no Pod is lit", () => {
    const { figure, index } = pictured(traceWith("journey-cluster", 2, UNKNOWN), 2);
    expect(index.requests[1]!.to).toBeNull();
    const pods = [...figure.querySelectorAll(".kh-stage g")]
      .filter((each) => each.querySelector(":scope > title")?.textContent?.startsWith("Pod "))
      .map((each) => each.querySelector(".kh-box")!);
    expect(pods.map((box) => box.classList.contains("kh-on"))).toEqual([false, false, false]);
    const left = Number(pods[0]!.getAttribute("x"));
    const way = [...figure.querySelectorAll(".kh-wire.kh-on")].at(-1)!.getAttribute("d")!;
    expect(Number(/([\d.]+) [\d.]+$/.exec(way)![1])).toBeLessThan(left - 5);
  });

  test("without a ready endpoint the rule stays what stopped it", () => {
    const found = journey(traceOf("journey-cluster"), 6);
    expect([found.stop, found.barred]).toEqual(["rule", true]);
    expect(asked(traceOf("journey-cluster"), 6)).toBe("at the rule: nobody to dial");
  });

  test("an answer, or a kept connection, needs no ready endpoint", () => {
    expect(journey(traceWith("journey-cluster", 6, { st: 200, err: null }), 6).stop).toBe("pod");
    const trace = traceWith("journey-cluster", 5, { ...UNKNOWN, via: "svc:ghost-svc", conn: 6 });
    expect([journey(trace, 6).kept, journey(trace, 6).stop]).toEqual([true, "pod"]);
  });

  test("an address that no Service has is not spoken of as one", () => {
    const trace = traceWith("journey-cluster", 2, { ...UNKNOWN, via: null, st: 0, err: 0 });
    const found = journey(trace, 2);
    expect([found.stop, found.barred]).toEqual(["entry", false]);
    expect(last(found)).toMatch(/^Where this packet went was not seen. No answer: connection refused\./);
    const { figure } = pictured(trace, 2);
    expect(figure.querySelector(".kh-stage")!.textContent).not.toContain("no endpoints");
  });
});

describe("the Ingress without a line of its log", () => {
  test("an answer from inside is not Traefik's own", () => {
    const trace = traceWith("journey-ingress", 2, { ...UNSEEN, to: null });
    const found = journey(trace, 2);
    expect([found.flow, found.stop, found.barred]).toEqual(["ingress", "entry", false]);
    expect(last(found)).toMatch(/^No line of Traefik's log .* not seen\. The answer is 200\. Back/);
    expect([asked(trace, 2), pictured(trace, 2).barred]).toEqual([null, false]);
    expect(pictured(trace, 2).figure.querySelector(".kh-stage .kh-box.kh-faint + text")).not.toBeNull();
  });

  test("a Pod that answers by its name was not asked directly, and by no rule that is known", () => {
    const found = journey(traceWith("journey-ingress", 2, UNSEEN), 2);
    expect([found.flow, found.stop]).toEqual(["ingress", "container"]);
    expect(found.steps.map((step) => step.place)).toEqual(["client", "entry", "pod", "container", "client"]);
    expect(textAt(found, "entry")).toMatch(/^No line of Traefik's log names a rule: .* not seen\.$/);
    expect(textAt(found, "pod")).toBe("Traefik dials 10.244.1.4.");
  });

  test("no answer at all is told as no answer", () => {
    const trace = traceWith("journey-ingress", 2, { ...UNSEEN, to: null, st: 0, err: 0 });
    expect(last(journey(trace, 2))).toContain("No answer: connection refused.");
  });

  test("seen, and 404: Traefik's own answer", () => {
    const trace = traceOf("journey-ingress");
    expect([journey(trace, 4).stop, journey(trace, 4).barred]).toEqual(["entry", true]);
    expect(last(journey(trace, 4))).toContain("No rule has host typo.localhost and path /: Traefik itself");
    expect([asked(trace, 4), pictured(trace, 4).barred]).toEqual(["at Traefik, before any rule", true]);
  });

  test("seen, and 200 by no rule of ours: not Traefik's own answer", () => {
    const found = journey(traceWith("journey-ingress", 4, { st: 200 }), 4);
    expect([found.barred, last(found)]).toEqual([false, expect.not.stringContaining("itself")]);
  });

  test("a rule whose Pod is not known: dialed or not", () => {
    const dialed = journey(traceWith("journey-ingress", 5, { to: null }), 5);
    expect([dialed.stop, dialed.barred]).toEqual(["pod", true]);
    expect(last(dialed)).toContain("A Pod was dialed; which one is not known. The answer is 502.");
    const not = journey(traceWith("journey-ingress", 5, { to: null, ous: null, st: 503 }), 5);
    expect([not.stop, not.barred, not.steps.at(-1)!.decider]).toEqual(["rule", true, "traefik"]);
    expect(last(not)).toContain("has 1 ready of 1. Traefik dials nobody and answers 503.");
  });
});

describe("the address that was asked", () => {
  const PORTS = [
    { name: "web", port: 80, target_port: 8080, node_port: 30080 },
    { name: "admin", port: 9090, target_port: 9091, node_port: 30090 },
  ];
  const LOST = { ...UNKNOWN, st: 0, err: 0 };

  /** The second request of the fixture, which asks web-svc, asks for `host`. */
  function asking(host: string, cells: Parameters<typeof traceWith>[2] = {}, ip = "10.96.10.21"): Trace {
    const trace = traceWith("journey-cluster", 2, cells);
    const row = trace.req!.rows[1]!;
    row[trace.req!.cols.indexOf("host")] = trace.req!.dict!.host!.push(host) - 1;
    const event = trace.events.find((each) => each.e === "svc" && each.id === "svc:web-svc")!;
    Object.assign(event, { s: { type: "LoadBalancer", cluster_ip: ip, ports: PORTS } });
    return trace;
  }

  test.each([
    ["web-svc", "web-svc = 10.96.10.21:80", "10.96.10.21:80", "80→8080"],
    ["web-svc:9090", "web-svc:9090 = 10.96.10.21:9090", "10.96.10.21:9090", "9090→9091"],
    ["10.96.10.21:80", "10.96.10.21:80/", "10.96.10.21:80", "80→8080"],
    ["172.30.1.17", "172.30.1.17/", "172.30.1.17:80", "80→8080"],
    ["172.30.0.11:30090", "172.30.0.11:30090/", "172.30.0.11:30090", "9090→9091"],
  ])("%s: the packet goes there, and the Service's port is told", (host, shown, packet, arrow) => {
    const trace = asking(host);
    const entry = textAt(journey(trace, 2), "entry");
    expect(entry).toBe(`The packet to ${packet} meets the kernel's rules. No process listens there.`);
    const texts = [...pictured(trace, 2).figure.querySelectorAll(".kh-stage text")].map((e) => e.textContent);
    expect(texts).toEqual(expect.arrayContaining([shown, `web-svc ${arrow}`]));
  });

  test.each([
    ["web-svc", "of node-1", "rules on node-1. No"],
    ["172.30.0.12:30080", "of the node", "rules. No"],
  ])("%s: the kernel %s, as far as is known", (host, box, words) => {
    const trace = asking(host, { from: "pod:web-79d8c5b6f4-4zxkl" });
    expect(textAt(journey(trace, 2), "entry")).toContain(words);
    expect(pictured(trace, 2).picture()).toContain(`>${box}<`);
  });

  test.each(["web-svc:8080", "10.96.10.21:8080", "web-svc:30080"])("%s: no such port", (host) => {
    const trace = asking(host, LOST);
    const found = journey(trace, 2);
    const port = host.split(":")[1];
    expect([found.stop, found.barred]).toEqual(["rule", true]);
    expect(last(found)).toMatch(
      `Service web-svc has no port ${port}, so no rule chooses a Pod (connection refused).`,
    );
    expect(found.steps.at(-1)!.decider).toBe("svc:web-svc");
    const { figure, barred } = pictured(trace, 2);
    expect([asked(trace, 2), barred]).toEqual(["at the rule: nobody to dial", true]);
    expect(figure.querySelector(".kh-foot")!.textContent).toContain("kubectl get service web-svc");
    const stage = figure.querySelector(".kh-stage")!;
    expect(stage.textContent).toContain("no such port");
    expect(stage.textContent).not.toMatch(/at random|→8080/);
    expect(stage.querySelectorAll(".kh-thin").length).toBe(0);
  });

  test("an answer tells that the port is there, whatever was seen of the Service", () => {
    expect(journey(asking("web-svc:8080"), 2).stop).toBe("container");
    expect(journey(asking("web-svc:8080", UNKNOWN), 2).stop).toBe("pod");
    expect(pictured(asking("web-svc:8080", UNKNOWN), 2).picture()).not.toContain("no such port");
  });

  test.each(["web-svc", "web-0.web-svc"])("%s, headless: the name means the Pod's own address", (host) => {
    const found = journey(asking(host, {}, "None"), 2);
    expect([found.flow, found.stop]).toEqual(["direct", "container"]);
    expect(textAt(found, "pod")).toMatch(
      /^Service web-svc is headless: its name means its Pods' addresses\. The packet goes straight to 10\.244\.\d\.\d:80: no rule\.$/,
    );
  });

  test("headless, and the Pod is not known: no rule is told", () => {
    const found = journey(asking("web-svc", LOST, "None"), 2);
    expect([found.stop, found.barred]).toEqual(["entry", false]);
    expect(last(found)).toMatch(
      /^Service web-svc is headless: .* Where this packet went was not seen\. No answer: connection refused\./,
    );
  });

  test("straight to a Pod only by the Pod's own address", () => {
    const trace = asking("10.244.2.5:8080", { via: null, to: "pod:web-79d8c5b6f4-bq2wn" });
    expect(textAt(journey(trace, 2), "pod")).toBe("The packet goes straight to 10.244.2.5:8080: no rule.");
    trace.req!.rows[1]![trace.req!.cols.indexOf("host")] = -1;
    expect(textAt(journey(trace, 2), "pod")).toBe("The packet arrives at 10.244.2.5; its way was not seen.");
  });
});

test("a kept connection keeps its Pod: only its first packet was a choice", () => {
  const trace = traceWith("journey-cluster", 2, { conn: 1 });
  const pod = trace.req!.rows[0]![trace.req!.cols.indexOf("to")]!;
  trace.req!.rows[1]![trace.req!.cols.indexOf("to")] = pod;
  const all = journeysOf(indexTrace(trace));
  expect(all.map((each) => each.kept)).toEqual([false, true, false, false, false, false]);
  expect(textAt(all[0]!, "rule")).toContain("picks 1 of 3 ready endpoints at random");
  expect(textAt(all[1]!, "rule")).toMatch(/^No new choice: conntrack keeps the Pod .* rewrites .* to 10\./);
  expect(pictured(trace, 2).picture()).toContain("by conntrack");
  for (const row of trace.req!.rows) row[trace.req!.cols.indexOf("conn")] = -1;
  expect(journeysOf(indexTrace(trace)).some((each) => each.kept)).toBe(false);
  const refused = traceWith("journey-cluster", 1, { conn: 2, st: 0 });
  expect(journeysOf(indexTrace(refused)).some((each) => each.kept)).toBe(false);
  const other = traceWith("journey-cluster", 2, { conn: 1, via: "svc:ghost-svc" });
  expect(journeysOf(indexTrace(other)).some((each) => each.kept)).toBe(false);
});

describe("more Pods than rows", () => {
  function crowd(): Trace {
    const trace = traceOf("journey-cluster");
    const add = (i: number) => {
      const id = `pod:more-${i}`;
      trace.entities.push({ id, kind: "Pod", name: `more-${i}` });
      const s = { phase: "Running", ready: true, ip: `10.244.3.${i}` };
      trace.events.unshift({ t: 0, e: "pod", id, op: "add", s });
    };
    for (let i = 0; i < 8; i += 1) add(i);
    return trace;
  }
  const rectOf = (figure: Element, name: string): Element =>
    [...figure.querySelectorAll(".kh-stage g:has(> title)")]
      .find((each) => each.querySelector("title")!.textContent!.startsWith(`Pod ${name}`))!
      .querySelector(".kh-box")!;

  test("the request's own has a box, and the picture says how many have none", () => {
    const { figure, index, picture } = pictured(crowd(), 1);
    const name = index.requests[0]!.to!.id.slice(4);
    const box = rectOf(figure, name);
    expect(box.classList.contains("kh-on")).toBe(true);
    expect(figure.querySelectorAll(".kh-stage .kh-inner").length).toBe(8);
    const way = [...figure.querySelectorAll(".kh-wire.kh-on")].at(-1)!.getAttribute("d")!;
    const y = Number(box.getAttribute("y")) + Number(box.getAttribute("height")) / 2;
    expect(Number(/([\d.]+)$/.exec(way)![1])).toBeCloseTo(y, 0);
    expect(picture()).toContain(">3 more Pods not drawn<");
    expect(figure.querySelector("svg[role=img]")?.getAttribute("aria-label")).toMatch(
      /3 more Pods not drawn\.$/,
    );
    expect(pictured(traceOf("journey-cluster"), 1).picture()).not.toContain("not drawn");
  });

  test("so has one that is gone when the others fill all rows", () => {
    const trace = traceOf("journey-cluster");
    const { to } = indexTrace(trace).requests[0]!;
    trace.events.push({ t: 2600, e: "pod", id: to!.id, op: "del" });
    trace.events.push({ t: 2700, e: "pod", id: "pod:late", op: "add", s: { phase: "Running", ready: true } });
    const shown = show("RequestJourney", trace);
    shown.player.seek(2900, 1);
    expect(rectOf(shown.figure, to!.id.slice(4)).classList.contains("kh-on")).toBe(true);
    expect(shown.picture()).toContain(">1 more Pod not drawn<");
  });
});
