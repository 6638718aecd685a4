/** The requests in the order they began: one mark a request, to be chosen by pointer or arrow keys. */
import { html, type TemplateResult } from "lit-html";
import type { Request } from "./trace.ts";

export interface StripOptions {
  uid: string;
  /** How many have begun; the others are drawn as places. */
  begun: number;
  /** Whether the others keep their answers: the reader is asked about them. */
  covered: boolean;
  chosen: number | null;
  choose: (id: number) => void;
  name: (request: Request) => string;
}

/** Marks one widget may draw. Above it, every n-th request is drawn and the picture says so. */
export const MARK_LIMIT = 150;

/** Requests that are drawn: all up to the limit; above it every n-th, and every failed one. */
export function sample(requests: readonly Request[], limit = MARK_LIMIT): Request[] {
  if (requests.length <= limit) return [...requests];
  const failures = requests.filter(failed).slice(0, limit / 2);
  const every = Math.ceil(requests.length / (limit - failures.length));
  const kept = new Set(failures);
  return requests.filter((request, i) => i % every === 0 || kept.has(request));
}

/** Says what `sample` left out. */
export function sampledInWords(drawn: number, all: number): string {
  return drawn < all ? `${drawn} of ${all} requests drawn` : "";
}

export const failed = (request: Request): boolean => request.status === 0 || request.status >= 400;

export function strip(requests: readonly Request[], options: StripOptions): TemplateResult {
  const shown = sample(requests);
  const later = new Set(requests.slice(options.begun));
  const at = shown.findIndex((request) => request.id === options.chosen);
  const move = (event: KeyboardEvent): void => {
    const request = shown[keyGoal(event.key, at, shown.length) ?? -1];
    if (!request) return;
    event.preventDefault();
    options.choose(request.id);
  };
  const active = at >= 0 ? `${options.uid}-r${(shown[at] as Request).id}` : "";
  return html`<div class="kh-strip ${shown.length > 40 ? "kh-dense" : ""}"><span class="kh-label" aria-hidden="true">${sampledInWords(shown.length, requests.length) || "requests"}</span>
    <div class="kh-dots" role="listbox" tabindex="0" aria-label="Requests in order" aria-activedescendant=${active} @keydown=${move}>
      ${shown.map((request) => {
        const hidden = options.covered && later.has(request);
        const names = `kh-dot${failed(request) && !hidden ? " kh-failed" : ""}${later.has(request) ? " kh-later" : ""}`;
        const name = hidden ? `Request ${request.id}: not yet` : options.name(request);
        return html`<span class=${names} id="${options.uid}-r${request.id}" role="option" aria-selected=${request.id === options.chosen} aria-label=${name} title=${name} data-req=${later.has(request) ? "" : request.id} @click=${() => options.choose(request.id)}></span>`;
      })}
    </div></div>`;
}

/** Which of `count` items a key goes to from item `at`; null for other keys. */
export function keyGoal(key: string, at: number, count: number): number | null {
  const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1, PageDown: 10, PageUp: -10 }[key];
  if (step !== undefined) return Math.min(Math.max(0, at + step), count - 1);
  return { Home: 0, End: count - 1 }[key] ?? null;
}
