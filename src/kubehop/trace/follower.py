"""A thread that follows one source until it is stopped."""

from __future__ import annotations

import threading

from kubehop.errors import TraceError
from kubehop.trace.stream import Stream

_JOIN_SECONDS = 5.0


class Follower:
    """Base of watches, log followers and samplers: `_run` is called in a thread of its own.

    Args:
        name: What is followed, for the thread and for errors.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.stream = Stream()
        self._failure: Exception | None = None
        self._thread = threading.Thread(target=self._guarded, name=f"trace-{name}", daemon=True)

    @property
    def stopping(self) -> threading.Event:
        """Set when `_run` should return."""
        return self.stream.stopping

    def start(self) -> None:
        """Follow in a thread of its own."""
        self._thread.start()

    def stop(self) -> None:
        """Stop, and wait until nothing is told any more.

        Raises:
            TraceError: The follower had ended by an error, so the trace is not whole.
        """
        self.stream.stop()
        if self._thread.is_alive():
            self._thread.join(_JOIN_SECONDS)
        if self._failure is not None:
            what = f"Following {self.name} ended by {type(self._failure).__name__}: {self._failure}."
            raise TraceError(
                what, why="The trace is not whole.", next_command="Record it again."
            ) from self._failure

    def _guarded(self) -> None:
        try:
            self._run()
        except Exception as failure:  # noqa: BLE001 - a thread's error has no caller; stop() raises it
            self._failure = failure

    def _run(self) -> None:
        raise NotImplementedError
