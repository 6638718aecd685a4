"""Put recordings into pages, so that widgets play from disk and read without JavaScript.

A recorded notebook holds `<figure class="kh-widget" data-trace="ID">` with a caption and a sentence.
This module adds, when a page is written, the table a reader without JavaScript needs and the trace as
inline JSON for the script. Nothing is fetched: modules and `fetch` do not work from `file://`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

FIGURE = re.compile(
    r'(?P<open><figure class="kh-widget"[^>]*\bdata-trace="(?P<id>[\w.-]+)"[^>]*>)(?P<inner>.*?)</figure>',
    re.S,
)
SOURCE_ID = re.compile(r'data-trace=\\?"([\w.-]+)\\?"')
MAX_ROWS = 40
Row = Sequence[str]


@dataclass(frozen=True)
class Table:
    """A table of the twin.

    Args:
        caption: What the rows are.
        head: Column headings.
        rows: Cells as text.
        total: Rows in the trace, of which `rows` may be the first ones.
    """

    caption: str
    head: Row
    rows: Sequence[Row]
    total: int


def trace_ids(source: str) -> list[str]:
    """Return the ids of the traces that a page's source names, sorted."""
    return sorted(set(SOURCE_ID.findall(source)))


def path_of(folder: Path, trace_id: str) -> Path:
    """Return where the trace `trace_id` is kept."""
    return folder / f"{trace_id}.json"


def fill(body: str, folder: Path) -> tuple[str, list[str]]:
    """Complete every widget figure in a page.

    Args:
        body: The page's HTML.
        folder: Where the traces are.

    Returns:
        The new HTML and one message for each trace that could not be used.
    """
    used: dict[str, dict[str, Any]] = {}
    problems: list[str] = []

    def complete(found: re.Match[str]) -> str:
        trace_id = found["id"]
        try:
            trace = used.setdefault(trace_id, json.loads(path_of(folder, trace_id).read_text("utf-8")))
        except (OSError, ValueError) as error:
            problems.append(
                f"Trace {trace_id!r} cannot be read: {error}. "
                "The page shows a widget that was never recorded. Run `make record`."
            )
            return found[0]
        return f"{found['open']}{twin(found['inner'], trace)}</figure>"

    body = FIGURE.sub(complete, body)
    return body + "".join(inline(trace_id, trace) for trace_id, trace in sorted(used.items())), problems


def inline(trace_id: str, trace: dict[str, Any]) -> str:
    """Return the trace as a script element that holds data; `<` is escaped so that it cannot end early."""
    text = json.dumps(trace, separators=(",", ":"), ensure_ascii=True).replace("<", "\\u003c")
    return f'<script type="application/json" id="kh-trace-{trace_id}">{text}</script>'


def twin(inner: str, trace: dict[str, Any]) -> str:
    """Return a figure's content with the trace's summary, its table and where it comes from."""
    meta = trace["meta"]
    summary = "" if escape(meta["summary"]) in inner else f"<p>{escape(meta['summary'])}</p>"
    return f"{inner}{summary}{''.join(_render(table) for table in tables(trace))}{_origin(meta)}"


def tables(trace: dict[str, Any]) -> list[Table]:
    """Return the tables that tell a trace in words: requests, scaling decisions, then what changed."""
    return [table for table in (_requests(trace), _decisions(trace), _changes(trace)) if table.rows]


def _requests(trace: dict[str, Any]) -> Table:
    request = trace.get("req", {"cols": [], "rows": []})
    names = [entity["id"] for entity in trace["entities"]]
    words = request.get("dict", {})

    def cell(column: str, value: int) -> str:
        if column in ("from", "via", "to"):
            return names[value] if value >= 0 else "nobody"
        if column in ("path", "host") and column in words:
            return str(words[column][value])
        if column in ("t", "us", "ous"):
            return f"{value / 1000:.3f}" if column == "t" else f"{value / 1000:.2f}"
        return str(value) if value >= 0 else "none"

    labels = {"t": "Second", "path": "Path", "to": "Answered by", "st": "Status", "us": "Milliseconds"}
    shown = [(column, request["cols"].index(column)) for column in labels if column in request["cols"]]
    rows = [[cell(column, row[at]) for column, at in shown] for row in request["rows"][:MAX_ROWS]]
    return Table("Requests", [labels[column] for column, _ in shown], rows, len(request["rows"]))


def _decisions(trace: dict[str, Any]) -> Table:
    ticks = [event for event in trace["events"] if event["e"] == "hpa"]
    columns = {
        "t": "Second",
        "current": "Replicas",
        "utilization": "Utilization, %",
        "target": "Target, %",
        "recommendation": "Recommended",
        "desired": "Wanted",
        "reason": "Reason",
    }
    rows = [[_tick_cell(tick, column) for column in columns] for tick in ticks[:MAX_ROWS]]
    return Table("Decisions of the HorizontalPodAutoscaler", list(columns.values()), rows, len(ticks))


def _tick_cell(tick: dict[str, Any], column: str) -> str:
    if column == "t":
        return f"{tick['t'] / 1000:.1f}"
    value = tick.get(column)
    return "unknown" if value is None else str(value)


def _changes(trace: dict[str, Any]) -> Table:
    events = [event for event in trace["events"] if event["e"] not in ("hpa", "cpu")]
    rows = [
        [f"{event['t'] / 1000:.1f}", event.get("id", ""), _happened(event), _facts(event)]
        for event in events[:MAX_ROWS]
    ]
    return Table("What changed", ["Second", "Object", "What happened", "Facts"], rows, len(events))


def _happened(event: dict[str, Any]) -> str:
    if event.get("op") == "add" and event["t"] == 0:
        return "was there"
    return {"add": "appeared", "mod": "changed", "del": "deleted"}.get(event.get("op", ""), str(event["e"]))


def _facts(event: dict[str, Any]) -> str:
    known = {"t", "e", "id", "op", "src", "src_t", "s"}
    facts = {key: value for key, value in event.items() if key not in known} | event.get("s", {})
    return ", ".join(f"{key} {_fact(value)}" for key, value in facts.items() if value is not None)


def _fact(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, dict):
        return " ".join(f"{key}={_fact(item)}" for key, item in value.items())
    if isinstance(value, list):
        return " and ".join(map(_fact, value))
    return str(value)


def _render(table: Table) -> str:
    more = table.total - len(table.rows)
    rest = f"<p>{more} more rows are in the trace.</p>" if more > 0 else ""
    heads = "".join(f'<th scope="col">{escape(text)}</th>' for text in table.head)
    lines = "".join(f"<tr>{''.join(f'<td>{escape(text)}</td>' for text in row)}</tr>" for row in table.rows)
    return (
        f'<details class="kh-twin"><summary>{table.caption} as a table ({table.total})</summary>'
        f'<div class="kh-scroll" tabindex="0" role="group" aria-label="{table.caption}">'
        f"<table><thead><tr>{heads}</tr></thead><tbody>{lines}</tbody></table></div>{rest}</details>"
    )


def _origin(meta: dict[str, Any]) -> str:
    cluster = meta.get("cluster", {})
    version = cluster.get("kubernetes", cluster.get("version", ""))
    facts = [f"Kubernetes {version}" if version else "", str(meta.get("recorded_at", ""))[:10]]
    if meta["origin"] == "model":
        facts = [f"seed {meta.get('seed')}"]
    text = escape(", ".join(fact for fact in facts if fact))
    return f'<p class="kh-origin"><span class="kh-tag">{meta["origin"]}</span> {text}</p>'
