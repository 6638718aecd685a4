"""Programs inside the cluster: the privileged tools Pods, one for each node, and the plain Pod `client`."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import resources
from typing import Any

from kubehop import wait
from kubehop.client.kubectl import Completed, Kubectl
from kubehop.errors import ClusterError

NAMESPACE = "kubehop-tools"
IMAGE = "kubehop/tools:1"
_READY_SECONDS = 60.0
_NODE_PATH = (
    "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"  # the image has /usr/bin alone
)
# To validate, kubectl has the API server describe all that it knows: seconds when it is young, a minute
# where it is slow. The tests validate these files.
_APPLY = ["apply", "--validate=false", "--filename=-"]
_BAD_IMAGE = ("ErrImagePull", "ImagePullBackOff", "ErrImageNeverPull")


def ensure(kubectl: Kubectl, *, timeout_seconds: float = _READY_SECONDS) -> None:
    """Make the tools Pods if there are none, and wait until one runs on every node.

    Args:
        kubectl: On the cluster, in any namespace.
        timeout_seconds: Seconds to wait for the Pods.

    Raises:
        CommandError: The cluster refused.
        ClusterError: The image is not on the nodes.
        WaitTimeoutError: The Pods did not become ready.
    """
    everywhere = Kubectl(kubectl.kubeconfig, context=kubectl.context, program=kubectl.program)
    everywhere.run(_APPLY, stdin=_manifest("tools.yaml"), check=True)

    def ready() -> bool:
        status = everywhere.json(["get", "daemonset", "tools", f"--namespace={NAMESPACE}"])["status"]
        wanted = status.get("desiredNumberScheduled", 0)
        if wanted == 0 or status.get("numberReady", 0) < wanted:
            _refuse_missing_image(_pods(everywhere))
            return False
        return True

    wait.until(
        ready,
        what="a tools Pod on every node",
        timeout_seconds=timeout_seconds,
        interval_seconds=0.2,
        next_command=f"Run `kubectl get pods --namespace {NAMESPACE}`.",
    )


def ensure_client(kubectl: Kubectl, *, timeout_seconds: float = _READY_SECONDS) -> None:
    """Make the Pod `client` in the namespace of `kubectl`, unless it is there, and wait until it is ready.

    Raises:
        CommandError: The cluster refused.
        ClusterError: The image is not on the nodes.
        WaitTimeoutError: The Pod did not become ready.
    """
    kubectl.run(_APPLY, stdin=_manifest("client-pod.yaml"), check=True)

    def ready() -> bool:
        pod = kubectl.json(["get", "pod", "client"])
        _refuse_missing_image([pod])
        return _is_ready(pod)

    wait.until(
        ready,
        what="Pod client to be ready",
        timeout_seconds=timeout_seconds,
        interval_seconds=0.1,
        next_command="Run `kubectl describe pod client`.",
    )


def node_exec(
    kubectl: Kubectl,
    node: str,
    arguments: Sequence[str],
    *,
    files: bool = False,
) -> Completed:
    """Run a program in the network of a node, as root.

    Args:
        kubectl: On the cluster, in any namespace.
        node: The node's name.
        arguments: The program and its arguments: `["nft", "list", "ruleset"]`.
        files: Enter the node's file system too, and so use the node's programs instead of the image's.

    Raises:
        ClusterError: The node has no tools Pod and could not be given one.
        CommandError: The cluster refused.
    """
    everywhere = Kubectl(kubectl.kubeconfig, context=kubectl.context, program=kubectl.program)
    pod = _pod_on(everywhere, node)
    if pod is None:
        ensure(everywhere)
        pod = _pod_on(everywhere, node)
    if pod is None:
        what = f"Node {node!r} has no tools Pod."
        raise ClusterError(what, why="Is there a node of this name?", next_command="Run `kubectl get nodes`.")
    enter = ["nsenter", "--target=1", "--net", "--uts", *(["--mount"] if files else []), "--"]
    found_by = ["env", _NODE_PATH] if files else []
    inside = ["exec", f"--namespace={NAMESPACE}", "--quiet", pod, "--", *enter, *found_by, *arguments]
    return everywhere.run(inside)


def _pod_on(kubectl: Kubectl, node: str) -> str | None:
    for pod in _pods(kubectl):
        if pod["spec"].get("nodeName") == node and _is_ready(pod):
            name: str = pod["metadata"]["name"]
            return name
    return None


def _pods(kubectl: Kubectl) -> list[dict[str, Any]]:
    selector = "--selector=app.kubernetes.io/name=tools"
    pods: list[dict[str, Any]] = kubectl.json(["get", "pods", f"--namespace={NAMESPACE}", selector])["items"]
    return pods


def _is_ready(pod: dict[str, Any]) -> bool:
    if "deletionTimestamp" in pod["metadata"]:
        return False
    conditions = pod["status"].get("conditions") or []
    return any(one["type"] == "Ready" and one["status"] == "True" for one in conditions)


def _refuse_missing_image(pods: list[dict[str, Any]]) -> None:
    """Raise when waiting cannot help, because a node has no such image and cannot pull it."""
    for pod in pods:
        for status in pod["status"].get("containerStatuses") or []:
            reason = status.get("state", {}).get("waiting", {}).get("reason", "")
            if reason in _BAD_IMAGE:
                where = pod["spec"].get("nodeName", "a node")
                what = f"Pod {pod['metadata']['name']} cannot start: {reason} on {where}."
                why = f"Image {IMAGE} is not there; no registry has it."
                raise ClusterError(
                    what, why=why, next_command="Run `kubehop doctor`: it says how to load it."
                )


def _manifest(name: str) -> str:
    return (resources.files("kubehop.client") / name).read_text()
