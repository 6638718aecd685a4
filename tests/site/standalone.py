"""A page with widgets and nothing else: what the published page is to them, without a build of the site."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, Route

from kubehop.widgets import HpaDecision, LoadBalancing, RequestJourney

ROOT = Path(__file__).parents[2]
DATA = ROOT / "widgets" / "test" / "data"
STATIC = ROOT / "src" / "kubehop" / "widgets" / "static"
SHOWN = {
    "journey-ingress": RequestJourney,
    "journey-cluster": RequestJourney,
    "balance-three": LoadBalancing,
    "hpa-story": HpaDecision,
}
QUESTION = """<form class="kh-predict" data-question="ip"><fieldset><legend>Does the IP change?</legend>
<label><input type="radio" name="ip" value="0" data-correct="false"> Yes</label>
<p class="kh-why" hidden>The sandbox keeps the address.</p>
<label><input type="radio" name="ip" value="1" data-correct="true"> No</label>
<p class="kh-why" hidden>Only a new Pod gets a new one.</p></fieldset>
<button type="submit">Check</button><output></output></form>"""


def trace(name: str) -> dict[str, Any]:
    """Return a fixture of the widgets' own tests."""
    data: dict[str, Any] = json.loads((DATA / f"{name}.json").read_text("utf-8"))
    return data


def all_states() -> dict[str, Any]:
    """Return a trace whose four Pods are ready, not ready, terminating and failed at its end."""
    made = deepcopy(trace("journey-cluster"))
    service = next(event for event in made["events"] if event["e"] == "svc")
    states = {
        "ready": {"phase": "Running", "ready": True},
        "not-ready": {"phase": "Running", "ready": False},
        "terminating": {"phase": "Running", "ready": False, "terminating": True},
        "failed": {"phase": "Running", "ready": False, "reason": "CrashLoopBackOff"},
    }
    made["meta"]["id"] = "all-states"
    made["entities"] += [{"id": f"pod:{name}", "kind": "Pod", "name": name} for name in states]
    made["events"] = [service] + [
        {"t": 0, "e": "pod", "id": f"pod:{name}", "op": "add", "s": state} for name, state in states.items()
    ]
    return made


@dataclass
class Noted:
    """What a page did that it must not: requests off this machine, errors."""

    blocked: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)


@contextmanager
def opened(browser: Browser, **options: Any) -> Iterator[tuple[Page, Noted]]:
    """Open an empty page that may only talk to this machine."""
    context = browser.new_context(**options)
    noted = Noted()

    def guard(route: Route) -> None:
        if route.request.url.startswith(("http://127.0.0.1:", "file:", "data:", "blob:")):
            route.continue_()
        else:
            noted.blocked.append(route.request.url)
            route.abort()

    context.route("**/*", guard)
    page = context.new_page()
    page.on("console", lambda message: noted.errors.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: noted.errors.append(str(error)))
    yield page, noted
    context.close()


@contextmanager
def page_of(
    browser: Browser, folder: Path, *, theme: str = "light", where: str = "", **options: Any
) -> Iterator[Page]:
    """Open a page from disk; it must not ask for anything outside, nor report an error."""
    with opened(browser, **options) as (page, visit):
        page.goto(f"file://{folder / theme}.html{where}")
        page.wait_for_selector("figure.kh .kh-stage svg, noscript, figure.kh-widget p")
        yield page
        assert visit.blocked == []
        assert visit.errors == []


def write(folder: Path, *, theme: str, traces: dict[str, dict[str, Any]] | None = None) -> Path:
    """Write the page and its script into a folder, and return the page's path."""
    used = traces or {name: trace(name) for name in SHOWN}
    figures = "".join(SHOWN.get(name, RequestJourney)(data).twin() for name, data in used.items())
    inline = "".join(_inline(name, data) for name, data in used.items())
    for script in STATIC.iterdir():
        (folder / script.name).write_bytes(script.read_bytes())
    classes = {SHOWN.get(name, RequestJourney).__name__ for name in used}
    scripts = "".join(f'<script defer src="{one}.iife.js"></script>' for one in ("kubehop", *sorted(classes)))
    paper, ink = ("#12161c", "#fff") if theme == "dark" else ("#fff", "#000")
    page = folder / f"{theme}.html"
    page.write_text(
        f'<!doctype html><html lang="en" data-theme="{theme}"><head><meta charset="utf-8">'
        '<title>Widgets</title><link rel="icon" href="data:,">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<style>body{{margin:0;background:{paper}}}main{{max-width:780px;margin:auto;padding:8px}}"
        f"h1,form{{color:{ink}}}</style></head>"
        f"<body><main><h1>Widgets</h1>{figures}{QUESTION}</main>{inline}"
        f"{scripts}</body></html>",
        encoding="utf-8",
    )
    return page


def _inline(name: str, data: dict[str, Any]) -> str:
    text = json.dumps(data).replace("<", "\\u003c")
    return f'<script type="application/json" id="kh-trace-{name}">{text}</script>'
