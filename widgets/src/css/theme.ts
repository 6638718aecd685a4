/**
 * The tokens. A page sets `--kh-paper` and its fellows; without them these fallbacks hold, chosen by
 * `html[data-theme]` (the site), `data-jp-theme-light` (JupyterLab), or the reader's system.
 */
type Tokens = Record<string, [string, string]>;

/** Our short name: the site's name, and the color without a site. */
const LIGHT: Tokens = {
  p: ["paper", "#fff"],
  i: ["ink", "#1b2430"],
  s: ["soft", "#566270"],
  l: ["line", "#d5dbe3"],
  w: ["wash", "#f5f7fa"],
  a: ["accent", "#0072b2"],
  ok: ["ok-text", "#00694d"],
  bad: ["warn-text", "#a84300"],
  o: ["on-accent", "#fff"],
};
const DARK: Tokens = {
  p: ["paper", "#12161c"],
  i: ["ink", "#e3e9ef"],
  s: ["soft", "#9aa7b6"],
  l: ["line", "#333d49"],
  w: ["wash", "#1a2028"],
  a: ["accent", "#56a8dc"],
  ok: ["ok-text", "#5cd0ae"],
  bad: ["warn-text", "#f3a06c"],
  o: ["on-accent", "#0b1016"],
};

const write = (tokens: Tokens, site = true): string =>
  Object.entries(tokens)
    .map(([name, [token, color]]) => `--${name}:${site ? `var(--kh-${token},${color})` : color}`)
    .join(";");
const under = (root: string): string => `${root} .kh,${root} form.kh-live`;

export const THEME_CSS = `
.kh,form.kh-live{${write(LIGHT)};
--mono:var(--kh-mono,ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono",monospace);
--sans:var(--kh-sans,system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans","DejaVu Sans",sans-serif)}
@media (prefers-color-scheme:dark){${under("html:is(:not([data-theme]),[data-theme=auto]):not(:has([data-jp-theme-light]))")}{${write(DARK)}}}
${under("html[data-theme=dark]")}{${write(DARK)}}
${under("[data-jp-theme-light=false]")}{${write(DARK)}}
@media print{${under(":root:root:root")}{${write(LIGHT, false)}}}
`;
