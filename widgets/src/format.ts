/** Numbers as a reader wants them. */

/** Microseconds: `840 µs`, `1.83 ms`, `2.4 s`. */
export function microseconds(us: number): string {
  if (us < 1000) return `${Math.round(us)} µs`;
  if (us < 1_000_000) return `${significant(us / 1000)} ms`;
  return `${significant(us / 1_000_000)} s`;
}

/** Trace time: `1.836 s`. */
export function seconds(milliseconds: number, digits = 3): string {
  return `${(milliseconds / 1000).toFixed(digits)} s`;
}

function significant(value: number): string {
  if (value >= 100) return value.toFixed(0);
  return value >= 10 ? value.toFixed(1) : value.toFixed(2);
}

export function percent(share: number, digits = 0): string {
  return `${(share * 100).toFixed(digits)} %`;
}

/** A probability: `0.31`, `0.0004`, `8 × 10⁻¹²`. */
export function probability(p: number): string {
  if (p >= 0.01) return p.toFixed(2);
  if (p >= 0.0001) return p.toPrecision(1);
  if (p <= 0) return "0";
  const power = Math.floor(Math.log10(p));
  const raised = String(Math.abs(power)).replace(/\d/g, (digit) => "⁰¹²³⁴⁵⁶⁷⁸⁹"[Number(digit)] as string);
  return `${Math.round(p / 10 ** power)} × 10⁻${raised}`;
}

export function plural(count: number, word: string): string {
  return `${count} ${word}${count === 1 ? "" : "s"}`;
}

/** Cut `text` to `pixels` at `size` pixels a character's width, with an ellipsis. */
export function fit(text: string, pixels: number, width: number): string {
  const room = Math.max(1, Math.floor(pixels / width));
  return text.length <= room ? text : `${text.slice(0, Math.max(1, room - 1))}…`;
}

/** Keep both ends of a Pod's name: the workload's name and the suffix that tells Pods apart. */
export function fitMiddle(text: string, pixels: number, width: number): string {
  const room = Math.max(3, Math.floor(pixels / width));
  if (text.length <= room) return text;
  const tail = Math.min(6, Math.ceil(room / 2) - 1);
  return `${text.slice(0, room - tail - 1)}…${text.slice(-tail)}`;
}

/** Break a sentence at spaces into lines of at most `room` characters. */
export function wrap(text: string, room: number): string[] {
  const lines: string[] = [];
  let rest = text;
  while (rest.length > room) {
    const space = rest.lastIndexOf(" ", room);
    const cut = space > 0 ? space : Math.floor(room);
    lines.push(rest.slice(0, cut));
    rest = rest.slice(cut).trimStart();
  }
  return [...lines, rest];
}
