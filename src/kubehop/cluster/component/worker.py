"""What runs on every node beside its containerd."""

from kubehop.cluster.component import kube_proxy, kube_router, kubelet
from kubehop.cluster.layout import Component, Layout
from kubehop.cluster.linux.network import Node


def components(layout: Layout, node: Node) -> tuple[Component, ...]:
    """Return kubelet, kube-proxy and kube-router for `node`; they need the API server, and not each other."""
    return tuple(module.component(layout, node) for module in (kubelet, kube_proxy, kube_router))
