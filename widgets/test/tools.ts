/** What the tests share: fixture and committed traces, a mounted widget, a clock that stands still. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { type Mounted, mount } from "../src/mount.ts";
import type { Clock } from "../src/player.ts";
import type { Batch, Trace } from "../src/trace.ts";
import { WIDGETS } from "../src/widgets.ts";

const HERE = import.meta.dirname;

function tracesIn(folder: string): Trace[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .filter((name) => name.endsWith(".json"))
    .map((name) => JSON.parse(readFileSync(join(folder, name), "utf8")) as Trace)
    .filter((trace) => trace.schema === "kubehop-trace/1");
}

/** The fixtures, and every recording of the book. */
export const TRACES = [...tracesIn(join(HERE, "data")), ...tracesIn(join(HERE, "../../traces"))];

export function traceOf(id: string): Trace {
  const found = TRACES.find((trace) => trace.meta.id === id);
  if (!found) throw new Error(`There is no trace ${id}. Run \`npm run fixtures\`.`);
  return structuredClone(found);
}

/** A fixture in which cells of one request are others: a number, an entity's id, or null for "not known". */
export function traceWith(id: string, request: number, cells: Record<string, number | string | null>): Trace {
  const trace = traceOf(id);
  const { cols, rows } = trace.req!;
  const row = rows.find((each) => each[cols.indexOf("id")] === request)!;
  for (const [name, value] of Object.entries(cells))
    row[cols.indexOf(name)] =
      typeof value === "string" ? trace.entities.findIndex((each) => each.id === value) : (value ?? -1);
  return trace;
}

export function fixture<T>(name: string): T {
  return JSON.parse(readFileSync(join(HERE, "data", `${name}.json`), "utf8")) as T;
}

/** Traces that a widget has something to say about. */
export function tracesFor(widget: string): Trace[] {
  const hpa = (trace: Trace): boolean => trace.events.some((event) => event.e === "hpa");
  const asks = (trace: Trace): boolean => (trace.req?.rows.length ?? 0) > 0;
  return TRACES.filter(widget === "HpaDecision" ? hpa : asks);
}

export class StillClock implements Clock {
  time = 0;
  asked = 0;
  private waiting: ((now: number) => void) | null = null;
  now = (): number => this.time;
  request = (callback: (now: number) => void): number => {
    this.asked += 1;
    this.waiting = callback;
    return this.asked;
  };
  cancel = (): void => {
    this.waiting = null;
  };
  get idle(): boolean {
    return this.waiting === null;
  }
  /** Let time pass, and draw the frame that waits for it. */
  pass(milliseconds: number): void {
    this.time += milliseconds;
    const callback = this.waiting;
    this.waiting = null;
    callback?.(this.time);
  }
}

export interface Shown extends Mounted {
  figure: HTMLElement;
  clock: StillClock;
  /** The stage as text: markers of the template engine and numbers of the mount left out. */
  picture(): string;
}

const open = new Set<Shown>();

/** Unmount what was shown: it would still hear the address change. */
export function closeAll(except?: Shown): void {
  for (const each of open) {
    if (each === except) continue;
    each.unmount();
    open.delete(each);
  }
}

export function show(widget: string, trace: Trace, width = 756): Shown {
  const figure = document.createElement("figure");
  document.body.replaceChildren(figure);
  history.replaceState(null, "", "#");
  const clock = new StillClock();
  const mounted = mount(WIDGETS[widget]!, trace, figure, { width, clock });
  const picture = (): string => clean(figure.querySelector(".kh-stage")!.innerHTML);
  const shown = { ...mounted, figure, clock, picture };
  open.add(shown);
  return shown;
}

export const clean = (markup: string): string => markup.replace(/<!--.*?-->/g, "").replace(/kh\d+-/g, "");

/** Cut a trace into batches of `size` events and rows, as a recorder would send them. */
export function batchesOf(trace: Trace, size: number): Batch[] {
  const { req } = trace;
  const first: Batch = { entities: trace.entities };
  if (req)
    first.req = {
      cols: req.cols,
      rows: [],
      ...(req.dict ? { dict: req.dict } : {}),
      ...(req.lines ? { lines: req.lines } : {}),
    };
  const batches: Batch[] = [first];
  const end = Math.max(trace.events.length, req?.rows.length ?? 0);
  for (let at = 0; at < end; at += size) {
    const batch: Batch = { events: trace.events.slice(at, at + size) };
    if (req) batch.req = { cols: req.cols, rows: req.rows.slice(at, at + size) };
    batches.push(batch);
  }
  return batches;
}
