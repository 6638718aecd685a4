"""How a trace grows by batches: the same rules in `widgets/src/index.ts`."""

from __future__ import annotations

from typing import Any

Data = dict[str, Any]


def empty(trace: Data) -> Data:
    """Return a trace about the same thing in which nothing has happened yet."""
    return {"schema": trace["schema"], "meta": dict(trace["meta"]), "entities": [], "events": []}


def grow(trace: Data, batch: Data) -> None:
    """Add a batch to a trace, in place.

    Events and texts are appended. An entity or a row that was there before is replaced.
    """
    trace["meta"].update(batch.get("meta") or {})
    places = {entity["id"]: place for place, entity in enumerate(trace["entities"])}
    for entity in batch.get("entities") or []:
        if entity["id"] in places:
            trace["entities"][places[entity["id"]]] = entity
        else:
            places[entity["id"]] = len(trace["entities"])
            trace["entities"].append(entity)
    trace["events"] += batch.get("events") or []
    if batch.get("req"):
        _grow_requests(trace, batch["req"])


def join(first: Data, second: Data) -> Data:
    """Return two batches that follow each other as one."""
    batch: Data = {"meta": {}, "entities": [], "events": []}
    for part in (first, second):
        grow(batch, part)
    return batch


def _grow_requests(trace: Data, news: Data) -> None:
    req = trace.setdefault("req", {"cols": news.get("cols", []), "dict": {}, "rows": [], "lines": {}})
    for kind, texts in (news.get("dict") or {}).items():
        req["dict"].setdefault(kind, []).extend(texts)
    req.setdefault("lines", {}).update(news.get("lines") or {})
    number = req["cols"].index("id") if req["cols"] else 0
    rows = {row[number]: row for row in req["rows"]}
    rows.update({row[number]: row for row in news.get("rows") or []})
    req["rows"] = list(rows.values())
