"""A watch tells every change once, and draws a gap for each time it could not look."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from trace_server import FakeApi

from kubehop import wait
from kubehop.client.api import Api
from kubehop.errors import TraceError
from kubehop.trace.gap import Gap
from kubehop.trace.watch import Watch

PODS = "/api/v1/namespaces/shop/pods"


class Watched:
    """A running watch on Pods, and what it told."""

    def __init__(self, server: FakeApi, folder: Path) -> None:
        self.changes: list[tuple[str, str]] = []
        self.gaps: list[dict[str, Any]] = []
        self.lock = threading.Lock()
        api = Api(server.kubeconfig(folder))
        self.watch = Watch(
            "pods",
            partial(api.core.list_namespaced_pod, "shop"),
            change=self._change,
            gap=Gap("pods", self._gap),
        )

    def _change(self, op: str, item: dict[str, Any]) -> None:
        if item["metadata"]["name"] == "poison":
            raise KeyError(item["metadata"]["name"])
        with self.lock:
            self.changes.append((op, item["metadata"]["name"]))

    def _gap(self, _kind: str, **fields: Any) -> int:
        with self.lock:
            self.gaps.append(fields)
        return len(self.gaps)

    def begin(self) -> None:
        """List, then follow."""
        self.watch.list()
        self.watch.start()

    def expect(self, *changes: tuple[str, str]) -> None:
        """Wait until exactly these changes were told."""
        wait.until(
            lambda: self.changes == list(changes), what=f"{changes}, not {self.changes}", timeout_seconds=5
        )


def pod(name: str, **labels: str) -> dict[str, Any]:
    """Return a Pod that is enough for a watch."""
    return {"metadata": {"name": name, "labels": labels}, "spec": {}, "status": {}}


@pytest.fixture
def watched(server: FakeApi, tmp_path: Path) -> Iterator[Watched]:
    """A watch on a namespace with one Pod."""
    server.put(PODS, pod("web-1"))
    watched = Watched(server, tmp_path)
    yield watched
    watched.watch.stream.stop()


def looking(server: FakeApi, count: int) -> None:
    """Wait until the server has answered this many watches."""
    wait.until(lambda: server.watches >= count, what=f"{count} watches", timeout_seconds=5)


def test_changes_are_told_in_order(server: FakeApi, watched: Watched) -> None:
    """What is there is added; what comes, changes and goes is told."""
    watched.begin()
    server.put(PODS, pod("web-2"))
    server.put(PODS, pod("web-2", app="web"))
    server.delete(PODS, "web-1")
    watched.expect(("add", "web-1"), ("add", "web-2"), ("mod", "web-2"), ("del", "web-1"))
    assert watched.gaps == []


def test_dropped_connection_is_a_gap_and_loses_nothing(server: FakeApi, watched: Watched) -> None:
    """After a cut connection the watch goes on where it was."""
    watched.begin()
    looking(server, 1)
    server.refused = 503
    server.cut()
    wait.until(lambda: server.refusals > 2, what="three attempts", timeout_seconds=5)
    assert len(watched.gaps) == 1
    server.put(PODS, pod("web-2"))
    server.refused = 0
    watched.expect(("add", "web-1"), ("add", "web-2"))
    wait.until(lambda: len(watched.gaps) == 2, what="the end of the gap", timeout_seconds=5)
    begin, end = watched.gaps
    assert (begin["op"], end["op"]) == ("add", "del")
    assert begin["source"] == "pods"
    assert end["from"] == 1


@pytest.mark.parametrize("how", ["status", "event"])
def test_gone_reads_everything_again(server: FakeApi, watched: Watched, how: str) -> None:
    """After 410 Gone a vanished Pod is told as deleted, a new one as added, the rest not again."""
    server.put(PODS, pod("web-0"))
    watched.begin()
    looking(server, 1)
    server.refused = 503
    server.cut()
    wait.until(lambda: watched.gaps, what="a gap", timeout_seconds=5)
    server.delete(PODS, "web-1")
    server.put(PODS, pod("web-2"))
    server.gone = how
    server.refused = 0
    watched.expect(("add", "web-1"), ("add", "web-0"), ("del", "web-1"), ("add", "web-2"))
    wait.until(lambda: watched.gaps[-1]["op"] == "del", what="the end of the gap", timeout_seconds=5)


def test_gone_alone_is_a_gap_with_its_reason(server: FakeApi, watched: Watched) -> None:
    """410 Gone without a broken connection is drawn, too."""
    server.gone = "event"
    watched.begin()
    wait.until(lambda: len(watched.gaps) == 2, what="a whole gap", timeout_seconds=5)
    assert "410 Gone" in watched.gaps[0]["text"]
    server.put(PODS, pod("web-2"))
    watched.expect(("add", "web-1"), ("add", "web-2"))


def test_restarted_server_is_a_gap(server: FakeApi, watched: Watched) -> None:
    """While nobody listens the watch tries again, and tells what happened meanwhile."""
    watched.begin()
    looking(server, 1)
    server.close()
    wait.until(lambda: watched.gaps, what="a gap", timeout_seconds=5)
    server.put(PODS, pod("web-2"))
    server.restart()
    watched.expect(("add", "web-1"), ("add", "web-2"))
    assert len([gap for gap in watched.gaps if gap["op"] == "add"]) == 1


def test_ended_watch_is_no_gap(server: FakeApi, watched: Watched) -> None:
    """A watch that the server ends as it does every few minutes goes on silently."""
    watched.begin()
    looking(server, 1)
    server.put(PODS, pod("web-2"))
    watched.expect(("add", "web-1"), ("add", "web-2"))
    server.end(PODS)
    looking(server, 2)
    server.put(PODS, pod("web-3"))
    watched.expect(("add", "web-1"), ("add", "web-2"), ("add", "web-3"))
    assert watched.gaps == []


def test_half_an_object_reads_everything_again(server: FakeApi, watched: Watched) -> None:
    """A line that is no JSON is a gap, not the end."""
    watched.begin()
    looking(server, 1)
    server.send(PODS, b'{"type": "ADD\n')
    server.put(PODS, pod("web-2"))
    watched.expect(("add", "web-1"), ("add", "web-2"))
    wait.until(lambda: len(watched.gaps) == 2, what="a whole gap", timeout_seconds=5)


def test_stop_does_not_wait_for_news(server: FakeApi, watched: Watched) -> None:
    """A watch that hears nothing stops at once, without a gap and without an error."""
    watched.begin()
    looking(server, 1)
    begun = time.monotonic()
    watched.watch.stop()
    assert time.monotonic() - begun < 2
    server.put(PODS, pod("web-2"))
    assert watched.changes == [("add", "web-1")]
    assert watched.gaps == []


def test_error_in_the_observer_is_not_swallowed(server: FakeApi, watched: Watched) -> None:
    """An error of our own ends the watch, and stop() says so."""
    watched.begin()
    server.put(PODS, pod("poison"))
    wait.until(lambda: not watched.watch._thread.is_alive(), what="the end of the watch", timeout_seconds=5)
    with pytest.raises(TraceError, match="Following pods ended by KeyError"):
        watched.watch.stop()
