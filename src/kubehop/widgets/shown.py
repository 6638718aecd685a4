"""What all widgets share: a static twin, a live widget in JupyterLab, a trace that may grow."""

from __future__ import annotations

import copy
import os
import threading
import time
from collections.abc import Callable
from html import escape
from pathlib import Path
from typing import Any

import anywidget
import traitlets

from kubehop.widgets.growth import Data, empty, grow, join

STATIC = Path(__file__).parent / "static"
MESSAGE_SECONDS = 0.1
"""The least between two messages to one widget, so ten a second; after a pause, one does not wait."""


class TraceWidget(anywidget.AnyWidget):
    """A picture of a trace.

    With `KUBEHOP_STATIC=1` only its static twin is emitted: no comm, no widget state.

    Args:
        trace: A trace as data (`kubehop-trace/1`), or an object with it as `.data`. If the object can also
            `subscribe` and still grows, so does the picture.
    """

    _esm = STATIC / "kubehop.mjs"
    widget = traitlets.Unicode().tag(sync=True)
    trace = traitlets.Dict().tag(sync=True)

    def __init__(self, trace: Any) -> None:
        growing = getattr(trace, "growing", False) and hasattr(trace, "subscribe")
        data = trace if isinstance(trace, dict) else trace.data
        self._sending = threading.Lock()
        self._waiting: Data | None = None
        self._sent = 0.0
        # Its own copy: `seq`, the number of the last batch in it, stands in it while it grows.
        super().__init__(widget=type(self).__name__, trace=empty(data) if growing else copy.deepcopy(data))
        self._stop: Callable[[], None] = trace.subscribe(self.push) if growing else _nothing

    def __repr__(self) -> str:
        return f"{type(self).__name__}(trace={self.trace['meta']['id']!r})"

    def open(self) -> None:
        """Open the channel to the page, unless only the static twin is wanted."""
        if not _static():
            super().open()

    def close(self) -> None:
        """Stop growing, and close the channel to the page."""
        self.__dict__.pop("_stop", _nothing)()
        self._flush()
        super().close()

    def push(self, batch: Data) -> None:
        """Let the picture grow by a batch; it is sent at most ten times a second, and nothing is lost.

        Args:
            batch: `meta`, and of `entities`, `events` and `req` what is new, as `Trace.subscribe` gives it.
        """
        with self._sending:
            first = self._waiting is None
            self._waiting = batch if self._waiting is None else join(self._waiting, batch)
            rest = self._sent + MESSAGE_SECONDS - time.monotonic()
        if not first:
            return  # a timer is already set
        if rest <= 0:
            self._flush()
        else:
            timer = threading.Timer(rest, self._flush)
            timer.daemon = True
            timer.start()

    def _flush(self) -> None:
        with self._sending:
            batch, self._waiting = self._waiting, None
            if batch is None:
                return
            # A view opened later gets the whole from the trait: it is changed in place, which sends nothing.
            grow(self.trace, batch)
            number = self.trace["seq"] = self.trace.get("seq", 0) + 1
            self._sent = time.monotonic()
            self.send({"kind": "append", "seq": number, "batch": batch})

    def _repr_mimebundle_(self, **options: Any) -> Any:
        if not _static():
            return super()._repr_mimebundle_(**options)
        return {"text/plain": repr(self), "text/html": self.twin()}, {}

    def twin(self) -> str:
        """Return the figure a page carries: its script draws the widget there, and it reads without one."""
        meta, name = self.trace["meta"], type(self).__name__
        return (
            f'<figure class="kh-widget" data-widget="{name}" data-trace="{escape(meta["id"])}">'
            f"<figcaption>{escape(meta['title'])}</figcaption><p>{escape(meta['summary'])}</p></figure>"
        )


def _static() -> bool:
    return os.environ.get("KUBEHOP_STATIC") == "1"


def _nothing() -> None:
    """Stop nothing."""
