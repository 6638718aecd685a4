"""The same trace gives the same bytes, and comes back as it was."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest

from kubehop.errors import TraceError
from kubehop.trace import About, Row, Trace, codec

Data = dict[str, Any]


def shuffled(value: Any) -> Any:
    """Return plain data with the keys of every dict in another order."""
    if isinstance(value, dict):
        return {key: shuffled(value[key]) for key in reversed(list(value))}
    if isinstance(value, list):
        return [shuffled(item) for item in value]
    return value


def test_round_trip(data: Data, tmp_path: Path) -> None:
    """What is written is read back unchanged."""
    codec.write(data, tmp_path / "traces" / "one.json")
    assert codec.read(tmp_path / "traces" / "one.json") == data


def test_bytes_do_not_depend_on_the_order_of_keys(data: Data) -> None:
    """Two traces that are equal have equal bytes, in ASCII, with one event a line."""
    data["meta"]["title"] = "Größe → ok"
    text = codec.encode(data)
    assert text == codec.encode(shuffled(data))
    assert text.isascii()
    assert json.loads(text) == data
    assert len(text.splitlines()) >= len(data["events"]) + len(data["entities"])


def test_no_trace_is_an_error_with_the_next_command(tmp_path: Path) -> None:
    """Reading what is not there, not JSON or not an object says what to do."""
    with pytest.raises(TraceError, match="make record"):
        codec.read(tmp_path / "none.json")
    (tmp_path / "half.json").write_text('{"schema": ')
    with pytest.raises(TraceError, match="not JSON"):
        codec.read(tmp_path / "half.json")
    with pytest.raises(TraceError, match="list"):
        codec.decode("[]")


def test_not_a_number_is_refused(data: Data) -> None:
    """NaN is no JSON."""
    data["meta"]["params"] = {"x": float("nan")}
    with pytest.raises(ValueError, match="not JSON compliant"):
        codec.encode(data)


def test_a_minute_of_twenty_requests_a_second_is_small() -> None:
    """60 s at 20 requests a second over 5 Pods takes less than 25 kB, compressed."""
    source = random.Random(4)
    about = About(id="big", title="A minute", summary="A minute of twenty requests a second over five Pods.")
    trace = Trace(about)
    for pod in range(5):
        trace.entity(f"pod:web-6d5f8-{pod}", "Pod")
    for number in range(1200):
        pod = f"pod:web-6d5f8-{source.randrange(5)}"
        times = [round(source.lognormvariate(8, 0.4)) for _ in range(4)]
        row = Row(
            number * 50 + source.randrange(40), "client", "", pod, "/", "shop.localhost", "GET", *times, 200
        )
        trace.put(number, row)
    assert len(trace.data["req"]["rows"]) == 1200
    assert codec.gzip_bytes(trace.data) < codec.SIZE_LIMIT_BYTES
