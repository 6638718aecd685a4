"""A trace as bytes, the same bytes for the same trace on every machine."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

from kubehop.errors import TraceError
from kubehop.trace import schema

SIZE_LIMIT_BYTES = 25_000
"""The largest gzip size of one committed trace: a page carries several, inline."""


def encode(trace: dict[str, Any]) -> bytes:
    """Return a trace as JSON: keys sorted, one event, entity or row a line, ASCII only.

    One line an event keeps the difference between two recordings readable in version control.
    """
    parts = []
    for key in sorted(trace):
        value = trace[key]
        if key == "req":
            body = _requests(value)
        elif isinstance(value, list):
            body = _lines(value)
        else:
            body = _compact(value)
        parts.append(f"{_compact(key)}:{body}")
    return ("{" + ",\n".join(parts) + "}\n").encode("ascii")


def decode(text: bytes | str) -> dict[str, Any]:
    """Return the trace that `encode` wrote, checked against the schema.

    Raises:
        TraceError: The text is no JSON object, or breaks the schema.
    """
    try:
        trace = json.loads(text)
    except ValueError as error:
        what = f"A trace is not JSON: {error}."
        raise TraceError(what, next_command="Record it again.") from error
    if not isinstance(trace, dict):
        what = f"A trace is a JSON object, this is {type(trace).__name__}."
        raise TraceError(what, next_command="Record it again.")
    schema.validate(trace)
    return trace


def read(path: Path | str) -> dict[str, Any]:
    """Return the trace in a file.

    Raises:
        TraceError: There is no such file, or it is no trace.
    """
    try:
        text = Path(path).read_bytes()
    except FileNotFoundError as error:
        what = f"There is no trace {str(path)!r}."
        raise TraceError(what, next_command="Run `make record` with a cluster up.") from error
    return decode(text)


def write(trace: dict[str, Any], path: Path | str) -> None:
    """Write a trace to a file, after checking it against the schema."""
    schema.validate(trace)
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(encode(trace))


def gzip_bytes(trace: dict[str, Any]) -> int:
    """Return how many bytes a trace takes on the wire, compressed by gzip at level 9."""
    return len(gzip.compress(encode(trace), 9, mtime=0))


def _compact(value: Any) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)


def _lines(values: list[Any]) -> str:
    return "[" + ",\n".join(_compact(value) for value in values) + "]"


def _requests(req: dict[str, Any]) -> str:
    parts = [
        f"{_compact(key)}:{_lines(req[key]) if key == 'rows' else _compact(req[key])}" for key in sorted(req)
    ]
    return "{" + ",\n".join(parts) + "}"
