"""Open every page in the ways a reader does, and write down what happened."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from playwright.sync_api import Browser, Page, Route
from playwright.sync_api import TimeoutError as PlaywrightTimeout

SETTLED_MS = 100
TAB_STOPS_MS = 5000
DESK = {"width": 1280, "height": 900}
PHONE = {"width": 360, "height": 740}


@dataclass
class Visit:
    """What one page did.

    Args:
        page: Its name.
        blocked: Addresses outside this machine that it asked for.
        errors: Console errors and uncaught exceptions.
        links: Where its links lead, absolute.
        ids: Every id on it.
        following: Where its link "next" leads, empty on the last page.
        bare: Commands that have no copy button.
        violations: axe rule and theme to the elements they were found on.
        overflow: What is wider than a phone's window.
        longest_line: Characters in the longest full line of a paragraph, at desk width.
        smallest_text: Pixels of the smallest text that shows, and what it says.
    """

    page: str
    blocked: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    links: list[str] = field(default_factory=list)
    ids: set[str] = field(default_factory=set)
    following: str = ""
    bare: list[str] = field(default_factory=list)
    violations: dict[str, list[str]] = field(default_factory=dict)
    overflow: list[str] = field(default_factory=list)
    longest_line: int = 0
    smallest_text: tuple[float, str] = (99.0, "")


READ_PAGE = """() => ({
  links: [...document.querySelectorAll('a[href]')].map(a =>
    a.href instanceof SVGAnimatedString ? new URL(a.href.baseVal, location).href : a.href),
  ids: [...document.querySelectorAll('[id]')].map(e => e.id),
  following: document.querySelector('a.right-next')?.href ?? '',
  bare: [...document.querySelectorAll('.cell_input, .highlight-bash')]
    .filter(e => !e.querySelector('.copybtn')).map(e => e.textContent.trim().slice(0, 60)),
})"""

RUN_AXE = """async rules => {
  const options = {preload: false, ...(rules && {runOnly: {type: 'rule', values: rules}})};
  return (await axe.run(document, options)).violations.map(
    v => [v.id, v.nodes.map(n => n.target.join(' ') + ' | ' + n.html.slice(0, 160))]);
}"""

TOO_WIDE = """() => {
  const width = document.documentElement.clientWidth;
  if (document.documentElement.scrollWidth <= width) return [];
  const clipped = e => {
    for (let a = e.parentElement; a && a !== document.body; a = a.parentElement)
      if (getComputedStyle(a).overflowX !== 'visible') return true;
    return false;
  };
  return [...document.querySelectorAll('body *')]
    .filter(e => e.getBoundingClientRect().right > width + 1 && !clipped(e))
    .map(e => e.tagName + '.' + e.className + ' ' + e.textContent.trim().slice(0, 40));
}"""

LONGEST_LINE = """() => {
  let longest = 0;
  for (const p of document.querySelectorAll('.bd-article section > p')) {
    const lines = new Map(), range = document.createRange();
    const walker = document.createTreeWalker(p, NodeFilter.SHOW_TEXT);
    for (let n = walker.nextNode(); n; n = walker.nextNode())
      for (let i = 0; i < n.length; i++) {
        range.setStart(n, i); range.setEnd(n, i + 1);
        const box = range.getClientRects()[0];
        if (box) { const y = Math.round(box.bottom / 12); lines.set(y, (lines.get(y) ?? '') + n.data[i]); }
      }
    longest = Math.max(longest, ...[...lines.values()].map(line => line.trim().length));
  }
  return longest;
}"""

SMALLEST_TEXT = """() => {
  let best = [99, ''];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let n = walker.nextNode(); n; n = walker.nextNode()) {
    const e = n.parentElement, text = n.data.trim();
    if (!text || !e.checkVisibility() || !e.getClientRects().length) continue;
    const svg = e.ownerSVGElement;
    const scale = svg ? svg.getBoundingClientRect().width / (svg.viewBox.baseVal?.width || Infinity) || 1 : 1;
    const size = parseFloat(getComputedStyle(e).fontSize) * scale;
    if (size < best[0]) best = [size, e.tagName + ' ' + text.slice(0, 40)];
  }
  return best;
}"""


# The theme looks for scrolling blocks some time after a resize, and later on a busy machine.
TAB_STOPS_ARE_SET = """() => [...document.querySelectorAll('pre, .cell_output > .output')].every(e =>
  e.tabIndex === 0 || (e.scrollWidth <= e.clientWidth && e.scrollHeight <= e.clientHeight))"""


class Tourist:
    """One browser page that visits one site page after another and may only talk to this machine."""

    def __init__(self, browser: Browser, **options: Any) -> None:
        """Open an empty page; `options` are those of a browser context."""
        self.context = browser.new_context(viewport=DESK, **options)
        self.visit = Visit("")
        self.context.route("**/*", self._guard)
        self.page: Page = self.context.new_page()
        self.page.on("console", lambda line: line.type == "error" and self.visit.errors.append(line.text))
        self.page.on("pageerror", lambda error: self.visit.errors.append(str(error)))

    def _guard(self, route: Route) -> None:
        url = route.request.url
        if url.startswith(("http://127.0.0.1:", "file:", "data:", "blob:")):
            route.continue_()
        else:
            self.visit.blocked.append(url)
            route.abort()

    def open(self, base: str, name: str) -> Visit:
        """Open one page and note its links and ids."""
        self.visit = Visit(name)
        self.page.goto(f"{base}/{name}.html", wait_until="load")
        self.page.wait_for_timeout(SETTLED_MS)
        read = self.page.evaluate(READ_PAGE)
        self.visit.links, self.visit.ids = read["links"], set(read["ids"])
        self.visit.following, self.visit.bare = read["following"], read["bare"]
        return self.visit

    def inspect(self, axe: str) -> None:
        """Look closely: accessibility in both themes, measure, sizes, then all again on a phone."""
        self.page.add_style_tag(content="*, *::before { transition: none !important; }")
        self.page.evaluate(axe)
        self._axe("light")
        self.visit.longest_line = self.page.evaluate(LONGEST_LINE)
        self.page.evaluate("document.documentElement.dataset.theme = 'dark'")
        self.page.wait_for_timeout(SETTLED_MS)
        self._axe("dark", ["color-contrast", "link-in-text-block"])
        self.page.evaluate("document.documentElement.dataset.theme = 'light'")
        self.page.set_viewport_size(PHONE)
        self.page.wait_for_timeout(SETTLED_MS)
        with suppress(PlaywrightTimeout):  # axe says what stayed out of reach
            self.page.wait_for_function(TAB_STOPS_ARE_SET, timeout=TAB_STOPS_MS)
        self.visit.overflow = self.page.evaluate(TOO_WIDE)
        self._axe("phone", ["color-contrast", "target-size", "scrollable-region-focusable"])
        self.visit.smallest_text = tuple(self.page.evaluate(SMALLEST_TEXT))
        self.page.set_viewport_size(DESK)

    def _axe(self, where: str, rules: list[str] | None = None) -> None:
        for rule, elements in self.page.evaluate(RUN_AXE, rules):
            self.visit.violations[f"{rule}, {where}"] = elements
