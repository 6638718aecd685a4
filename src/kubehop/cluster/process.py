"""One operating-system process: start, watch, restart with back-off, stop. It knows no Kubernetes."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from kubehop.cluster.state import now
from kubehop.errors import ProcessError

PR_SET_PDEATHSIG = 1
_PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY")
_OURS = {"XDG_RUNTIME_DIR", "TMPDIR", *_PROXIES, *map(str.lower, _PROXIES)}
"""Of the reader's login: folders that no node has (runc would put its files there), and a proxy that no node
reaches (a kubelet would look for the API server behind it)."""
FIRST_WAIT_SECONDS, LONGEST_WAIT_SECONDS = 0.25, 10.0
_LAST_BYTES = 8192
STEADY_SECONDS = 10.0  # a process that lived this long begins its back-off anew
FULL = "The disk is full."
LOG_BYTES, FULL_BYTES = 32 << 20, 64 << 20
_libc = ctypes.CDLL(None, use_errno=True)


@dataclass(frozen=True)
class Spec:
    """How to start a process.

    Attributes:
        name: What people call it.
        argv: The command.
        log: Where its output goes, appended.
        groups: `cgroup.procs` files it joins before it starts.
        env: Added to our own environment.
    """

    name: str
    argv: tuple[str, ...]
    log: Path
    groups: tuple[str, ...] = ()
    env: dict[str, str] = field(default_factory=dict)


def _set() -> asyncio.Event:
    event = asyncio.Event()
    event.set()
    return event


@dataclass
class Process:
    """A process that is kept running until `stop`; it is not restarted while `awake` is not set."""

    spec: Spec
    on_change: Callable[[], None] = lambda: None
    pid: int | None = None
    state: str = "stopped"
    restarts: int = 0
    exit_code: int | None = None
    awake: asyncio.Event = field(default_factory=_set)
    since: str = field(default_factory=now)
    keeper: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Start it once, and restart it whenever it ends."""
        child = await self.launch()
        self.keeper = asyncio.create_task(self._keep(child), name=self.spec.name)

    async def stop(self, *, grace_seconds: float = 2.0) -> None:
        """End it: SIGTERM, then SIGKILL after `grace_seconds`."""
        if self.keeper:
            self.keeper.cancel()
            await asyncio.gather(self.keeper, return_exceptions=True)
        await asyncio.to_thread(end, self.pid, grace_seconds=grace_seconds)
        self._set("stopped", None)

    async def _keep(self, child: asyncio.subprocess.Process) -> None:
        wait = FIRST_WAIT_SECONDS
        while True:
            began = time.monotonic()
            self.exit_code = await child.wait()
            self._set("restarting", None)
            wait = FIRST_WAIT_SECONDS if time.monotonic() - began > STEADY_SECONDS else wait
            await asyncio.sleep(wait)
            await self.awake.wait()
            wait = min(2 * wait, LONGEST_WAIT_SECONDS)
            self.restarts += 1
            try:
                child = await self.launch()
            except OSError as error:
                with contextlib.suppress(OSError):  # the disk may be full; there will be another try
                    append(self.spec.log, f"kubehop: {self.spec.name} could not be started: {error}")

    async def launch(self) -> asyncio.subprocess.Process:
        """Start it once, and do not watch it."""
        trim(self.spec.log)
        with self.spec.log.open("ab") as log:
            child = await asyncio.create_subprocess_exec(
                *self.spec.argv,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={name: word for name, word in os.environ.items() if name not in _OURS} | self.spec.env,
                start_new_session=True,
                preexec_fn=lambda: _before_exec(self.spec.groups),
            )
        self._set("running", child.pid)
        return child

    def _set(self, status: str, pid: int | None) -> None:
        self.state, self.pid, self.since = status, pid, now()
        self.on_change()

    def describe(self) -> dict[str, Any]:
        """Return its row of the handover file."""
        told = "" if self.state == "running" else last_line(self.spec.log)
        row = {"name": self.spec.name, "pid": self.pid, "state": self.state, "restarts": self.restarts}
        return row | {"since": self.since, "last_line": told}

    def failure(self, *, before: str, next_command: str) -> ProcessError:
        """Return the error that says how this process ended `before` something happened."""
        code = "is still running" if self.exit_code is None else f"exited with code {self.exit_code}"
        return ProcessError(
            f"{self.spec.name} {code} before {before}. Last line: {last_line(self.spec.log)!r}.",
            why=FULL if is_full(self.spec.log) else cause(last_line(self.spec.log)),
            next_command=f"{next_command} Full log: {self.spec.log}",
        )


def _before_exec(groups: tuple[str, ...]) -> None:
    """Tie the new process to our life and put it in its cgroups; runs between fork and exec."""
    _libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    for file in groups:
        descriptor = os.open(file, os.O_WRONLY)
        os.write(descriptor, b"0")
        os.close(descriptor)


def end(pid: int | None, *, grace_seconds: float) -> None:
    """End a process and its children: SIGTERM, then SIGKILL after `grace_seconds`."""
    if pid is None:
        return
    try:
        process = psutil.Process(pid)
        family = [*process.children(recursive=True), process]
    except psutil.NoSuchProcess:
        return
    for member in family:
        with contextlib.suppress(psutil.NoSuchProcess):
            member.terminate()
    _, alive = psutil.wait_procs(family, timeout=grace_seconds)
    for member in alive:
        with contextlib.suppress(psutil.NoSuchProcess):
            member.kill()


def last_line(log: Path) -> str:
    """Return the last line of a log that is not empty, cut to 300 characters."""
    try:
        with log.open("rb") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - _LAST_BYTES))
            lines = [line.strip() for line in file.read().decode(errors="replace").splitlines()]
    except OSError:
        return ""
    told = [line for line in lines if line]
    return told[-1][:300] if told else ""


def cause(line: str) -> str:
    """Put the likely cause of a process's last line into words; empty where it is not known."""
    known = {
        "address already in use": "Another process holds that port.",
        "no space left on device": FULL,
        "permission denied": "A privilege is missing.",
        "cannot allocate memory": "The machine is out of memory.",
        "database file is not writable": "The data folder is read-only.",
        "failed to recover": "The stored data is damaged.",
        "not found": "A file or program is missing.",
    }
    return next((text for sign, text in known.items() if sign in line.lower()), "")


def is_full(log: Path) -> bool:
    """Say whether there is no room where a log is: then nobody could write there why it ended."""
    return shutil.disk_usage(log.parent).free < FULL_BYTES


def trim(log: Path) -> None:
    """Keep a log below 32 MiB: what is longer moves to `.1`, whose old content is dropped."""
    with contextlib.suppress(FileNotFoundError):
        if log.stat().st_size > LOG_BYTES:
            with log.open("rb") as file:
                file.seek(-LOG_BYTES // 4, os.SEEK_END)
                log.with_suffix(".log.1").write_bytes(file.read(LOG_BYTES // 4))
            os.truncate(log, 0)


def append(log: Path, line: str) -> None:
    """Add a line of our own to a process's log."""
    with log.open("a") as file:
        file.write(line + "\n")


def detach(argv: tuple[str, ...], *, log: Path, keep_terminal: bool = False) -> int:
    """Start a process that outlives us, and return its number.

    Args:
        argv: The program and its arguments.
        log: Where its output is written.
        keep_terminal: Leave it in our session, where sudo knows that the password was given; the terminal's
            Ctrl-C does not reach it. Otherwise it gets a session of its own.
    """
    apart: dict[str, Any] = {"process_group": 0} if keep_terminal else {"start_new_session": True}
    trim(log)
    with log.open("ab") as output:
        # Not waited for: it is the launcher's to end, by its number.
        child = subprocess.Popen(
            argv, stdin=subprocess.DEVNULL, stdout=output, stderr=output, cwd="/", **apart
        )
    child.returncode = 0  # keeps the interpreter from warning about a child it no longer minds
    return child.pid


def foreground(argv: list[str], *, cwd: Path) -> int:
    """Run a program in front, with our terminal; Ctrl-C is the program's to answer, and it ends with us."""
    former = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        return subprocess.call(argv, cwd=cwd, preexec_fn=_in_front)
    finally:
        signal.signal(signal.SIGINT, former)


def _in_front() -> None:
    _libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    signal.signal(signal.SIGINT, signal.SIG_DFL)
