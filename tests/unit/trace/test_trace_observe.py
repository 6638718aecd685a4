"""A whole observation against a server on loopback: objects, logs, a client's record, gaps, the end."""

from __future__ import annotations

import json
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from trace_server import FakeApi
from trace_shop import ABOUT, CORE, HOST, NAMESPACE, NODES, PODS, pod

from kubehop import wait
from kubehop.client.api import Api
from kubehop.client.response import Response
from kubehop.trace import Batch, check, codec, invariant
from kubehop.trace.access import Access
from kubehop.trace.hpa.tick import Ticks
from kubehop.trace.observe import Observation, observe


def traefik_line(
    host: str = HOST, *, path: str = "/", router: str = "shop-kh7f3a-app-shop-kh7f3a-localhost"
) -> str:
    """Return a line of Traefik's access log about a request that ended now."""
    begun = time.time() - 0.004
    stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(begun)) + f"{begun % 1:.6f}"[1:] + "Z"
    fields = {"StartUTC": stamp, "Duration": 3_000_000, "OriginDuration": 2_000_000, "DownstreamStatus": 200}
    fields |= {"RequestHost": host, "RequestPath": path, "ServiceAddr": "10.244.1.7:8080"}
    return json.dumps(fields | {"RouterName": f"{router}@kubernetes", "downstream_X-Request-Id": "id-1"})


def shop_line(*, request_id: str, client: str, path: str = "/") -> str:
    """Return a line of the storefront's access log."""
    fields = {"time": "x", "method": "GET", "path": path, "status": 200, "duration_us": 500, "pod": "web-1"}
    return json.dumps(fields | {"client": client, "connection": 1, "request_id": request_id})


def test_one_request_is_one_row_of_three_sources(server: FakeApi, api: Api) -> None:
    """Client, Traefik and Pod of one request are one row; other hosts and probes never enter."""
    with observe(api, ABOUT) as trace:
        answer = Response(200, headers={"X-Request-Id": "id-1"}, duration_ms=6, started=time.time() - 0.005)
        server.log("traefik-1", traefik_line("intranet.example.com", router="other"))
        server.log("traefik-1", traefik_line())
        server.log("web-1", shop_line(request_id="id-1", client="10.244.1.3"))
        server.log("web-1", shop_line(request_id="id-2", client="10.244.1.1", path="/healthz"))
        server.log("web-1", "listening on :8080")
        trace.add([answer], "/", asker="ingress", host=HOST)
        trace.command("curl http://shop.localhost/")
        wait.until(
            lambda: trace.rows() and trace.rows()[0].seen == 7, what="three sources", timeout_seconds=5
        )
    data = trace.data
    check(data)
    (row,) = trace.rows()
    route = f"route:{NAMESPACE}/app#0"
    assert (row.source, row.via, row.to, row.host, row.status) == ("client", route, "pod:web-1", HOST, 200)
    assert row.seen == invariant.CLIENT | invariant.INGRESS | invariant.POD_BY_ID
    assert data["meta"]["lines"] == {"client": 1, "traefik": 1, "pod": 1}
    assert data["meta"]["origin"] == "recorded"
    assert "intranet" not in json.dumps(data)
    assert set(row.lines) == {"traefik", "pod"}


def test_a_pod_of_another_namespace_is_no_pod_here(server: FakeApi, api: Api) -> None:
    """An answer that names a Pod from elsewhere goes to no Pod of the picture."""
    with observe(api, ABOUT) as trace:
        here = Response(200, answered_by="web-1", started=time.time())
        elsewhere = Response(200, answered_by="web-9", started=time.time())
        trace.add([here, elsewhere], "http://web-svc/")
    assert [row.to for row in trace.rows()] == ["pod:web-1", None]
    check(trace.data)


def node(name: str, address: str) -> dict[str, Any]:
    """Return a Node."""
    addresses = [{"type": "InternalIP", "address": address}, {"type": "Hostname", "address": f"{name}.lan"}]
    return {"metadata": {"name": name}, "spec": {}, "status": {"addresses": addresses}}


def test_a_node_port_is_asked_at_a_node(server: FakeApi, api: Api) -> None:
    """Also at one without a Pod of the namespace, or that joined later; a node's name does not enter."""
    ports = [{"port": 80, "targetPort": 8080, "nodePort": 30080}]
    spec = {"type": "NodePort", "clusterIP": "10.96.0.8", "ports": ports}
    server.put(f"{CORE}/{NAMESPACE}/services", {"metadata": {"name": "door"}, "spec": spec})
    server.put(NODES, node("node-1", "172.30.0.11"))
    with observe(api, ABOUT) as trace:
        server.put(NODES, node("node-2", "172.30.0.12"))
        known = trace._scene.lookup.nodes
        wait.until(lambda: len(known) == 2, what="the second node", timeout_seconds=5)
        for host in ("172.30.0.11:30080", "172.30.0.12:30080", "10.244.1.7:30080", "node-1.lan:30080"):
            trace.add([Response(None, error="connection refused", started=time.time())], f"http://{host}/")
    assert [row.via for row in trace.rows()] == ["svc:door", "svc:door", None, None]
    assert "node-" not in json.dumps(trace.data["req"])
    check(trace.data)


def test_what_changes_is_seen_and_told_live(server: FakeApi, api: Api) -> None:
    """A Pod that goes is told to a subscriber in the next batch, with the Kubernetes Event about it."""
    batches: list[Batch] = []
    gone = threading.Event()

    def take(batch: Batch) -> None:
        batches.append(batch)
        if any(event["e"] == "pod" and event["op"] == "del" for event in batch["events"]):
            gone.set()

    with observe(api, ABOUT) as trace:
        stop = trace.subscribe(take)
        begun = time.monotonic()
        server.delete(PODS, "web-1")
        assert gone.wait(3)
        assert time.monotonic() - begun < 1
        stop()
    assert batches[0]["meta"]["origin"] == "live"
    first = [event for event in trace.data["events"] if event["t"] == 0]
    assert {event["e"] for event in first} == {"pod", "svc", "route"}


def test_a_restarted_api_server_is_drawn(server: FakeApi, api: Api) -> None:
    """While the API server is away each watch has a gap, and then goes on."""
    with observe(api, ABOUT, requests=False) as trace:
        wait.until(lambda: server.watches >= 7, what="the watches", timeout_seconds=5)
        server.close()
        wait.until(lambda: trace.data["meta"]["loss"]["gaps"] >= 7, what="the gaps", timeout_seconds=5)
        server.put(PODS, pod("web-2", "10.244.2.8", app="web"))
        server.restart()
        wait.until(lambda: "pod:web-2" in str(trace.data["events"]), what="the new Pod", timeout_seconds=5)

        def closed() -> bool:
            gaps = [event["op"] for event in trace.data["events"] if event["e"] == "gap"]
            return gaps.count("add") == gaps.count("del")

        wait.until(closed, what="the end of every gap", timeout_seconds=5)
    check(trace.data)


def test_memory_is_bounded(server: FakeApi, api: Api) -> None:
    """Requests past the limit are counted, not kept."""
    with observe(api, ABOUT, request_limit=5) as trace:
        for number in range(12):
            server.log("web-1", shop_line(request_id=f"id-{number}", client="10.244.1.9"))
        wait.until(lambda: trace.data["meta"].get("lines") == {"pod": 12}, what="12 lines", timeout_seconds=5)
    assert len(trace.rows()) == 5
    assert trace.data["meta"]["loss"]["req_dropped"] == 7
    check(trace.data)


def test_saved_trace_can_be_committed(server: FakeApi, api: Api, tmp_path: Path) -> None:
    """What is saved obeys every invariant, and names no run."""
    with observe(api, ABOUT) as trace:
        server.log("traefik-1", traefik_line())
        wait.until(trace.rows, what="a row", timeout_seconds=5)
    trace.save(tmp_path / "observed.json")
    saved = codec.read(tmp_path / "observed.json")
    for holds in invariant.COMMITTED:
        holds(saved)
    assert "kh7f3a" not in json.dumps(saved)


def test_a_failed_follower_is_not_a_whole_trace(server: FakeApi, api: Api) -> None:
    """An error in a thread reaches the caller at the end, after everything has stopped."""
    observation = Observation(api, ABOUT, requests=False)
    observation.start()
    broken = {"metadata": {"name": "web"}, "spec": {}}
    server.put(f"/apis/autoscaling/v2/namespaces/{NAMESPACE}/horizontalpodautoscalers", broken)
    watch = next(one for one in observation._watched if one.name == "hpas")
    wait.until(lambda: not watch._thread.is_alive(), what="the end of the watch", timeout_seconds=5)
    with pytest.raises(Exception, match="Following hpas ended by KeyError"):
        observation.stop()
    assert not observation.growing
    assert not any(one._thread.is_alive() for one in observation._watched)


def test_connections_of_two_calls_are_two(server: FakeApi, api: Api) -> None:
    """A client counts those of one call; in the trace no two share a number."""
    with observe(api, ABOUT) as trace:
        for _ in range(2):
            answers = [Response(200, answered_by="web-1", connection=number) for number in (1, 2)]
            trace.add(answers, "http://web-svc/", asker="pod")
    assert sorted(row.connection for row in trace.rows()) == [1, 2, 3, 4]


@pytest.mark.parametrize("when", ["start", "settle"])
def test_an_interrupt_at_any_moment_ends_everything(
    api: Api, monkeypatch: pytest.MonkeyPatch, when: str
) -> None:
    """No thread is left, and the trace does not go on growing."""
    made: list[Observation] = []

    def interrupt(self: object) -> None:
        raise KeyboardInterrupt

    started = Observation.__init__

    def note(self: Observation, *words: Any, **options: Any) -> None:
        made.append(self)
        started(self, *words, **options)

    monkeypatch.setattr(Observation, "__init__", note)
    monkeypatch.setattr(Access if when == "settle" else Ticks, when, interrupt)
    with pytest.raises(KeyboardInterrupt), observe(api, ABOUT):
        pass
    assert not made[0].growing
    assert not [thread.name for thread in threading.enumerate() if thread.name.startswith("trace-")]
