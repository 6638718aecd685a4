"""The virtual machine's page, what it tells, and the cache it is given."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from tests.vm import disk, machine, page
from tests.vm.machine import Machine

from kubehop.cluster import cache

STEP = {"step": "`kubehop up`.", "ok": True, "seconds": 61.2, "told": "ready | now\nand more", "at": 90.0}
TOLD = [{"fact": "system", "value": "Debian", "at": 30.0}, {"begin": "`kubehop up`.", "at": 31.0}, STEP]


def test_the_page_says_whether_every_step_passed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A step that failed is told in the first lines and in its row; a cell stays one line."""
    monkeypatch.setattr(page, "PAGE", tmp_path / "vm.md")
    page.write(TOLD, ok=True, commit="`1a2b3c4`")
    good = page.PAGE.read_text()
    assert "every step passed" in good
    assert "| `kubehop up`. | yes | 61.2 | ready \\| now and more |" in good
    assert "| power on until the login's first step | 31 s |" in good
    page.write([*TOLD[:2], STEP | {"ok": False}], ok=False, commit="`1a2b3c4`")
    bad = page.PAGE.read_text()
    assert "**a step failed**" in bad
    assert "| `kubehop up`. | **no** |" in bad


def test_a_step_that_did_not_end_has_failed() -> None:
    """The machine is switched off while a step runs: the page says which, after how long, and why."""
    assert page.unfinished(TOLD, seconds=100, why="off") is None
    assert page.unfinished([], seconds=100, why="off") is None
    late = page.unfinished(TOLD[:2], seconds=100, why="off")
    assert late == {"step": "`kubehop up`.", "ok": False, "seconds": 69.0, "told": "did not end: off"}
    noted = page.unfinished([*TOLD[:2], {"note": "API server", "at": 40.0}], seconds=100, why="off")
    assert noted
    assert noted["told"] == "did not end: off; it was at: API server"


def _machine(folder: Path, program: str) -> Machine:
    files = {name: folder / name for name in ("root.ext4", "vmlinuz", "initrd.img")}
    made = Machine(files, folder / "home.ext4", folder)
    made._argv = (sys.executable, "-c", program)
    return made


def test_lines_arrive_whole_until_the_machine_is_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A line that is written in two parts is one line; what is no JSON object is left out."""
    program = (
        "import time; told = open('told', 'w', buffering=1)\n"
        "print('[ 0.0] noise', file=told); print('{\"be', end='', file=told, flush=True); time.sleep(0.2)\n"
        "print('gin\": 1}', file=told)"
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(machine, "LOOK_SECONDS", 0.02)
    with _machine(tmp_path, program) as booted:
        assert list(booted.lines(timeout_seconds=20)) == [{"begin": 1}]


def test_a_machine_that_stays_on_is_switched_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """After the time-out there is an error, and no process."""
    monkeypatch.setattr(machine, "LOOK_SECONDS", 0.02)
    with _machine(tmp_path, "import time; time.sleep(60)") as booted, pytest.raises(TimeoutError):
        list(booted.lines(timeout_seconds=0.1))
    assert booted._qemu
    assert booted._qemu.returncode is not None


def test_a_cached_entry_is_whole_without_being_read(tmp_path: Path) -> None:
    """With whole seconds for times, as mke2fs writes them, the record already says what a look would find."""
    entry = cache.Entry(tmp_path, "pause", "0" * 16)

    def fill(folder: Path) -> None:
        (folder / "pause").write_text("x")

    cache.make(entry, maker=fill, on_wait=lambda: None)
    known = disk._note_times(entry.folder, at="/home/reader/pause")
    status = (entry.folder / "pause").stat()
    whole = [status.st_mtime_ns // 10**9 * 10**9, status.st_ctime_ns // 10**9 * 10**9]
    assert known["/home/reader/pause/pause"]["changed_ns"] == whole
    assert json.loads((entry.folder / "entry.json").read_text())["pause"]["changed_ns"] == whole
    assert known["/home/reader/pause/pause"]["sha256"] == cache.sha256(entry.folder / "pause")
