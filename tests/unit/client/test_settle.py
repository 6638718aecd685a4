"""Settling: each thing that still moves is waited for, and named when it never ends."""

from __future__ import annotations

import json
import threading
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from api_server import ApiServer

from kubehop.client import settle, slices
from kubehop.client.api import Api
from kubehop.errors import WaitTimeoutError

CORE = "/api/v1/namespaces/shop"
APPS = "/apis/apps/v1/namespaces/shop"
SLICES = "/apis/discovery.k8s.io/v1/namespaces/shop/endpointslices"


@pytest.fixture
def shop(server: ApiServer, monkeypatch: pytest.MonkeyPatch) -> ApiServer:
    """Return a server with a quiet namespace: a complete Deployment, a Service, two Pods, their slice."""
    monkeypatch.setattr(settle, "_MARGIN_SECONDS", 0.1)
    monkeypatch.setattr(settle, "_TOUCH_SECONDS", 0.02)
    for node in ("node-1", "node-2"):
        server.put(f"/api/v1/nodes/{node}", {})
    server.put(f"{CORE}/pods/web-1", _pod("10.0.0.1"))
    server.put(f"{CORE}/pods/web-2", _pod("10.0.0.2"))
    server.put(f"{APPS}/deployments/web", _deployment())
    server.put(f"{CORE}/services/web-svc", {"spec": {"selector": {"app": "web"}}})
    server.put(f"{CORE}/services/outer", {"spec": {"type": "ExternalName"}})
    server.put(f"{SLICES}/web-svc-x", _slice(("10.0.0.1", True), ("10.0.0.2", True)))
    return server


def test_a_quiet_namespace_settles_once_kube_proxy_has_followed(shop: ApiServer, api: Api) -> None:
    """The rules of every node are newer than the marker, and the marker is gone again."""
    done = settle.settle(api, "shop", timeout_seconds=5)
    assert done.proxies == ("node-1", "node-2")
    assert done.note == ""
    assert f"{SLICES}/{settle.MARKER}" not in shop.objects
    assert ("POST", SLICES, {}) in shop.requests


def test_rules_that_may_have_been_begun_before_are_not_trusted(shop: ApiServer, api: Api) -> None:
    """A sync that ended within the margin after the marker may have begun before it."""
    touches = 0

    def hook(method: str, path: str) -> None:
        nonlocal touches
        touches += method in ("POST", "PUT") and SLICES in path
        for node in ("node-1", "node-2"):  # by the nodes' clocks, each write ends a sync, 40 ms apart
            health = f"/api/v1/nodes/{node}:10256/proxy/healthz"
            written = f"2026-01-01T00:00:00.{40 * touches:03}Z"
            shop.texts[health] = json.dumps({"currentTime": _BEGIN, "lastUpdated": written})

    shop.hooks.append(hook)
    assert settle.settle(api, "shop", timeout_seconds=5).proxies == ("node-1", "node-2")
    puts = [path for method, path, _ in shop.requests if method == "PUT" and settle.MARKER in path]
    assert len(puts) == 2  # making the marker (a PUT, then a POST) reaches 80 ms, the next PUT 120 ms


_BEGIN = "2026-01-01T00:00:00.000Z"


def test_kube_proxy_that_does_not_follow_is_named(shop: ApiServer, api: Api) -> None:
    """Rules that stay old end in an error that names the nodes, and the marker is gone all the same."""
    shop.sync_seconds = None
    with pytest.raises(WaitTimeoutError, match="kube-proxy of node-1, node-2 has older rules"):
        settle.settle(api, "shop", timeout_seconds=0.5)
    assert f"{SLICES}/{settle.MARKER}" not in shop.objects


def test_where_kube_proxy_cannot_be_asked_it_is_said(
    shop: ApiServer, api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A cluster that forbids nodes/proxy gets time instead, and the result says so."""
    monkeypatch.setattr(settle, "_BLIND_SECONDS", 0.1)
    shop.refused.add("/api/v1/nodes/node-1:10256/proxy/healthz")
    done = settle.settle(api, "shop", timeout_seconds=5)
    assert done.proxies == ()
    assert "could not be asked (403" in done.note
    assert done.seconds >= 0.1


def _dying(shop: ApiServer) -> None:
    pod = _pod("10.0.0.9")
    pod["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    shop.put(f"{CORE}/pods/web-0", pod)


def _rolling(shop: ApiServer) -> None:
    shop.put(f"{APPS}/deployments/web", _deployment(updatedReplicas=1))


def _unseen(shop: ApiServer) -> None:
    shop.put(f"{APPS}/deployments/web", _deployment(observedGeneration=1))


def _surge(shop: ApiServer) -> None:
    shop.put(f"{APPS}/deployments/web", _deployment(replicas=3))


def _missing(shop: ApiServer) -> None:
    shop.put(f"{SLICES}/web-svc-x", _slice(("10.0.0.1", True)))


def _unready(shop: ApiServer) -> None:
    shop.put(f"{SLICES}/web-svc-x", _slice(("10.0.0.1", True), ("10.0.0.2", False)))


def _stale(shop: ApiServer) -> None:
    shop.put(f"{SLICES}/web-svc-x", _slice(("10.0.0.1", True), ("10.0.0.2", True), ("10.0.0.3", True)))


def _sliceless(shop: ApiServer) -> None:
    shop.put(f"{CORE}/services/new", {"spec": {"selector": {"app": "nobody"}}})


@pytest.mark.parametrize(
    ("disturb", "message"),
    [
        (_dying, "Pod web-0 is terminating"),
        (_rolling, "Deployment web is not complete"),
        (_unseen, "Deployment web is not complete"),
        (_surge, "Deployment web is not complete"),
        (_missing, "EndpointSlices of Service web-svc"),
        (_unready, "EndpointSlices of Service web-svc"),
        (_stale, "EndpointSlices of Service web-svc"),
        (_sliceless, "EndpointSlices of Service new"),
    ],
)
def test_what_moves_is_waited_for_and_named(shop: ApiServer, api: Api, disturb: Any, message: str) -> None:
    """Each reason not to be settled holds the wait, and is in the error."""
    disturb(shop)
    with pytest.raises(WaitTimeoutError, match=message):
        settle.settle(api, "shop", timeout_seconds=0.15)


def test_a_service_that_the_controller_forgot_is_touched(
    shop: ApiServer, api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a slice for a while, its annotations change and change back, so that somebody looks."""
    monkeypatch.setattr(slices, "_LATE", timedelta(seconds=0.5))
    path = f"{CORE}/services/new"
    created = datetime.now(UTC).isoformat()
    named = {"name": "new", "namespace": "shop", "creationTimestamp": created}
    shop.put(path, {"metadata": named, "spec": {"selector": {"app": "none"}}})
    seen: list[Any] = []

    def controller(method: str, changed: str) -> None:
        seen.append(shop.objects[path]["metadata"].get("annotations"))
        if seen[-1] and (method, changed) == ("PUT", path):
            labels = {"kubernetes.io/service-name": "new"}
            shop.put(f"{SLICES}/new-x", {"metadata": {"labels": labels}, "addressType": "IPv4"})

    shop.hooks.append(controller)
    assert settle.settle(api, "shop", timeout_seconds=5).seconds > 0.3
    assert {"kubehop.dev/look-again": "now"} in seen
    assert not shop.objects[path]["metadata"]["annotations"]


def test_who_may_only_read_is_told_what_is_missing(shop: ApiServer, api: Api) -> None:
    """A Service that must not be touched is waited for like any other."""
    path = f"{CORE}/services/new"
    named = {"name": "new", "namespace": "shop", "creationTimestamp": "2026-01-01T00:00:00Z"}
    shop.put(path, {"metadata": named, "spec": {"selector": {"app": "none"}}})
    shop.refused.add(path)
    with pytest.raises(WaitTimeoutError, match="EndpointSlices of Service new"):
        settle.settle(api, "shop", timeout_seconds=0.15)


def test_settling_ends_when_the_movement_ends(shop: ApiServer, api: Api) -> None:
    """A rollout that completes meanwhile lets the wait end."""
    _rolling(shop)
    timer = threading.Timer(0.3, lambda: shop.put(f"{APPS}/deployments/web", _deployment()))
    timer.start()
    assert settle.settle(api, "shop", timeout_seconds=5).seconds > 0.3


def test_a_pod_that_gets_ready_while_we_look_is_waited_for(shop: ApiServer, api: Api) -> None:
    """Its Deployment is complete before its slice is: what was read of the Pod before that is too old."""
    _rolling(shop)
    _unready(shop)
    shop.put(f"{CORE}/pods/web-2", _pod("10.0.0.2", ready="False"))

    both = _slice(("10.0.0.1", True), ("10.0.0.2", True))
    looks = 0

    def gets_ready(_: str, path: str) -> None:
        nonlocal looks
        if path == f"{APPS}/deployments":
            looks += 1
            shop.put(path + "/web", _deployment())
            shop.put(f"{CORE}/pods/web-2", _pod("10.0.0.2"))
        if looks == 4:  # who has stopped looking by then has settled too early
            shop.put(f"{SLICES}/web-svc-x", both)

    shop.hooks.append(gets_ready)
    settle.settle(api, "shop", timeout_seconds=5)
    assert shop.objects[f"{SLICES}/web-svc-x"] == both


def test_unready_pods_may_be_the_lesson(shop: ApiServer, api: Api) -> None:
    """With `rollouts=False`, an incomplete Deployment does not hold the wait; a wrong slice still does."""
    _rolling(shop)
    assert settle.settle(api, "shop", rollouts=False, timeout_seconds=5).proxies
    _missing(shop)
    with pytest.raises(WaitTimeoutError, match="EndpointSlices"):
        settle.settle(api, "shop", rollouts=False, timeout_seconds=0.15)


def test_pods_that_have_ended_and_unready_ones_are_understood(shop: ApiServer, api: Api) -> None:
    """A completed Pod is in no slice; an unready one is, as unready or as the Service has it."""
    shop.put(f"{CORE}/pods/job", _pod("10.0.0.7", phase="Succeeded"))
    shop.put(f"{CORE}/pods/web-2", _pod("10.0.0.2", ready="False"))
    shop.put(f"{SLICES}/web-svc-x", _slice(("10.0.0.1", True), ("10.0.0.2", False)))
    assert settle.settle(api, "shop", timeout_seconds=5).proxies
    service = {"spec": {"selector": {"app": "web"}, "publishNotReadyAddresses": True}}
    shop.put(f"{CORE}/services/web-svc", service)
    shop.put(f"{SLICES}/web-svc-x", _slice(("10.0.0.1", True), ("10.0.0.2", True)))
    assert settle.settle(api, "shop", timeout_seconds=5).proxies


def _pod(address: str, *, phase: str = "Running", ready: str = "True") -> dict[str, Any]:
    conditions = [{"type": "Ready", "status": ready}]
    status = {"phase": phase, "podIP": address, "conditions": conditions}
    return {"metadata": {"labels": {"app": "web"}}, "status": status}


def _deployment(**changes: int) -> dict[str, Any]:
    status = {"observedGeneration": 2, "replicas": 2, "updatedReplicas": 2, "availableReplicas": 2}
    return {"metadata": {"generation": 2}, "spec": {"replicas": 2}, "status": status | changes}


def _slice(*endpoints: tuple[str, bool]) -> dict[str, Any]:
    listed = [{"addresses": [address], "conditions": {"ready": ready}} for address, ready in endpoints]
    labels = {"kubernetes.io/service-name": "web-svc"}
    return {"metadata": {"labels": labels}, "addressType": "IPv4", "endpoints": listed}
