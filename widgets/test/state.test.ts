import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { append, indexTrace } from "../src/index.ts";
import { journeysOf } from "../src/journey/model.ts";
import { stateAt } from "../src/state.ts";
import { playTime, rateInWords, roundRate, timelineOf, traceTime } from "../src/timeline.ts";
import type { PodEvent, Trace } from "../src/trace.ts";
import { TRACES, traceOf, tracesFor } from "./tools.ts";

/** Check that no Pod changes its place while it lives, and no two share one. */
function checkSlots(trace: Trace): void {
  const index = indexTrace(trace);
  let before = new Map<string, number>();
  for (const t of new Set(index.events.map((event) => event.t))) {
    const now = new Map([...stateAt(index, t).pods].map(([id, pod]) => [id, pod.slot]));
    expect(new Set(now.values()).size).toBe(now.size);
    for (const [id, slot] of now) if (before.has(id)) expect(slot, `${id} at ${t} ms`).toBe(before.get(id));
    before = now;
  }
}

describe("10 no Pod changes its place while it lives", () => {
  test.each(TRACES.map((trace) => [trace.meta.id, trace] as const))("%s", (_, trace) => checkSlots(trace));

  test("whatever comes and goes", () => {
    const event = fc.record({
      pod: fc.integer({ min: 0, max: 6 }),
      op: fc.constantFrom("add", "mod", "del"),
    });
    fc.assert(
      fc.property(fc.array(event, { maxLength: 60 }), (changes) => {
        const events = changes.map(({ pod, op }, t): PodEvent => {
          const facts = { t, e: "pod" as const, id: `pod:${pod}`, op: op as PodEvent["op"] };
          return op === "del" ? facts : { ...facts, s: { phase: "Running", ready: true } };
        });
        checkSlots({ ...traceOf("journey-cluster"), entities: [], events, req: { cols: [], rows: [] } });
      }),
      { numRuns: 60, seed: 3 },
    );
  });

  test("the lowest free place is taken", () => {
    const pod = (t: number, id: string, op: PodEvent["op"]): PodEvent => ({ t, e: "pod", id, op });
    const events = [
      pod(0, "a", "add"),
      pod(0, "b", "add"),
      pod(0, "c", "add"),
      pod(1, "b", "del"),
      pod(2, "d", "add"),
    ];
    const index = indexTrace({
      ...traceOf("journey-cluster"),
      entities: [],
      events,
      req: { cols: [], rows: [] },
    });
    expect(stateAt(index, 2).pods.get("d")?.slot).toBe(1);
  });
});

describe("a request's way", () => {
  test.each(tracesFor("RequestJourney").map((trace) => [trace.meta.id, trace] as const))("%s", (_, trace) => {
    for (const { request, legs, steps, stop } of journeysOf(indexTrace(trace))) {
      expect(legs[0]?.start ?? 0).toBe(0);
      expect(legs.at(-1)?.end ?? request.us).toBeCloseTo(request.us, 6);
      for (let i = 1; i < legs.length; i += 1)
        expect(legs[i]!.start).toBeGreaterThanOrEqual(legs[i - 1]!.end - 1e-6);
      expect(legs.filter((leg) => !leg.back).at(-1)?.to ?? stop).toBe(stop);
      for (const step of steps) expect(step.text.length * step.decider.length).toBeGreaterThan(0);
    }
  });

  test("404, 502 and 503 stop where they stopped", () => {
    const stops = journeysOf(indexTrace(traceOf("journey-ingress"))).map(({ request, stop }) => [
      request.status,
      stop,
    ]);
    expect(stops).toEqual([
      [200, "container"],
      [200, "container"],
      [200, "container"],
      [404, "entry"],
      [502, "pod"],
      [503, "rule"],
    ]);
  });

  test("a 502 that the Pod itself wrote came from its container", () => {
    const trace = traceOf("journey-ingress");
    const { cols, rows } = trace.req!;
    const row = rows.find((each) => each[cols.indexOf("st")] === 502)!;
    row[cols.indexOf("pus")] = 300;
    const journey = journeysOf(indexTrace(trace)).find(({ request }) => request.status === 502)!;
    expect([journey.stop, journey.failed]).toEqual(["container", true]);
  });

  test("a Service without endpoints is refused at the rule, and named", () => {
    const last = journeysOf(indexTrace(traceOf("journey-cluster"))).at(-1)!;
    expect([last.flow, last.stop, last.service]).toEqual(["cluster", "rule", "svc:ghost-svc"]);
    expect(last.steps.at(-1)!.text).toContain("connection refused");
  });
});

describe("timelines", () => {
  test("playing time and trace time are each other's inverse", () => {
    const piece = fc.record({
      length: fc.double({ min: 0.001, max: 1e5, noNaN: true }),
      rate: fc.double({ min: 1e-4, max: 100, noNaN: true }),
    });
    fc.assert(
      fc.property(
        fc.array(piece, { minLength: 1, maxLength: 12 }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (list, share) => {
          let at = 0;
          const pieces = list.map(({ length, rate }) => {
            at += length;
            return { from: at - length, to: at, rate, cut: false };
          });
          const timeline = timelineOf(pieces);
          expect(traceTime(timeline, playTime(timeline, share * at))).toBeCloseTo(share * at, 4);
        },
      ),
    );
  });

  test("magnifications are round numbers, and are printed", () => {
    expect(roundRate(2.41, 5000)).toBeCloseTo(0.0002, 10);
    expect([rateInWords(0.0002), rateInWords(1), rateInWords(5)]).toEqual([
      "slowed 5,000×",
      "real time",
      "5× faster",
    ]);
  });
});

test("events that arrive late are put where they belong", () => {
  const index = indexTrace(traceOf("journey-cluster"));
  append(index, { events: [{ t: 900, e: "note", text: "b" }] });
  append(index, { events: [{ t: 300, e: "note", text: "a" }] });
  const times = index.events.map((event) => event.t);
  expect(times).toEqual([...times].sort((a, b) => a - b));
});
