"""kube-router, its firewall only: enforces NetworkPolicies for the Pods of one node."""

from kubehop.cluster.layout import SERVICE_CIDR, SYSTEM_PATH, Component, Health, Layout, flags
from kubehop.cluster.linux.network import Node

PORT = 20244


def component(layout: Layout, node: Node) -> Component:
    """Return kube-router for `node`: it writes iptables rules and ipsets, whatever mode kube-proxy is in."""
    return Component(
        name="kube-router",
        argv=(
            str(layout.binaries["kube-router"]),
            *flags(
                kubeconfig=layout.pki("kube-router.kubeconfig"),
                hostname_override=node.name,
                service_cluster_ip_range=SERVICE_CIDR,
                health_addr="127.0.0.1",
                health_port=PORT,
                v=0,
            ),
        ),
        health=Health(port=PORT),
        env={"PATH": SYSTEM_PATH},
        needs=("kube-apiserver",),
    )
