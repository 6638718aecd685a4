"""Which process owns a thing that may outlive it: a namespace, a kubeconfig, a cluster.

A process id alone is reused, so it is kept together with the time the process started.
"""

from __future__ import annotations

import os
import socket
from dataclasses import dataclass
from pathlib import Path

import psutil

_TOLERANCE_SECONDS = 0.02
_WALL_TOLERANCE_SECONDS = 2.0  # the kernel's boot time is rounded, and moves a little with the wall clock
_WALL = 1e9  # no machine has been up for thirty years: from here on, seconds since 1970
_START_FIELD = 19  # starttime, field 22 of proc(5) stat, counted after the parenthesized name


@dataclass(frozen=True)
class Owner:
    """A process of one machine, written as `host/pid/started`."""

    host: str
    pid: int
    started: float

    def __str__(self) -> str:
        return f"{self.host}/{self.pid}/{self.started:.2f}"

    @property
    def gone(self) -> bool:
        """True when the process has ended; False when it runs, or on a machine we cannot look at."""
        return self.host == socket.gethostname() and not runs(self.pid, since=self.started)


def current() -> Owner:
    """Return this process as an owner."""
    return Owner(socket.gethostname(), os.getpid(), started(os.getpid()) or 0.0)


def parse(text: str) -> Owner | None:
    """Read what `str(owner)` wrote; None when it is something else."""
    host, _, rest = text.partition("/")
    pid, _, since = rest.partition("/")
    try:
        return Owner(host, int(pid), float(since))
    except ValueError:
        return None


def started(pid: int) -> float | None:
    """Return when a process started, or None when there is no such process.

    The unit is seconds after boot on Linux, where a changed wall clock must not make a process look like
    another one, and seconds since 1970 elsewhere. Zombies count as ended.
    """
    if Path("/proc/self/stat").exists():
        return _started_after_boot(pid)
    try:
        return psutil.Process(pid).create_time()
    except psutil.Error:
        return None


def runs(pid: int, *, since: float) -> bool:
    """Say whether the process that started at `since` still has this id.

    Args:
        pid: The process.
        since: As `started()` gives it, or seconds since 1970.
    """
    now = started(pid)
    if now is None:
        return False
    if now < _WALL <= since:
        return abs(psutil.boot_time() + now - since) <= _WALL_TOLERANCE_SECONDS
    return abs(now - since) <= _TOLERANCE_SECONDS


def _started_after_boot(pid: int) -> float | None:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    if fields[0] in ("Z", "X"):
        return None
    return int(fields[_START_FIELD]) / os.sysconf("SC_CLK_TCK")
