/** The published page: classic deferred scripts. This one grades the questions; each widget's registers it. */
import { mount } from "./mount.ts";
import { gradeAll } from "./question.ts";
import type { Trace } from "./trace.ts";
import type { Widget } from "./widget.ts";

/** Mount a widget wherever the page shows it. */
export function register(widget: Widget): void {
  for (const figure of document.querySelectorAll<HTMLElement>(
    `figure.kh-widget[data-widget=${widget.name}][data-trace]`,
  )) {
    const source = document.getElementById(`kh-trace-${figure.dataset.trace}`);
    if (!source?.textContent) continue; // the twin's text stays
    mount(widget, JSON.parse(source.textContent) as Trace, figure);
  }
}

gradeAll(document);
