"""A growing trace: order, limits, names, batches."""

from __future__ import annotations

import queue
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from trace_clock import Clock

from kubehop.errors import TraceError
from kubehop.trace import Batch, Row, Trace, codec
from kubehop.trace.feed import Feed


def test_times_never_run_backwards(trace: Trace, clock: Clock) -> None:
    """A clock that is set back does not unsort the trace."""
    before = trace.now()
    clock.advance(-5000)
    assert trace.event("note", text="later") == before


def test_rows_have_names(trace: Trace) -> None:
    """rows() gives names in place of indexes, and None where nothing is known."""
    trace.put(2, Row(300, status=404, via="traefik", host="shop-kh7f3a.localhost", path="/no"))
    first, second = trace.rows()
    assert (first.source, first.via, first.to) == ("client", "route:shop-kh7f3a/app#0", "pod:web-1")
    assert (first.us, first.entry_us, first.origin_us, first.pod_us) == (4200, 3900, 3100, 900)
    assert "DownstreamStatus" in first.lines["traefik"]
    assert (second.via, second.to, second.origin_us, second.path) == ("traefik", None, None, "/no")


def test_limits_are_declared(clock: Clock, trace: Trace) -> None:
    """What does not fit is counted as lost; a gap always fits."""
    small = Trace(trace.about, event_limit=2, request_limit=1, clock=clock)
    for number in range(4):
        small.note("one more")
        small.put(number, Row(number))
    small.event("gap", source="pods", op="add", text="lost")
    loss = small.data["meta"]["loss"]
    assert loss == {"req_dropped": 3, "events_dropped": 2, "gaps": 1}
    assert [event["e"] for event in small.data["events"]] == ["note", "note", "gap"]


def test_nothing_is_added_after_the_end(trace: Trace, clock: Clock) -> None:
    """The end fixes the duration."""
    trace.end()
    clock.advance(700)
    trace.note("too late")
    assert trace.data["meta"]["duration_ms"] == 1000
    assert "too late" not in str(trace.data)


def test_saved_names_do_not_change_from_run_to_run(trace: Trace, tmp_path: Path) -> None:
    """The suffix of the namespace is taken off everywhere, and the origin becomes recorded."""
    trace.end()
    trace.save(tmp_path / "one-request.json")
    text = (tmp_path / "one-request.json").read_text()
    assert "kh7f3a" not in text
    saved = codec.read(tmp_path / "one-request.json")
    assert saved["meta"]["origin"] == "recorded"
    assert saved["meta"]["hosts"] == ["shop.localhost"]
    assert "route:shop/app#0" in [entity["id"] for entity in saved["entities"]]


def test_a_broken_trace_is_not_saved(trace: Trace, tmp_path: Path) -> None:
    """A trace with a token in it is refused, and no file is left."""
    trace.note("curl -H 'Authorization: Bearer 0123456789abcdef'")
    trace.end()
    with pytest.raises(TraceError, match="credential"):
        trace.save(tmp_path / "one-request.json")
    assert not list(tmp_path.iterdir())


def fold(batches: list[Batch]) -> dict[str, Any]:
    """Put batches together as a widget does."""
    entities: dict[str, Any] = {}
    rows: dict[int, list[int]] = {}
    texts: dict[str, list[str]] = {}
    events: list[Any] = []
    lines: dict[str, Any] = {}
    for batch in batches:
        entities |= {entity["id"]: entity for entity in batch["entities"]}
        rows |= {row[1]: row for row in batch["req"]["rows"]}
        lines |= batch["req"]["lines"]
        events += batch["events"]
        for column, values in batch["req"]["dict"].items():
            texts.setdefault(column, []).extend(values)
    whole = {"entities": list(entities.values()), "events": events, "meta": batches[-1]["meta"]}
    rows_in_order = sorted(rows.values(), key=lambda row: (row[0], row[1]))
    return whole | {"rows": rows_in_order, "dict": texts, "lines": lines}


def test_batches_add_up_to_the_trace(trace: Trace, clock: Clock) -> None:
    """A trace fed batch by batch ends as the whole does, also when a row is completed later."""
    feed = Feed(trace, lambda _batch: None, interval_seconds=1)
    batches = [feed.batch()]
    trace.put(2, Row(1100, path="/cart", host="shop-kh7f3a.localhost"))
    batches.append(feed.batch())
    clock.advance(100)
    trace.entity("pod:web-2", "Pod", label="web-2")
    trace.event("pod", id="pod:web-2", op="add", s={"phase": "Running", "ready": True})
    trace.put(2, Row(1100, path="/cart", host="shop-kh7f3a.localhost", to="pod:web-2", status=200))
    batches += [feed.batch(), feed.batch()]
    whole, data = fold(batches), trace.data
    assert batches[-1]["events"] == []
    assert batches[-1]["req"]["rows"] == []
    assert whole["entities"] == data["entities"]
    assert whole["events"] == data["events"]
    assert whole["rows"] == data["req"]["rows"]
    assert whole["dict"] == data["req"]["dict"]
    assert whole["lines"] == data["req"]["lines"]


def test_events_in_a_burst_are_told_in_few_batches(trace: Trace) -> None:
    """Two hundred quick events arrive at most every 20 ms, all of them, none after the end."""
    batches: list[Batch] = []
    enough = threading.Event()

    def take(batch: Batch) -> None:
        batches.append(batch)
        if sum(len(batch["events"]) for batch in batches) >= 204:
            enough.set()

    begun = time.monotonic()
    stop = trace.subscribe(take)
    for number in range(200):
        trace.note(f"note {number}")
    assert enough.wait(2)
    stop()
    told = len(batches)
    trace.note("after the end")
    assert len(batches) == told <= 3 + (time.monotonic() - begun) / 0.02
    assert [event for batch in batches for event in batch["events"]] == trace.data["events"][:-1]


def test_an_event_is_told_at_once_and_requests_wait_for_each_other(trace: Trace) -> None:
    """Rows are collected for the interval; an event cuts it short and takes them along."""
    batches: queue.Queue[Batch] = queue.Queue()
    stop = trace.subscribe(batches.put, interval_seconds=60)
    batches.get(timeout=5)
    row = Row(t=5, source="client", via="", to="", path="/", us=900, status=200)
    trace.put(2, row)
    trace.put(3, row)
    with pytest.raises(queue.Empty):
        batches.get(timeout=0.1)
    trace.note("a Pod leaves")
    told = batches.get(timeout=5)
    assert [event["text"] for event in told["events"]] == ["a Pod leaves"]
    assert len(told["req"]["rows"]) == 2
    stop()


def test_the_last_batch_says_that_it_is_over(trace: Trace) -> None:
    """The end is told, after which nothing follows and no thread is left."""
    batches: list[Batch] = []
    over = threading.Event()

    def take(batch: Batch) -> None:
        batches.append(batch)
        if batch["meta"]["origin"] == "recorded":
            over.set()

    trace.subscribe(take, interval_seconds=0.01)
    assert batches == [] or batches[0]["meta"]["origin"] == "live"
    trace.end()
    assert over.wait(2)
    left = [thread for thread in threading.enumerate() if thread.name == "feed-one-request"]
    for thread in left:
        thread.join(2)
    assert not any(thread.is_alive() for thread in left)
    assert fold(batches)["events"] == trace.data["events"]


def test_a_command_is_its_first_line_without_credentials(trace: Trace) -> None:
    """What is applied from a heredoc may hold a Secret; only the command itself enters."""
    trace.command("kubectl apply -f -\nkind: Secret\nstringData: {password: hunter2}")
    trace.command("curl -H 'Authorization: Bearer 0123456789abcdef' http://web-svc")
    texts = [event["text"] for event in trace.data["events"] if event["e"] == "cmd"]
    assert texts == ["kubectl apply -f -", "curl -H 'redacted' http://web-svc"]
