"""A node's cgroup, alone: processes are born in it, controllers handed down, all frozen, all removed."""

from __future__ import annotations

import asyncio
import os
import subprocess
from pathlib import Path

import psutil
import pytest

from kubehop.cluster.linux import cgroup
from kubehop.cluster.process import Process, Spec
from kubehop.wait import until

pytestmark = [
    pytest.mark.cluster,
    pytest.mark.timeout(300),
    pytest.mark.skipif(os.geteuid() != 0, reason="only root makes cgroups"),
]
NAMESPACE = ("unshare", "--cgroup", "--fork", "--kill-child", "sleep", "600")


async def _start(group: cgroup.Group, folder: Path) -> tuple[int, int, int]:
    """Start a node's first process and another one, as a node does: `unshare`, its child, other."""
    log = folder / "log"
    first = await Process(Spec("first", NAMESPACE, log, group.birth_files)).launch()
    born = until(lambda: psutil.Process(first.pid).children(), what="the first process to be born")
    cgroup.delegate(group)
    other = await Process(Spec("other", ("sleep", "600"), log, group.process_files)).launch()
    return first.pid, born[0].pid, other.pid


def _seen_from_within(pid: int) -> set[str]:
    """Return the paths at which a process sees itself from its own cgroup namespace."""
    argv = ("nsenter", f"--target={pid}", "--cgroup", "cat", f"/proc/{pid}/cgroup")
    lines = subprocess.run(argv, check=True, capture_output=True, text=True).stdout.splitlines()
    rows = [line.split(":", 2) for line in lines]
    return {path for _, controllers, path in rows if controllers or cgroup.version() == 2}


def test_a_nodes_cgroup(tmp_path: Path) -> None:
    """The namespace begins at the group, every process is in it, and every controller works below it."""
    name = f"kubehop.test-{os.getpid()}"
    group = cgroup.create(name)
    folders = list(group.folders)
    try:
        pids = asyncio.run(_start(group, tmp_path))
        assert set(pids) <= cgroup.processes(folders)
        assert _seen_from_within(pids[1]) == {"/init" if cgroup.version() == 2 else "/"}
        if cgroup.version() == 2:
            _hands_down(folders[0])
        cgroup.freeze(folders)
        cgroup.thaw(folders)
        assert all(psutil.Process(pid).is_running() for pid in pids)
    finally:
        cgroup.remove(folders)
    assert not cgroup.find(name)


def _hands_down(folder: Path) -> None:
    """On version 2 a group below the node's has every controller of the machine."""
    every = (cgroup.ROOT / "cgroup.controllers").read_text()
    assert (folder / "cgroup.subtree_control").read_text() == every
    assert not (folder / "cgroup.procs").read_text(), "a process is not in the leaf"
    below = folder / "kubepods"
    below.mkdir()
    assert (below / "cgroup.controllers").read_text() == every
    below.rmdir()
