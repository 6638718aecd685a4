import { describe, expect, test } from "vitest";
import { binomialInterval, chiSquareTail, orderOf, requestsToTell, splitEqual } from "../src/stats.ts";
import { fixture } from "./tools.ts";

interface Fixture {
  order: {
    name: string;
    answers: string;
    pods: number;
    changes: number;
    expected: number;
    p_few: number;
    p_many: number;
    verdict: string;
  }[];
  split: { counts: number[]; shares: number[]; statistic: number; p_value: number; method: string }[];
  requests_to_tell: { pods: number; requests: number }[];
}

const made = fixture<Fixture>("statistics");

/** Equal to nine digits, the fixture has ten. */
const near = (value: number, wanted: number): void =>
  expect(Math.abs(value - wanted)).toBeLessThanOrEqual(1e-9 + 1e-7 * Math.abs(wanted));

describe("statistics equal scipy's", () => {
  test.each(made.order)("order: $name", (wanted) => {
    const order = orderOf([...wanted.answers], wanted.pods);
    expect(order.changes).toBe(wanted.changes);
    expect(order.verdict).toBe(wanted.verdict);
    near(order.expected, wanted.expected);
    near(order.few, wanted.p_few);
    near(order.many, wanted.p_many);
  });

  const equal = made.split.filter(({ shares }) => new Set(shares).size === 1);
  test("the fixture has splits of every method", () => {
    expect(new Set(equal.map(({ method }) => method))).toEqual(
      new Set(["exact binomial", "exact multinomial", "chi-square"]),
    );
  });
  test.each(equal)("split: $counts", (wanted) => {
    const split = splitEqual(wanted.counts);
    expect(split.method).toBe(wanted.method);
    near(split.statistic, wanted.statistic);
    near(split.p, wanted.p_value);
  });

  test.each(made.requests_to_tell)("requests to tell with $pods Pods", ({ pods, requests }) => {
    expect(requestsToTell(pods)).toBe(requests);
  });

  test("the 95 % band of a binomial count", () => {
    // scipy.stats.binom.interval(0.95, n, p)
    expect(binomialInterval(0.95, 45, 1 / 3)).toEqual([9, 21]);
    expect(binomialInterval(0.95, 100, 0.5)).toEqual([40, 60]);
    expect(binomialInterval(0.95, 1, 0.5)).toEqual([0, 1]);
  });

  test("chi-square tail at its textbook points", () => {
    near(Math.round(chiSquareTail(3.841458820694124, 1) * 1e9) / 1e9, 0.05);
    near(Math.round(chiSquareTail(16.918977604620448, 9) * 1e9) / 1e9, 0.05);
  });
});
