"""Requests without pause through a cluster's Ingress, each on a connection of its own."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from tests.cluster.life import shop_status

from kubehop.cluster.state import Place

WORKERS = 3
PAUSE_SECONDS = 0.02


@dataclass
class Load:
    """What was answered: status → how often; None is no answer at all."""

    statuses: Counter[int | None] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)


@contextmanager
def load(place: Place) -> Iterator[Load]:
    """Ask the storefront all the time."""
    seen, ended, began = Load(), threading.Event(), time.monotonic()

    def work() -> None:
        while not ended.wait(PAUSE_SECONDS):
            status = shop_status(place)
            seen.statuses[status] += 1
            if status != 200:
                seen.failures.append(f"{status} after {time.monotonic() - began:.2f} s")

    workers = [threading.Thread(target=work) for _ in range(WORKERS)]
    for worker in workers:
        worker.start()
    try:
        yield seen
    finally:
        ended.set()
        for worker in workers:
            worker.join()
