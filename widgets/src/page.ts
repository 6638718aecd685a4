/** The published page: a classic deferred script that mounts every figure and grades every question. */
import { mount } from "./mount.ts";
import { gradeAll } from "./question.ts";
import type { Trace } from "./trace.ts";
import { WIDGETS } from "./widgets.ts";

function start(): void {
  for (const figure of document.querySelectorAll<HTMLElement>("figure.kh-widget[data-widget][data-trace]")) {
    const widget = WIDGETS[figure.dataset.widget ?? ""];
    const source = document.getElementById(`kh-trace-${figure.dataset.trace}`);
    if (!widget || !source?.textContent) continue; // the twin's text stays
    mount(widget, JSON.parse(source.textContent) as Trace, figure);
  }
  gradeAll(document);
}

if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", start);
else start();
