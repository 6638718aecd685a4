/** Time: play, pause, step, scrub, speed, and whether the end of a growing trace is followed. */
import { append, type TraceIndex } from "./index.ts";
import { lengthOf, playTime, type Timeline, traceTime } from "./timeline.ts";
import type { Batch } from "./trace.ts";
import type { Moment, Widget } from "./widget.ts";

export type Mode = "live" | "paused" | "recorded";

export interface Clock {
  now(): number;
  request(callback: (now: number) => void): number;
  cancel(handle: number): void;
}

export const SPEEDS = [0.1, 0.25, 0.5, 1, 2, 5, 10];

const browserClock: Clock = {
  now: () => performance.now(),
  request: (callback) => requestAnimationFrame(callback),
  cancel: (handle) => cancelAnimationFrame(handle),
};

export class Player {
  moment: Moment;
  playing = false;
  speed = 1;
  mode: Mode;
  /** Events and requests that arrived while paused. */
  unseen = 0;
  private touched = false;
  private frame = 0;
  private last = 0;

  constructor(
    readonly widget: Widget,
    readonly index: TraceIndex,
    private readonly changed: () => void,
    private readonly clock: Clock = browserClock,
  ) {
    this.mode = index.meta.origin === "live" ? "live" : "recorded";
    this.moment = this.mode === "live" ? this.end() : widget.opening(index);
  }

  get timeline(): Timeline {
    return this.widget.timeline(this.index);
  }

  /** Milliseconds of playing until the current moment, and in all. */
  get played(): number {
    return playTime(this.timeline, this.moment.t);
  }

  get length(): number {
    return lengthOf(this.timeline);
  }

  private end(): Moment {
    return { t: this.index.duration, focus: null };
  }

  /** Show a moment; stops playing when it was asked for by hand. */
  seek(t: number, focus: number | null = null): void {
    this.touched = true;
    if (this.mode === "live") this.mode = "paused";
    this.moment = { t: Math.min(Math.max(0, t), this.index.duration), focus };
    this.changed();
  }

  seekPlayed(played: number): void {
    this.seek(traceTime(this.timeline, played));
  }

  step(direction: 1 | -1): void {
    this.pause();
    const stops = this.widget.stops(this.index);
    const near = 1e-6;
    const goal =
      direction > 0
        ? stops.find((t) => t > this.moment.t + near)
        : stops.findLast((t) => t < this.moment.t - near);
    if (goal !== undefined) this.seek(goal);
  }

  toggle(): void {
    if (this.mode === "live") {
      this.mode = "paused";
      this.changed();
    } else if (this.playing) this.pause();
    else this.play();
  }

  play(): void {
    const over = this.moment.t >= this.index.duration - 1e-6;
    if (over || !this.touched) this.moment = { t: 0, focus: null };
    this.touched = true;
    this.moment = { ...this.moment, focus: null };
    this.playing = true;
    this.last = this.clock.now();
    this.frame = this.clock.request(this.tick);
    this.changed();
  }

  pause(): void {
    this.clock.cancel(this.frame);
    if (!this.playing) return;
    this.playing = false;
    this.changed();
  }

  setSpeed(speed: number): void {
    this.speed = speed;
    this.changed();
  }

  /** Follow the end of the growing trace again. */
  follow(): void {
    this.pause();
    this.mode = "live";
    this.unseen = 0;
    this.moment = this.end();
    this.changed();
  }

  stay(): void {
    if (this.mode === "live") this.toggle();
  }

  append(batch: Batch): void {
    append(this.index, batch);
    if (this.mode === "paused") this.unseen += (batch.events?.length ?? 0) + (batch.req?.rows?.length ?? 0);
    if (this.mode === "live") this.moment = this.end();
    if (this.index.meta.origin !== "live" && this.mode !== "recorded") this.mode = "recorded";
    this.changed();
  }

  private readonly tick = (now: number): void => {
    if (!this.playing) return;
    const played = this.played + Math.max(0, now - this.last) * this.speed;
    this.last = now;
    const t = traceTime(this.timeline, played);
    this.moment = { t: Math.min(t, this.index.duration), focus: null };
    if (played >= this.length) {
      this.moment = this.end();
      this.pause();
      return;
    }
    this.changed();
    this.frame = this.clock.request(this.tick);
  };
}
