"""A progress that remembers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from kubehop.cluster.progress import Work


@dataclass
class Remembered:
    """Progress that keeps all it is told."""

    plans: list[list[Work]] = field(default_factory=list)
    steps: list[tuple[str, int, int, str]] = field(default_factory=list)
    done: list[str] = field(default_factory=list)

    def planned(self, works: Sequence[Work]) -> None:
        """Keep a plan."""
        self.plans.append(list(works))

    def advanced(self, name: str, *, done: int, total: int, detail: str) -> None:
        """Keep a step."""
        self.steps.append((name, done, total, detail))

    def finished(self, name: str, *, seconds: float) -> None:
        """Keep an end."""
        assert seconds >= 0
        self.done.append(name)
