"""Draw `docs/up.svg`, how `kubehop up` spends its time, from the trace of a real start.

`python -m tests.figure NAME` takes the running cluster NAME; its trace is kept beside the picture.
"""

from __future__ import annotations

import json
import os
import re
import sys
from datetime import UTC, datetime
from html import escape
from pathlib import Path
from typing import Any

from kubehop.cluster import state
from kubehop.cluster.state import Place

DOCS = Path(__file__).resolve().parents[1] / "docs"
WIDTH, LEFT, RIGHT, ROW, TOP = 860, 260, 60, 26, 44
STEPS, MOST_TICKS = (1, 2, 5, 10, 20, 60, 600), 16
STYLE = """
text { font: 13px system-ui, sans-serif; fill: #1f2933 }
.dim { fill: #52606d; font-size: 12px }
line { stroke: #cbd2d9; stroke-width: 1 }
rect { fill: #2563a8 }
@media (prefers-color-scheme: dark) {
  text { fill: #e4e7eb } .dim { fill: #9aa5b1 } line { stroke: #3e4c59 } rect { fill: #6cb2f5 }
}
"""


def draw(trace: list[dict[str, Any]], machine: str = "") -> str:
    """Return the picture: a bar for each step, from when it began to when it ended.

    Args:
        trace: Rows of `title`, `began` and `seconds`, as the handover file has them.
        machine: What it was recorded on, in words.
    """
    end = max(row["began"] + row["seconds"] for row in trace)
    scale, height = (WIDTH - LEFT - RIGHT) / end, TOP + ROW * len(trace) + 36
    step = next(step for step in STEPS if end / step <= MOST_TICKS)
    parts = [_tick(second, scale, height) for second in range(0, int(end) + 1, step)]
    parts += [_bar(row, number, scale) for number, row in enumerate(trace)]
    parts.append(f'<text class="dim" x="{LEFT}" y="{height - 10}">Recorded on {escape(machine)}</text>')
    told = f"Steps of kubehop up on a time line; the last one ends after {end:.1f} seconds"
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img">'
    return "\n".join([head, f"<title>{told}</title>", f"<style>{STYLE}</style>", *parts, "</svg>", ""])


def _tick(second: int, scale: float, height: int) -> str:
    x = LEFT + second * scale
    line = f'<line x1="{x:.1f}" y1="{TOP - 10}" x2="{x:.1f}" y2="{height - 32}"/>'
    return f'{line}<text class="dim" x="{x:.1f}" y="{TOP - 18}" text-anchor="middle">{second} s</text>'


def _bar(row: dict[str, Any], number: int, scale: float) -> str:
    y, x = TOP + number * ROW, LEFT + row["began"] * scale
    width = max(2.0, row["seconds"] * scale)
    title = f'<text x="{LEFT - 12}" y="{y + 15}" text-anchor="end">{escape(row["title"])}</text>'
    bar = f'<rect x="{x:.1f}" y="{y + 3}" width="{width:.1f}" height="16" rx="3"/>'
    seconds = f"{row['seconds']:.2f} s"
    return f'{title}{bar}<text class="dim" x="{x + width + 6:.1f}" y="{y + 15}">{seconds}</text>'


def keep(trace: list[dict[str, Any]]) -> None:
    """Write a trace and its picture."""
    load = f"load average {os.getloadavg()[1]:.0f}"
    machine = f"{datetime.now(UTC):%Y-%m-%d}: {os.cpu_count()} cores, {load}"
    (DOCS / "up.json").write_text(json.dumps({"machine": machine, "trace": trace}, indent=1) + "\n")
    (DOCS / "up.svg").write_text(draw(trace, machine))
    page = DOCS / "architecture.md"
    page.write_text(timed(page.read_text(), trace))


def timed(page: str, trace: list[dict[str, Any]]) -> str:
    """Return a page with the time in each row of its table of steps: `| 1.5 s | certificates | …`.

    Raises:
        ValueError: A step has no row in the table.
    """
    for row in trace:
        pattern = rf"^\| [\d.]+ s \| {re.escape(row['title'])} \|"
        page, found = re.subn(pattern, f"| {row['began']:.1f} s | {row['title']} |", page, flags=re.MULTILINE)
        if found != 1:
            msg = f"docs/architecture.md has {found} rows for the step {row['title']!r}, not 1."
            raise ValueError(msg)
    return page


def main() -> None:
    """Draw the start of the cluster that the first argument names."""
    told = state.read_handover(Place(sys.argv[1]))
    if told is None or told["phase"] != "ready":
        sys.exit(f"No cluster {sys.argv[1]} is ready. Run `kubehop up --name {sys.argv[1]}`.")
    keep(told["trace"])


if __name__ == "__main__":
    main()
