"""What `up` applies through the API server: node objects, API types, add-ons."""

from __future__ import annotations

import asyncio
import base64
import json
import platform
import re
from collections.abc import Sequence
from importlib import resources
from typing import Any

from kubehop.client.kubectl import Kubectl, failure
from kubehop.cluster import pki
from kubehop.cluster.layout import Layout
from kubehop.cluster.linux.network import Node
from kubehop.wait import until_async

ROLES = ("kube-router", "cloud-controller-manager")
ADDONS = ("coredns", "metrics-server", "traefik")
INGRESS_LABEL = "kubehop.dev/ingress"
GATEWAY_CLASSES = "gatewayclasses.gateway.networking.k8s.io"
# What an API server says that is too busy, now, to do what it is asked.
_BUSY = re.compile(r"\((Timeout|TooManyRequests|ServiceUnavailable|InternalError)\)|connection refused")
_AGAIN_SECONDS = 1.0
_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}


def roles() -> str:
    """Return the roles that components of the nodes act in; they must be there before those begin."""
    return "---\n".join(_texts(ROLES))


def node_objects(layout: Layout, nodes: Sequence[Node], *, schedulable: bool = True) -> str:
    """Return the Node objects, each with its range of Pod addresses, which CNI is already told."""
    items = [_node(node, ingress=node == layout.control_plane) for node in nodes]
    for item in items if not schedulable else []:
        item["spec"]["unschedulable"] = True
    return "---\n".join(f"{json.dumps(item)}\n" for item in items)


def api_types(layout: Layout) -> str:
    """Return the Gateway API's own definitions of its types, the standard channel."""
    return layout.binaries["gateway-api.yaml"].read_text()


def addons(layout: Layout) -> str:
    """Return DNS, metrics, and the Ingress and Gateway controller with the certificate it serves."""
    return "---\n".join([*_texts(ADDONS), json.dumps(_certificate(layout))])


async def apply(kubectl: Kubectl, objects: str) -> None:
    """Apply objects as the cluster's own; again, while the API server says that it is too busy.

    Without validation: to offer it, a young API server works for seconds on the schemas of everything.

    Raises:
        CommandError: They were refused.
        WaitTimeoutError: The API server was too busy for a minute.
    """
    who = ("--field-manager=kubehop", "--force-conflicts")
    arguments = ["apply", "--server-side", "--validate=false", *who, "--filename=-"]

    async def applied() -> bool:
        done = await asyncio.to_thread(kubectl.run, arguments, stdin=objects)
        if done.exit_code and not _BUSY.search(done.text):
            raise failure(done)
        return not done.exit_code

    await until_async(
        applied,
        what="the API server to take objects",
        interval_seconds=_AGAIN_SECONDS,
        next_command="Run `kubehop logs kube-apiserver`.",
    )


def _texts(names: tuple[str, ...]) -> list[str]:
    folder = resources.files("kubehop.cluster") / "addon"
    return [(folder / f"{name}.yaml").read_text() for name in names]


def _certificate(layout: Layout) -> dict[str, Any]:
    """Return the Secret that Traefik serves HTTPS with."""

    def data(suffix: str) -> str:
        return base64.b64encode((layout.place.pki / f"{pki.INGRESS}.{suffix}").read_bytes()).decode()

    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "type": "kubernetes.io/tls",
        "metadata": {"name": "localhost", "namespace": "traefik"},
        "data": {"tls.crt": data("crt"), "tls.key": data("key")},
    }


def _node(node: Node, *, ingress: bool) -> dict[str, Any]:
    labels = {
        "kubernetes.io/hostname": node.name,
        "kubernetes.io/os": "linux",
        "kubernetes.io/arch": _ARCHITECTURES.get(platform.machine(), platform.machine()),
    }
    if ingress:
        labels[INGRESS_LABEL] = "true"
    spec = {"podCIDR": str(node.pod_cidr), "podCIDRs": [str(node.pod_cidr)]}
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": node.name, "labels": labels},
        "spec": spec,
    }
