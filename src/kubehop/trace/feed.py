"""A growing trace, told in batches to whoever draws it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from kubehop.trace import schema

if TYPE_CHECKING:
    from kubehop.trace.recording import Batch, Trace


_BURST_SECONDS = 0.02
"""What happens together, such as a Pod and its endpoint leaving, is one batch."""


class Feed:
    """Tell one callback what is new in a trace: an event at once, requests at most once in an interval.

    Requests come all the time; a Pod that leaves is what somebody waits for.

    Args:
        trace: The trace that grows.
        callback: Gets one batch at a time, in this feed's own thread.
        interval_seconds: The least time between two batches that hold no event.
    """

    def __init__(self, trace: Trace, callback: Callable[[Batch], None], *, interval_seconds: float) -> None:
        self._trace = trace
        self._callback = callback
        self._interval = interval_seconds
        self._news = threading.Event()
        self._urgent = threading.Event()
        self._stopped = threading.Event()
        self._entities: dict[str, dict[str, Any]] = {}
        self._events = 0
        self._rows: dict[int, list[int]] = {}
        self._texts: dict[str, int] = {}

    def start(self) -> Callable[[], None]:
        """Begin to tell, and return what ends it; ending tells what is left first."""
        unlisten = self._trace.listen(self._heard)
        self._news.set()
        thread = threading.Thread(target=self._run, name=f"feed-{self._trace.id}", daemon=True)
        thread.start()

        def stop() -> None:
            unlisten()
            self._stopped.set()
            self._heard(True)
            if thread is not threading.current_thread():
                thread.join(5)

        return stop

    def batch(self) -> Batch:
        """Return what is new since the last call."""
        now = self._trace.snapshot()
        fresh = [entity for entity in now.entities if self._entities.get(entity["id"]) != entity]
        self._entities |= {entity["id"]: entity for entity in fresh}
        changed = {number: row for number, row in now.rows.items() if self._rows.get(number) != row}
        self._rows |= changed
        told, self._events = self._events, len(now.events)
        texts = {column: values[self._texts.get(column, 0) :] for column, values in now.texts.items()}
        self._texts = {column: len(values) for column, values in now.texts.items()}
        req = {
            "cols": list(schema.COLUMNS),
            "dict": texts,
            "rows": [row for _, row in sorted(changed.items())],
            "lines": {str(number): now.lines[number] for number in sorted(changed) if number in now.lines},
        }
        return {"meta": now.meta, "entities": fresh, "events": now.events[told:], "req": req}

    def _heard(self, urgent: bool) -> None:
        if urgent:
            self._urgent.set()
        self._news.set()

    def _run(self) -> None:
        while True:
            self._news.wait()
            self._news.clear()
            self._urgent.clear()
            last = self._stopped.is_set() or not self._trace.growing
            self._callback(self.batch())
            if last:
                return
            self._stopped.wait(_BURST_SECONDS)
            self._urgent.wait(self._interval - _BURST_SECONDS)
