"""cloud-controller-manager: gives Services of type LoadBalancer what a cloud would give them."""

import json

from kubehop.cluster.layout import GATEWAY, LOAD_BALANCER_CIDR, Component, Health, Layout, flags
from kubehop.cluster.linux.network import FABRIC

PORT = 10258


def component(layout: Layout) -> Component:
    """Return cloud-controller-manager with the cloud of `binaries/kubernetes/cloud`.

    It runs in the network of the fabric, beside the nodes, because the routes to load balancers are there.
    """
    address = str(GATEWAY.ip)
    config = layout.place.node(layout.control_plane.name) / "etc/kubernetes/cloud.json"
    return Component(
        name="cloud-controller-manager",
        argv=(
            "nsenter",
            f"--net={layout.place.namespaces / FABRIC}",
            "--",
            str(layout.binaries["kube"]),
            "cloud-controller-manager",
            *flags(
                kubeconfig=layout.pki("cloud-controller-manager.kubeconfig"),
                cloud_provider="kubehop",
                cloud_config="/etc/kubernetes/cloud.json",
                cluster_name=layout.place.name,
                bind_address=address,
                secure_port=PORT,
                leader_elect=False,
                v=1,
            ),
        ),
        health=Health(host=address, port=PORT, tls=True),
        files={config: (json.dumps({"pool": str(LOAD_BALANCER_CIDR)}), 0o644)},
        needs=("kube-apiserver",),
    )
