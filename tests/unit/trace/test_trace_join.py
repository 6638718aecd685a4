"""Three sightings of one request become one row, in whatever order they arrive."""

from __future__ import annotations

import itertools
import random
from dataclasses import replace

import pytest

from kubehop.trace import invariant
from kubehop.trace.join import Joiner, Names
from kubehop.trace.request import Row
from kubehop.trace.sighting import Sighting

T = 1_700_000_000.0
PODS = {"10.244.1.7": "pod:web-1", "10.244.2.8": "pod:web-2", "10.244.1.9": "client:pod"}
TRAEFIK = "10.244.1.3"


class Joined:
    """A joiner and the rows it put last."""

    def __init__(self, *, limit: int = 100) -> None:
        self.rows: dict[int, Row] = {}
        self.lines: dict[int, dict[str, str]] = {}
        self.dropped = 0
        names = Names(
            pod_at=lambda address: PODS.get(address, "") if address != "10.244.1.9" else "",
            asker_at=lambda address: PODS.get(address, ""),
            route=lambda seen: "route:shop/app#0" if seen.router else "",
            service=lambda host: "svc:web-svc" if host.startswith("web-svc") else "",
            shown_host=lambda host: host if "evil" not in host else "",
            controller_at=lambda address: address == TRAEFIK,
        )
        self.joiner = Joiner(
            names, at=lambda when: round((when - T) * 1000), put=self._put, limit=limit, dropped=self._drop
        )

    def _put(self, number: int, row: Row, lines: dict[str, str]) -> None:
        self.rows[number] = row
        self.lines[number] = lines

    def _drop(self) -> None:
        self.dropped += 1

    def add(self, *seen: Sighting) -> list[Row]:
        """Add sightings, and return the rows in the order of their time."""
        for one in seen:
            self.joiner.add(one)
        return sorted(self.rows.values(), key=lambda row: row.t)


def through_ingress(n: int, *, ids: bool) -> list[Sighting]:
    """Return the three sightings of the n-th request: client, Traefik, Pod; one every 10 ms."""
    begun = T + 1 + n / 100
    one_id = f"id-{n}" if ids else ""
    address = ("10.244.1.7", "10.244.2.8")[n % 2]
    outer = Sighting("client", begun, begun + 0.006, 200, path="/", host="shop.localhost", asker="client")
    entry = Sighting("traefik", begun + 0.001, begun + 0.005, 200, path="/", host="shop.localhost")
    inner = Sighting("pod", begun + 0.0021, begun + 0.0024, 200, path="/", host="shop.localhost")
    return [
        replace(outer, request_id=one_id),
        replace(entry, request_id=one_id, router="x", address=f"{address}:8080", origin_us=3000),
        replace(inner, request_id=one_id, peer=f"{TRAEFIK}:5000{n % 2}", pod=PODS[address], line="GET /"),
    ]


@pytest.mark.parametrize("ids", [True, False])
@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
def test_any_order_gives_the_same_row(order: tuple[int, ...], ids: bool) -> None:
    """With and without a request id, the three sightings of one request are one row."""
    seen = through_ingress(0, ids=ids)
    (row,) = Joined().add(*(seen[index] for index in order))
    assert (row.source, row.via, row.to) == ("client", "route:shop/app#0", "pod:web-1")
    assert (row.us, row.entry_us, row.origin_us, row.pod_us) == (6000, 4000, 3000, 300)
    pod = invariant.POD_BY_ID if ids else invariant.POD_BY_TIME
    assert row.seen == invariant.CLIENT | invariant.INGRESS | pod


@pytest.mark.parametrize("delay", [0.04, 0.4])
@pytest.mark.parametrize("logs_first", [True, False])
def test_lines_stamped_late_are_joined_in_their_order(delay: float, logs_first: bool) -> None:
    """On a busy machine the runtime stamps lines late, past the next requests: each log keeps its order."""
    clients, entries, pods = zip(*(through_ingress(n, ids=False) for n in range(20)), strict=True)
    late = [replace(one, begun=one.begun + delay, ended=one.ended + delay) for one in pods]
    marked = [replace(one, line=f"line {n}") for n, one in enumerate(late)]
    joined = Joined()
    rows = joined.add(*entries, *marked, *clients) if logs_first else joined.add(*clients, *entries, *marked)
    assert len(rows) == 20
    assert {row.seen for row in rows} == {invariant.CLIENT | invariant.INGRESS | invariant.POD_BY_TIME}
    assert joined.joiner.unjoined == []
    by_time = sorted(joined.rows, key=lambda number: joined.rows[number].t)
    assert [joined.lines[number]["pod"] for number in by_time] == [f"line {n}" for n in range(20)]


@pytest.mark.parametrize("ids", [True, False])
@pytest.mark.parametrize("seed", range(5))
def test_shuffled_logs_give_as_many_rows_as_requests(seed: int, ids: bool) -> None:
    """Of 40 requests to two Pods each row has its own three sightings, though the logs arrive shuffled."""
    source = random.Random(seed)
    logs = [list(one) for one in zip(*(through_ingress(n, ids=ids) for n in range(40)), strict=True)]
    mixed = []
    while any(logs):  # each log keeps its own order; between them anything goes
        log = source.choice([log for log in logs if log])
        mixed.append(log.pop(0))
    joined = Joined()
    rows = joined.add(*mixed)
    assert len(rows) == 40
    assert [row.to for row in rows] == ["pod:web-1", "pod:web-2"] * 20
    whole = invariant.CLIENT | invariant.INGRESS
    assert all(row.seen & whole == whole and row.pod_us == 300 for row in rows)
    assert joined.joiner.unjoined == []
    assert not joined.joiner.waiting()


def from_pod(n: int, *, port: int, answered: bool = True) -> list[Sighting]:
    """Return the two sightings of a request from the client Pod to a ClusterIP."""
    begun = T + 1 + n / 100
    peer = f"10.244.1.9:{port}"
    outer = Sighting(
        "client", begun, begun + 0.004, 200 if answered else 0, host="web-svc", asker="client:pod"
    )
    inner = Sighting("pod", begun + 0.002, begun + 0.003, 200, host="web-svc", peer=peer, pod="pod:web-2")
    return [replace(outer, peer=peer, connection=1), inner]


@pytest.mark.parametrize("order", ["logs first", "client first"])
def test_a_connection_joins_what_has_no_id(order: str) -> None:
    """http-echo logs no id: the client's address and port do, in the order of the connection."""
    kept = [from_pod(n, port=40_000) for n in range(3)]
    fresh = [from_pod(n, port=41_000 + n) for n in range(3, 6)]
    clients, logs = zip(*kept, *fresh, strict=True)
    rows = Joined().add(*(logs + clients if order == "logs first" else clients + logs))
    assert len(rows) == 6
    assert {(row.source, row.via, row.to) for row in rows} == {("client:pod", "svc:web-svc", "pod:web-2")}
    assert {row.seen for row in rows} == {invariant.CLIENT | invariant.POD_BY_ID}


def test_a_slow_client_process_is_still_joined() -> None:
    """The client's clock may be read long before its process runs; address and port join all the same."""
    outer, inner = from_pod(0, port=40_000)
    late = replace(outer, begun=outer.begun - 0.4, ended=outer.ended - 0.4)
    (row,) = Joined().add(inner, late)
    assert row.seen == invariant.CLIENT | invariant.POD_BY_ID
    again = replace(outer, begun=outer.begun + 60, ended=outer.ended + 60)
    assert len(Joined().add(inner, again)) == 2, "a minute later the port belongs to another connection"


def test_a_refused_connection_is_a_row_of_its_own() -> None:
    """A request that no Pod saw goes nowhere, and says why."""
    outer, _ = from_pod(0, port=40_000, answered=False)
    (row,) = Joined().add(replace(outer, error="connection refused"))
    assert (row.to, row.status, row.error, row.seen) == ("", 0, "connection refused", invariant.CLIENT)


def test_404_502_and_503_end_where_they_ended() -> None:
    """404 ends at the controller, 503 at the route, 502 at the Pod that was dialed."""
    entry = Sighting("traefik", T + 1, T + 1.001, 404, path="/no", host="shop.localhost")
    unavailable = replace(entry, begun=T + 2, ended=T + 2.001, status=503, router="x")
    refused = replace(unavailable, begun=T + 3, ended=T + 3.001, status=502, address="10.244.1.7:9999")
    rows = Joined().add(entry, unavailable, refused)
    assert [(row.via, row.to) for row in rows] == [
        ("traefik", ""),
        ("route:shop/app#0", ""),
        ("route:shop/app#0", "pod:web-1"),
    ]


def test_pod_lines_of_the_controller_wait_for_its_line() -> None:
    """A Pod's line that came through the controller is not a request of its own."""
    joined = Joined()
    _, entry, inner = through_ingress(0, ids=False)
    assert joined.add(inner) == []
    assert joined.joiner.waiting()
    assert len(joined.add(entry)) == 1
    assert joined.joiner.unjoined == []


def test_client_and_pod_of_the_controller_wait_for_its_line() -> None:
    """A client and a Pod that did not see each other are only joined by the line between them."""
    outer, entry, inner = through_ingress(0, ids=False)
    joined = Joined()
    (row,) = joined.add(outer, inner)
    assert row.seen == invariant.CLIENT
    assert joined.joiner.unjoined == [inner]
    (row,) = joined.add(entry)
    assert row.seen == invariant.CLIENT | invariant.INGRESS | invariant.POD_BY_TIME


def test_a_load_balancers_address_is_joined_by_time_and_host() -> None:
    """A Pod that asks there comes from its node's address; a line without that host is another request's."""
    outer, inner = from_pod(0, port=40_000)
    outer, inner = replace(outer, host="172.30.1.16"), replace(inner, peer="10.244.1.1:51770")
    for host, count in (("172.30.1.16", 1), ("web-svc", 2), ("", 2)):
        assert len(Joined().add(outer, replace(inner, host=host))) == count


def test_a_translated_address_is_joined_by_time() -> None:
    """From outside, the node's address stands in the Pod's log: only the time is left to join by."""
    outer, inner = from_pod(0, port=40_000)
    outside = replace(outer, peer="", asker="client:outside", host="172.30.0.11:30080")
    (row,) = Joined().add(replace(inner, peer="172.30.0.11:2143", host="172.30.0.11:30080"), outside)
    assert row.seen == invariant.CLIENT | invariant.POD_BY_TIME
    assert (row.source, row.to) == ("client:outside", "pod:web-2")
    rows = Joined().add(inner, outside)
    assert len(rows) == 2, "a known Pod asked, so it was not the one outside"


def test_requests_of_another_path_status_or_pod_are_not_joined() -> None:
    """Being at the same time is not enough."""
    for change in (
        {"path": "/other"},
        {"status": 500},
        {"pod": "pod:web-2"},
        {"begun": T + 5, "ended": T + 5},
    ):
        joined = Joined()
        _, entry, inner = through_ingress(0, ids=False)
        (row,) = joined.add(entry, replace(inner, **change))
        assert row.seen == invariant.INGRESS
        assert len(joined.joiner.unjoined) == 1


def test_more_requests_than_the_limit_are_counted() -> None:
    """Memory is bounded: what is not kept is dropped and counted."""
    joined = Joined(limit=2)
    rows = joined.add(*(from_pod(n, port=40_000 + n)[1] for n in range(5)))
    assert len(rows) == 2
    assert joined.dropped == 3


def test_a_dropped_request_is_counted_once() -> None:
    """However many logs tell of it."""
    joined = Joined(limit=2)
    rows = joined.add(*itertools.chain.from_iterable(through_ingress(n, ids=True) for n in range(5)))
    assert [row.seen for row in rows] == [invariant.CLIENT | invariant.INGRESS | invariant.POD_BY_ID] * 2
    assert joined.dropped == 3


def test_hosts_from_outside_do_not_enter() -> None:
    """A host that the scenario does not know is left out of the row."""
    entry = replace(through_ingress(0, ids=False)[1], host="evil.example.com")
    (row,) = Joined().add(entry)
    assert row.host == ""
