"""kube-proxy: turns Services into rules of the kernel. No packet passes through it."""

import yaml

from kubehop.cluster import proxy_mode
from kubehop.cluster.layout import POD_CIDR, SYSTEM_PATH, Component, Health, Layout, flags
from kubehop.cluster.linux.network import Node

PORT = 10256


def component(layout: Layout, node: Node) -> Component:
    """Return kube-proxy for `node`; `minSyncPeriod` is 1s by default, and 100ms here."""
    etc, mode = layout.place.node(node.name) / "etc", proxy_mode.of(layout.proxy_modes, node.name)
    config = {
        "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
        "kind": "KubeProxyConfiguration",
        "clientConnection": {"kubeconfig": layout.pki("proxy.kubeconfig")},
        "hostnameOverride": node.name,
        "mode": mode,
        "clusterCIDR": str(POD_CIDR),
        "detectLocalMode": "ClusterCIDR",
        "healthzBindAddress": f"0.0.0.0:{PORT}",
        "metricsBindAddress": "127.0.0.1:10249",
        mode: {"minSyncPeriod": "100ms", "syncPeriod": "30s"},
        # These limits belong to the whole machine: they cannot be written in a network namespace.
        "conntrack": {
            "maxPerCore": 0,
            "min": 0,
            "tcpBeLiberal": True,
            "tcpEstablishedTimeout": "0s",
            "tcpCloseWaitTimeout": "0s",
        },
    }
    return Component(
        name="kube-proxy",
        argv=(
            str(layout.binaries["kube"]),
            "kube-proxy",
            *flags(config="/etc/kubernetes/kube-proxy.yaml", v=1),
        ),
        health=Health(port=PORT),
        files={etc / "kubernetes/kube-proxy.yaml": (yaml.safe_dump(config, sort_keys=False), 0o644)},
        env={"PATH": SYSTEM_PATH},
        needs=("kube-apiserver",),
    )
