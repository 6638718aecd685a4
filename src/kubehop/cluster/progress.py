"""What a build tells whoever shows it; drawing is the command line's business."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

_MEASURED_ON_CORES = 2


@dataclass(frozen=True)
class Work:
    """One thing that has to be made before the cluster can start.

    Args:
        name: The product or image.
        reason: Why it has to be made: "not built yet" or "damaged".
        seconds: How long it takes with nothing cached, on the two cores it was measured on.
    """

    name: str
    reason: str
    seconds: int


class Progress(Protocol):
    """Is told about builds as they happen."""

    def planned(self, works: Sequence[Work]) -> None:
        """Take note of all that will be made; called before anything starts, if there is anything."""

    def advanced(self, name: str, *, done: int, total: int, detail: str) -> None:
        """Take note that `done` of `total` steps of `name` are over; `detail` is the current one."""

    def finished(self, name: str, *, seconds: float) -> None:
        """Take note that `name` is made."""


class Silent:
    """Progress that nobody watches."""

    def planned(self, works: Sequence[Work]) -> None:
        """Do nothing."""

    def advanced(self, name: str, *, done: int, total: int, detail: str) -> None:
        """Do nothing."""

    def finished(self, name: str, *, seconds: float) -> None:
        """Do nothing."""


def estimate(works: Sequence[Work], *, cores: int | None = None) -> str:
    """Say in words how long all of `works` takes.

    Example:
        >>> estimate([Work("kubernetes", "not built yet", 480)], cores=2)
        'about 8 minutes on 2 cores, once'
    """
    cores = cores or len(os.sched_getaffinity(0))
    seconds = sum(work.seconds for work in works) * _MEASURED_ON_CORES / cores
    span = f"{seconds / 60:.0f} minutes" if seconds >= 90 else f"{max(seconds, 1):.0f} seconds"  # noqa: PLR2004 - below a minute and a half, seconds read better
    return f"about {span} on {cores} core{'s' if cores > 1 else ''}, once"
