"""kubelet: makes the Pods that are bound to its node run."""

import yaml

from kubehop.cluster.component import containerd
from kubehop.cluster.layout import DNS_ADDRESS, DOMAIN, Component, Health, Layout, flags
from kubehop.cluster.linux.network import Node

PORT = 10248


def component(layout: Layout, node: Node) -> Component:
    """Return kubelet for `node`; what differs from Kubernetes' defaults carries its reason."""
    etc = layout.place.node(node.name) / "etc"
    config = {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        # Kubernetes 1.37 refuses cgroup version 1 unless asked; some machines still have it.
        "failCgroupV1": False,
        "cgroupDriver": "cgroupfs",
        "failSwapOn": False,
        "containerRuntimeEndpoint": f"unix://{containerd.SOCKET}",
        "authentication": {
            "anonymous": {"enabled": False},
            "webhook": {"enabled": True},
            "x509": {"clientCAFile": layout.pki("ca.crt")},
        },
        "authorization": {"mode": "Webhook"},
        "tlsCertFile": layout.pki(f"kubelet-{node.name}_server.crt"),
        "tlsPrivateKeyFile": layout.pki(f"kubelet-{node.name}_server.key"),
        "clusterDNS": [str(DNS_ADDRESS)],
        "clusterDomain": DOMAIN,
        "resolvConf": "/etc/resolv.conf",
        # Images are imported, not pulled: a collected one could not come back.
        "imageGCHighThresholdPercent": 100,
        "imageMaximumGCAge": "0s",
        # The disk is the reader's own: only want of memory evicts.
        "evictionHard": {
            "memory.available": "50Mi",
            "nodefs.available": "0%",
            "nodefs.inodesFree": "0%",
            "imagefs.available": "0%",
        },
        # All nodes together are one machine.
        "systemReserved": layout.reserved,
        "enforceNodeAllocatable": ["pods"],
        # Without CAP_SYS_RESOURCE a negative value is refused.
        "oomScoreAdj": 0,
        # Kubernetes' own: 10s, 5m and 1m. The last shapes how fast a ConfigMap reaches a volume.
        "nodeStatusUpdateFrequency": "4s",
        "nodeStatusReportFrequency": "10s",
        "syncFrequency": "10s",
        "serializeImagePulls": False,
        "healthzBindAddress": "127.0.0.1",
        "healthzPort": PORT,
    }
    return Component(
        name="kubelet",
        argv=(
            str(layout.binaries["kube"]),
            "kubelet",
            *flags(
                config="/etc/kubernetes/kubelet.yaml",
                kubeconfig=layout.pki(f"kubelet-{node.name}.kubeconfig"),
                hostname_override=node.name,
                node_ip=node.address.ip,
                housekeeping_interval="5s",
                v=1,
            ),
        ),
        health=Health(port=PORT),
        files={etc / "kubernetes/kubelet.yaml": (yaml.safe_dump(config, sort_keys=False), 0o644)},
        needs=("kube-apiserver", "containerd"),
    )
