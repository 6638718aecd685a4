/** What holds for every widget and every trace; what needs a real browser is in tests/site. */
import fc from "fast-check";
import { afterEach, beforeAll, describe, expect, test } from "vitest";
import { indexTrace } from "../src/index.ts";
import { gapsOf } from "../src/log.ts";
import { permalink, readPermalink } from "../src/permalink.ts";
import { MARK_LIMIT } from "../src/strip.ts";
import { WIDGETS } from "../src/widgets.ts";
import { batchesOf, closeAll, type Shown, show, TRACES, traceOf, tracesFor } from "./tools.ts";

const EVERY = Object.keys(WIDGETS).flatMap((name) =>
  tracesFor(name).map((trace) => ({ name, id: trace.meta.id, trace })),
);

/** Twenty times that are random, and the same in every run. */
const times = (duration: number): number[] =>
  fc.sample(fc.double({ min: 0, max: duration, noNaN: true }), { numRuns: 20, seed: 20 });

const marks = (shown: Shown): number[] =>
  [...shown.figure.querySelectorAll<HTMLElement>("[data-req]")].flatMap((mark) =>
    mark.getAttribute("data-req") ? [Number(mark.getAttribute("data-req"))] : [],
  );

/** Where a text on a stage ends, by the width of a usual character. */
const endOf = (words: Element): number => {
  const each = words.classList.contains("kh-name") ? 7.9 : 7.25;
  return Number(words.getAttribute("x")) + each * (words.textContent?.length ?? 0);
};

describe.each(EVERY)("$name on $id", ({ name, trace }) => {
  let shown: Shown;
  /** The page before anybody clicked: a copy, and whether anything moved. */
  let first: { page: HTMLElement; picture: string; playing: boolean; frames: number };
  beforeAll(() => {
    closeAll();
    shown = show(name, structuredClone(trace));
    const page = shown.figure.cloneNode(true) as HTMLElement;
    first = { page, picture: shown.picture(), playing: shown.player.playing, frames: shown.clock.asked };
  });
  afterEach(() => closeAll(shown));

  test("1 one mark is one request: marks are the rows begun by then", () => {
    if (name === "HpaDecision") return;
    for (const t of times(shown.index.duration)) {
      shown.player.seek(t);
      const begun = shown.index.requests.filter((request) => request.t <= t).map((request) => request.id);
      const drawn = marks(shown).sort((a, b) => a - b);
      const said = /(\d+) of (\d+) requests drawn/.exec(shown.figure.textContent ?? "");
      if (shown.index.requests.length <= MARK_LIMIT / 3) expect(said).toBeNull();
      if (!said) expect(drawn).toEqual(begun.sort((a, b) => a - b));
      else {
        // Above the limit each mark is still one row, and the words count what is drawn of what.
        expect(begun).toEqual(expect.arrayContaining(drawn));
        expect(new Set(drawn).size).toBe(drawn.length);
        const later = shown.figure.querySelectorAll(".kh-later").length;
        expect(drawn.length + later).toBe(Number(said[1]));
        expect([begun.length, shown.index.requests.length]).toContain(Number(said[2]));
      }
    }
  });

  test("1b one mark is one decision", () => {
    if (name !== "HpaDecision") return;
    for (const t of times(shown.index.duration)) {
      shown.player.seek(t);
      const begun = trace.events.filter((event) => event.e === "hpa" && event.t <= t).length;
      expect(shown.figure.querySelectorAll("[data-tick]").length).toBe(begun);
    }
  });

  test("2 seek is pure: the same moment gives the same picture, whatever was seen before", () => {
    const [a = 0, b = 0] = times(shown.index.duration);
    shown.player.seek(a);
    const before = shown.picture();
    shown.player.seek(b);
    expect(shown.picture()).not.toBe("");
    shown.player.seek(a);
    expect(shown.picture()).toBe(before);
    const opening = WIDGETS[name]!.opening(shown.index);
    shown.player.seek(opening.t, opening.focus);
    expect(shown.picture()).toBe(first.picture);
  });

  test("3 a trace fed batch by batch ends as replay does", () => {
    const whole = structuredClone(trace);
    const many = Math.max(whole.events.length, whole.req?.rows.length ?? 0);
    for (const size of [Math.ceil(many / 7), many]) {
      const live = show(name, {
        ...whole,
        meta: { ...whole.meta, origin: "live" },
        entities: [],
        events: [],
        ...empty(),
      });
      for (const batch of batchesOf(whole, size)) live.append(batch);
      live.append({ meta: whole.meta });
      live.player.seek(whole.meta.duration_ms / 2);
      const middle = live.picture();
      live.unmount();
      const replay = show(name, structuredClone(trace));
      replay.player.seek(whole.meta.duration_ms / 2);
      expect(middle).toBe(replay.picture());
      replay.unmount();
    }
    function empty() {
      return whole.req ? { req: { cols: whole.req.cols, rows: [] } } : {};
    }
  });

  test("6 nothing moves by itself", () => {
    expect(first.playing).toBe(false);
    expect(first.frames).toBe(0);
  });

  test("9 what is said names a source and a command", () => {
    expect(first.page.querySelector(".kh-foot")?.textContent).toMatch(/see it yourself: kubectl/);
    expect(first.page.querySelector(".kh-line")?.textContent?.trim()).toMatch(/^\d+\.\d{3} s /);
    expect(first.page.querySelector(".kh-tag")?.textContent).toBe(trace.meta.origin);
  });

  test("12 the picture's words say what the row says", () => {
    if (name !== "RequestJourney") return;
    const request = shown.index.requests.at(-1)!;
    shown.player.seek(shown.index.duration, request.id);
    const label = shown.figure.querySelector("svg")?.getAttribute("aria-label") ?? "";
    expect(label).toContain(`Request ${request.id},`);
    expect(label).toContain(`answered ${request.status || "nothing"}`);
  });

  test("sentences begin with a capital and end with a full stop", () => {
    for (const t of [0, ...times(shown.index.duration)]) {
      shown.player.seek(t);
      const why = shown.figure.querySelector(".kh-reason")?.textContent?.trim() ?? "";
      expect(why).toMatch(/^[A-Z0-9].*\.$/s);
      // A number, a path or a name of Kubernetes' own may begin one; our words begin with a capital.
      expect(why).not.toMatch(/[a-z)]\. (decided|back|the|so|of|one|at|a|it|no|with)\b/);
    }
  });

  test("13 it says its point before anybody clicks", () => {
    expect(first.page.querySelector(".kh-claim")?.textContent).toBe(trace.meta.title);
    expect(first.page.querySelector(".kh-reason")?.textContent?.length).toBeGreaterThan(40);
    expect(first.page.querySelectorAll(".kh-on, .kh-count, .kh-track").length).toBeGreaterThan(0);
  });

  test("15 a permalink reproduces the picture", () => {
    const t = Math.round(shown.index.duration * 617) / 1000;
    const focus = name === "HpaDecision" ? null : (shown.index.requests[0]?.id ?? null);
    shown.player.seek(t, focus);
    const wanted = shown.picture();
    const link = permalink(trace.meta.id, shown.player.moment);
    const other = show(name, structuredClone(trace));
    history.replaceState(null, "", link);
    window.dispatchEvent(new Event("hashchange"));
    expect(other.picture()).toBe(wanted);
    history.replaceState(null, "", "#");
  });

  test("play ends at the end, and idles", () => {
    const fresh = show(name, structuredClone(trace));
    fresh.player.setSpeed(10);
    fresh.player.toggle();
    for (let i = 0; i < 10_000 && fresh.player.playing; i += 1) fresh.clock.pass(4000);
    expect(fresh.player.moment.t).toBe(fresh.index.duration);
    expect(fresh.clock.idle).toBe(true);
  });

  test("every stop can be reached by the keys of the player", () => {
    const fresh = show(name, structuredClone(trace));
    fresh.player.seek(0);
    const stops = WIDGETS[name]!.stops(fresh.index);
    for (const stop of stops.slice(1, 8)) {
      fresh.player.step(1);
      expect(fresh.player.moment.t).toBeCloseTo(stop, 6);
    }
    fresh.player.step(-1);
    expect(fresh.player.moment.t).toBeCloseTo(stops[Math.min(6, stops.length - 2)]!, 6);
  });

  test("a question has four or fewer answers, one of them right, and an explanation", () => {
    const asked = WIDGETS[name]!.predict?.(shown.index, { t: 0, focus: null });
    if (!asked) return;
    expect(asked.options.length).toBeGreaterThan(0);
    expect(new Set(asked.options).size).toBe(asked.options.length);
    expect(asked.correct).toBeGreaterThanOrEqual(0);
    expect(asked.correct).toBeLessThan(asked.options.length);
    expect(asked.why.length).toBeGreaterThan(15);
  });

  test.each([1100, 620, 340])("nothing stands outside a stage of %i px", (width) => {
    const narrow = show(name, structuredClone(trace), width);
    for (const rect of narrow.figure.querySelectorAll("svg rect")) {
      const [x, w] = [Number(rect.getAttribute("x")), Number(rect.getAttribute("width"))];
      expect(x).toBeGreaterThanOrEqual(0);
      expect(x + w).toBeLessThanOrEqual(width + 0.5);
    }
    for (const words of narrow.figure.querySelectorAll("svg text:is(.kh-name, .kh-sub)[text-anchor=start]"))
      expect(endOf(words), words.textContent ?? "").toBeLessThanOrEqual(width);
  });
});

describe("4 live", () => {
  test("pauses, scrubs and resumes without loss", () => {
    const whole = traceOf("pod-replaced");
    const live = show("LoadBalancing", {
      ...whole,
      meta: { ...whole.meta, origin: "live" },
      entities: [],
      events: [],
      req: { cols: whole.req!.cols, rows: [] },
    });
    const batches = batchesOf(whole, 10);
    for (const batch of batches.slice(0, 8)) live.append(batch);
    expect(live.player.mode).toBe("live");
    live.player.toggle();
    const t = live.player.moment.t;
    for (const batch of batches.slice(8)) live.append(batch);
    expect(live.player.moment.t).toBe(t);
    expect(live.figure.querySelector(".kh-unseen")?.textContent).toMatch(/^\d+ new$/);
    live.player.seek(1000);
    live.player.follow();
    expect(live.index.requests.length).toBe(whole.req!.rows.length);
    expect(live.player.moment.t).toBe(live.index.duration);
    live.append({ meta: { ...whole.meta, origin: "recorded" } });
    expect(live.player.mode).toBe("recorded");
  });

  test("a Pod that leaves after the last request leaves the picture at once", () => {
    const whole = traceOf("journey-cluster");
    const request = indexTrace(whole).requests.findLast((each) => each.to)!;
    const shown = show("RequestJourney", { ...whole, meta: { ...whole.meta, origin: "live" } });
    const box = (): Element | undefined =>
      [...shown.figure.querySelectorAll(".kh-stage svg g")].find((each) =>
        each.querySelector(":scope > title")?.textContent?.startsWith(`Pod ${request.to!.name}`),
      );
    expect(box()?.querySelector(".kh-is-ready")).not.toBeNull();
    const t = shown.index.duration + 40;
    const s = { phase: "Running", ready: true, terminating: true };
    shown.append({ meta: { duration_ms: t }, events: [{ t, e: "pod", id: request.to!.id, op: "mod", s }] });
    expect(box()?.querySelector(".kh-is-terminating")).not.toBeNull();
  });

  test("a row known better later replaces the first", () => {
    const shown = show("RequestJourney", traceOf("journey-cluster"));
    const row = [...traceOf("journey-cluster").req!.rows[0]!];
    const cols = traceOf("journey-cluster").req!.cols;
    row[cols.indexOf("pus")] = 77;
    shown.append({ req: { cols, rows: [row] } });
    expect(shown.index.requests.length).toBe(traceOf("journey-cluster").req!.rows.length);
    expect(shown.index.requests[0]!.pus).toBe(77);
  });
});

test("11 gaps are drawn and worded", () => {
  const trace = traceOf("pod-replaced");
  expect(gapsOf(indexTrace(trace))).toEqual([
    { from: 6200, to: 6900, text: "pods: the watch broke: 410 Gone" },
  ]);
  const shown = show("LoadBalancing", trace);
  expect(shown.figure.querySelectorAll(".kh-gap").length).toBe(1);
  expect(shown.figure.querySelector(".kh-loss")?.textContent).toBe("1 gap");
});

test("permalinks survive a round trip", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 10_000_000 }),
      fc.option(fc.integer({ min: 1, max: 5000 })),
      (us, focus) => {
        const moment = { t: us / 1000, focus };
        expect(readPermalink("a-b", permalink("a-b", moment))).toEqual(moment);
        expect(readPermalink("a", permalink("a-b", moment))).toBeNull();
      },
    ),
  );
});

test("an address that nobody can decode is no permalink", () => {
  expect(readPermalink("a", "#50%")).toBeNull();
  expect(readPermalink("a b", "#kh-a%20b@5")).toEqual({ t: 5, focus: null });
});

test("there are recordings and fixtures to test with", () => {
  expect(TRACES.length).toBeGreaterThanOrEqual(5);
});
