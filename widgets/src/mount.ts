/** Put a widget into an element and keep it drawn. */
import { render } from "lit-html";
import { frame, type Guess } from "./frame.ts";
import { indexTrace, type TraceIndex } from "./index.ts";
import { permalink, readPermalink } from "./permalink.ts";
import { type Clock, Player } from "./player.ts";
import { addStyles } from "./style.ts";
import type { Batch, Trace } from "./trace.ts";
import type { Widget } from "./widget.ts";

export interface Mounted {
  player: Player;
  index: TraceIndex;
  append(batch: Batch): void;
  /** Draw at a width other than the element's: for tests and print. */
  draw(): void;
  unmount(): void;
}

export interface MountOptions {
  clock?: Clock;
  /** Fixed width of the stage; without it the element's. */
  width?: number;
}

let mounts = 0;
const SPEAK_MS = 5000;

export function mount(widget: Widget, trace: Trace, host: HTMLElement, options: MountOptions = {}): Mounted {
  addStyles(host);
  mounts += 1;
  const uid = `kh${mounts}`;
  const figure: HTMLElement =
    host.tagName === "FIGURE" ? host : host.appendChild(document.createElement("figure"));
  figure.replaceChildren();
  figure.classList.add("kh");
  if (!figure.id && !document.getElementById(`kh-${trace.meta.id}`)) figure.id = `kh-${trace.meta.id}`;
  const index = indexTrace(trace);
  const opened = { log: false, table: false };
  const motion = globalThis.matchMedia?.("(prefers-reduced-motion: reduce)");
  let guess: Guess | null = null;
  let spoken = "";
  let spokenAt = Number.NEGATIVE_INFINITY;
  let printing = false;

  const player = new Player(widget, index, () => draw(), options.clock);
  const actions = {
    link: () => {
      history.replaceState(null, "", permalink(trace.meta.id, player.moment));
      void navigator.clipboard?.writeText(location.href).catch(() => undefined);
    },
    ask: () => {
      player.pause();
      const prediction = widget.predict?.(index, guess?.prediction.answer ?? player.moment) ?? null;
      guess = prediction && { prediction, chosen: null };
      if (prediction) player.seek(prediction.before.t, prediction.before.focus);
    },
    choose: (chosen: number) => {
      if (guess) guess = { ...guess, chosen };
      draw();
    },
    toggled: (what: "log" | "table", open: boolean) => {
      opened[what] = open;
      draw();
    },
  };

  function choose(id: number): void {
    player.pause();
    const moment = widget.momentOf(index, id);
    player.seek(moment.t, moment.focus);
  }

  function draw(): void {
    const around = {
      uid,
      width: stageWidth(),
      reduced: printing || (motion?.matches ?? false),
      covered: guess?.chosen === null,
      choose,
    };
    const scene = widget.scene(index, player.moment, around);
    if (player.playing && performance.now() - spokenAt > SPEAK_MS) {
      spokenAt = performance.now();
      spoken = scene.why;
    }
    render(frame({ uid, scene, player, guess, spoken, opened, actions }), figure);
    // The reader changes these by hand, so what was drawn last says nothing about what they hold now.
    for (const input of figure.querySelectorAll("input"))
      if (input.type === "range") input.value = String(player.played);
      else input.checked = guess?.chosen === Number(input.value);
  }

  function stageWidth(): number {
    const measured = options.width ?? (figure.clientWidth || 720);
    return Math.round(Math.min(1100, Math.max(300, measured)));
  }

  function print(): void {
    printing = true;
    player.pause();
    opened.table = true;
    draw();
    for (const each of figure.querySelectorAll<HTMLDetailsElement>(".kh-table")) each.open = true;
  }

  function goToHash(): void {
    const moment = readPermalink(trace.meta.id, location.hash);
    if (!moment) return;
    player.pause();
    player.seek(moment.t, moment.focus);
    figure.scrollIntoView?.({ block: "center" });
  }

  const watcher = watchFigure(figure, draw, () => player.pause());
  const listeners: [EventTarget | undefined, string, () => void][] = [
    [globalThis, "beforeprint", print],
    [globalThis, "afterprint", () => { printing = false; draw(); }],
    [globalThis, "hashchange", goToHash],
    [motion, "change", draw],
  ]; // biome-ignore format: one line a listener
  for (const [target, name, act] of listeners) target?.addEventListener(name, act);
  draw();
  goToHash();
  return {
    player,
    index,
    draw,
    append: (batch) => player.append(batch),
    unmount: () => {
      player.pause();
      watcher();
      for (const [target, name, act] of listeners) target?.removeEventListener(name, act);
      render(null, figure);
    },
  };
}

/** Redraw when the width changes; stop playing when the figure leaves the screen. */
function watchFigure(figure: HTMLElement, draw: () => void, leave: () => void): () => void {
  let width = figure.clientWidth;
  const resize = new ResizeObserver(() => {
    if (figure.clientWidth !== width) draw();
    width = figure.clientWidth;
  });
  const sight = new IntersectionObserver((seen) => {
    if (seen.at(-1)?.isIntersecting === false) leave();
  });
  resize.observe(figure);
  sight.observe(figure);
  return () => {
    resize.disconnect();
    sight.disconnect();
  };
}
