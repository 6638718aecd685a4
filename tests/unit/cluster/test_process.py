"""Processes: restarted with back-off, ended with their children, tied to our life."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from kubehop.client import owner
from kubehop.cluster import process
from kubehop.cluster.process import Process, Spec
from kubehop.wait import until, until_async


def spec(tmp_path: Path, *code: str) -> Spec:
    """Describe a Python program of these lines."""
    return Spec("demo", (sys.executable, "-c", "\n".join(code)), tmp_path / "demo.log")


def test_a_killed_process_is_started_again(tmp_path: Path) -> None:
    """After kill -9 it runs again under another number, and the restart is counted."""

    async def run() -> None:
        demo = Process(spec(tmp_path, "import time", "time.sleep(60)"))
        await demo.start()
        first = demo.pid
        assert first
        os.kill(first, signal.SIGKILL)
        await until_async(_async(lambda: demo.restarts == 1 and demo.state == "running"), what="the restart")
        assert demo.pid != first
        assert demo.exit_code == -signal.SIGKILL
        await demo.stop()
        assert demo.state == "stopped"

    asyncio.run(run())


def test_what_is_the_readers_login_is_not_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No node has its folders (`kubectl exec` failed when runc was told one), nor reaches its proxy."""
    variables = {"XDG_RUNTIME_DIR", "TMPDIR", "HTTPS_PROXY", "http_proxy", "no_proxy"}
    for name in variables:
        monkeypatch.setenv(name, "/run/user/1000")
    told = tmp_path / "told"

    async def run() -> None:
        code = (
            "import os, time",
            f"open({str(told)!r}, 'w').write(repr(dict(os.environ)))",
            "time.sleep(60)",
        )
        demo = Process(spec(tmp_path, *code))
        await demo.start()
        await until_async(_async(lambda: told.exists() and "PATH" in told.read_text()), what="its variables")
        await demo.stop()

    asyncio.run(run())
    assert not [name for name in variables if f"'{name}'" in told.read_text()]


def test_nothing_is_started_again_before_it_is_awake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that ends while its cluster is paused waits for the cluster."""
    monkeypatch.setattr(process, "FIRST_WAIT_SECONDS", 0.05)

    async def run() -> None:
        demo = Process(spec(tmp_path, "import time", "time.sleep(60)"))
        await demo.start()
        assert demo.pid
        demo.awake.clear()
        os.kill(demo.pid, signal.SIGKILL)
        await until_async(_async(lambda: demo.state == "restarting"), what="the end")
        await asyncio.sleep(3 * process.FIRST_WAIT_SECONDS)
        assert (demo.state, demo.restarts) == ("restarting", 0)
        demo.awake.set()
        await until_async(_async(lambda: demo.restarts == 1 and demo.state == "running"), what="the restart")
        await demo.stop()

    asyncio.run(run())


def test_back_off_doubles(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that ends at once is not started again and again without pause."""
    waits: list[float] = []
    sleep = asyncio.sleep

    async def noted(seconds: float) -> None:
        waits.append(seconds)
        await sleep(0)

    async def run() -> None:
        demo = Process(spec(tmp_path, "raise SystemExit(3)"))
        monkeypatch.setattr(process.asyncio, "sleep", noted)
        await demo.start()
        while len(waits) < 4:
            await sleep(0.01)
        await demo.stop()
        assert demo.exit_code == 3

    asyncio.run(run())
    assert waits[:4] == [0.25, 0.5, 1.0, 2.0]


def test_stop_ends_children_that_ignore_sigterm(tmp_path: Path) -> None:
    """The whole family is ended, by SIGKILL if need be."""
    ready = tmp_path / "ready"
    stubborn = f"""
import pathlib, signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
pathlib.Path({str(ready)!r}).touch()
time.sleep(60)
"""
    code = ("import subprocess, sys", f"subprocess.run([sys.executable, '-c', {stubborn!r}])")

    async def run() -> None:
        demo = Process(spec(tmp_path, *code))
        await demo.start()
        assert demo.pid
        await until_async(_async(ready.exists), what="the child to ignore the signal")
        [child] = psutil.Process(demo.pid).children()
        await demo.stop(grace_seconds=0.3)
        until(lambda: owner.started(child.pid) is None, what="the child to end", timeout_seconds=5)

    asyncio.run(run())


def test_processes_end_with_us(tmp_path: Path) -> None:
    """When the one that started it is killed, the kernel ends the process."""
    starter = f"""
import asyncio, sys
from pathlib import Path
from kubehop.cluster.process import Process, Spec
async def run():
    argv = (sys.executable, "-c", "import time; time.sleep(60)")
    demo = Process(Spec("demo", argv, Path({str(tmp_path)!r}) / "d.log"))
    await demo.start()
    print(demo.pid, flush=True)
    await asyncio.sleep(60)
asyncio.run(run())
"""
    parent = subprocess.Popen([sys.executable, "-c", starter], stdout=subprocess.PIPE, text=True)
    assert parent.stdout
    pid = int(parent.stdout.readline())
    assert owner.started(pid)
    parent.kill()
    parent.wait()
    until(lambda: owner.started(pid) is None, what="the child to end", timeout_seconds=5)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_what_is_in_front_ends_with_us(tmp_path: Path, number: signal.Signals) -> None:
    """JupyterLab does not stay behind a `kubehop lab` that somebody ended."""
    code = (
        f"from kubehop.cluster.process import foreground; foreground(['sleep', '60'], cwd={str(tmp_path)!r})"
    )
    front = psutil.Popen([sys.executable, "-c", code])
    (child,) = until(front.children, what="the program in front")
    os.kill(front.pid, number)
    front.wait()
    until(lambda: not _runs(child), what="the program in front to end", timeout_seconds=5)


def _runs(one: psutil.Process) -> bool:
    return one.is_running() and one.status() != psutil.STATUS_ZOMBIE


def test_a_failure_names_the_last_line_the_cause_and_the_log(tmp_path: Path) -> None:
    """The error says how it ended, why that may be, and where to read more."""
    demo = Process(spec(tmp_path), exit_code=1)
    demo.spec.log.write_text("starting\nlisten tcp :6443: bind: address already in use\n\n")
    told = str(demo.failure(before="/readyz answered", next_command="Run `kubehop down`."))
    assert "demo exited with code 1 before /readyz answered" in told
    assert "bind: address already in use" in told
    assert "Another process holds that port." in told
    assert f"Run `kubehop down`. Full log: {demo.spec.log}" in told


def test_a_long_log_is_cut(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is longer than the limit moves to `.1`, its end only."""
    monkeypatch.setattr(process, "LOG_BYTES", 100)
    log = tmp_path / "demo.log"
    log.write_text("x" * 150 + "the end")
    process.trim(log)
    assert log.read_text() == ""
    assert (tmp_path / "demo.log.1").read_text().endswith("the end")
    assert len((tmp_path / "demo.log.1").read_text()) == 25


def _async(fact):  # type: ignore[no-untyped-def]
    async def asked():  # type: ignore[no-untyped-def]
        return fact()

    return asked


@pytest.mark.parametrize("keep_terminal", [True, False])
def test_what_is_detached_keeps_the_session_where_sudo_asks_for_it(
    keep_terminal: bool, tmp_path: Path
) -> None:
    """Sudo remembers a password for the terminal's session; the terminal's Ctrl-C is for others."""
    log = tmp_path / "log"
    told = "import os; print(os.getsid(0), os.getpgrp())"
    pid = process.detach((sys.executable, "-c", told), log=log, keep_terminal=keep_terminal)
    until(lambda: log.stat().st_size, what="the program to tell", timeout_seconds=10)
    os.waitpid(pid, 0)
    session, group = map(int, log.read_text().split())
    assert (session == os.getsid(0), group) == (keep_terminal, pid)
