"""The verdict on a conformance run: no test may fail, and none may silently not run."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.conformance import report, suite
from tests.conformance.report import Result

WANTED = [
    "[sig-network] DNS should answer [LinuxOnly] [Conformance]",
    "[sig-network] Services should be able to switch [x] [Conformance] [NodeConformance]",
]
RAN = [
    Result("[sig-network] DNS should answer [LinuxOnly] [Conformance]", "passed", 1),
    Result(
        "[sig-network] Services should be able to switch [x] [NodeConformance] [Conformance]", "passed", 2
    ),
]
ABOUT = {"versions": {"kubernetes": "v1.37.2", "etcd": "v3.7.3"}, "seconds": 120, "commit": "`1a2b3c4`"}


@pytest.fixture
def page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Let the report be written to a file of the test's."""
    monkeypatch.setattr(report, "PAGE", tmp_path / "conformance.md")
    return report.PAGE


def test_all_passed(page: Path) -> None:
    """Every test of the list ran and passed, whatever the order of its tags."""
    assert report.write(WANTED, RAN, **ABOUT)
    assert report.verdict(WANTED, RAN) == "2 of 2 passed"
    assert "**2 of 2 passed** in 2 min" in page.read_text()
    assert "| DNS should answer | yes | 1.0 |" in page.read_text()


def test_a_failure_is_red(page: Path) -> None:
    """A test that failed fails the run, and the page says so."""
    results = [RAN[0], Result(RAN[1].name, "failed", 2, "connection refused")]
    assert not report.write(WANTED, results, **ABOUT)
    assert report.verdict(WANTED, results) == "1 of 2 passed"
    assert "| Services should be able to switch | **no** |" in page.read_text()


def test_a_test_that_did_not_run_is_red(page: Path) -> None:
    """A test of upstream's list that was skipped or renamed fails the run."""
    assert not report.write(WANTED, RAN[:1], **ABOUT)
    assert "| Services should be able to switch | **did not run** | |" in page.read_text()


def test_a_result_told_twice_is_red(page: Path) -> None:
    """A dry run in which every test "passes" does not hide among the results."""
    assert not report.write(WANTED, [*RAN, RAN[0]], **ABOUT)
    assert page.exists()


def test_a_broken_suite_is_red(page: Path) -> None:
    """What fails beside the tests, the set-up of the suite for one, fails the run."""
    results = [*RAN, Result("SynchronizedBeforeSuite", "failed", 0, "no nodes")]
    assert not report.write(WANTED, results, **ABOUT)
    assert report.verdict(WANTED, results) == "2 of 2 passed; SynchronizedBeforeSuite failed"
    assert page.exists()


def test_the_suite_has_the_version_of_the_components() -> None:
    """The tests are those of the Kubernetes that runs."""
    assert suite.SUITE.version == suite.KUBERNETES.version
