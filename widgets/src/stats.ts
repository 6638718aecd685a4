/** The few statistics the widgets state, equal to scipy's (`test/stats.test.ts`, fixture made by scipy). */

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

/** Pearson's statistic for counts against equal shares. */
export function chiSquareEqual(counts: readonly number[]): { statistic: number; p: number } {
  const expected = counts.reduce((sum, count) => sum + count, 0) / counts.length;
  if (counts.length < 2 || expected === 0) return { statistic: 0, p: 1 };
  const statistic = counts.reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0);
  return { statistic, p: chiSquareTail(statistic, counts.length - 1) };
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
