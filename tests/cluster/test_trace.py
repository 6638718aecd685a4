"""Observing the real thing: rows equal log lines, balancing has its law, the model equals the HPA."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from kubehop import wait
from kubehop.client import request, settle
from kubehop.client.api import Api
from kubehop.client.handover import Cluster
from kubehop.client.kubectl import Kubectl
from kubehop.trace import About, check, codec, invariant, statistics
from kubehop.trace.hpa.verify import verify
from kubehop.trace.observe import Observation, controller_of, observe
from kubehop.trace.request import Request

pytestmark = pytest.mark.cluster

WORLD = Path(__file__).with_name("trace_world.yaml").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def world(kubectl: Kubectl, api: Api, space: str) -> str:
    """Two Deployments, their Services and an Ingress, ready for requests; returns the Ingress host."""
    done = kubectl.run(["apply", "-f", "-"], stdin=WORLD.replace("SPACE", space))
    assert done.exit_code == 0, done.text
    settle.settle(api, space)
    return f"{space}.localhost"


def about(name: str, space: str, cluster: Cluster) -> About:
    """Return what a trace of this module says about itself."""
    return About(
        id=name,
        title="A test",
        summary="What a test of the observer saw in a namespace of its own.",
        scenario="tests/cluster/test_trace.py",
        namespace=space,
        cluster=tuple(sorted(cluster.versions.items())),
    )


class Asker:
    """Makes requests and adds each one's record to the trace."""

    def __init__(self, trace: Observation, cluster: Cluster, kubectl: Kubectl, host: str) -> None:
        self._trace = trace
        self._cluster = cluster
        self._kubectl = kubectl
        self._host = host

    def ingress(self, path: str, *, host: str = "", **options: Any) -> list[int | None]:
        """Ask through the Ingress; return the statuses."""
        named = host or self._host
        found = request.through_ingress(self._cluster, path, host=named, **options)
        self._trace.add(found, path, asker="ingress", host=named)
        return found.statuses

    def pod(self, url: str, **options: Any) -> list[int | None]:
        """Ask from the client Pod; return the statuses."""
        found = request.from_pod(self._kubectl, url, **options)
        self._trace.add(found, url, asker="pod")
        return found.statuses

    def outside(self, url: str, **options: Any) -> list[int | None]:
        """Ask from the machine beside the nodes; return the statuses."""
        found = request.from_outside(self._cluster, url, **options)
        self._trace.add(found, url, asker="outside")
        return found.statuses


def nobody_claims_every_host(api: Api) -> None:
    """Wait until no Ingress without a host is left on this cluster: it would answer where 404 is expected."""

    def claimed() -> list[str]:
        found = api.networking.list_ingress_for_all_namespaces().items
        return [
            one.metadata.namespace for one in found if any(not rule.host for rule in one.spec.rules or ())
        ]

    wait.until(lambda: not claimed(), what="the end of other Ingresses without a host", timeout_seconds=120)


def of(rows: list[Request], via: str) -> list[Request]:
    """Return the requests that went by one entity, in their order."""
    return [row for row in rows if (row.via or "").endswith(via)]


def traefik_lines(api: Api, host: str, started: float) -> list[dict[str, Any]]:
    """Return the lines of Traefik's own log about a host, read again and apart from the observer."""
    lines = []
    for pod in api.core.list_namespaced_pod("traefik").items:
        log = api.core.read_namespaced_pod_log(pod.metadata.name, "traefik", timestamps=True)
        for line in log.splitlines():
            stamp, _, text = line.partition(" ")
            fields = json.loads(text) if text.startswith("{") else {}
            if str(fields.get("RequestHost", "")).endswith(host) and request.moment(stamp) >= started:
                lines.append(fields)
    return lines


def test_rows_equal_log_lines(
    api: Api, cluster: Cluster, kubectl: Kubectl, space: str, world: str, tmp_path: Path
) -> None:
    """As many rows as lines in Traefik's and the Pods' own logs, with the same paths, statuses and Pods."""
    settle.settle(api, space)
    nobody_claims_every_host(api)
    with observe(api, about("lines", space, cluster)) as trace:
        ask = Asker(trace, cluster, kubectl, world)
        assert ask.ingress("/", count=10) == [200] * 10
        assert ask.ingress("/shop", count=10) == [200] * 10
        assert ask.ingress("/wrong") + ask.ingress("/empty") == [502, 503]
        assert ask.ingress("/no", host=f"only.{world}") == [404]
        assert ask.pod("http://web-svc/", count=8) == [200] * 8
        assert ask.pod("http://web-svc/", count=5, keep_alive=True) == [200] * 5
        assert ask.pod("http://shop-svc/whoami?page=1", count=6) == [200] * 6
        assert ask.pod("http://empty-svc/") == [None]
        port = api.core.read_namespaced_service("shop-svc", space).spec.ports[0].node_port
        assert ask.outside(f"http://{cluster.nodes[0].address}:{port}/", count=4) == [200] * 4
    check(trace.data)
    rows = trace.rows()
    lines = traefik_lines(api, world, trace.started)
    entered = [row for row in rows if row.seen & invariant.INGRESS]
    assert len(lines) == len(entered) == 23
    assert Counter((line["RequestPath"], line["DownstreamStatus"]) for line in lines) == Counter(
        (row.path, row.status) for row in entered
    )
    counted = Counter[str]()
    for app in ("web", "shop"):
        counted += request.who_answered(api, namespace=space, selector=f"app={app}", since=trace.started)
    reached = Counter((row.to or "").removeprefix("pod:") for row in rows if row.seen & 12)
    assert reached == counted
    assert sum(counted.values()) == 43
    assert [row for row in rows if not row.seen & invariant.CLIENT] == []
    assert len(rows) == 47
    trace.save(tmp_path / "lines.json")
    assert codec.gzip_bytes(codec.read(tmp_path / "lines.json")) < 8_000


def test_each_request_stops_where_it_stopped(
    api: Api, cluster: Cluster, kubectl: Kubectl, space: str, world: str
) -> None:
    """404 stops at Traefik, 503 at its route, 502 at the Pod that refused, no endpoint at the Service."""
    settle.settle(api, space)
    nobody_claims_every_host(api)
    with observe(api, about("ends", space, cluster)) as trace:
        ask = Asker(trace, cluster, kubectl, world)
        ask.ingress("/no", host=f"only.{world}")
        ask.ingress("/empty")
        ask.ingress("/wrong")
        ask.pod("http://empty-svc/")
        ask.ingress("/shop")
    rows = trace.rows()
    ends = [
        (row.status, (row.via or "").rpartition("/")[2], (row.to or "").partition("-")[0]) for row in rows
    ]
    assert ends == [
        (404, "traefik", ""),
        (503, "app-ingress#3", ""),
        (502, "app-ingress#2", "pod:web"),
        (0, "svc:empty-svc", ""),
        (200, "app-ingress#1", "pod:shop"),
    ]
    assert rows[3].error == "connection refused"
    last = rows[4]
    assert last.pod_us is not None and last.origin_us is not None and last.entry_us is not None
    assert last.pod_us <= last.origin_us <= last.entry_us <= last.us
    assert '"RouterName"' in last.lines["traefik"]
    assert last.lines["pod"].startswith("{")


def test_random_round_robin_and_one_connection_differ(
    api: Api, cluster: Cluster, kubectl: Kubectl, space: str, world: str
) -> None:
    """kube-proxy draws, Traefik takes turns, one connection stays: false alarms 3 in 10,000."""
    settle.settle(api, space)
    with observe(api, about("orders", space, cluster)) as trace:
        ask = Asker(trace, cluster, kubectl, world)
        ask.ingress("/shop", count=40)
        ask.pod("http://shop-svc/", count=60)
        ask.pod("http://shop-svc/kept", count=40, keep_alive=True)
    drawn = [row.to or "" for row in of(trace.rows(), "svc:shop-svc") if row.path == "/"]
    taken = [row.to or "" for row in of(trace.rows(), "#1")]
    kept = [row.to or "" for row in of(trace.rows(), "svc:shop-svc") if row.path == "/kept"]
    assert (len(drawn), len(taken), len(kept)) == (60, 40, 40)
    assert statistics.order(drawn, pods=2).verdict == statistics.RANDOM
    assert statistics.order(taken, pods=2).verdict == statistics.ROUND_ROBIN
    assert statistics.order(kept, pods=2).verdict == statistics.ONE_CONNECTION
    assert statistics.split(statistics.tally(drawn)).fits()


def test_a_pod_replaced_under_requests(
    api: Api, cluster: Cluster, kubectl: Kubectl, space: str, world: str
) -> None:
    """A deleted Pod leaves the slice before it is gone, its replacement enters when it is ready."""
    settle.settle(api, space)
    with observe(api, about("replaced", space, cluster)) as trace:
        ask = Asker(trace, cluster, kubectl, world)
        victim = (
            kubectl.run(["get", "pod", "-l", "app=web", "-o", "name"]).text.split()[0].removeprefix("pod/")
        )
        kubectl.run(["delete", "pod", victim, "--wait=false"])
        ask.pod("http://web-svc/", count=20)
        wait.until(
            lambda: (
                (victim, "del")
                in {(event["id"][4:], event["op"]) for event in trace.data["events"] if event["e"] == "pod"}
            ),
            what="the end of the Pod",
            timeout_seconds=30,
        )
        settle.settle(api, space)
    check(trace.data)
    events = trace.data["events"]
    left = next(e["t"] for e in events if e["e"] == "ep" and e["id"] == f"pod:{victim}" and not e["ready"])
    gone = next(e["t"] for e in events if e["e"] == "pod" and e["id"] == f"pod:{victim}" and e["op"] == "del")
    assert left <= gone
    born = {e["id"] for e in events if e["e"] == "pod" and e["op"] == "add" and e["t"] > 0}
    assert len(born) == 1
    entered = next(e["t"] for e in events if e["e"] == "ep" and e["id"] in born and e["ready"])
    ready = next(e["t"] for e in events if e["e"] == "pod" and e["id"] in born and e["s"]["ready"])
    assert abs(entered - ready) < 2_000


def test_the_model_equals_the_controller(
    api: Api, cluster: Cluster, kubectl: Kubectl, space: str, world: str
) -> None:
    """Up, with unready Pods, and down again: every tick of the controller's log is reproduced."""
    controller = controller_of(cluster)
    assert controller is not None, "this cluster's controller-manager writes no log that can be read here"
    kubectl.run(["scale", "deployment/shop", "--replicas=1"])
    settle.settle(api, space)
    with observe(api, about("hpa-up", space, cluster), requests=False, controller=controller) as up:
        done = kubectl.run(["autoscale", "deployment/shop", "--cpu=50%", "--min=1", "--max=5"])
        assert done.exit_code == 0, done.text
        load = ["hey", "-z", "40s", "-q", "10", "-c", "2", "-disable-keepalive", "http://shop-svc/burn?ms=60"]
        up.load(20)
        assert kubectl.run(["exec", "client", "--", *load], timeout_seconds=90).exit_code == 0
        up.load(0)
    with observe(api, about("hpa-down", space, cluster), requests=False, controller=controller) as down:
        wait.until(lambda: _shrank(down.data), what="the HPA to shrink", timeout_seconds=150)
    grew = [tick for tick in up.data["events"] if tick["e"] == "hpa"]
    assert max(tick["desired"] or 0 for tick in grew) > 1
    for trace in (up, down):
        check(trace.data)
        ticks = [event for event in trace.data["events"] if event["e"] == "hpa"]
        proposed = [tick for tick in ticks if tick["recommendation"] is not None]
        checked = verify(trace.data)
        assert checked.ticks == checked.decisions == len(proposed) >= 4
        assert all(tick["log"] for tick in ticks)


def _shrank(trace: dict[str, Any]) -> bool:
    ticks = [event for event in trace["events"] if event["e"] == "hpa"]
    return any(tick["desired"] == 1 < tick["current"] for tick in ticks)
