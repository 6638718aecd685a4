import { describe, expect, test } from "vitest";
import { indexTrace } from "../src/index.ts";
import { RequestJourney } from "../src/journey/widget.ts";
import type { Trace } from "../src/trace.ts";
import { show, traceOf } from "./tools.ts";

/** The picture of a request when it is over. */
function pictured(trace: Trace, id: number) {
  const shown = show("RequestJourney", trace);
  const moment = RequestJourney.momentOf(shown.index, id);
  shown.player.seek(moment.t, moment.focus);
  return shown;
}

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
