"""Progress on this machine: kept, resumed, and robust; the certificate that lists it."""

from __future__ import annotations

from pathlib import Path

import pytest

from kubehop.labs import progress
from kubehop.labs.certificate import Certificate
from kubehop.labs.progress import ProgressFile

PASSED = [("the_service_answers", "A request is `answered`.")]


@pytest.fixture
def file(state: Path) -> ProgressFile:
    """Progress of Ada in one lab; nothing is stored yet."""
    return ProgressFile(progress.folder("ada") / "broken-selector.json")


def test_progress_is_kept(file: ProgressFile, state: Path) -> None:
    """What is stored is read back by another object; the first time that a check passed counts."""
    file.begun(title="The shop answers nobody")
    file.checked(PASSED, finished=False)
    first = file.read().passed["the_service_answers"]
    file.checked(PASSED, finished=True)
    stored = ProgressFile(file.path).read()
    assert (stored.attempts, stored.passed["the_service_answers"]) == (2, first)
    assert stored.finished
    assert file.path.is_relative_to(state)
    assert [path.name for path in file.path.parent.iterdir()] == ["broken-selector.json"]


def test_finished_stays_finished(file: ProgressFile) -> None:
    """A later failing run takes nothing away."""
    file.checked(PASSED, finished=True)
    done = file.read().finished
    assert file.checked([], finished=False).finished == done
    assert file.read().passed


@pytest.mark.parametrize(
    "damage",
    [
        b"",
        b"{",
        b"\xff\xfe",
        b"[]",
        b'{"lab": 3}',
        b'{"lab": "broken-selector", "schema": "kubehop-progress/9"}',
        b'{"lab": "another"}',
    ],
)
def test_damaged_file_is_set_aside(file: ProgressFile, damage: bytes) -> None:
    """The lab goes on without it, and what was damaged is still there to look at."""
    file.path.parent.mkdir(parents=True)
    file.path.write_bytes(damage)
    assert file.read() == progress.Progress(lab="broken-selector")
    assert file.path.with_suffix(".damaged").read_bytes() == damage
    assert file.checked(PASSED, finished=False).attempts == 1


def test_certificate_lists_checks_passed(file: ProgressFile, tmp_path: Path) -> None:
    """It names the checks, the help taken, and no lab that was not started."""
    assert "No lab was started yet." in Certificate("ada", ()).html()
    file.begun(title="The shop <answers> nobody")
    file.update(hints=2, solution_seen=True)
    file.checked(PASSED, finished=True)
    ProgressFile(progress.folder("ada") / "other.json").update(hints=1)
    page = Certificate("ada", tuple(progress.everything("ada")))
    text = page.write().read_text()
    assert "1 finished, 1 started" in text
    assert "A request is <code>answered</code>." in text
    assert " UTC; 1 run" in text
    assert "The shop &lt;answers&gt; nobody" in text
    assert "1 run of the checks, 2 hints, solution shown" in text
    assert page.write(tmp_path / "c.html").read_text() == text
    assert "pass  A request is `answered`." in repr(page)
