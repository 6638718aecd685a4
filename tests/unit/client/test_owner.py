"""Owners: which process a left-over thing belongs to."""

from __future__ import annotations

import os
import subprocess
import sys

import psutil

from kubehop.client import owner


def test_this_process_is_not_gone_and_reads_back() -> None:
    """An owner written as text is read back equal, and runs."""
    me = owner.current()
    assert owner.parse(str(me)) == owner.Owner(me.host, os.getpid(), round(me.started, 2))
    assert not me.gone


def test_start_time_is_when_the_process_started() -> None:
    """The start time, counted from boot, agrees with what psutil says in wall-clock time."""
    since_boot = owner.started(os.getpid())
    assert since_boot is not None
    wall = psutil.Process().create_time()
    assert abs(psutil.boot_time() + since_boot - wall) < 2


def test_wall_clock_start_times_are_understood() -> None:
    """A start time in seconds since 1970, as psutil gives it, is recognized, and a wrong one refused."""
    wall = psutil.Process().create_time()
    assert owner.runs(os.getpid(), since=wall)
    assert not owner.runs(os.getpid(), since=wall - 10)


def test_an_ended_process_is_gone_even_while_a_zombie() -> None:
    """A process that has ended is gone before and after its parent collects it."""
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    since = owner.started(child.pid)
    assert since is not None
    its = owner.Owner(owner.current().host, child.pid, since)
    assert not its.gone
    child.kill()
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    assert its.gone
    child.communicate()
    assert its.gone


def test_a_reused_process_id_is_another_process() -> None:
    """The same id with another start time does not count as running."""
    me = owner.current()
    assert owner.Owner(me.host, me.pid, me.started - 5).gone


def test_a_process_of_another_machine_is_never_gone() -> None:
    """Nobody can tell whether a process of another machine runs."""
    assert not owner.Owner("elsewhere", 1, 0.0).gone


def test_other_text_is_no_owner() -> None:
    """Text that is no owner is read as None."""
    assert owner.parse("elsewhere/x/1") is None
    assert owner.parse("") is None
