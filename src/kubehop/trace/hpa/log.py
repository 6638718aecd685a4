"""The HPA controller's log at --vmodule=horizontal=4: one tick of one HPA is two lines, or an error."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime

_HEADER = re.compile(r"[IWEF](\d{2})(\d{2}) (\d\d):(\d\d):(\d\d)\.(\d+) +\d+ horizontal\.go:\d+\] (.*)\Z")
_FIELD = re.compile(r'(\w+)=("(?:[^"\\]|\\.)*"|\S+)')
_MESSAGE = re.compile(r'"((?:[^"\\]|\\.)*)"')
_FAILED = re.compile(r"for (?P<target>\w+/[a-z0-9.-]+/[a-z0-9.-]+): (?P<why>.*)\Z")
_PROPOSING = "Proposing desired replicas"
_RESCALED = "Successfully rescaled"
_STAYED = "Decided not to scale"


@dataclass(frozen=True)
class Entry:
    """One line of the controller's log that belongs to a tick.

    Attributes:
        time: Seconds since the epoch, by the clock and time zone of the controller's machine.
        message: What it says.
        fields: Its key=value pairs.
        line: The line itself.
    """

    time: float
    message: str
    fields: dict[str, str]
    line: str


@dataclass
class Tick:
    """One decision of the controller about one HPA.

    Attributes:
        target: Kind/namespace/name of the scale target, or namespace/name of the HPA.
        time: Of its first line, seconds since the epoch.
        proposal: What the metrics ask for; None without metrics.
        metrics_time: Time of the first sample, as the line has it; "" when there was none.
        desired: What was asked for; None when it could not tell.
        current: Replicas before, where the line says so.
        reason: The controller's own words.
        error: Why it could not tell.
        lines: The lines, verbatim.
    """

    target: str
    time: float
    proposal: int | None = None
    metrics_time: str = ""
    desired: int | None = None
    current: int | None = None
    reason: str = ""
    error: str = ""
    lines: list[str] = field(default_factory=list)


def parse(line: str, *, year: int) -> Entry | None:
    """Return what a line of the controller-manager's log says, or None when it is not the HPA controller's.

    Args:
        line: The line; klog leaves out the year.
        year: The year it is from.
    """
    found = _HEADER.match(line)
    if found is None:
        return None
    month, day, hour, minute, second, micros, rest = found.groups()
    message = _MESSAGE.match(rest)
    if message is None:
        return None
    when = datetime(
        *(year, int(month), int(day), int(hour), int(minute), int(second)),
        microsecond=int(micros[:6].ljust(6, "0")),
    )
    fields = {key: _unquoted(value) for key, value in _FIELD.findall(rest[message.end() :])}
    return Entry(when.timestamp(), message[1], fields, line)


class Reader:
    """Puts lines of the log together into ticks; several workers write it, each about another HPA."""

    def __init__(self) -> None:
        self._proposed: dict[str, Tick] = {}

    def read(self, entry: Entry) -> Tick | None:
        """Take a line; return a tick when it is complete."""
        if entry.message.startswith(_PROPOSING):
            target = entry.fields["scaleTarget"]
            self._proposed.pop(target, None)
            self._proposed[target] = Tick(
                *(target, entry.time, int(entry.fields["desiredReplicas"])),
                metrics_time=entry.fields.get("timestamp", ""),
                lines=[entry.line],
            )
            return None
        if entry.message == _STAYED:
            return self._end(entry, entry.fields["scaleTarget"], "")
        if entry.message == _RESCALED:
            tick = self._end(entry, self._target_of(entry.fields["HPA"]), entry.fields.get("reason", ""))
            tick.current = int(entry.fields["currentReplicas"])
            return tick
        return _failed(entry)

    def _target_of(self, hpa: str) -> str:
        """Return the scale target of a rescale, which names the HPA: the last proposed, best of its name."""
        namespace, _, name = hpa.partition("/")
        there = [target for target in self._proposed if target.split("/")[1:2] == [namespace]]
        return max(reversed(there), key=lambda target: target.endswith(f"/{name}"), default=hpa)

    def _end(self, entry: Entry, target: str, reason: str) -> Tick:
        tick = self._proposed.pop(target, None) or Tick(target, entry.time)
        tick.desired = int(entry.fields["desiredReplicas"])
        tick.reason = reason
        tick.lines.append(entry.line)
        return tick


def _failed(entry: Entry) -> Tick | None:
    found = _FAILED.search(entry.fields.get("err", ""))
    if found is None:
        return None
    return Tick(found["target"], entry.time, error=found["why"], lines=[entry.line])


def _unquoted(value: str) -> str:
    if not value.startswith('"'):
        return value
    return value[1:-1].replace('\\"', '"').replace("\\\\", "\\")
