/** The anatomy every widget shares: claim, why, stage, player, current line, footer; log, table and question. */
import { html, nothing, type TemplateResult } from "lit-html";
import { plural, seconds } from "./format.ts";
import type { TraceIndex } from "./index.ts";
import { entriesUntil, gapsOf } from "./log.ts";
import { type Player, SPEEDS } from "./player.ts";
import { lengthOf, playTime } from "./timeline.ts";
import type { Prediction, Scene } from "./widget.ts";

export interface Guess {
  prediction: Prediction;
  chosen: number | null;
}

export interface FrameParts {
  uid: string;
  scene: Scene;
  player: Player;
  guess: Guess | null;
  /** Spoken at most once in five seconds while playing. */
  spoken: string;
  opened: { log: boolean; table: boolean };
  actions: {
    link: () => void;
    ask: () => void;
    choose: (option: number) => void;
    toggled: (what: "log" | "table", open: boolean) => void;
  };
}

export function frame(parts: FrameParts): TemplateResult {
  const { scene, player, uid } = parts;
  const { meta } = player.index;
  return html`<figcaption class="kh-claim" id="${uid}-claim">${meta.title}</figcaption>
    <p class="kh-reason">${scene.why}${scene.decider ? html` <span class="kh-decider">Decided by ${decider(scene)}.</span>` : nothing}</p>
    ${bar(parts)}
    <div class="kh-stage">${scene.stage}</div>
    <div class="kh-line" role="log" tabindex="0" aria-label="Current log line" aria-live=${player.playing ? "off" : "polite"}>${scene.lines.map(line)}</div>
    <p class="kh-spoken" role="status">${parts.spoken}</p>
    ${foot(parts)} ${more(parts)}`;
}

/** What can be pasted into a command stands in its type. */
function decider(scene: Scene): TemplateResult | string {
  const name = scene.decider.replace(/^(pod|svc|slice|route|hpa|node):/, "");
  return name.includes(" ") ? name : html`<code>${name}</code>`;
}

function line({ source, text }: { source: string; text: string }): TemplateResult {
  if (source) return html`<div><span class="kh-from">${source}</span> ${text}</div>`;
  const [first = "", ...rest] = text.split(" ");
  return html`<div><b>${first} ${rest[0]}</b> ${rest.slice(1).join(" ")}</div>`;
}

function bar(parts: FrameParts): TemplateResult {
  const { player, scene } = parts;
  const running = player.playing || player.mode === "live";
  const length = Math.max(1, Math.round(player.length));
  return html`<div class="kh-bar" role="group" aria-label="Player">
    <button type="button" class="kh-main" @click=${() => player.toggle()}>${running ? "Pause" : "Play"}</button>
    <button type="button" aria-label="Previous event" @click=${() => player.step(-1)}>‹</button>
    <button type="button" aria-label="Next event" @click=${() => player.step(1)}>›</button>
    <span class="kh-scrub">${marks(player)}
      <input type="range" min="0" max=${length} step="any" aria-label="Time" aria-valuetext="${seconds(player.moment.t)} of ${seconds(player.index.duration)}" @input=${(event: Event) => scrub(player, event)} @keydown=${(event: KeyboardEvent) => nudge(player, event)}></span>
    <span class="kh-time">${seconds(player.moment.t)}<span class="kh-scale"> · ${scene.scale}</span></span>
    <label class="kh-speed"><span class="kh-hidden">Speed</span><select @change=${(event: Event) => player.setSpeed(Number((event.target as HTMLSelectElement).value))}>${SPEEDS.map((speed) => html`<option value=${speed} ?selected=${speed === player.speed}>${speed}×</option>`)}</select></label>
    ${modes(player)}${chapters(player)}</div>`;
}

function scrub(player: Player, event: Event): void {
  player.pause();
  player.seekPlayed(Number((event.target as HTMLInputElement).value));
}

/** `step="any"` leaves arrow keys to the browser's guess: a fiftieth of the whole is what a reader expects. */
function nudge(player: Player, event: KeyboardEvent): void {
  const step = { ArrowRight: 1, ArrowUp: 1, ArrowLeft: -1, ArrowDown: -1, PageUp: 5, PageDown: -5 }[
    event.key
  ];
  if (step === undefined && event.key !== "Home" && event.key !== "End") return;
  event.preventDefault();
  player.pause();
  if (step !== undefined) player.seekPlayed(player.played + (step * player.length) / 50);
  else player.seekPlayed(event.key === "Home" ? 0 : player.length);
}

function marks(player: Player): TemplateResult {
  const { index, timeline } = player;
  const place = (t: number): string =>
    `${((100 * playTime(timeline, t)) / Math.max(1, lengthOf(timeline))).toFixed(2)}%`;
  const gaps = gapsOf(index);
  return html`<span class="kh-marks" aria-hidden="true">${gaps.map((gap) => html`<i class="kh-gap" title="Not seen: ${gap.text}" style="left:${place(gap.from)};right:calc(100% - ${place(gap.to)})"></i>`)}${(index.meta.chapters ?? []).map((chapter) => html`<i class="kh-tick" title=${chapter.label} style="left:${place(chapter.t)}"></i>`)}</span>`;
}

function chapters(player: Player): TemplateResult | typeof nothing {
  const list = player.index.meta.chapters ?? [];
  if (list.length < 2) return nothing;
  const at = list.findLastIndex((chapter) => chapter.t <= player.moment.t + 1e-6);
  const go = (i: number): void => {
    player.pause();
    player.seek(player.widget.chapterEnd(player.index, i));
  };
  return html`<span class="kh-chapters" role="group" aria-label="Chapters">${list.map((chapter, i) => html`<button type="button" aria-pressed=${i === at} @click=${() => go(i)}>${chapter.label}</button>`)}</span>`;
}

function modes(player: Player): TemplateResult | typeof nothing {
  if (player.index.meta.origin !== "live" && player.mode === "recorded") return nothing;
  const button = (mode: string, act: () => void): TemplateResult =>
    html`<button type="button" aria-pressed=${player.mode === mode.toLowerCase()} @click=${act}>${mode}</button>`;
  const waiting = player.unseen ? html`<span class="kh-unseen">${player.unseen} new</span>` : nothing;
  return html`<span class="kh-modes" role="group" aria-label="Source">${button("Live", () => player.follow())}${button("Paused", () => player.stay())}${waiting}</span>`;
}

function foot({ player, scene, actions }: FrameParts): TemplateResult {
  const { meta } = player.index;
  const loss = lossInWords(player.index);
  return html`<div class="kh-foot"><span class="kh-tag kh-origin-${meta.origin}">${meta.origin}</span>
    <span>${provenance(player.index)}</span>
    ${loss ? html`<span class="kh-loss">${loss}</span>` : nothing}
    ${scene.command ? html`<span>see it yourself: <code>${scene.command}</code></span>` : nothing}
    <button type="button" class="kh-link" @click=${actions.link}>link to this moment</button></div>`;
}

export function provenance({ meta }: TraceIndex): string {
  if (meta.origin === "model") {
    const params = Object.entries(meta.params ?? {}).map(
      ([name, value]) => `${name} ${JSON.stringify(value)}`,
    );
    return [`computed, not measured; seed ${meta.seed}`, ...params].join(", ");
  }
  const cluster = meta.cluster ?? {};
  const names = { kubernetes: "Kubernetes", traefik: "Traefik", "kube-proxy-mode": "kube-proxy" };
  const versions = Object.entries(names).flatMap(([key, name]) =>
    cluster[key] ? [`${name} ${cluster[key]}`] : [],
  );
  return [...versions, (meta.recorded_at ?? "").slice(0, 10)].filter(Boolean).join(", ");
}

function lossInWords(index: TraceIndex): string {
  const dropped = index.meta.loss?.req_dropped ?? 0;
  const gaps = gapsOf(index).length;
  const parts = [
    dropped ? `${plural(dropped, "request")} not recorded` : "",
    gaps ? plural(gaps, "gap") : "",
  ];
  return parts.filter(Boolean).join(", ");
}

function more(parts: FrameParts): TemplateResult {
  const { player, scene, opened, actions, guess } = parts;
  const all = opened.log ? entriesUntil(player.index, player.moment.t) : [];
  const opener = (what: "log" | "table") => (event: Event) =>
    actions.toggled(what, (event.target as HTMLDetailsElement).open);
  return html`<div class="kh-more">
    <details @toggle=${opener("log")}><summary>Log</summary><div class="kh-scroll" tabindex="0" role="group" aria-label="Events so far"><ol>${all.slice(-300).map((entry) => html`<li><b>${seconds(entry.t)}</b> ${entry.text} <span class="kh-from">${entry.source}</span></li>`)}</ol></div></details>
    <details class="kh-table" @toggle=${opener("table")}><summary>Table</summary><div class="kh-scroll" tabindex="0" role="group" aria-label="Table">${opened.table ? table(scene) : nothing}</div></details>
    ${player.widget.predict ? html`<details class="kh-guess" @toggle=${(event: Event) => (event.target as HTMLDetailsElement).open && !guess && actions.ask()}><summary>Predict</summary>${guess ? question(guess, parts) : nothing}</details>` : nothing}
  </div>`;
}

function table({ table: { caption, head, rows } }: Scene): TemplateResult {
  return html`<table><caption>${caption}</caption><thead><tr>${head.map((cell) => html`<th scope="col">${cell}</th>`)}</tr></thead>
    <tbody>${rows.map((row) => html`<tr>${row.map((cell, i) => (i ? html`<td>${cell}</td>` : html`<th scope="row">${cell}</th>`))}</tr>`)}</tbody></table>`;
}

function question({ prediction, chosen }: Guess, { uid, actions, player }: FrameParts): TemplateResult {
  const right = chosen === prediction.correct;
  return html`<fieldset><legend>${prediction.prompt}</legend>
    ${prediction.options.map((option, i) => html`<label><input type="radio" name="${uid}-guess" value=${i} @change=${() => actions.choose(i)}> ${option}</label>`)}
    <p class="kh-verdict" role="status">${chosen === null ? "" : html`<b>${right ? "Right." : `Not quite: ${prediction.options[prediction.correct]}.`}</b> ${prediction.why}`}</p>
    ${chosen === null ? nothing : html`<button type="button" @click=${() => player.seek(prediction.answer.t, prediction.answer.focus)}>show it</button> <button type="button" @click=${actions.ask}>ask another</button>`}</fieldset>`;
}
