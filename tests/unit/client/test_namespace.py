"""Namespaces: ready when usable, deleted Pods first, swept when their owner has ended."""

from __future__ import annotations

import pytest
from api_server import ApiServer

from kubehop.client import namespace, owner
from kubehop.client.api import Api
from kubehop.errors import ClusterError, WaitTimeoutError

PATH = "/api/v1/namespaces/pods-kh"


def _controllers(server: ApiServer, *, after: int) -> None:
    """Let the ServiceAccount and the CA appear when they have been asked for `after` times."""
    asked = 0

    def hook(method: str, path: str) -> None:
        nonlocal asked
        if path.endswith("/serviceaccounts/default"):
            asked += 1
            if asked == after:
                server.put(f"{PATH}/serviceaccounts/default", {})
        if path.endswith("/kube-root-ca.crt") and asked == after + 1:
            server.put(f"{PATH}/configmaps/kube-root-ca.crt", {})

    server.hooks.append(hook)


def test_a_namespace_is_ready_when_pods_can_start_in_it(server: ApiServer, api: Api) -> None:
    """It is returned only after its ServiceAccount and the CA are there, with its labels and its owner."""
    _controllers(server, after=3)
    namespace.create(api, "pods-kh", chapter="pods")
    asked = [path for method, path, _ in server.requests if method == "GET"]
    assert asked.count(f"{PATH}/serviceaccounts/default") == 4
    assert asked.count(f"{PATH}/configmaps/kube-root-ca.crt") == 2
    metadata = server.objects[PATH]["metadata"]
    assert metadata["labels"] == {
        "kubehop.dev/chapter": "pods",
        "pod-security.kubernetes.io/enforce": "baseline",
    }
    assert metadata["annotations"] == {"kubehop.dev/owner": str(owner.current())}


def test_a_taken_name_is_an_error(server: ApiServer, api: Api) -> None:
    """A namespace that exists is not taken over."""
    server.put(PATH, {})
    with pytest.raises(
        ClusterError, match=r"'pods-kh' could not be made: 409.*kubectl get namespace pods-kh"
    ):
        namespace.create(api, "pods-kh", chapter="pods")


def test_pods_go_before_the_namespace_and_after_what_makes_them(server: ApiServer, api: Api) -> None:
    """Deployments, ReplicaSets, then Pods without grace, then the namespace: nothing is left to wait for."""
    server.put(PATH, {})
    server.put("/apis/apps/v1/namespaces/pods-kh/deployments/web", {})
    server.put(f"{PATH}/pods/web-1", {})
    server.put(f"{PATH}/pods/client", {})
    assert namespace.delete(api, "pods-kh", wait_until_gone=True)
    assert server.objects == {}
    deleted = [path for method, path, _ in server.requests if method == "DELETE"]
    order = [
        deleted.index(path) for path in (f"{_APPS}/deployments", f"{_APPS}/replicasets", f"{PATH}/pods", PATH)
    ]
    assert order == sorted(order)
    assert ("DELETE", f"{PATH}/pods", {"gracePeriodSeconds": "0"}) in server.requests


_APPS = "/apis/apps/v1/namespaces/pods-kh"


def test_a_pod_that_comes_late_goes_too(server: ApiServer, api: Api) -> None:
    """A Pod made by a controller that had not noticed yet is removed by a further pass."""
    server.put(PATH, {})
    server.put(f"{PATH}/pods/web-1", {})
    late = ["web-2"]

    def hook(method: str, path: str) -> None:
        if method == "GET" and path == f"{PATH}/pods" and late:
            server.put(f"{PATH}/pods/{late.pop()}", {})

    server.hooks.append(hook)
    assert namespace.delete(api, "pods-kh")
    assert server.objects == {}


def test_a_pod_held_by_a_finalizer_is_released(
    server: ApiServer, api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A finalizer that nobody will take off does not hold the namespace for ever."""
    monkeypatch.setattr(namespace, "_EMPTY_SECONDS", 0.1)
    server.put(PATH, {})
    server.put(f"{PATH}/pods/held", {"metadata": {"finalizers": ["example.com/never"]}})
    assert namespace.delete(api, "pods-kh")
    assert server.objects.get(f"{PATH}/pods/held", {}).get("metadata", {}).get("finalizers") is None


def test_deleting_what_is_absent_is_done(server: ApiServer, api: Api) -> None:
    """A namespace that is gone is deleted."""
    assert namespace.delete(api, "pods-kh", wait_until_gone=True)


def test_a_namespace_that_stays_says_what_to_look_at(
    server: ApiServer, api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Waiting for one that is held ends in an error with the next command."""
    monkeypatch.setattr(namespace, "_GONE_SECONDS", 0.1)
    server.put(PATH, {"metadata": {"finalizers": ["kubernetes"]}})
    with pytest.raises(WaitTimeoutError, match="kubectl get namespace pods-kh -o yaml"):
        namespace.delete(api, "pods-kh", wait_until_gone=True)


def test_a_server_that_is_down_is_no_exception(server: ApiServer, api: Api) -> None:
    """At the end of a kernel whose cluster went first, deleting says False and does not raise."""
    server.stop()
    assert namespace.delete(api, "pods-kh") is False


def test_only_namespaces_of_ended_owners_are_swept(server: ApiServer, api: Api) -> None:
    """Of five namespaces, the one of an ended process of this machine goes."""
    me = owner.current()
    owners = {
        "mine": str(me),
        "dead": str(owner.Owner(me.host, me.pid, me.started - 5)),
        "elsewhere": str(owner.Owner("another-machine", 1, 1.0)),
        "unknown": "somebody",
    }
    for name, text in owners.items():
        server.put(f"/api/v1/namespaces/{name}", _namespace(name, text))
    server.put(
        "/api/v1/namespaces/kube-system", {"metadata": {"annotations": {namespace.OWNER: owners["dead"]}}}
    )
    assert namespace.sweep(api) == ["dead"]
    assert sorted(path.rpartition("/")[2] for path in server.objects) == [
        "elsewhere",
        "kube-system",
        "mine",
        "unknown",
    ]


def _namespace(name: str, text: str) -> dict[str, object]:
    labels, annotations = {namespace.CHAPTER: "pods"}, {namespace.OWNER: text}
    return {"metadata": {"name": name, "labels": labels, "annotations": annotations}}
