/** What readers are told who do not see the picture, or shall not see all of it yet. */
import { expect, test } from "vitest";
import { show, traceOf, traceWith } from "./tools.ts";

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

test("while a question stands open, the requests to come keep their answers", () => {
  const { figure, player } = show("RequestJourney", traceOf("journey-ingress"));
  const dots = (): Element[] => [...figure.querySelectorAll(".kh-dot")];
  player.seek(1400);
  expect(dots()[4]!.getAttribute("title")).toContain("502");
  const guess = figure.querySelector("details.kh-guess") as HTMLDetailsElement;
  guess.open = true;
  guess.dispatchEvent(new Event("toggle"));
  expect(dots().map((dot) => dot.classList.contains("kh-failed"))).toEqual(Array(6).fill(false));
  expect(dots().map((dot) => dot.getAttribute("title"))).toEqual([
    ...[1, 2].map((id) => `Request ${id}: GET /, 200`),
    "Request 3: GET /canary, 200",
    ...[4, 5, 6].map((id) => `Request ${id}: not yet`),
  ]);
  expect(dots()[4]!.getAttribute("aria-label")).toBe("Request 5: not yet");
  (figure.querySelector("fieldset input") as HTMLInputElement).dispatchEvent(new Event("change"));
  expect(dots()[4]!.getAttribute("title")).toContain("502");
});

test("a question about the first request does not show its answer", () => {
  const trace = traceWith("journey-cluster", 1, { st: 500 });
  const { figure, player } = show("RequestJourney", trace);
  player.seek(0);
  const guess = figure.querySelector("details.kh-guess") as HTMLDetailsElement;
  guess.open = true;
  guess.dispatchEvent(new Event("toggle"));
  expect(figure.querySelector("legend")?.textContent).toContain("at 0.150 s");
  expect(figure.textContent).not.toContain("500");
});
