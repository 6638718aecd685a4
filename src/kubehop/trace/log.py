"""Logs followed line by line: a container's through the API, a component's from its file."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

from kubernetes.client.exceptions import ApiException

from kubehop.trace.follower import Follower
from kubehop.trace.gap import Gap
from kubehop.trace.stream import Lost, why

Line = Callable[[float, str], None]
"""Called with the time (seconds since the epoch) at which the runtime took the line, and the line."""

_NOT_YET, _NOT_FOUND = 400, 404
_WAIT_SECONDS, _LONGEST_WAIT_SECONDS = 0.1, 2.0
_SHORT_SECONDS = 0.5
_POLL_SECONDS = 0.1


def moment(stamp: str) -> float:
    """Return seconds since the epoch for a time as Go prints it: RFC 3339, up to nine decimals."""
    return datetime.fromisoformat(stamp).timestamp()


class PodLog(Follower):
    """Follows the log of one container, over restarts and broken connections, each line once.

    Args:
        name: The source in its thread's name.
        call: The official client's `read_namespaced_pod_log`, its Pod and container bound.
        line: Called for each line, from this log's thread.
        gap: Told when lines may be missed.
        alive: Whether the Pod still runs: the end of a log that nobody ended is a gap.
        since: Lines from before this time (seconds since the epoch) are left out.
    """

    def __init__(
        self,
        name: str,
        call: Callable[..., Any],
        *,
        line: Line,
        gap: Gap,
        alive: Callable[[], bool],
        since: float,
    ) -> None:
        super().__init__(f"log:{name}")
        self._call = call
        self._line = line
        self._gap = gap
        self._alive = alive
        self._last = since
        self._mark = since
        self._told: set[str] = set()
        self._count = 0
        self._short = False

    def _run(self) -> None:
        wait_seconds = _WAIT_SECONDS
        while not self.stopping.is_set():
            begun, count = time.monotonic(), self._count
            reason = self._read_once()
            self.stopping.wait(wait_seconds)  # the Pod's own end may be told a moment later
            if not self._alive():
                self._gap.end("its Pod has ended")
                return
            if reason and not self.stopping.is_set():
                self._gap.begin(reason)
            # A container that is down has its old log, which ends at once: ask for it less and less often.
            self._short = self._count == count and time.monotonic() - begun < _SHORT_SECONDS + wait_seconds
            wait_seconds = min(wait_seconds * 2, _LONGEST_WAIT_SECONDS) if self._short else _WAIT_SECONDS

    def _read_once(self) -> str:
        """Tell the lines of one response, and return why it ended; "" when there is no log yet."""
        try:
            for line in self.stream.lines(self._follow, opened=self._opened):
                self._take(line.decode("utf-8", "replace"))
        except ApiException as error:
            return "" if error.status in (_NOT_YET, _NOT_FOUND) else why(error)
        except Lost as error:
            return why(error)
        return "the log ended: rotated, or its container ended"

    def _opened(self) -> None:
        if not self._short:
            self._gap.end()

    def _follow(self, **options: Any) -> Any:
        """Ask from the last line on; the API takes whole seconds, so the same lines come again."""
        self._mark = self._last
        seconds = math.ceil(max(time.time() - self._mark, 0)) + 1
        return self._call(follow=True, timestamps=True, since_seconds=seconds, **options)

    def _take(self, line: str) -> None:
        stamp, _, text = line.partition(" ")
        try:
            when = moment(stamp)
        except ValueError:
            return  # half a line, left by a rotation
        # Lines of one container may stand slightly out of order: only those from before the mark are old.
        if when < self._mark or (when == self._mark and line in self._told):
            return
        if when > self._last:
            self._last = when
            self._told.clear()
        if when == self._last:
            self._told.add(line)
        self._count += 1
        self._gap.end()
        self._line(when, text)


class FileLog(Follower):
    """Follows a file that only grows, and is sometimes rotated.

    Args:
        path: The file; it need not be there yet.
        line: Called for each line, with the time at which it was read.
        gap: Told when lines were lost.
    """

    def __init__(self, path: Path, *, line: Line, gap: Gap) -> None:
        super().__init__(path.name)
        self._path = path
        self._line = line
        self._gap = gap
        self._rest = b""
        self._identity, self._position = self._look()

    def _look(self) -> tuple[int, int]:
        try:
            found = self._path.stat()
        except FileNotFoundError:
            return 0, 0
        return found.st_ino, found.st_size

    def _run(self) -> None:
        while not self.stopping.wait(_POLL_SECONDS):
            self._read()
        self._read()

    def _read(self) -> None:
        identity, size = self._look()
        if identity != self._identity or size < self._position:
            if self._identity:
                self._gap.begin("the log was rotated")
                self._gap.end()
            self._identity, self._position, self._rest = identity, 0, b""
        if size <= self._position:
            return
        with self._path.open("rb") as file:
            file.seek(self._position)
            text = file.read(size - self._position)
        self._position = size
        *lines, self._rest = (self._rest + text).split(b"\n")
        now = time.time()
        for line in lines:
            self._line(now, line.decode("utf-8", "replace"))
