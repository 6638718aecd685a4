"""What the HPA controller could know at a time: Pods, samples and replica counts of the last minutes."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from kubehop.trace import describe
from kubehop.trace.hpa.group import Sample

Object = dict[str, Any]

_KEPT = 400


class Memory:
    """Remembers states with the time (seconds since the epoch) they were seen; thread-safe, bounded."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._pods: deque[tuple[float, dict[str, Object]]] = deque(maxlen=_KEPT)
        self._samples: deque[tuple[float, dict[str, Sample]]] = deque(maxlen=_KEPT)
        self._replicas: deque[tuple[float, str, int]] = deque(maxlen=_KEPT)

    def pods(self, when: float, pods: dict[str, Object]) -> None:
        """Remember the Pods of the namespace."""
        with self._lock:
            self._pods.append((when, pods))

    def samples(self, when: float, samples: dict[str, Sample]) -> None:
        """Remember the samples of the namespace."""
        with self._lock:
            self._samples.append((when, samples))

    def replicas(self, when: float, deployment: str, replicas: int) -> None:
        """Remember the replica count of a Deployment."""
        with self._lock:
            self._replicas.append((when, deployment, replicas))

    def pods_at(self, when: float, labels: Mapping[str, str]) -> list[Object]:
        """Return the Pods with these labels as they were at a time."""
        with self._lock:
            states = [pods for at, pods in self._pods if at <= when] or [pods for _, pods in self._pods][:1]
        found = states[-1].values() if states and labels else ()
        return [item for item in found if labels.items() <= (item["metadata"].get("labels") or {}).items()]

    def samples_at(self, when: float, logged: str, pods: list[Object]) -> dict[str, Sample]:
        """Return the samples that the controller had.

        Args:
            when: Time of the decision.
            logged: Time of the first sample as its log prints it; empty when it does not say.
            pods: The Pods that its selector finds.
        """
        with self._lock:
            taken = list(self._samples)
        names, first = {describe.name(item) for item in pods}, stamp(logged)
        same = [(at, found) for at, found in taken if first is not None and _first(found, names) == first]
        # Samples of the same time differ, too: those of a Pod go when the Pod goes.
        before = [found for at, found in same if at <= when]
        after = [found for _, found in same]
        earlier = [found for at, found in taken if at <= when]
        return (before[-1:] or after[:1] or earlier[-1:] or [{}])[0]

    def replicas_at(self, when: float, deployment: str) -> int:
        """Return the replica count of a Deployment at a time; the first known when that is later."""
        with self._lock:
            known = [(at, replicas) for at, name, replicas in self._replicas if name == deployment]
        before = [replicas for at, replicas in known if at <= when]
        return before[-1] if before else (known[0][1] if known else 0)


def stamp(text: str) -> float | None:
    """Return the seconds since the epoch of a time as Go's log prints it, None for none.

    Example:
        >>> stamp("2026-11-24 10:30:37 +0000 UTC")
        1795516237.0
    """
    try:
        return datetime.strptime(text[:25], "%Y-%m-%d %H:%M:%S %z").timestamp()
    except ValueError:
        return None


def _first(samples: dict[str, Sample], names: set[str]) -> float | None:
    """Return the time of the first sample of these Pods, in whole seconds."""
    return next((float(int(sample.time)) for name, sample in samples.items() if name in names), None)
