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
from pathlib import Path
from typing import Any

from rich.console import Console
from tests.git import head
from tests.vm import disk, page
from tests.vm.machine import Machine

from kubehop.client.folder import cache_root
from kubehop.cluster.show import BuildShow

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
    with tempfile.TemporaryDirectory(prefix="kubehop-vm-", dir=cache_root() / "vm") as name:
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
                why = "the machine went off"
            except TimeoutError as error:
                why = str(error)
        if last := page.unfinished(told, seconds=time.monotonic() - began, why=why):
            told.append(last)
            _show(last)
        ok = any(line.get("end") == 0 for line in told)
        if not ok:
            console = machine.console.read_text(errors="replace").splitlines()
            _say("\n".join(["The last lines of the console:", *console[-CONSOLE_LINES:]]))
    page.write(told, ok=ok, commit=commit)
    _say(f"{'All steps passed' if ok else 'FAILED'}; see docs/vm.md.")
    return 0 if ok else 1


def _show(line: dict[str, Any]) -> None:
    if "fact" in line:
        _say(f"   {line['fact']}: {line['value']}")
    elif "begin" in line:
        _say(f"{line['at']:6.0f} s  {line['begin']}")
    elif "note" in line:
        _say(f"{line['at']:6.0f} s    {line['note']}")
    elif "step" in line:
        _say(f"          {'ok' if line['ok'] else 'FAILED'} in {line['seconds']:.1f} s: {line['told']}")
    elif "logs" in line:
        _say(line["logs"])


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
