"""The schema `kubehop-trace/1`, and whether a trace obeys it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from kubehop.errors import TraceError

if TYPE_CHECKING:
    from jsonschema import Draft202012Validator
    from jsonschema.exceptions import ValidationError

VERSION = "kubehop-trace/1"

COLUMNS = (
    *("t", "id", "from", "via", "to", "path", "host", "meth"),
    *("us", "eus", "ous", "pus", "st", "conn", "try", "seen", "err"),
)
"""Columns of `req` in the order in which kubehop writes them; schema.json says what each means."""


@cache
def load() -> dict[str, Any]:
    """Return schema.json as a dict."""
    text = (files("kubehop.trace") / "schema.json").read_text(encoding="utf-8")
    schema: dict[str, Any] = json.loads(text)
    return schema


def validate(trace: dict[str, Any]) -> None:
    """Check a trace against schema.json.

    Args:
        trace: The trace as plain data.

    Raises:
        TraceError: Something is missing, unknown, or of another type than the schema says.
    """
    for place, error in _errors(trace):
        what = f"Trace {_name(trace)!r} breaks {VERSION} at {place}: {error}."
        raise TraceError(
            what,
            why="Only what src/kubehop/trace/schema.json describes may stand there.",
            next_command="Record the trace again, or correct the code that wrote it.",
        )


def _name(trace: dict[str, Any]) -> str:
    meta = trace.get("meta")
    return str(meta.get("id", "?")) if isinstance(meta, dict) else "?"


@cache
def _frame() -> Draft202012Validator:
    """Return a validator for all but the events and rows, which are long and have their own loops."""
    schema = json.loads(json.dumps(load()))
    schema["properties"]["events"] = {"type": "array", "items": {"type": "object"}}
    schema["properties"]["req"]["properties"]["rows"] = {"type": "array", "items": {"type": "array"}}
    from jsonschema import Draft202012Validator, FormatChecker  # takes as long to import as all the rest

    return Draft202012Validator(schema, format_checker=FormatChecker())


@cache
def _event(kind: str) -> Draft202012Validator | None:
    from jsonschema import Draft202012Validator

    definition = load()["$defs"].get(kind)
    return None if definition is None else Draft202012Validator(definition)


def _errors(trace: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield each place that breaks the schema, and how."""
    for error in _frame().iter_errors(trace):
        yield _place(error), error.message
    for number, event in enumerate(trace.get("events", [])):
        validator = _event(event.get("e"))
        if validator is None:
            yield f"events[{number}].e", f"{event.get('e')!r} is not a kind of event"
            continue
        for error in validator.iter_errors(event):
            yield f"events[{number}]{_place(error, dot='.')}", error.message
    for number, row in enumerate(trace.get("req", {}).get("rows", [])):
        for cell in row:
            if type(cell) is not int:
                yield f"req.rows[{number}]", f"{cell!r} is not an integer"


def _place(error: ValidationError, *, dot: str = "") -> str:
    steps = [f"[{step}]" if isinstance(step, int) else f".{step}" for step in error.absolute_path]
    place = "".join(steps)
    return place if dot else place.lstrip(".") or "the top"
