"""Each invariant holds for the example and for every committed trace, and is broken once."""

from __future__ import annotations

import copy
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from kubehop.errors import TraceError
from kubehop.trace import check, codec, invariant, sighting
from kubehop.trace.hpa.verify import verify
from kubehop.trace.request import resolve

Data = dict[str, Any]
TRACES = sorted(
    path
    for path in (Path(__file__).parents[3] / "traces").glob("*.json")
    if path.name not in ("provenance.json", "checks.json", "lab-results.json")
)


def test_committed_traces_obey_every_invariant() -> None:
    """Each trace in traces/ obeys the schema and every invariant, and is named after its id."""
    for path in TRACES:
        trace = codec.read(path)
        for holds in invariant.COMMITTED:
            holds(trace)
        assert trace["meta"]["id"] == path.stem
        assert codec.encode(trace) == path.read_bytes(), f"{path} was not written by kubehop.trace.codec"


REQUESTS = [path for path in TRACES if codec.read(path).get("req", {}).get("rows")]


@pytest.mark.parametrize("path", REQUESTS, ids=lambda path: path.stem)
def test_rows_of_a_committed_trace_equal_the_lines_of_its_logs(path: Path) -> None:
    """Each source counts its lines, no row is missing or too many, and a kept line says what its row says."""
    trace = codec.read(path)
    rows, counted = resolve(trace), trace["meta"]["lines"]
    bits = {"client": invariant.CLIENT, "traefik": invariant.INGRESS}
    bits["pod"] = invariant.POD_BY_ID | invariant.POD_BY_TIME
    assert {source: sum(1 for row in rows if row.seen & bits[source]) for source in counted} == counted
    assert not [row for row in rows if not any(row.seen & bits[source] for source in counted)]
    told = [(row, source, line) for row in rows for source, line in row.lines.items()]
    assert told
    for row, source, line in told:
        seen = sighting.traefik(line) if source == "traefik" else sighting.pod(line, when=0.0, name="")
        assert seen is not None, line
        assert (seen.path, seen.status) == (row.path, row.status)
    with pytest.raises(TraceError, match="lines of"):
        trace["req"]["rows"].pop()
        invariant.counts_equal_the_logs(trace)


def test_there_are_committed_request_traces() -> None:
    """What the test above runs over is not empty."""
    assert len(REQUESTS) >= 6


def test_committed_decisions_are_those_of_the_model() -> None:
    """Each tick of the HPA controller in a committed trace is reproduced."""
    for path in TRACES:
        trace = codec.read(path)
        proposed = [one for one in trace["events"] if one["e"] == "hpa" and one["recommendation"] is not None]
        assert verify(trace).ticks == len(proposed)


def test_example_obeys_every_invariant(data: Data) -> None:
    """The example is a trace that could be committed."""
    check(data)
    for holds in invariant.COMMITTED:
        holds(data)


def cell(data: Data, column: str, value: int) -> None:
    """Change one cell of the only row."""
    data["req"]["rows"][0][data["req"]["cols"].index(column)] = value


def _unsorted_events(data: Data) -> None:
    data["events"].reverse()


def _late_event(data: Data) -> None:
    data["meta"]["duration_ms"] = 150


def _second_row(data: Data, *, number: int, t: int) -> None:
    row = list(data["req"]["rows"][0])
    row[0], row[1] = t, number
    data["req"]["rows"].append(row)
    for source in data["meta"]["lines"]:
        data["meta"]["lines"][source] += 1


def _early_row(data: Data) -> None:
    _second_row(data, number=2, t=10)


def _same_number(data: Data) -> None:
    _second_row(data, number=1, t=300)


def _short_row(data: Data) -> None:
    data["req"]["rows"][0].pop()


def _unknown_entity(data: Data) -> None:
    data["events"][0]["id"] = "pod:nobody"


def _unknown_parent(data: Data) -> None:
    data["entities"][3]["parent"] = "svc:nobody"


def _twin_entity(data: Data) -> None:
    data["entities"].append(dict(data["entities"][0]))


def _index_too_high(data: Data) -> None:
    cell(data, "to", len(data["entities"]))


def _text_too_high(data: Data) -> None:
    cell(data, "path", 1)


def _dead_pod(data: Data) -> None:
    gone = {"t": 200, "e": "pod", "id": "pod:web-1", "op": "del"}
    data["events"].append(gone)


def _unborn_pod(data: Data) -> None:
    born = data["events"].pop(0)
    data["events"].append(born | {"t": 900})


def _lost_line(data: Data) -> None:
    data["meta"]["lines"]["traefik"] = 2


def _invented_row(data: Data) -> None:
    data["meta"]["lines"]["pod"] = 0


def _hidden_gap(data: Data) -> None:
    data["meta"]["loss"]["gaps"] = 0


def _gap_without_beginning(data: Data) -> None:
    data["events"][3]["from"] = 99


def _token(data: Data) -> None:
    data["events"].append({"t": 300, "e": "cmd", "text": "curl -H 'Authorization: Bearer abcdefgh12345'"})


def _cookie_in_a_line(data: Data) -> None:
    data["req"]["lines"]["1"]["traefik"] = '{"request_Cookie":"session=5f2a"}'


def _foreign_host(data: Data) -> None:
    data["req"]["dict"]["host"][0] = "intranet.example.com"


def _foreign_host_in_a_line(data: Data) -> None:
    data["req"]["lines"]["1"]["traefik"] = '{"RequestHost":"intranet.example.com"}'


def _live(data: Data) -> None:
    data["meta"]["origin"] = "live"


def _too_big(data: Data) -> None:
    source = random.Random(1)
    text = "".join(source.choice("abcdefghijklmnopqrstuvwxyz0123456789") for _ in range(60_000))
    data["events"].append({"t": 300, "e": "note", "text": text})


BROKEN: list[tuple[Callable[[Data], None], str]] = [
    (_unsorted_events, "stands after"),
    (_late_event, "is after the end"),
    (_early_row, "stands after"),
    (_same_number, "stands more than once"),
    (_short_row, "16 cells for 17 columns"),
    (_unknown_entity, "names 'pod:nobody', which is no entity"),
    (_unknown_parent, "names 'svc:nobody'"),
    (_twin_entity, "entity 'client' stands twice"),
    (_index_too_high, "to is 7, of 7 entries"),
    (_text_too_high, "path is 1, of 1 entries"),
    (_dead_pod, "goes to 'pod:web-1', which does not exist then"),
    (_unborn_pod, "goes to 'pod:web-1', which does not exist then"),
    (_lost_line, "2 lines of traefik were read, 1 rows name it"),
    (_invented_row, "0 lines of pod were read, 1 rows name it"),
    (_hidden_gap, "1 gaps are drawn, meta.loss.gaps says 0"),
    (_gap_without_beginning, "has no beginning"),
    (_token, "looks like a credential"),
    (_cookie_in_a_line, "looks like a credential"),
    (_foreign_host, "host 'intranet.example.com' is not one of"),
    (_foreign_host_in_a_line, "host 'intranet.example.com' is not one of"),
    (_live, "its origin is 'live'"),
    (_too_big, "bytes compressed, more than 25000"),
]


@pytest.mark.parametrize(("spoil", "message"), BROKEN, ids=[spoil.__name__.strip("_") for spoil, _ in BROKEN])
def test_broken_invariant_is_named(data: Data, spoil: Callable[[Data], None], message: str) -> None:
    """A trace broken in one way fails with a message about that way."""
    broken = copy.deepcopy(data)
    spoil(broken)
    with pytest.raises(TraceError) as caught:
        for holds in invariant.COMMITTED:
            holds(broken)
    assert message in str(caught.value)
    assert "one-request" in str(caught.value)


def test_names_of_services_are_hosts_of_the_scenario(data: Data) -> None:
    """A Service may be asked for by any of its names, a Pod by its own below it, a node by its address."""
    names = ("web", "web.shop-kh7f3a", "web.shop-kh7f3a.svc.cluster.local:80", "web-0.web")
    for host in (*names, "web-0.web.shop-kh7f3a", "172.30.0.11:30080"):
        data["req"]["dict"]["host"][0] = host
        invariant.hosts_belong_to_the_scenario(data)
    data["req"]["dict"]["host"][0] = "www.web.com"
    with pytest.raises(TraceError, match=r"www\.web\.com"):
        invariant.hosts_belong_to_the_scenario(data)


def test_lesson_allows_a_dead_endpoint(data: Data) -> None:
    """A trace whose lesson is a dead endpoint may address a Pod that is gone."""
    _dead_pod(data)
    data["meta"]["lessons"] = ["dead-endpoint"]
    invariant.addressed_pods_are_alive(data)


def test_dropped_requests_are_allowed_when_declared(data: Data) -> None:
    """A line without a row is allowed as far as meta.loss declares it."""
    _lost_line(data)
    data["meta"]["loss"]["req_dropped"] = 1
    invariant.counts_equal_the_logs(data)
