"""What a trace says about itself."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any


@dataclass(frozen=True)
class About:
    """What a trace says about itself.

    Attributes:
        id: Kebab-case name, also of its file.
        title: The claim in one sentence.
        summary: What the picture says, in words; 40 characters or more.
        scenario: The code that causes it.
        namespace: The cluster namespace that is observed.
        cluster: Versions by component.
        hosts: The only host names that may appear.
        lessons: Invariants the trace breaks on purpose.
        params: Parameters of a model, or of the scenario.
        seed: Seed of a model.
    """

    id: str
    title: str
    summary: str
    scenario: str = ""
    namespace: str = ""
    cluster: tuple[tuple[str, str], ...] = ()
    hosts: tuple[str, ...] = ()
    lessons: tuple[str, ...] = ()
    params: tuple[tuple[str, Any], ...] = ()
    seed: int | None = None

    def meta(self, *, started: float, duration_ms: int, growing: bool) -> dict[str, Any]:
        """Return the part `meta` of a trace.

        Args:
            started: Seconds since the epoch.
            duration_ms: Milliseconds so far.
            growing: Whether the trace still grows.
        """
        meta: dict[str, Any] = {"id": self.id, "title": self.title, "summary": self.summary}
        meta["duration_ms"] = duration_ms
        if self.seed is not None:
            return meta | {"origin": "model", "seed": self.seed, "params": dict(self.params)}
        meta |= {"origin": "live" if growing else "recorded", "scenario": self.scenario}
        meta["recorded_at"] = datetime.fromtimestamp(started, UTC).isoformat(timespec="seconds")
        meta |= {"recorder": "kubehop.trace", "cluster": dict(self.cluster), "hosts": list(self.hosts)}
        optional = {"namespace": self.namespace, "lessons": list(self.lessons), "params": dict(self.params)}
        return meta | {name: value for name, value in optional.items() if value}
