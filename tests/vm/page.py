"""The page docs/vm.md: what the virtual machine was, and what came of each step."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tests.vm.machine import ACCELERATOR, MEMORY_MIB

PAGE = Path(__file__).resolve().parents[2] / "docs" / "vm.md"


def unfinished(told: list[dict[str, Any]], *, seconds: float, why: str) -> dict[str, Any] | None:
    """Return the line of the step that began and did not end, as a step that failed; None where all ended.

    Args:
        told: The lines of `steps.py`.
        seconds: From power on until the machine was switched off.
        why: Why it was.
    """
    last = next((line for line in reversed(told) if "begin" in line or "step" in line), None)
    if last is None or "step" in last:
        return None
    took = seconds - last["at"]
    note = next((line["note"] for line in reversed(told) if "note" in line), "")
    said = f"did not end: {why}" + (f"; it was at: {note}" if note else "")
    return {"step": last["begin"], "ok": False, "seconds": took, "told": said}


def write(told: list[dict[str, Any]], *, ok: bool, commit: str) -> None:
    """Write the page.

    Args:
        told: The lines of `steps.py`, each with the seconds after power on as `at`.
        ok: Whether every step passed.
        commit: What the clone was at when the machine was switched on.
    """
    facts = [_row(line["fact"], line["value"]) for line in told if "fact" in line]
    steps = [
        _row(line["step"], "yes" if line["ok"] else "**no**", f"{line['seconds']:.1f}", line["told"])
        for line in told
        if "step" in line
    ]
    started = next((line["at"] for line in told if "begin" in line), None)
    lines = [
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
    PAGE.write_text("\n".join(lines) + "\n")


def _row(*cells: str) -> str:
    """Return one row of a table; a cell is one line of up to 300 characters."""
    plain = (cell.replace("|", "\\|").replace("\n", " ")[:300] for cell in cells)
    return f"| {' | '.join(plain)} |"
