"""Measures the widgets in Chromium and prints one line a figure: `npm run bench` in widgets/.

Mount and seek are processor time of the page's own thread, so that a busy machine does not change them;
frames and latency are time on the clock.
"""

from __future__ import annotations

import random
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from playwright.sync_api import CDPSession, Page, sync_playwright

HERE = Path(__file__).parent
MODULE = HERE.parents[1] / "src" / "kubehop" / "widgets" / "static" / "kubehop.mjs"
FLAGS = ["--no-sandbox", "--disable-gpu", "--js-flags=--expose-gc", "--enable-precise-memory-info"]
COLS = ["t", "id", "from", "via", "to", "path", "host", "us", "st", "conn"]
WIDGETS = ("RequestJourney", "LoadBalancing")
MOUNTS, SEEKS, FRAMES_MS = 20, 60, 3_000
# The most that each figure may be; frames a second are the least.
MOUNT_MS, SEEK_MS, FRAME_MS, KEPT_MB, LATENCY_MS = 100, 16, 33.5, 0.2, 250
LEAST_FRAMES = 50

Figure = tuple[str, str, bool]


def trace(*, events: int, requests: int) -> dict[str, Any]:
    """Return a made-up trace: one Service, five Pods that come and go."""
    chance = random.Random(1)
    pods = [f"pod:web-{n}" for n in range(5)]
    kinds = [("client:pod", "Client"), ("svc:web", "Service"), *((pod, "Pod") for pod in pods)]
    kinds.append(("slice:web-1", "EndpointSlice"))
    changes = [
        {"t": 40 * n, "e": "ep", "id": pods[n % 5], "op": "mod", "svc": "svc:web", "slice": "slice:web-1"}
        | {"address": "10.244.1.4", "port": 8080, "ready": n % 7 > 0, "serving": True, "terminating": False}
        for n in range(events)
    ]
    span = 40 * events
    rows = [
        [span * n // requests, n + 1, 0, 1, 2 + chance.randrange(5), 0, 0, 1500, 200, n]
        for n in range(requests)
    ]
    meta: dict[str, Any] = {
        "id": "bench",
        "title": "Bench",
        "summary": "x" * 40,
        "origin": "model",
        "seed": 1,
    }
    return {
        "schema": "kubehop-trace/1",
        "meta": meta | {"params": {}, "duration_ms": span},
        "entities": [{"id": name, "kind": kind} for name, kind in kinds],
        "events": changes,
        "req": {"cols": COLS, "dict": {"path": ["/"], "host": ["web"]}, "rows": rows},
    }


def measure(page: Page) -> list[Figure]:
    """Return each figure as name, value with budget, and whether the budget holds."""
    session = page.context.new_cdp_session(page)
    session.send("Performance.enable", {"timeDomain": "threadTicks"})
    page.add_script_tag(path=HERE / "page.js")
    page.evaluate(
        "given => bench.setup(given)", [MODULE.read_text("utf-8"), trace(events=2000, requests=150)]
    )
    figures = [figure for name in WIDGETS for figure in of_one(page, session, name)]
    wait = page.evaluate("cols => bench.latency('LoadBalancing', cols)", COLS)
    return [*figures, most("batch to picture, p95", wait, LATENCY_MS, "ms")]


def of_one(page: Page, session: CDPSession, name: str) -> list[Figure]:
    """Return the figures of one widget."""
    page.evaluate(f"bench.mount('{name}', 3)")
    mount = processor_ms(session, lambda: page.evaluate(f"bench.mount('{name}', {MOUNTS})")) / MOUNTS
    seek = processor_ms(session, lambda: page.evaluate(f"bench.seek('{name}', {SEEKS})")) / SEEKS
    rate, slow = page.evaluate(f"bench.frames('{name}', {FRAMES_MS})")
    kept = page.evaluate(f"bench.kept('{name}')")
    return [
        most(f"{name}: mount, processor", mount, MOUNT_MS, "ms"),
        most(f"{name}: seek on 2,000 events, processor", seek, SEEK_MS, "ms"),
        (f"{name}: frames a second, 150 marks", f"{rate:.0f}, at least {LEAST_FRAMES}", rate >= LEAST_FRAMES),
        most(f"{name}: frame, p95", slow, FRAME_MS, "ms"),
        most(f"{name}: kept by 100 mounts", kept, KEPT_MB, "MB"),
    ]


def processor_ms(session: CDPSession, work: Callable[[], object]) -> float:
    """Return the processor time of the page's thread for `work`, milliseconds."""

    def spent() -> float:
        metrics = session.send("Performance.getMetrics")["metrics"]
        return float(next(one["value"] for one in metrics if one["name"] == "TaskDuration"))

    before = spent()
    work()
    return 1000 * (spent() - before)


def most(name: str, value: float, limit: float, unit: str) -> Figure:
    """Return a figure that may be at most `limit`."""
    return name, f"{value:.2f} {unit}, at most {limit:g}", value <= limit


def main() -> int:
    """Print the figures; return 1 when a budget does not hold."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=FLAGS)
        page = browser.new_page(viewport={"width": 820, "height": 900})
        page.goto("about:blank")
        figures = measure(page)
        browser.close()
    for name, value, holds in figures:
        sys.stdout.write(f"{name:48} {value}{'' if holds else '   OVER'}\n")
    return 0 if all(holds for _, _, holds in figures) else 1


if __name__ == "__main__":
    raise SystemExit(main())
