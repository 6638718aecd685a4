"""The trace while it grows: entities, events and requests, in the order in which one observer saw them."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from kubehop.trace import codec, invariant, redact, schema
from kubehop.trace.about import About
from kubehop.trace.request import Dictionary, Request, Row, resolve

Batch = dict[str, Any]
"""News of a live trace: `meta` whole; of `entities`, `events` and `req` only what is new.

Events and the texts of `req.dict` are to be appended. An entity or a row that was sent before is replaced;
the rows of one batch are sorted by number, not by time.
"""

Listener = Callable[[bool], None]
"""Hears of each change, and whether it is urgent: a request is not, as more of them follow."""


@dataclass(frozen=True)
class Snapshot:
    """Everything in a trace at one moment; rows and log lines by request number."""

    meta: dict[str, Any]
    entities: list[dict[str, Any]]
    events: list[dict[str, Any]]
    rows: dict[int, list[int]]
    lines: dict[int, dict[str, str]]
    texts: dict[str, list[str]]


class Trace:
    """A trace that grows; every method may be called from any thread.

    Args:
        about: What the trace says about itself.
        event_limit: Events kept; later ones are counted as dropped.
        request_limit: Requests kept; later ones are counted as dropped.
        clock: Seconds since the epoch, replaced by tests and models.
    """

    def __init__(
        self,
        about: About,
        *,
        event_limit: int = 5_000,
        request_limit: int = 2_000,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.about = about
        self._limits = (event_limit, request_limit)
        self._clock = clock
        self._lock = threading.RLock()
        self._entities: dict[str, dict[str, Any]] = {}
        self._index: dict[str, int] = {}
        self._events: list[dict[str, Any]] = []
        self._rows: dict[int, Row] = {}
        self._log_lines: dict[int, dict[str, str]] = {}
        self._dictionary = Dictionary()
        self._chapters: list[dict[str, Any]] = []
        self._counts = {"req_dropped": 0, "events_dropped": 0, "gaps": 0}
        self._read: dict[str, int] = {}
        self._listeners: list[Listener] = []
        self._ended: int | None = None
        self.started = clock()
        self._latest = 0

    # -- time -------------------------------------------------------------

    def begin(self) -> None:
        """Let now be the time 0; what was added before stands at 0."""
        with self._lock:
            before, self.started = self.started, self._clock()
            self._latest = 0
            for event in self._events:
                event["t"] = 0
                if "src_t" in event:
                    event["src_t"] += self.at(before)

    def now(self) -> int:
        """Return the milliseconds since the start; never less than before."""
        with self._lock:
            if self._ended is None:
                self._latest = max(self._latest, self.at(self._clock()))
            return self._latest

    def at(self, epoch_seconds: float) -> int:
        """Return a time of day as milliseconds since the start; negative when it was before."""
        return round((epoch_seconds - self.started) * 1000)

    def end(self) -> None:
        """Fix the duration; what arrives later is not part of the trace."""
        with self._lock:
            self._ended = self.now()
        self._tell(urgent=True)

    @property
    def growing(self) -> bool:
        """Whether the trace still grows."""
        return self._ended is None

    # -- growing ----------------------------------------------------------

    def entity(self, name: str, kind: str, *, parent: str = "", label: str = "", **facts: Any) -> int:
        """Add an entity, or facts to one that is there, and return its index."""
        with self._lock:
            entity = self._entities.get(name)
            if entity is None:
                entity = self._entities[name] = {"id": name, "kind": kind}
                self._index[name] = len(self._index)
            if parent:
                entity["parent"] = parent
            if label or "name" not in entity:
                entity["name"] = label or name.partition(":")[2] or name
            if facts:
                entity["p"] = entity.get("p", {}) | facts
            return self._index[name]

    def event(self, kind: str, **fields: Any) -> int:
        """Add an event that is seen now; fields that are None are left out. Return its time."""
        with self._lock:
            now = self.now()
            if self._ended is not None:
                return now
            if len(self._events) >= self._limits[0] and kind != "gap":
                self._counts["events_dropped"] += 1
                return now
            self._counts["gaps"] += kind == "gap" and fields.get("op") == "add"
            # A field that may be null in the schema is passed by `nullable`.
            nullable = fields.pop("nullable", {})
            kept = {name: value for name, value in fields.items() if value is not None}
            self._events.append({"t": now, "e": kind} | kept | nullable)
        self._tell(urgent=True)
        return now

    def put(self, number: int, row: Row, *, lines: dict[str, str] | None = None) -> None:
        """Add a request, or replace the one with this number."""
        with self._lock:
            if number not in self._rows and len(self._rows) >= self._limits[1]:
                self._counts["req_dropped"] += 1
                return
            self._rows[number] = row
            if lines:
                self._log_lines[number] = lines
        self._tell(urgent=False)

    def drop(self) -> None:
        """Count a request that is not kept."""
        with self._lock:
            self._counts["req_dropped"] += 1

    def read(self, source: str, *, lines: int = 1) -> None:
        """Count lines read from a source: client, traefik, pod."""
        with self._lock:
            self._read[source] = self._read.get(source, 0) + lines

    def allow(self, hosts: Iterable[str]) -> None:
        """Let these host names appear in the trace, besides those that already may."""
        with self._lock:
            self.about = replace(self.about, hosts=tuple(sorted({*self.about.hosts, *hosts})))

    def note(self, text: str, *, about: str | None = None) -> None:
        """Add the author's remark at this time."""
        self.event("note", text=text, id=about)

    def command(self, text: str, *, about: str | None = None) -> None:
        """Add a command of the scenario at this time: its first line, without credentials."""
        first = text.strip().partition("\n")[0]
        self.event("cmd", text=redact.without_credentials(first), id=about)

    def load(self, rate: float, *, text: str = "") -> None:
        """Say that a load generator now sends `rate` requests a second; 0 ends it."""
        self.event("load", rate=rate, text=text or None)

    def chapter(self, label: str) -> None:
        """Begin a chapter of the player here."""
        with self._lock:
            self._chapters.append({"t": self.now(), "label": label})

    # -- reading ----------------------------------------------------------

    @property
    def id(self) -> str:
        """The name of the trace."""
        return self.about.id

    @property
    def data(self) -> dict[str, Any]:
        """The trace as plain data, as it stands now: `kubehop-trace/1`."""
        with self._lock:
            trace: dict[str, Any] = {
                "schema": schema.VERSION,
                "meta": self._meta(),
                "entities": [dict(entity) for entity in self._entities.values()],
                "events": [dict(event) for event in self._events],
            }
            if self._rows or self._read:
                trace["req"] = self._requests()
            return trace

    def rows(self) -> list[Request]:
        """Return the requests in the order in which they began, with names in place of indexes."""
        return resolve(self.data)

    def save(self, path: Path | str) -> None:
        """Write the finished trace, under names that do not change from run to run.

        The suffix of a chapter's namespace is taken off everywhere.

        Raises:
            TraceError: The trace breaks its schema or an invariant.
        """
        trace = self.data
        if trace["meta"]["origin"] == "live":
            trace["meta"]["origin"] = "recorded"
        namespace = self.about.namespace
        trace = redact.rename(trace, namespace, redact.shown_namespace(namespace)) if namespace else trace
        schema.validate(trace)
        for check in invariant.COMMITTED:
            check(trace)
        codec.write(trace, path)

    # -- telling ----------------------------------------------------------

    def listen(self, listener: Listener) -> Callable[[], None]:
        """Call `listener` at each change, in the thread that made it; return what ends that."""
        with self._lock:
            self._listeners.append(listener)

        def stop() -> None:
            with self._lock:
                if listener in self._listeners:
                    self._listeners.remove(listener)

        return stop

    def subscribe(
        self, callback: Callable[[Batch], None], *, interval_seconds: float = 0.2
    ) -> Callable[[], None]:
        """Give `callback` the news of this trace: events at once, requests once in `interval_seconds`.

        The first batch holds everything so far. Called from a thread of its own.

        Returns:
            What ends the subscription.
        """
        from kubehop.trace.feed import Feed  # imports this module

        return Feed(self, callback, interval_seconds=interval_seconds).start()

    def _tell(self, *, urgent: bool) -> None:
        for listener in tuple(self._listeners):
            listener(urgent)

    def _meta(self) -> dict[str, Any]:
        duration = self.now() if self._ended is None else self._ended
        meta = self.about.meta(started=self.started, duration_ms=duration, growing=self.growing)
        meta["loss"] = dict(self._counts)
        if self._chapters:
            meta["chapters"] = list(self._chapters)
        if self._read:
            meta["lines"] = dict(self._read)
        return meta

    def _requests(self) -> dict[str, Any]:
        numbered = sorted(self._rows.items(), key=lambda item: (item[1].t, item[0]))
        rows = [self._cells(number, row) for number, row in numbered]
        lines = {str(number): dict(found) for number, found in sorted(self._log_lines.items())}
        return {"cols": list(schema.COLUMNS), "dict": self._dictionary.lists(), "rows": rows, "lines": lines}

    def _cells(self, number: int, row: Row) -> list[int]:
        return row.cells(number, entities=self._index, dictionary=self._dictionary)

    def snapshot(self) -> Snapshot:
        """Return everything as it stands now, for the feed."""
        with self._lock:
            return Snapshot(
                meta=self._meta(),
                entities=[dict(entity) for entity in self._entities.values()],
                events=list(self._events),
                rows={number: self._cells(number, row) for number, row in self._rows.items()},
                lines=dict(self._log_lines),
                texts=self._dictionary.lists(),
            )
