"""What `up` applies through the API server: node objects, API types, add-ons."""

from __future__ import annotations

import base64
import json
import platform
from collections.abc import Sequence
from importlib import resources
from typing import Any

from kubehop.cluster import pki
from kubehop.cluster.layout import Layout
from kubehop.cluster.linux.network import Node

ROLES = ("kube-router", "cloud-controller-manager")
ADDONS = ("coredns", "metrics-server", "traefik")
INGRESS_LABEL = "kubehop.dev/ingress"
GATEWAY_CLASSES = "gatewayclasses.gateway.networking.k8s.io"
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
