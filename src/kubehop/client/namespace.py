"""Namespaces of chapters and labs: made ready to use, removed fast, and swept when their owner was killed."""

from __future__ import annotations

from typing import Any

from kubernetes.client.exceptions import ApiException
from urllib3.exceptions import HTTPError

from kubehop import wait
from kubehop.client import owner
from kubehop.client.api import Api
from kubehop.errors import ClusterError, WaitTimeoutError

CHAPTER = "kubehop.dev/chapter"
OWNER = "kubehop.dev/owner"
_READY_SECONDS = 30.0
_EMPTY_SECONDS = 5.0
_GONE_SECONDS = 60.0
_NOT_FOUND, _CONFLICT = 404, 409
_NEEDED = ("serviceaccounts/default", "configmaps/kube-root-ca.crt")
# What makes Pods, and would make them again; Pods come after them.
_MAKERS = (
    "autoscaling/v2/{}/horizontalpodautoscalers",
    "apps/v1/{}/deployments",
    "apps/v1/{}/replicasets",
    "apps/v1/{}/statefulsets",
    "apps/v1/{}/daemonsets",
    "batch/v1/{}/cronjobs",
    "batch/v1/{}/jobs",
)


def create(api: Api, name: str, *, chapter: str) -> None:
    """Make a namespace and wait until it is usable: its ServiceAccount and the cluster's CA are there.

    Pods that would be root on the node are refused (Pod Security `baseline`). It belongs to this process:
    `sweep()` removes it once the process has ended.

    Raises:
        ClusterError: There is one of this name, or the API server refused.
        WaitTimeoutError: It did not become usable.
    """
    metadata = {
        "name": name,
        "labels": {CHAPTER: chapter, "pod-security.kubernetes.io/enforce": "baseline"},
        "annotations": {OWNER: str(owner.current())},
    }
    try:
        api.call("POST", "/api/v1/namespaces", body={"metadata": metadata})
    except ApiException as error:
        what = f"Namespace {name!r} could not be made: {_reason(error)}."
        raise ClusterError(what, next_command=f"Run `kubectl get namespace {name}`.") from error
    hint = "Run `kubehop logs kube-controller-manager`: it makes them."
    wait.until(
        lambda: all(_exists(api, f"/api/v1/namespaces/{name}/{path}") for path in _NEEDED),
        what=f"{' and '.join(_NEEDED)} in namespace {name}",
        timeout_seconds=_READY_SECONDS,
        next_command=hint,
    )


def delete(api: Api, name: str, *, wait_until_gone: bool = False) -> bool:
    """Delete a namespace with everything in it, in a fraction of the time that `kubectl delete` takes.

    Pods go first, without their grace period: the namespace controller then finds nothing to wait for.
    A namespace that is absent, half-deleted or half-made is no error.

    Returns:
        False when the API server did not answer, so that the namespace may still be there; `sweep()` of a
        later process removes it then.

    Raises:
        ApiException: The API server refused.
        WaitTimeoutError: With `wait_until_gone`, it is still there after a minute.
    """
    try:
        if not _exists(api, f"/api/v1/namespaces/{name}"):
            return True
        _empty(api, name)
        _tolerant(api, "DELETE", f"/api/v1/namespaces/{name}")
        if wait_until_gone:
            _wait_gone(api, name)
    except HTTPError:
        return False
    return True


def sweep(api: Api) -> list[str]:
    """Delete the namespaces whose owners, processes of this machine, have ended; return their names."""
    swept = []
    for item in api.items("/api/v1/namespaces", labelSelector=CHAPTER):
        metadata = item["metadata"]
        whose = owner.parse(metadata.get("annotations", {}).get(OWNER, ""))
        if whose is not None and whose.gone and "deletionTimestamp" not in metadata:
            delete(api, metadata["name"])
            swept.append(metadata["name"])
    return swept


def _empty(api: Api, name: str) -> None:
    """Remove everything that makes Pods, then the Pods, until none is left."""
    for maker in _MAKERS:
        path = "/apis/" + maker.format(f"namespaces/{name}")
        _tolerant(api, "DELETE", path, propagationPolicy="Background")
    pods = f"/api/v1/namespaces/{name}/pods"

    def none_left() -> bool:
        _tolerant(api, "DELETE", pods, gracePeriodSeconds=0)
        return not api.items(pods, limit=1)

    try:
        wait.until(none_left, what=f"the Pods of {name} to go", timeout_seconds=_EMPTY_SECONDS)
    except WaitTimeoutError:
        _release(api, pods)


def _release(api: Api, pods: str) -> None:
    """Take the finalizers off Pods that would not go: what had set them is being deleted too."""
    for pod in api.items(pods):
        if pod["metadata"].pop("finalizers", None):
            _tolerant(api, "PUT", f"{pods}/{pod['metadata']['name']}", body=pod)


def _wait_gone(api: Api, name: str) -> None:
    path = f"/api/v1/namespaces/{name}"
    hint = f"Run `kubectl get namespace {name} -o yaml`; its conditions say what is left."
    wait.until(
        lambda: not _exists(api, path),
        what=f"namespace {name} to go",
        timeout_seconds=_GONE_SECONDS,
        next_command=hint,
    )


def _exists(api: Api, path: str) -> bool:
    try:
        api.call("GET", path)
    except ApiException as error:
        if error.status != _NOT_FOUND:
            raise
        return False
    return True


def _tolerant(api: Api, method: str, path: str, **options: Any) -> None:
    """Make a request whose object may be gone, or going, by now."""
    try:
        api.call(method, path, **options)
    except ApiException as error:
        if error.status not in (_NOT_FOUND, _CONFLICT):
            raise


def _reason(error: ApiException) -> str:
    return f"{error.status} {error.reason}"
