"""A log is followed over restarts, rotations and broken connections: each line once, each loss a gap."""

from __future__ import annotations

import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from trace_server import FakeApi, stamp

from kubehop import wait
from kubehop.client.api import Api
from kubehop.trace.gap import Gap
from kubehop.trace.log import FileLog, PodLog, moment


class Read:
    """What a log follower told."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.gaps: list[str] = []
        self.alive = True

    def line(self, _when: float, text: str) -> None:
        """Take a line."""
        self.lines.append(text)

    def gap(self, _kind: str, **fields: Any) -> int:
        """Take a gap."""
        self.gaps.append(fields["op"])
        return len(self.gaps)

    def expect(self, *lines: str) -> None:
        """Wait until exactly these lines were told."""
        wait.until(lambda: self.lines == list(lines), what=f"{lines}, not {self.lines}", timeout_seconds=5)


@pytest.fixture
def read() -> Read:
    """What the follower of this test told."""
    return Read()


@pytest.fixture
def followed(server: FakeApi, tmp_path: Path, read: Read) -> Iterator[PodLog]:
    """The log of Pod web-1, which has an old line and is followed from now on."""
    server.log("web-1", "old", seconds=time.time() - 3)
    api = Api(server.kubeconfig(tmp_path))
    log = PodLog(
        "web-1",
        partial(api.core.read_namespaced_pod_log, "web-1", "shop"),
        line=read.line,
        gap=Gap("log:web-1", read.gap),
        alive=lambda: read.alive,
        since=time.time(),
    )
    log.start()
    yield log
    log.stop()


def test_only_new_lines_are_told(server: FakeApi, followed: PodLog, read: Read) -> None:
    """Lines from before the recording are left out, those after come in order."""
    server.log("web-1", "one")
    server.log("web-1", "two")
    read.expect("one", "two")
    assert read.gaps == []


def test_lines_are_told_once_over_a_broken_connection(server: FakeApi, followed: PodLog, read: Read) -> None:
    """The server repeats the last seconds after a break; nothing is told twice, nothing is lost."""
    server.log("web-1", "one")
    read.expect("one")
    server.refused = 500
    server.cut()
    wait.until(lambda: read.gaps, what="a gap", timeout_seconds=5)
    server.log("web-1", "two")
    server.refused = 0
    read.expect("one", "two")
    assert read.gaps == ["add", "del"]


def test_rotated_log_is_a_gap(server: FakeApi, followed: PodLog, read: Read) -> None:
    """A log that ends while its Pod lives is followed again, with a gap."""
    server.log("web-1", "one")
    read.expect("one")
    server.end("log:web-1")
    wait.until(lambda: read.gaps == ["add", "del"], what="a whole gap", timeout_seconds=5)
    server.log("web-1", "two")
    read.expect("one", "two")


def test_log_of_a_container_that_stays_down_is_few_gaps(
    server: FakeApi, followed: PodLog, read: Read
) -> None:
    """A container that is down has a log that ends at once: it is asked for less and less."""
    server.log("web-1", "one")
    read.expect("one")
    server.short = True
    server.end("log:web-1")
    wait.until(lambda: server.follows >= 2, what="another attempt", timeout_seconds=5)
    wait.pause(0.2)
    attempts = server.follows
    assert attempts <= 5, "the next comes 0.04, 0.08, 0.16 s later"
    assert read.gaps.count("add") <= 2
    server.short = False
    wait.until(lambda: server.follows > attempts, what="one more attempt", timeout_seconds=5)
    server.log("web-1", "two")
    read.expect("one", "two")
    assert read.gaps.count("add") == read.gaps.count("del")


def test_log_of_a_pod_that_goes_ends_without_a_gap(server: FakeApi, followed: PodLog, read: Read) -> None:
    """The end of a log is no surprise when its Pod is deleted."""
    server.log("web-1", "one")
    read.expect("one")
    read.alive = False
    server.end("log:web-1")
    wait.until(lambda: not followed._thread.is_alive(), what="the end", timeout_seconds=5)
    assert read.gaps == []


def test_lines_out_of_order_are_kept(server: FakeApi, followed: PodLog, read: Read) -> None:
    """Two streams of one container may be stamped out of order; both lines count."""
    now = time.time() + 0.5
    server.log("web-1", "later", seconds=now + 0.2)
    server.log("web-1", "sooner", seconds=now)
    read.expect("later", "sooner")


def test_a_line_in_two_parts_is_one(server: FakeApi, followed: PodLog, read: Read) -> None:
    """A line may arrive in pieces."""
    server.log("web-1", "first")
    read.expect("first")
    server.send("log:web-1", f"{stamp()} one ".encode())
    wait.pause(0.05)
    server.send("log:web-1", b"and the same\n")
    read.expect("first", "one and the same")


def test_a_times_nanoseconds() -> None:
    """Go prints up to nine decimals, and none when they are zero."""
    assert moment("2026-11-24T10:20:30.123456789Z") == pytest.approx(1795515630.123456, abs=1e-6)
    assert moment("2026-11-24T11:20:30+01:00") == 1795515630


@pytest.fixture
def file_log(tmp_path: Path, read: Read) -> Iterator[Path]:
    """A followed file that has an old line."""
    path = tmp_path / "component.log"
    path.write_text("old\n")
    log = FileLog(path, line=read.line, gap=Gap("component", read.gap))
    log.start()
    yield path
    log.stop()


def append(path: Path, text: str) -> None:
    """Let a component log something."""
    with path.open("a") as file:
        file.write(text)


def test_file_is_followed_from_its_end(file_log: Path, read: Read) -> None:
    """New lines are told when they are whole."""
    append(file_log, "one\ntw")
    read.expect("one")
    append(file_log, "o\n")
    read.expect("one", "two")
    assert read.gaps == []


def test_rotated_file_is_a_gap(file_log: Path, read: Read) -> None:
    """A file that was moved away is followed under its name again."""
    append(file_log, "one\n")
    read.expect("one")
    file_log.rename(file_log.with_suffix(".1"))
    file_log.write_text("two\n")
    read.expect("one", "two")
    assert read.gaps == ["add", "del"]


def test_truncated_file_is_a_gap(file_log: Path, read: Read) -> None:
    """A file that became shorter is read from its beginning."""
    append(file_log, "a longer line\n")
    read.expect("a longer line")
    file_log.write_text("two\n")
    read.expect("a longer line", "two")
    assert read.gaps == ["add", "del"]
