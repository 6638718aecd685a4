"""Prove the cluster where nearly every reader has it: `make test-vm`.

A Debian system with systemd and cgroup version 2 is booted in QEMU, an ordinary user logs in, and the
steps of `steps.py` run. What they told is written to docs/vm.md, also when one of them failed.
"""

from __future__ import annotations

import os
import signal
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.console import Console
from tests.git import head
from tests.vm import disk
from tests.vm.machine import ACCELERATOR, MEMORY_MIB, Machine

from kubehop.cluster import state
from kubehop.cluster.show import BuildShow

PAGE = disk.ROOT / "docs" / "vm.md"
CONSOLE_LINES = 25
TIMEOUT_SECONDS = float(os.environ.get("KUBEHOP_VM_SECONDS", "5400"))


def main() -> int:
    """Boot, follow the steps, write the page; return 0 if every step passed."""
    if os.geteuid() != 0:  # the disks hold files of several users
        os.execvp("sudo", ["sudo", "--preserve-env=PATH,XDG_CACHE_HOME", sys.executable, "-m", "tests.vm"])
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    commit = head()
    debian = disk.debian()
    told: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory(prefix="kubehop-vm-", dir=state.cache_root() / "vm") as name:
        folder = Path(name)
        with BuildShow(Console()) as progress:
            home = disk.home(folder, progress=progress)
        began = time.monotonic()
        with Machine(debian, home, folder) as machine:
            try:
                for line in machine.lines(timeout_seconds=TIMEOUT_SECONDS):
                    line["at"] = time.monotonic() - began
                    told.append(line)
                    _show(line)
            except TimeoutError as error:
                told.append(
                    {"step": "the machine ends in time", "ok": False, "seconds": 0.0, "told": str(error)}
                )
                _show(told[-1])
        ok = any(line.get("end") == 0 for line in told)
        if not ok:
            console = machine.console.read_text(errors="replace").splitlines()
            _say("\n".join(["The last lines of the console:", *console[-CONSOLE_LINES:]]))
    _write(told, ok=ok, commit=commit)
    _say(f"{'All steps passed' if ok else 'FAILED'}; see {PAGE.relative_to(disk.ROOT)}.")
    return 0 if ok else 1


def _show(line: dict[str, Any]) -> None:
    if "fact" in line:
        _say(f"   {line['fact']}: {line['value']}")
    elif "begin" in line:
        _say(f"{line['at']:6.0f} s  {line['begin']}")
    elif "step" in line:
        _say(f"          {'ok' if line['ok'] else 'FAILED'} in {line['seconds']:.1f} s: {line['told']}")
    elif "logs" in line:
        _say(line["logs"])


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def _write(told: list[dict[str, Any]], *, ok: bool, commit: str) -> None:
    facts = [_row(line["fact"], line["value"]) for line in told if "fact" in line]
    steps = [
        _row(line["step"], "yes" if line["ok"] else "**no**", f"{line['seconds']:.1f}", line["told"])
        for line in told
        if "step" in line
    ]
    started = next((line["at"] for line in told if "begin" in line), None)
    page = [
        "# A Debian system with cgroup version 2",
        "",
        f"Written by `make test-vm` on {datetime.now(UTC):%Y-%m-%d} at commit {commit}:"
        f" {'every step passed' if ok else '**a step failed**'}.",
        "",
        "A Debian system with systemd and only the unified hierarchy is booted in QEMU, without a network.",
        "An ordinary user logs in on its console and does what a reader does.",
        "The verbs ask sudo for root themselves.",
        f"The processor is emulated in software (`{ACCELERATOR}`, {MEMORY_MIB} MiB)"
        " on a machine that does other work:",
        "the times say that a step ends, not how fast it is.",
        "",
        "| fact | value |",
        "| --- | --- |",
        *facts,
        _row("power on until the login's first step", f"{started or 0:.0f} s"),
        "",
        "| step | passed | s | told |",
        "| --- | --- | --- | --- |",
        *steps,
    ]
    PAGE.write_text("\n".join(page) + "\n")


def _row(*cells: str) -> str:
    """Return one row of a table; a cell is one line of up to 300 characters."""
    plain = (cell.replace("|", "\\|").replace("\n", " ")[:300] for cell in cells)
    return f"| {' | '.join(plain)} |"


if __name__ == "__main__":
    sys.exit(main())
