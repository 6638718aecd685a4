"""Telling about a build in the handover file, for a notebook that waits for the cluster."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence

from kubehop.client import owner
from kubehop.cluster import state
from kubehop.cluster.progress import Progress, Work
from kubehop.cluster.state import Place

WRITE_SECONDS = 1.0
MINUTE = 60


class Teller:
    """Progress that is passed on, and written to the handover file at most once a second.

    Args:
        place: The cluster.
        onward: Is told everything, too.
    """

    def __init__(self, place: Place, onward: Progress) -> None:
        self._place = place
        self._onward = onward
        self._left: dict[str, float] = {}
        self._total = 0
        self._written = 0.0
        self._ports = (state.read_handover(place) or {}).get("ports", {})

    def planned(self, works: Sequence[Work]) -> None:
        """Take note of all that will be made."""
        self._left |= {work.name: float(work.seconds) for work in works}
        self._total += len(works)
        self._onward.planned(works)

    def advanced(self, name: str, *, done: int, total: int, detail: str) -> None:
        """Take note of a step of `name`."""
        self._onward.advanced(name, done=done, total=total, detail=detail)
        if time.monotonic() - self._written > WRITE_SECONDS:
            part = self._left.get(name, 0.0) * (1 - done / max(total, 1))
            rest = part + sum(seconds for other, seconds in self._left.items() if other != name)
            minutes = max(1, round(rest / MINUTE))
            self.write("building", f"building {name}, package {done} of {total}, about {minutes} min left")

    def finished(self, name: str, *, seconds: float) -> None:
        """Take note that `name` is made."""
        self._left.pop(name, None)
        self._onward.finished(name, seconds=seconds)
        self.write("building", f"{name} is built")

    def write(self, phase: str, step: str, *, error: str | None = None) -> None:
        """Write the handover file; while we build, it is we who hold the cluster."""
        pid = os.getpid()
        self._written = time.monotonic()
        content = {
            "phase": phase,
            "step": step,
            "done": self._total - len(self._left),
            "total": self._total,
            "error": error,
            "ports": self._ports,
            "supervisor_pid": pid,
            "supervisor_started": owner.started(pid),
        }
        state.write_handover(self._place, content)
