"""Removing what a cluster left on the machine, found by its name alone: no record of it is needed."""

from __future__ import annotations

import contextlib
import ctypes
import os
import re
import shutil
import signal
from pathlib import Path

from kubehop.client import owner
from kubehop.cluster import state
from kubehop.cluster.linux import cgroup
from kubehop.cluster.state import Place
from kubehop.errors import WaitTimeoutError
from kubehop.wait import until

MNT_DETACH = 2
OCTAL = re.compile(r"\\(\d{3})")  # how the kernel writes a space
STOP_SECONDS = 20.0
_libc = ctypes.CDLL(None, use_errno=True)


def supervisor(place: Place) -> int | None:
    """Return the number of the process that holds the cluster (or builds it, if not ours), or None."""
    told = state.read_handover(place) or {}
    pid, born = told.get("supervisor_pid"), told.get("supervisor_started")
    if not isinstance(pid, int) or not isinstance(born, float) or pid == os.getpid():
        return None
    return pid if owner.runs(pid, since=born) else None


def stop_supervisor(place: Place) -> None:
    """Ask the supervisor to end, and end it after 20 s.

    Raises:
        WaitTimeoutError: It could not be ended.
    """
    if _signal(place, signal.SIGTERM):
        with contextlib.suppress(WaitTimeoutError):
            _until_ended(place)
    if _signal(place, signal.SIGKILL):
        _until_ended(place)


def _signal(place: Place, number: signal.Signals) -> bool:
    pid = supervisor(place)
    with contextlib.suppress(ProcessLookupError):
        if pid is not None:
            os.kill(pid, number)
    return pid is not None


def _until_ended(place: Place) -> None:
    until(lambda: supervisor(place) is None, what="the supervisor to end", timeout_seconds=STOP_SECONDS)


def processes(place: Place) -> set[int]:
    """Return the numbers of all processes in the cluster's nodes."""
    return cgroup.processes(cgroup.find(place.cgroup_prefix))


def mounts(folder: Path) -> list[str]:
    """List the mount points at or below `folder` that this process sees, innermost first."""
    lines = Path("/proc/self/mountinfo").read_text().splitlines()
    points = [OCTAL.sub(lambda code: chr(int(code[1], 8)), line.split()[4]) for line in lines]
    below = [point for point in points if point == str(folder) or point.startswith(f"{folder}/")]
    return sorted(below, key=len, reverse=True)


def leftovers(place: Place) -> None:
    """End every process of the cluster's nodes, and remove its cgroups, namespaces and mounts.

    What it stores (etcd's data, images, certificates, logs) stays.

    Raises:
        WaitTimeoutError: A process could not be ended.
    """
    cgroup.remove(cgroup.find(place.cgroup_prefix))
    for point in mounts(place.folder):
        _libc.umount2(point.encode(), MNT_DETACH)
    if place.namespaces.exists():
        shutil.rmtree(place.namespaces)


def everything(place: Place) -> None:
    """Remove the cluster, whatever state it is in: the cache and learners' progress stay.

    Raises:
        WaitTimeoutError: A process could not be ended.
    """
    stop_supervisor(place)
    leftovers(place)
    state.forget(place)


def remove(place: Place, names: tuple[str, ...]) -> None:
    """Remove files and folders of the cluster by name; one that is not there is fine."""
    for name in names:
        path = place.folder / name
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
