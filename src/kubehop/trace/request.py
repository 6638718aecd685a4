"""One request in a trace: as a row of integers, and with names for people."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

TEXT_COLUMNS = ("path", "host", "meth", "err")


class Dictionary:
    """Texts that rows name by their index, one list for each text column."""

    def __init__(self) -> None:
        self._index: dict[str, dict[str, int]] = {column: {} for column in TEXT_COLUMNS}

    def number(self, column: str, text: str) -> int:
        """Return the index of a text, adding it when it is new; -1 for no text."""
        known = self._index[column]
        return known.setdefault(text, len(known)) if text else -1

    def lists(self) -> dict[str, list[str]]:
        """Return the lists as they stand in a trace."""
        return {column: list(known) for column, known in self._index.items()}


@dataclass(frozen=True)
class Row:
    """What is known of one request; schema.json says what each number means.

    Entities and texts are names here, and become indexes in the trace.
    """

    t: int
    source: str = "client"
    via: str = ""
    to: str = ""
    path: str = "/"
    host: str = ""
    method: str = "GET"
    us: int = 0
    entry_us: int = -1
    origin_us: int = -1
    pod_us: int = -1
    status: int = 0
    connection: int = -1
    tries: int = 0
    seen: int = 0
    error: str = ""

    def cells(self, number: int, *, entities: dict[str, int], dictionary: Dictionary) -> list[int]:
        """Return the row as integers, in the order of `schema.COLUMNS`."""
        names = (self.source, self.via, self.to)
        asked, via, to = (entities.get(name, -1) for name in names)
        path, host = dictionary.number("path", self.path), dictionary.number("host", self.host)
        method = dictionary.number("meth", self.method)
        error = dictionary.number("err", self.error)
        times = (self.us, self.entry_us, self.origin_us, self.pod_us)
        tail = (self.status, self.connection, self.tries, self.seen, error)
        return [max(self.t, 0), number, asked, via, to, path, host, method, *times, *tail]


@dataclass(frozen=True)
class Request:
    """One request of a trace, with names in place of indexes.

    Attributes:
        t: Start in milliseconds since the start of the trace.
        number: The request's number in the trace.
        source: Entity that asked.
        via: Route, Service or ingress controller that decided; None when asked directly.
        to: Entity of the Pod that was dialed; None when none was reached or none is known.
        us: Whole duration in microseconds.
        entry_us: The ingress controller's whole time; None when it was not involved.
        origin_us: Time the ingress controller waited for the Pod.
        pod_us: The Pod's own time.
        status: HTTP status; 0 when no answer came.
        connection: Number of the TCP connection; None when unknown.
        tries: Retries by the ingress controller.
        seen: Bits of `invariant`: who saw it.
        error: Why no answer came.
        lines: Log lines by source, where they were kept.
    """

    t: int
    number: int
    source: str | None
    via: str | None
    to: str | None
    path: str | None
    host: str | None
    method: str | None
    us: int
    entry_us: int | None
    origin_us: int | None
    pod_us: int | None
    status: int
    connection: int | None
    tries: int
    seen: int
    error: str | None
    lines: dict[str, str] = field(default_factory=dict)


def resolve(trace: dict[str, Any]) -> list[Request]:
    """Return a trace's requests in their order, with names in place of indexes."""
    req = trace.get("req")
    if req is None:
        return []
    names = [entity["id"] for entity in trace["entities"]]
    texts: dict[str, list[str]] = req.get("dict", {})
    return [_request(dict(zip(req["cols"], row, strict=True)), names, texts, req) for row in req["rows"]]


def _request(
    row: dict[str, int], names: list[str], texts: dict[str, list[str]], req: dict[str, Any]
) -> Request:
    def known(column: str) -> int | None:
        value = row.get(column, -1)
        return None if value < 0 else value

    def entity(column: str) -> str | None:
        index = known(column)
        return None if index is None else names[index]

    def text(column: str) -> str | None:
        index = known(column)
        return None if index is None else texts[column][index]

    return Request(
        t=row["t"],
        number=row["id"],
        source=entity("from"),
        via=entity("via"),
        to=entity("to"),
        path=text("path"),
        host=text("host"),
        method=text("meth"),
        us=row.get("us", 0),
        entry_us=known("eus"),
        origin_us=known("ous"),
        pod_us=known("pus"),
        status=row["st"],
        connection=known("conn"),
        tries=row.get("try", 0),
        seen=row.get("seen", 0),
        error=text("err"),
        lines=req.get("lines", {}).get(str(row["id"]), {}),
    )
