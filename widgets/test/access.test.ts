/** What readers are told who do not see the picture, or shall not see all of it yet. */
import { expect, test } from "vitest";
import { show, traceOf } from "./tools.ts";

test.each([
  ["LoadBalancing", "balance-three"],
  ["HpaDecision", "hpa-story"],
])("the picture of %s is described outside of its slider, whose parts nobody reads", (widget, id) => {
  const { figure } = show(widget, traceOf(id));
  const slider = figure.querySelector("[role=slider]")!;
  const words = figure.querySelectorAll(`[id="${slider.getAttribute("aria-describedby")}"]`);
  expect(words.length).toBe(1);
  expect(slider.contains(words[0]!)).toBe(false);
  expect(words[0]!.textContent!.length).toBeGreaterThan(40);
  expect(slider.querySelector("[aria-label], [role]")).toBeNull();
});
