/**
 * The statistics the widgets state: `kubehop.trace.statistics` again, for the browser.
 * Both are held to `test/data/statistics.json`, which scipy made.
 */

const LANCZOS = [
  676.5203681218851, -1259.1392167224028, 771.32342877765313, -176.61502916214059, 12.507343278686905,
  -0.13857109526572012, 9.9843695780195716e-6, 1.5056327351493116e-7,
]; // biome-ignore format: a table

/** Natural logarithm of the gamma function, x > 0. */
export function logGamma(x: number): number {
  if (x < 0.5) return Math.log(Math.PI / Math.sin(Math.PI * x)) - logGamma(1 - x);
  const y = x - 1;
  const sum = LANCZOS.reduce((total, c, i) => total + c / (y + i + 1), 0.99999999999980993);
  const w = y + 7.5;
  return 0.5 * Math.log(2 * Math.PI) + (y + 0.5) * Math.log(w) - w + Math.log(sum);
}

/** Chance of exactly k successes of n. */
export function binomialChance(k: number, n: number, p: number): number {
  if (k < 0 || k > n) return 0;
  if (p <= 0) return k === 0 ? 1 : 0;
  if (p >= 1) return k === n ? 1 : 0;
  const choose = logGamma(n + 1) - logGamma(k + 1) - logGamma(n - k + 1);
  return Math.exp(choose + k * Math.log(p) + (n - k) * Math.log1p(-p));
}

/** Two-sided exact binomial test, as `scipy.stats.binomtest`: chances no larger than the observed one, added up. */
export function binomialTest(k: number, n: number, p: number): number {
  const observed = binomialChance(k, n, p) * (1 + 1e-7);
  let total = 0;
  for (let i = 0; i <= n; i += 1) {
    const chance = binomialChance(i, n, p);
    if (chance <= observed) total += chance;
  }
  return Math.min(1, total);
}

/** The counts between which a share `level` of outcomes lies, as `scipy.stats.binom.interval`. */
export function binomialInterval(level: number, n: number, p: number): [number, number] {
  const tail = (1 - level) / 2;
  return [binomialQuantile(tail, n, p), binomialQuantile(1 - tail, n, p)];
}

function binomialQuantile(q: number, n: number, p: number): number {
  let sum = 0;
  for (let k = 0; k <= n; k += 1) {
    sum += binomialChance(k, n, p);
    if (sum >= q - 1e-12) return k;
  }
  return n;
}

/** Chance of a chi-square statistic this large or larger. */
export function chiSquareTail(x: number, df: number): number {
  return x <= 0 ? 1 : upperGamma(df / 2, x / 2);
}

/** How often a check of something true may fail. */
export const FALSE_ALARM = 1e-4;
const OUTCOMES_LIMIT = 5000;
const TIE = 1 + 1e-7;

export interface Split {
  statistic: number;
  p: number;
  method: "exact binomial" | "exact multinomial" | "chi-square";
}

/** Test counts against equal shares, as when each request is a draw of its own. */
export function splitEqual(counts: readonly number[]): Split {
  const k = counts.length;
  const n = counts.reduce((sum, count) => sum + count, 0);
  const statistic = n ? counts.reduce((sum, count) => sum + (count - n / k) ** 2 / (n / k), 0) : 0;
  if (k < 3)
    return { statistic, p: k < 2 ? 1 : binomialTest(counts[0] as number, n, 0.5), method: "exact binomial" };
  const outcomes = Math.exp(logGamma(n + k) - logGamma(k) - logGamma(n + 1));
  if (outcomes <= OUTCOMES_LIMIT + 0.5)
    return { statistic, p: Math.min(1, multinomialTest(counts, n)), method: "exact multinomial" };
  return { statistic, p: chiSquareTail(statistic, k - 1), method: "chi-square" };
}

/** Chances of all outcomes at most as likely as this one, added up; equal shares. */
function multinomialTest(counts: readonly number[], n: number): number {
  const k = counts.length;
  const constant = logGamma(n + 1) - n * Math.log(k);
  const observed = Math.exp(constant - counts.reduce((sum, count) => sum + logGamma(count + 1), 0));
  const add = (left: number, parts: number, weight: number): number => {
    if (parts === 1) {
      const chance = Math.exp(constant - weight - logGamma(left + 1));
      return chance <= observed * TIE ? chance : 0;
    }
    let total = 0;
    for (let count = 0; count <= left; count += 1)
      total += add(left - count, parts - 1, weight + logGamma(count + 1));
    return total;
  };
  return add(n, k, 0);
}

export type OrderVerdict = "random" | "round robin" | "one connection" | "sticky" | "undecided";

export interface Order {
  /** Answers from another Pod than the answer before, and how many could have been. */
  changes: number;
  steps: number;
  /** Changes to expect of random choice. */
  expected: number;
  /** Chance of so few changes or fewer, so many or more, when each request picks at random. */
  few: number;
  many: number;
  verdict: OrderVerdict;
}

/** Tell random choice, round robin and one kept-alive connection apart. */
export function orderOf(answers: readonly string[], pods: number): Order {
  const steps = Math.max(0, answers.length - 1);
  const changes = answers.filter((pod, i) => i > 0 && pod !== answers[i - 1]).length;
  const chance = 1 - 1 / Math.max(1, pods);
  const few = binomialSum(0, changes, steps, chance);
  const many = binomialSum(changes, steps, steps, chance);
  return {
    changes,
    steps,
    expected: steps * chance,
    few,
    many,
    verdict: verdictOf(changes, few, many, pods, answers.length),
  };
}

function verdictOf(changes: number, few: number, many: number, pods: number, requests: number): OrderVerdict {
  if (pods < 2) return "undecided";
  if (few < FALSE_ALARM) return changes === 0 ? "one connection" : "sticky";
  if (many < FALSE_ALARM) return "round robin";
  return requests >= requestsToTell(pods) ? "random" : "undecided";
}

/** The fewest requests after which random choice looks like neither of the other two. */
export function requestsToTell(pods: number): number {
  const rarest = Math.max(1 - 1 / pods, 1 / pods);
  return Math.floor(Math.log(FALSE_ALARM) / Math.log(rarest)) + 2;
}

function binomialSum(from: number, to: number, n: number, p: number): number {
  let total = 0;
  for (let k = from; k <= to; k += 1) total += binomialChance(k, n, p);
  return Math.min(1, total);
}

/** Regularised upper incomplete gamma function Q(a, x). */
function upperGamma(a: number, x: number): number {
  const scale = Math.exp(a * Math.log(x) - x - logGamma(a));
  return x < a + 1 ? 1 - scale * lowerSeries(a, x) : scale * upperFraction(a, x);
}

function lowerSeries(a: number, x: number): number {
  let term = 1 / a;
  let sum = term;
  for (let n = 1; n < 1000 && term > sum * 1e-16; n += 1) {
    term *= x / (a + n);
    sum += term;
  }
  return sum;
}

/** Lentz's continued fraction. */
function upperFraction(a: number, x: number): number {
  let b = x + 1 - a;
  let c = 1e300;
  let d = 1 / b;
  let h = d;
  for (let i = 1; i < 1000; i += 1) {
    const an = -i * (i - a);
    b += 2;
    d = 1 / (an * d + b);
    c = b + an / c;
    const change = d * c;
    h *= change;
    if (Math.abs(change - 1) < 1e-16) break;
  }
  return h;
}

/** The smallest value that a share `q` of the values does not exceed (nearest rank). */
export function percentile(sorted: readonly number[], q: number): number {
  return sorted[Math.max(0, Math.ceil(q * sorted.length) - 1)] ?? 0;
}
