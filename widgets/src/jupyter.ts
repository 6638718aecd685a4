/** JupyterLab: an anywidget module. The trace grows by messages `{kind: "append", seq, batch}`. */
import { type Mounted, mount } from "./mount.ts";
import type { Batch, Trace } from "./trace.ts";
import { WIDGETS } from "./widgets.ts";

interface Model {
  get(name: string): unknown;
  on(name: string, act: (message: Message) => void): void;
  off(name: string, act: (message: Message) => void): void;
}

interface Message {
  kind?: string;
  seq?: number;
  batch?: Batch;
}

interface Record {
  seq: number;
  batches: Batch[];
  views: Set<Mounted>;
}

/**
 * What has arrived since the model was made, so that a view opened later draws all of it.
 * Keyed by the trait's value: anywidget gives `initialize` and each `render` another model object.
 */
const arrived = new WeakMap<object, Record>();

function recordOf(model: Model): Record {
  const trace = model.get("trace") as { seq?: number };
  let record = arrived.get(trace);
  if (!record) {
    record = { seq: trace.seq ?? 0, batches: [], views: new Set() };
    arrived.set(trace, record);
  }
  return record;
}

function initialize({ model }: { model: Model }): () => void {
  const record = recordOf(model);
  const receive = (message: Message): void => {
    if (message.kind !== "append" || !message.batch || (message.seq ?? 0) <= record.seq) return;
    record.seq = message.seq ?? record.seq;
    record.batches.push(message.batch);
    for (const view of record.views) view.append(message.batch);
  };
  model.on("msg:custom", receive);
  return () => model.off("msg:custom", receive);
}

function render({ model, el }: { model: Model; el: HTMLElement }): (() => void) | undefined {
  const name = String(model.get("widget") ?? "");
  const widget = WIDGETS[name];
  const trace = model.get("trace") as Trace;
  if (!widget) {
    el.textContent = `There is no widget ${name}.`;
    return undefined;
  }
  const record = recordOf(model);
  const view = mount(widget, trace, el);
  for (const batch of record.batches) view.append(batch);
  record.views.add(view);
  return () => {
    record.views.delete(view);
    view.unmount();
  };
}

export default { initialize, render };
