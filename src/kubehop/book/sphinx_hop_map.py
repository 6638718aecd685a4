"""Draw the hop map: Browser → Ingress → Service → Pod → Container.

The map is the book's logo, its navigation aid and its favicon, so its geometry stands here once.
A page asks for it with the directive `{hop-map}` and the name of a hop or of a chapter:

    ```{hop-map} pods
    ```

Colors are the CSS variables of `assets/site/book.css`; a box whose chapter exists is a link to it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from html import escape

WIDE_BOX = 116
WIDE_GAP = 20
NARROW_PAD = 5
NARROW_GAP = 9
NARROW_CHAR = 7.1  # widest sans at 12 px, per character
HERO_ROW = 46


@dataclass(frozen=True)
class Hop:
    """One of the five stations of a request.

    Args:
        name: Lower-case name, used in the directive.
        title: The word in the box.
        does: What the hop does to the request, for the large map.
        chapter: Page that explains it, without its suffix.
    """

    name: str
    title: str
    does: str
    chapter: str


HOPS = (
    Hop("browser", "Browser", "asks for a URL", "chapters/start/index"),
    Hop("ingress", "Ingress", "reads host, path", "chapters/ingress/ingress"),
    Hop("service", "Service", "stable name", "chapters/services/services"),
    Hop("pod", "Pod", "short-lived IP", "chapters/pods/pods"),
    Hop("container", "Container", "your program", "chapters/configuration/configmaps"),
)

CHAPTER_HOPS = {
    "index": None,
    "your-cluster": None,
    "symptoms": None,
    "pods": "pod",
    "deployments": "pod",
    "services": "service",
    "dns": "service",
    "endpointslices": "service",
    "ingress": "ingress",
    "tls": "ingress",
    "gateway-api": "ingress",
    "canary": "ingress",
    "configmaps": "container",
    "secrets": "container",
    "hpa": "pods",
    "resources": "container",
}
"""Which hop a chapter explains; `pods` is the set of Pods, drawn as a stack."""


def hop_of(name: str) -> str | None:
    """Return the hop that `name`, a hop or a chapter, stands for; None marks no hop.

    Raises:
        KeyError: `name` is neither.
    """
    if any(name == hop.name for hop in HOPS):
        return name
    return CHAPTER_HOPS[name]


def describe(current: str | None) -> str:
    """Say in words what the map shows."""
    path = "Browser, Ingress, Service, Pod, Container"
    if current is None:
        return f"Hop map: a request goes {path}."
    if current == "pods":
        return f"Hop map: {path}. This page is about the set of Pods, hop 4 of 5."
    number, hop = next((n, hop) for n, hop in enumerate(HOPS, 1) if hop.name == current)
    return f"Hop map: {path}. This page is about the {hop.title}, hop {number} of 5."


def draw(current: str | None, links: Mapping[str, str], *, hero: bool = False) -> str:
    """Return the map as HTML: a wide and a narrow drawing, of which CSS shows one.

    Args:
        current: Name of the hop to fill, "pods" for the set of Pods, None for no hop.
        links: Hop name to URL; a hop without one is not a link.
        hero: Draw the large form of the landing page.
    """
    drawings = _hero(links) if hero else _strip(current, links)
    kind = " kh-hop-map--hero" if hero else ""
    return (
        f'<figure class="kh-hop-map{kind}" role="group" aria-label="{escape(describe(current))}">'
        f"{drawings}</figure>"
    )


def draw_icon() -> str:
    """Return the favicon: five boxes in a row, the middle one filled."""
    boxes = ""
    for n in range(len(HOPS)):
        kind, y, height = ("on", 4, 24) if n == len(HOPS) // 2 else ("off", 9, 14)
        boxes += f'<rect class="{kind}" x="{1.5 + 6 * n:g}" y="{y}" width="5" height="{height}" rx="1.6"/>'
    style = (
        ".off{fill:#5b6776}.on{fill:#0072b2}"
        "@media (prefers-color-scheme:dark){.off{fill:#9aa7b6}.on{fill:#56a8dc}}"
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><style>{style}</style>{boxes}</svg>\n'
    )


def draw_mark(name: str) -> str:
    """Return the hop's title beside a map of the height of a letter."""
    boxes = ""
    for n, hop in enumerate(HOPS):
        kind, y, height = ("kh-on", 1, 14) if hop.name == name else ("kh-off", 4, 8)
        boxes += f'<rect class="{kind}" x="{8 * n}" y="{y}" width="6" height="{height}" rx="1.5"/>'
    title = next(hop.title for hop in HOPS if hop.name == name)
    return f'<span class="kh-mark"><svg viewBox="0 0 38 16" aria-hidden="true">{boxes}</svg> {title}</span>'


def _strip(current: str | None, links: Mapping[str, str]) -> str:
    wide = [(n * (WIDE_BOX + WIDE_GAP) + 1.0, float(WIDE_BOX)) for n in range(len(HOPS))]
    narrow: list[tuple[float, float]] = []
    x = 1.0
    for hop in HOPS:
        width = len(hop.title) * NARROW_CHAR + 2 * NARROW_PAD
        narrow.append((x, width))
        x += width + NARROW_GAP
    return _row(current, links, wide, height=38, kind="wide") + _row(
        current, links, narrow, height=32, kind="narrow"
    )


def _row(
    current: str | None,
    links: Mapping[str, str],
    places: list[tuple[float, float]],
    *,
    height: int,
    kind: str,
) -> str:
    right = places[-1][0] + places[-1][1] + 1
    middle = height / 2 + 7
    parts = [f'<path class="kh-hop-wire" d="M{places[0][0] + 4:g} {middle:g}H{places[-1][0] + 4:g}"/>']
    for hop, (x, width) in zip(HOPS, places, strict=True):
        on = current == hop.name or (current == "pods" and hop.name == "pod")
        behind = (6, 3) if current == "pods" and hop.name == "pod" else ()
        size = f'width="{width:g}" height="{height}" rx="7"'
        shadows = "".join(
            f'<rect class="kh-hop-behind" x="{x + by:g}" y="{7 - by}" {size}/>' for by in behind
        )
        box = (
            f'<rect class="kh-hop-box" x="{x:g}" y="7" {size}/>'
            f'<text x="{x + width / 2:g}" y="{middle + 4.5:g}" text-anchor="middle">{hop.title}</text>'
        )
        parts.append(_place(hop, shadows + box, links, on=on))
    return f'<svg class="kh-hop-map__{kind}" viewBox="0 0 {right:g} {height + 14}">{"".join(parts)}</svg>'


def _hero(links: Mapping[str, str]) -> str:
    wide = ['<path class="kh-hop-wire" d="M20 52H700"/>']
    narrow = [f'<path class="kh-hop-wire" d="M50 20V{HERO_ROW * 4 + 20}"/>']
    for n, hop in enumerate(HOPS):
        x = n * 148 + 2
        wide.append(
            _place(
                hop,
                f'<rect class="kh-hop-box" x="{x}" y="6" width="124" height="92" rx="10"/>'
                f'<g transform="translate({x + 50} 18)" class="kh-hop-icon">{ICONS[hop.name]}</g>'
                f'<text x="{x + 62}" y="66" text-anchor="middle">{hop.title}</text>'
                f'<text class="kh-hop-does" x="{x + 62}" y="85" text-anchor="middle">{hop.does}</text>',
                links,
                on=False,
            )
        )
        y = n * HERO_ROW + 2
        narrow.append(
            _place(
                hop,
                f'<rect class="kh-hop-box" x="2" y="{y}" width="324" height="36" rx="8"/>'
                f'<g transform="translate(12 {y + 6})" class="kh-hop-icon">{ICONS[hop.name]}</g>'
                f'<text x="48" y="{y + 23}">{hop.title}</text>'
                f'<text class="kh-hop-does" x="314" y="{y + 23}" text-anchor="end">{hop.does}</text>',
                links,
                on=False,
            )
        )
    return (
        f'<svg class="kh-hop-map__wide" viewBox="0 0 720 104">{"".join(wide)}</svg>'
        f'<svg class="kh-hop-map__narrow" viewBox="0 0 328 {HERO_ROW * 5}">{"".join(narrow)}</svg>'
    )


def _place(hop: Hop, drawing: str, links: Mapping[str, str], *, on: bool) -> str:
    kind = "kh-hop kh-hop--on" if on else "kh-hop"
    if on:
        return f'<g class="{kind}">{drawing}</g>'
    if hop.name in links:
        return f'<a class="{kind}" href="{escape(links[hop.name])}">{drawing}</a>'
    return f'<g class="{kind}">{drawing}</g>'


ICONS = {
    "browser": '<rect x="1" y="3" width="22" height="18" rx="2.5"/><path d="M1 8.5H23M4.5 5.8h.1M8 5.8h.1"/>',
    "ingress": '<path d="M2 12H9M9 12L20 4M9 12L20 20"/><circle cx="9" cy="12" r="2.6"/>'
    '<circle cx="21" cy="4" r="1.6"/><circle cx="21" cy="20" r="1.6"/>',
    "service": '<circle cx="12" cy="12" r="4"/><path d="M12 1.5V8M12 16v6.5M1.5 12H8M16 12h6.5"/>',
    "pod": '<path d="M12 1.8L21 7V17L12 22.2L3 17V7Z"/><path d="M3 7L12 12L21 7M12 12V22"/>',
    "container": '<rect x="1.5" y="5" width="21" height="14" rx="2"/>'
    '<path d="M6.5 9V15M10.2 9V15M13.8 9V15M17.5 9V15"/>',
}
"""Line drawings in a square of 24 by 24."""
