"""Waiting until what was applied is what answers.

`kubectl rollout status` and even "the EndpointSlices list the ready Pods" come before the truth: each node's
kube-proxy writes its rules a moment later, and until then some requests fail. Here, the rules count too.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from kubernetes.client.exceptions import ApiException
from urllib3.exceptions import HTTPError

from kubehop import wait
from kubehop.client.api import Api
from kubehop.client.request import moment
from kubehop.client.slices import SERVICE, slices_match, wake_forgotten

MARKER = "kubehop-settle"
_Object = Mapping[str, Any]
_HEALTH_PORT = 10256
_CONFLICT, _NOT_FOUND = 409, 404
# A sync that ended this long after the marker was written had begun after it, whatever informer woke it.
_MARGIN_SECONDS = 0.4
_TOUCH_SECONDS = 0.15
# Where kube-proxy cannot be asked: it syncs at least once a second (minSyncPeriod, default 1s), after which
# it writes its rules.
_BLIND_SECONDS = 2.0


@dataclass(frozen=True)
class Settled:
    """How it became certain.

    Attributes:
        seconds: How long it took.
        proxies: The nodes whose kube-proxy said that its rules are newer than the marker.
        note: Empty, or why kube-proxy could not be asked, in which case time was given to it instead.
    """

    seconds: float
    proxies: tuple[str, ...] = ()
    note: str = ""


def settle(api: Api, namespace: str, *, rollouts: bool = True, timeout_seconds: float = 90.0) -> Settled:
    """Wait until nothing in `namespace` is under way: rollouts, dying Pods, slices, kube-proxy's rules.

    Args:
        api: The cluster.
        namespace: Where to look. Its EndpointSlice `kubehop-settle` comes and goes meanwhile; ignore it.
        rollouts: Wait for Deployments to be complete; False where unready Pods are the lesson.
        timeout_seconds: Seconds for all of it.

    Raises:
        WaitTimeoutError: Something still moves; the error names it.
    """
    begin = time.monotonic()
    wait.until(
        lambda: _Quiet(next(_moving(api, namespace, rollouts), "")),
        what=f"namespace {namespace} to settle",
        timeout_seconds=timeout_seconds,
        interval_seconds=0.1,
        next_command="Run `kubectl get pods,deployments,endpointslices`.",
    )
    proxies, note = _proxies(api, namespace, timeout_seconds)
    return Settled(time.monotonic() - begin, proxies, note)


class _Quiet:
    """True when there is no reason to wait; otherwise shown as that reason."""

    def __init__(self, reason: str) -> None:
        self.reason = reason

    def __bool__(self) -> bool:
        return not self.reason

    def __repr__(self) -> str:
        return self.reason


def _moving(api: Api, namespace: str, rollouts: bool) -> Iterator[str]:
    """Yield what still moves, in words.

    The order of reading matters: a Deployment that is complete says what was true of its Pods before, so
    they are read after it, and the slices last, which have to say what the Pods do.
    """
    core, place = f"/api/v1/namespaces/{namespace}", f"namespaces/{namespace}"
    deployments = api.items(f"/apis/apps/v1/{place}/deployments") if rollouts else []
    yield from (f"Deployment {_name(one)} is not complete" for one in deployments if not _complete(one))
    pods = api.items(f"{core}/pods")
    yield from (f"Pod {_name(pod)} is terminating" for pod in pods if "deletionTimestamp" in pod["metadata"])
    services = api.items(f"{core}/services")
    slices = api.items(f"/apis/discovery.k8s.io/v1/{place}/endpointslices")
    wake_forgotten(api, services, slices)
    for service in services:
        if not slices_match(service, pods, slices):
            yield f"the EndpointSlices of Service {_name(service)} do not list its Pods yet"


def _complete(deployment: _Object) -> bool:
    status, wanted = deployment.get("status", {}), deployment["spec"].get("replicas", 1)
    counts = [status.get(key, 0) for key in ("replicas", "updatedReplicas", "availableReplicas")]
    seen = status.get("observedGeneration", 0) >= deployment["metadata"]["generation"]
    return seen and all(count == wanted for count in counts)


def _name(item: _Object) -> str:
    name: str = item["metadata"]["name"]
    return name


def _proxies(api: Api, namespace: str, timeout_seconds: float) -> tuple[tuple[str, ...], str]:
    """Wait until each node's kube-proxy has written rules after this moment."""
    try:
        nodes = [_name(node) for node in api.items("/api/v1/nodes")]
        begin = {node: _health(api, node)["currentTime"] for node in nodes}
    except (ApiException, HTTPError, ValueError, KeyError) as error:
        wait.pause(_BLIND_SECONDS)
        reason = f"{error.status} {error.reason}" if isinstance(error, ApiException) else repr(error)
        return (), f"kube-proxy could not be asked ({reason}), so it was given {_BLIND_SECONDS:g} s"
    marks = {node: moment(text) + _MARGIN_SECONDS for node, text in begin.items()}
    count = 0

    def caught_up() -> _Quiet:
        nonlocal count
        count += 1
        _touch(api, namespace, count)
        late = [node for node in nodes if _updated(_health(api, node)) <= marks[node]]
        return _Quiet(f"kube-proxy of {', '.join(late)} has older rules" if late else "")

    try:
        wait.until(
            caught_up,
            what="kube-proxy to write its rules",
            timeout_seconds=timeout_seconds,
            interval_seconds=_TOUCH_SECONDS,
            next_command="Run `kubehop logs kube-proxy`.",
        )
    finally:
        _remove_marker(api, namespace)
    return tuple(nodes), ""


def _health(api: Api, node: str) -> dict[str, Any]:
    health: dict[str, Any] = api.call("GET", f"/api/v1/nodes/{node}:{_HEALTH_PORT}/proxy/healthz")
    return health


def _updated(health: dict[str, Any]) -> float:
    """Return when kube-proxy last wrote its rules; since 1.33 it says so for each IP family."""
    family: dict[str, Any] = health.get("status", {}).get("IPv4", health)
    return moment(family.get("lastUpdated", ""))


def _touch(api: Api, namespace: str, count: int) -> None:
    """Write the marker slice: it reaches kube-proxy behind every slice that was written before."""
    path = f"/apis/discovery.k8s.io/v1/namespaces/{namespace}/endpointslices"
    body = {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "addressType": "IPv4",
        "metadata": {
            "name": MARKER,
            "labels": {SERVICE: MARKER, "endpointslice.kubernetes.io/managed-by": "kubehop.dev"},
        },
        # TEST-NET-1 (RFC 5737): an address that is nobody's, another one each time.
        "endpoints": [{"addresses": [f"192.0.2.{count % 250 + 1}"]}],
        "ports": [{"name": "", "port": 9, "protocol": "TCP"}],
    }
    try:
        api.call("PUT", f"{path}/{MARKER}", body=body)
    except ApiException as error:
        if error.status != _NOT_FOUND:
            raise
        _create(api, path, body)


def _create(api: Api, path: str, body: dict[str, Any]) -> None:
    try:
        api.call("POST", path, body=body)
    except ApiException as error:
        if error.status != _CONFLICT:  # another process settles the same namespace
            raise


def _remove_marker(api: Api, namespace: str) -> None:
    path = f"/apis/discovery.k8s.io/v1/namespaces/{namespace}/endpointslices/{MARKER}"
    try:
        api.call("DELETE", path)
    except ApiException as error:
        if error.status != _NOT_FOUND:
            raise
