"""A widget's two forms, and a trace that grows while it is shown."""

from __future__ import annotations

import json
import threading
from itertools import pairwise
from pathlib import Path
from time import monotonic as now
from time import sleep
from typing import Any

import pytest

from kubehop.trace import About, Trace
from kubehop.trace.request import Row
from kubehop.widgets import HpaDecision, LoadBalancing, RequestJourney, TraceWidget
from kubehop.widgets.growth import empty, grow

DATA = Path(__file__).parents[3] / "widgets" / "test" / "data"
TRACES = [path for path in sorted(DATA.glob("*.json")) if '"kubehop-trace/1"' in path.read_text("utf-8")]


@pytest.fixture
def trace() -> dict[str, Any]:
    """Return a trace with events and requests."""
    data: dict[str, Any] = json.loads((DATA / "pod-replaced.json").read_text("utf-8"))
    return data


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """Collect what widgets send instead of sending it."""
    messages: list[dict[str, Any]] = []
    monkeypatch.setattr(TraceWidget, "send", lambda self, message: messages.append(message))
    return messages


@pytest.mark.parametrize("kind", [RequestJourney, LoadBalancing, HpaDecision])
def test_static_twin_names_widget_and_trace(
    kind: type[TraceWidget], trace: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """With KUBEHOP_STATIC=1 a widget is a figure and a stable text; no comm is opened."""
    monkeypatch.setenv("KUBEHOP_STATIC", "1")
    widget = kind(trace)
    bundle, _ = widget._repr_mimebundle_()
    name = kind.__name__
    assert sorted(bundle) == ["text/html", "text/plain"]
    assert bundle["text/plain"] == f"{name}(trace='pod-replaced')"
    assert bundle["text/html"].startswith(
        f'<figure class="kh-widget" data-widget="{name}" data-trace="pod-replaced">'
    )
    assert trace["meta"]["summary"] in bundle["text/html"]
    assert widget.comm is None


def test_twin_escapes_what_the_trace_says(trace: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """A title with markup stays text."""
    monkeypatch.setenv("KUBEHOP_STATIC", "1")
    trace["meta"]["title"] = "<b>a & b</b>"
    assert "&lt;b&gt;a &amp; b&lt;/b&gt;" in RequestJourney(trace).twin()


def test_live_widget_is_a_jupyter_widget(trace: dict[str, Any]) -> None:
    """Without KUBEHOP_STATIC the bundle holds a widget view and the trace travels as a trait."""
    widget = RequestJourney(trace)
    assert widget.get_state()["trace"]["meta"]["id"] == "pod-replaced"
    assert "kubehop widgets" in widget._esm.contents if hasattr(widget._esm, "contents") else widget._esm


@pytest.mark.parametrize("path", TRACES, ids=lambda path: path.stem)
def test_a_trace_grown_by_batches_equals_the_whole(path: Path) -> None:
    """Feeding a trace in pieces of any size gives the trace, whatever the cuts."""
    whole = json.loads(path.read_text("utf-8"))
    for size in (1, 7, 1000):
        grown = empty(whole)
        for batch in batches(whole, size=size):
            grow(grown, batch)
        assert grown["events"] == whole["events"]
        assert grown["entities"] == whole["entities"]
        assert grown.get("req", {}).get("rows", []) == whole.get("req", {}).get("rows", [])


def test_rows_and_entities_that_come_again_are_replaced(trace: dict[str, Any]) -> None:
    """A row known better later does not stand twice."""
    row = list(trace["req"]["rows"][0])
    row[trace["req"]["cols"].index("pus")] = 77
    count = len(trace["req"]["rows"])
    grow(trace, {"entities": [trace["entities"][0] | {"name": "new"}], "req": {"rows": [row]}})
    assert len(trace["req"]["rows"]) == count
    assert trace["req"]["rows"][0] == row
    assert trace["entities"][0]["name"] == "new"


def test_at_most_ten_messages_are_sent_in_any_second(
    trace: dict[str, Any], sent: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first goes at once, what follows within a tenth of a second goes as one, and nothing is lost."""
    times: list[float] = []
    monkeypatch.setattr(TraceWidget, "send", lambda _, message: (sent.append(message), times.append(now())))
    widget = RequestJourney(empty(trace))
    parts = list(batches(trace, size=1))
    for batch in parts:
        widget.push(batch)
        assert sent
        sleep(0.3 / len(parts))
    until(lambda: sum(len(message["batch"].get("events", [])) for message in sent) == len(trace["events"]))
    assert all(later - first >= 0.099 for first, later in pairwise(times))
    assert 3 <= len(sent) < len(parts)
    assert [message["seq"] for message in sent] == list(range(1, len(sent) + 1))
    assert widget.trace["events"] == trace["events"]
    assert widget.trace["seq"] == len(sent)


def test_widget_follows_a_growing_trace(sent: list[dict[str, Any]]) -> None:
    """What happens in a live trace reaches the widget; after close nothing does."""
    trace = Trace(
        About(id="live", title="It grows.", summary="A trace that grows while somebody looks at it.")
    )
    trace.entity("client", "Client")
    widget = RequestJourney(trace)
    trace.put(1, Row(t=5, source="client", via="", to="", path="/", us=900, status=200))
    trace.note("hello")
    until(lambda: any(message["batch"].get("events") for message in sent))
    assert widget.trace["events"][0]["text"] == "hello"
    assert len(widget.trace["req"]["rows"]) == 1
    widget.close()
    told = len(sent)
    trace.note("nobody hears this")
    sleep(0.25)
    assert len(sent) == told


def batches(trace: dict[str, Any], *, size: int) -> list[dict[str, Any]]:
    """Cut a trace into batches of `size` events and rows."""
    req = trace.get("req", {"cols": [], "dict": {}, "rows": []})
    parts: list[dict[str, Any]] = [{"entities": trace["entities"], "req": {**req, "rows": []}}]
    for at in range(0, max(len(trace["events"]), len(req["rows"])), size):
        rows = {"cols": req["cols"], "rows": req["rows"][at : at + size]}
        parts.append({"events": trace["events"][at : at + size], "req": rows})
    return parts


def until(fact: Any) -> None:
    """Wait up to five seconds for a fact."""
    end = now() + 5
    nap = threading.Event()
    while not fact():
        assert now() < end, "it never came true"
        nap.wait(0.02)
