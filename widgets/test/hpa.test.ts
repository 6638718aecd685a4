import { describe, expect, test } from "vitest";
import { propose, ticksOf } from "../src/hpa/hpa.ts";
import { decide, type History, type Past, rememberScale } from "../src/hpa/limit.ts";
import { HpaDecision, ticks as ticksIn } from "../src/hpa/widget.ts";
import { deciderOf, reasonOf, stationsOf } from "../src/hpa/words.ts";
import { indexTrace } from "../src/index.ts";
import type { HpaEvent, HpaPod } from "../src/trace.ts";
import { fixture, show, traceOf, tracesFor } from "./tools.ts";

type Case = HpaEvent & { steps: string[] };
const made = fixture<{ cases: Case[]; runs: HpaEvent[][] }>("hpa-cases");

const pods = (ready: number[], unready = 0, missing = 0): HpaPod[] => [
  ...ready.map((usage, i) => ({
    name: `r${i}`,
    request_m: 100,
    usage_m: usage,
    ready: true,
    unready_reason: null,
  })),
  ...Array.from({ length: unready }, (_, i) => ({
    name: `u${i}`,
    request_m: 100,
    usage_m: 90,
    ready: false,
    unready_reason: "not ready",
  })),
  ...Array.from({ length: missing }, (_, i) => ({
    name: `m${i}`,
    request_m: 100,
    usage_m: null,
    ready: true,
    unready_reason: null,
  })),
];

describe("the model follows upstream's rules", () => {
  test.each([
    ["3 ready at 90 %", pods([90, 90, 90]), 3, 6, "ceil"],
    ["3 ready at 90 % and 2 unready: 5, where the formula says 9", pods([90, 90, 90], 2), 5, 5, "tolerance"],
    ["within the tolerance", pods([54, 54, 54]), 3, 3, "tolerance"],
    ["a missing Pod counts as 100 % when shrinking", pods([10, 10, 10], 0, 1), 4, 3, "ceil"],
    ["a missing Pod counts as 0 when growing", pods([90, 90, 90], 0, 1), 4, 6, "ceil"],
    ["never turns round", pods([60, 60], 3), 5, 5, "direction"],
    ["no sample, no number", pods([], 2), 2, null, "no metrics"],
  ] as const)("%s", (_, list, current, replicas, rule) => {
    const event = { pods: [...list], current, target: 50 };
    const proposal = propose(event);
    expect([proposal.replicas, proposal.rule]).toEqual([replicas, rule]);
  });

  test("utilization is cut, not rounded", () => {
    const event = {
      pods: [{ name: "a", request_m: 600, usage_m: 203, ready: true, unready_reason: null }],
      current: 1,
      target: 50,
    };
    expect(propose(event).utilization).toBe(33);
  });

  test("one Pod at 600 %, no behavior: one step makes four", () => {
    const event = {
      t: 0,
      e: "hpa",
      id: "hpa:x",
      current: 1,
      desired: 4,
      target: 50,
      pods: pods([600]),
      recommendation: 12,
      min: 1,
      max: 20,
    } as HpaEvent;
    expect(decide(event, { proposals: [], changes: [] })?.desired).toBe(4);
  });
});

describe("words", () => {
  test.each([
    [0, 6, "6 Pods without a sample counted as idle"],
    [3, 3, "3 unready Pods and 3 without a sample counted as idle"],
    [6, 0, "6 unready Pods counted as idle"],
  ])("%i unready and %i missing Pods are named", (unready, missing, words) => {
    const list = pods([314], unready, missing);
    const event = { t: 0, e: "hpa", id: "hpa:x", current: 7, desired: 7, target: 50, pods: list };
    const [tick] = ticksOf([{ ...event, recommendation: 7, min: 1, max: 10 } as HpaEvent]);
    expect(reasonOf(tick!)).toContain(words);
  });

  test("a question about shrinking tells what the window holds, and no question follows its like", () => {
    const index = indexTrace(traceOf("hpa-down"));
    const asked = ticksIn(index).map(
      ({ event }) => HpaDecision.predict!(index, { t: event.t, focus: null })!,
    );
    const prompts = [...new Set(asked.map(({ prompt }) => prompt))];
    expect(prompts.length).toBeLessThan(ticksIn(index).length / 2);
    for (const prompt of prompts) expect(prompt).toMatch(/highest proposal of the last 30 s: \d/);
  });
});

/** Three Pods at 90 % of 100m, target 50 %: the proposal is 6. */
const event = (facts: Partial<HpaEvent>): HpaEvent =>
  ({
    ...{ t: 0, e: "hpa", id: "hpa:x", current: 3, desired: 6, target: 50, pods: pods([90, 90, 90]) },
    ...{ recommendation: null, min: 1, max: 10, ...facts },
  }) as HpaEvent;

describe("without the controller's log", () => {
  test.each([
    [{}, "ratio 1.80 times 3 Pods, rounded up", "averageUtilization"],
    [{ max: 5, desired: 5 }, "the bounds are 1 and 5", "spec.maxReplicas"],
    [{ desired: 4, reason: "ScaleUpLimited" }, "the HPA says ScaleUpLimited", "hpa:x"],
    [{ desired: 4 }, "the reason was not seen", ""],
    [{ current: 3, desired: 3 }, "the reason was not seen", ""],
    [{ min: 3, desired: 3 }, "the reason was not seen", ""],
  ] as [Partial<HpaEvent>, string, string][])("%o: %s", (facts, why, decider) => {
    const [tick] = ticksOf([event(facts)]);
    expect(reasonOf(tick!)).toContain(why);
    expect(deciderOf(tick!)).toBe(decider);
    const last = stationsOf(tick!).at(-1)!;
    expect(last.how).toBe(/bounds|rounded/.test(why) ? `min 1, max ${facts.max ?? 10}` : why);
  });

  test("the window holds what the model proposed", () => {
    const few = pods([10, 10, 10]);
    const [, later] = ticksOf([event({}), event({ t: 15_000, current: 6, desired: 6, pods: few })]);
    expect(later!.decision?.stabilized).toBe(6);
    expect(reasonOf(later!)).toContain("the highest proposal that still counts is 6");
  });

  test("a controller that was read and proposed nothing is not spoken for", () => {
    expect(ticksOf([event({ log: "I1129 horizontal.go" })])[0]!.decision).toBeNull();
  });
});

test("what was decided before the trace began still counts", () => {
  const past = { proposals: [[-60_000, 8]], scaled: [[-10_000, 4, 6]] } as Past;
  const behavior = { scaleUp: { policies: [{ type: "Pods", value: 4, periodSeconds: 60 }] } };
  const calm = event({ current: 4, desired: 8, recommendation: 3, pods: pods([20, 20, 20]) });
  expect(ticksOf([calm], past)[0]!.decision?.stabilized).toBe(8);
  const grown = event({ current: 6, desired: 8, recommendation: 12, behavior, max: 20 });
  expect(ticksOf([grown], past)[0]!.decision?.paced).toBe(8);
  const trace = { ...traceOf("hpa-story"), events: [calm] };
  trace.entities = [{ id: calm.id, kind: "HPA", p: { past } }];
  expect(ticksIn(indexTrace(trace))[0]!.decision?.stabilized).toBe(8);
});

test("a question about a decision without a sample asks of no percentage", () => {
  const trace = traceOf("hpa-story");
  trace.events = [event({ t: 50, pods: pods([], 0, 2), current: 2, desired: 4, id: "hpa:storefront" })];
  const asked = HpaDecision.predict!(indexTrace(trace), { t: 0, focus: null })!;
  expect(asked.prompt).toContain("2 without a sample; target 50 %");
});

test("Pods beyond the last row are counted", () => {
  const trace = traceOf("hpa-story");
  const t = trace.events.find((each) => each.e === "hpa")!.t;
  trace.events = [event({ t, pods: pods([...Array(13)].map(() => 90)), current: 13, desired: 13 })];
  const shown = show("HpaDecision", trace);
  expect(shown.figure.querySelectorAll(".kh-count").length).toBe(10);
  expect(shown.picture()).toContain("3 more Pods not drawn");
  expect(show("HpaDecision", traceOf("hpa-story")).picture()).not.toContain("not drawn");
});

describe("the two models agree (fixture by kubehop.trace.hpa)", () => {
  test("proposals", () => {
    for (const each of made.cases) {
      const proposal = propose(each);
      expect([proposal.replicas, proposal.utilization], JSON.stringify(each)).toEqual([
        each.recommendation,
        each.utilization,
      ]);
    }
    expect(new Set(made.cases.flatMap((each) => each.steps))).toContain("direction");
  });

  test("stabilization, policies, step cap, bounds", () => {
    for (const run of made.runs) {
      const history: History = { proposals: [], changes: [] };
      for (const event of run) {
        const decision = decide(event, history);
        rememberScale(event, history);
        expect([decision?.stabilized, decision?.desired], JSON.stringify(event)).toEqual([
          event.stabilized,
          event.desired,
        ]);
      }
    }
  });
});

describe.each(tracesFor("HpaDecision"))("trace $meta.id", (trace) => {
  const events = trace.events.filter((event): event is HpaEvent => event.e === "hpa");
  const ticks = [...new Set(events.map((event) => event.id))].flatMap((id) =>
    ticksOf(events.filter((event) => event.id === id)),
  );

  test("the model gives the controller's recommendation at every tick", () => {
    for (const { event, proposal } of ticks) {
      if (event.recommendation !== null)
        expect(proposal.replicas, `${event.t} ms`).toBe(event.recommendation);
    }
  });

  test("with a whole history the model gives what the controller wanted", () => {
    const index = indexTrace(trace);
    for (const { event, decision } of ticksIn(index)) {
      if (!index.byId.get(event.id)?.p?.whole || !decision || event.desired === null) continue;
      expect([decision.desired, decision.stabilized], `${event.t} ms`).toEqual([
        event.desired,
        event.stabilized,
      ]);
    }
  });

  test("the last station shows what the controller wanted", () => {
    for (const tick of ticks) {
      expect(stationsOf(tick).at(-1)?.value).toBe(
        `${tick.event.current} → ${tick.event.desired ?? tick.event.current}`,
      );
      expect(reasonOf(tick).length).toBeGreaterThan(20);
    }
  });
});
