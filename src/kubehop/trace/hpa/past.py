"""What the controller decided shortly before a trace began: its next decisions depend on it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from kubehop.trace.hpa import limit, log

_TAIL_BYTES = 1_000_000


@dataclass(frozen=True)
class Tail:
    """The ticks at the end of a log.

    Attributes:
        ticks: In their order.
        begins: Time from which on the log was read, seconds since the epoch; 0 when that is its beginning.
    """

    ticks: list[log.Tick]
    begins: float


def tail(path: Path) -> Tail:
    """Read the ticks in the last megabyte of a log."""
    begin = max(path.stat().st_size - _TAIL_BYTES, 0)
    with path.open("rb") as file:
        file.seek(begin)
        text = file.read().decode("utf-8", "replace")
    reader, year = log.Reader(), datetime.now().astimezone().year
    entries = [entry for line in text.splitlines() if (entry := log.parse(line, year=year)) is not None]
    ticks = [tick for entry in entries if (tick := reader.read(entry)) is not None]
    return Tail(ticks, entries[0].time if begin and entries else 0.0)


def facts(
    ticks: Sequence[log.Tick], at: Callable[[float], int], *, from_birth: bool
) -> dict[str, list[list[int]]]:
    """Return earlier ticks as an HPA entity carries them.

    Args:
        ticks: Of this HPA, in their order.
        at: Milliseconds in the trace for seconds since the epoch.
        from_birth: Whether the first is the HPA's first: the replicas it found count as a proposal.

    Returns:
        `proposals` as [ms, replicas] and `scaled` as [ms, from, to].
    """
    proposals, scaled = [], []
    if from_birth and ticks:
        first = ticks[0]
        found = first.desired if first.current is None else first.current  # no change: they are the same
        proposals += [] if found is None else [[at(first.time), found]]
    for tick in ticks:
        if tick.proposal is not None:
            proposals.append([at(tick.time), tick.proposal])
        if tick.current is not None and tick.desired is not None:
            scaled.append([at(tick.time), tick.current, tick.desired])
    return {"proposals": proposals, "scaled": scaled}


def history(past: dict[str, Any] | None) -> limit.History:
    """Return the history that an HPA entity carries; an empty one when it carries none."""
    found = limit.History()
    if past:
        found.proposals += [(ms / 1000, replicas) for ms, replicas in past["proposals"]]
        for ms, before, after in past["scaled"]:
            found.scaled(ms / 1000, before, after)
    return found


def horizon_seconds(behavior: dict[str, Any] | None, *, window_seconds: float) -> float:
    """Return for how long an earlier decision counts: the longest window or period."""
    rules = limit.behavior(behavior)
    spans = [window_seconds]
    if rules is not None:
        for side in (rules.up, rules.down):
            spans += [side.window_seconds or 0.0, *(policy.period_seconds for policy in side.policies)]
    return max(spans)
