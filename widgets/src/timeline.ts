/**
 * How playing time maps to the trace's time: piecewise linear, never backwards.
 *
 * Inside a piece motion is linear, because speed is data; `rate` (trace milliseconds for one millisecond of
 * playing) is printed as the magnification. Pieces without events may run faster; that is printed too.
 */
export interface Piece {
  /** Trace time, milliseconds. */
  from: number;
  to: number;
  /** Trace milliseconds for each millisecond of playing at speed 1. */
  rate: number;
  /** True where nothing is drawn in detail and waiting is cut short. */
  cut: boolean;
}

export interface Timeline {
  pieces: Piece[];
  /** Playing milliseconds at the start of each piece; one more for the end. */
  starts: number[];
}

export function timelineOf(pieces: Piece[]): Timeline {
  const starts = [0];
  for (const piece of pieces) starts.push((starts.at(-1) as number) + (piece.to - piece.from) / piece.rate);
  return { pieces, starts };
}

export const lengthOf = (timeline: Timeline): number => timeline.starts.at(-1) as number;

/** Playing time at which trace time `t` is reached. */
export function playTime(timeline: Timeline, t: number): number {
  for (let i = 0; i < timeline.pieces.length; i += 1) {
    const piece = timeline.pieces[i] as Piece;
    if (t <= piece.to) return (timeline.starts[i] as number) + Math.max(0, t - piece.from) / piece.rate;
  }
  return lengthOf(timeline);
}

/** Trace time at playing time `played`. */
export function traceTime(timeline: Timeline, played: number): number {
  for (let i = 0; i < timeline.pieces.length; i += 1) {
    const piece = timeline.pieces[i] as Piece;
    const start = timeline.starts[i] as number;
    if (played <= (timeline.starts[i + 1] as number))
      return piece.from + Math.max(0, played - start) * piece.rate;
  }
  return timeline.pieces.at(-1)?.to ?? 0;
}

export function pieceAt(timeline: Timeline, t: number): Piece {
  const found = timeline.pieces.find((piece) => t <= piece.to) ?? timeline.pieces.at(-1);
  return found ?? { from: 0, to: 0, rate: 1, cut: false };
}

/** A rate of the series 1, 2, 5, 10 that plays `milliseconds` in about `playing` milliseconds, never shorter. */
export function roundRate(milliseconds: number, playing: number): number {
  const wanted = Math.max(milliseconds, 1e-3) / playing;
  const power = 10 ** Math.floor(Math.log10(wanted));
  const digit = [5, 2, 1].find((each) => each * power <= wanted * 1.0000001) ?? 1;
  return digit * power;
}

/** The magnification in words: "slowed 2,000 times". */
export function rateInWords(rate: number): string {
  if (Math.abs(rate - 1) < 1e-9) return "real time";
  const times = rate < 1 ? 1 / rate : rate;
  const number = new Intl.NumberFormat("en-US", { maximumFractionDigits: 1 }).format(times);
  return rate < 1 ? `slowed ${number}×` : `${number}× faster`;
}
