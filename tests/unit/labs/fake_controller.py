"""What the controllers and the kubelet do with the objects of a cluster in memory."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator

from kubehop.labs.world import Object, labels_of, name_of

Stored = dict[tuple[str, str], Object]
"""All objects, by kind and name."""

WRITER = "endpointslice-controller.k8s.io"
NO_IMAGE = "hashicorp/http-echo:1.0"
"""An image that no node can get."""


def reconcile(stored: Stored, number: Iterator[int]) -> None:
    """Do what the controllers do; each Pod's name and address take a number of their own."""
    for deployment in _of_kind(stored, "Deployment"):
        _roll(stored, deployment, number)
    for item in _of_kind(stored, "EndpointSlice"):
        if labels_of(item).get("endpointslice.kubernetes.io/managed-by") == WRITER:
            del stored["EndpointSlice", name_of(item)]
    for service in _of_kind(stored, "Service"):
        if service["spec"].get("selector"):
            _slice(stored, service)


def run_pod(pod: Object, number: Iterator[int]) -> None:
    """Start a Pod as the kubelet would."""
    pod["status"] = {"phase": "Running", "podIP": f"10.244.1.{next(number)}"}
    if pod["spec"]["containers"][0]["image"] == NO_IMAGE:
        waiting = {"waiting": {"reason": "ImagePullBackOff"}}
        pod["status"] = {"phase": "Pending", "containerStatuses": [{"state": waiting}]}
    ready = "True" if _serves(pod) else "False"
    pod["status"]["conditions"] = [{"type": "Ready", "status": ready}]


def owner_name(item: Object) -> str:
    """Return the name of what made an object, or ""."""
    return next((r["name"] for r in item["metadata"].get("ownerReferences") or []), "")


def _of_kind(stored: Stored, kind: str) -> list[Object]:
    return [item for (its, _), item in sorted(stored.items()) if its == kind]


def _roll(stored: Stored, deployment: Object, number: Iterator[int]) -> None:
    name, spec = name_of(deployment), deployment["spec"]
    digest = f"{hash(json.dumps(spec['template'], sort_keys=True)) & 0xFFFFF:05x}"
    owned = {k: p for k, p in stored.items() if k[0] == "Pod" and owner_name(p).startswith(name + "-")}
    current = [k for k, p in owned.items() if owner_name(p) == f"{name}-{digest}"]
    fresh = [f"{name}-{digest}-{next(number)}" for _ in range(spec["replicas"] - len(current))]
    stored["ReplicaSet", f"{name}-{digest}"] = _replica_set(deployment, f"{name}-{digest}")
    for pod_name in fresh:
        stored["Pod", pod_name] = _pod(spec["template"], pod_name, owner=f"{name}-{digest}", number=number)
    broken = any(not _serves(stored["Pod", pod]) for pod in fresh)
    keep = len(current) + len(fresh) if not broken else 1
    for pod_name in fresh[keep:]:
        del stored["Pod", pod_name]
    stale = [k for k in owned if k not in current] if not broken else []
    for key in stale + current[spec["replicas"] :]:
        del stored[key]
    updated = len(current) + len(fresh[:keep])
    stored["Deployment", name]["status"] = {
        "replicas": updated,
        "updatedReplicas": updated,
        "availableReplicas": updated,
    }


def _replica_set(deployment: Object, name: str) -> Object:
    owner = {"kind": "Deployment", "name": name_of(deployment), "controller": True}
    return {
        "kind": "ReplicaSet",
        "metadata": {"name": name, "ownerReferences": [owner]},
        "spec": copy.deepcopy({key: deployment["spec"][key] for key in ("template", "replicas")}),
    }


def _pod(template: Object, name: str, *, owner: str, number: Iterator[int]) -> Object:
    pod = {
        "kind": "Pod",
        "metadata": {
            "name": name,
            "uid": name,
            "labels": {**template["metadata"]["labels"], "pod-template-hash": owner.rpartition("-")[2]},
            "ownerReferences": [{"kind": "ReplicaSet", "name": owner, "controller": True}],
        },
        "spec": copy.deepcopy(template["spec"]),
    }
    run_pod(pod, number)
    return pod


def _slice(stored: Stored, service: Object) -> None:
    name, selector = name_of(service), service["spec"]["selector"]
    pods = [pod for pod in _of_kind(stored, "Pod") if selector.items() <= labels_of(pod).items()]
    labels = {"kubernetes.io/service-name": name, "endpointslice.kubernetes.io/managed-by": WRITER}
    stored["EndpointSlice", f"{name}-x"] = {
        "kind": "EndpointSlice",
        "metadata": {"name": f"{name}-x", "labels": labels},
        "endpoints": [
            {"addresses": [pod["status"]["podIP"]], "conditions": {"ready": _serves(pod)}}
            for pod in pods
            if pod["status"].get("podIP")
        ],
    }


def _serves(pod: Object) -> bool:
    container = pod["spec"]["containers"][0]
    probe = container.get("readinessProbe", {}).get("httpGet")
    listens = container.get("args") or [""]
    return container["image"] != NO_IMAGE and (probe is None or listens[0] == f"-listen=:{probe['port']}")
