"""containerd: runs the containers of one node. Its file asks for the CNI plugins to connect each Pod."""

import json

from kubehop.cluster.layout import SYSTEM_PATH, Component, Health, Layout
from kubehop.cluster.linux.network import Node

SOCKET = "/run/containerd/containerd.sock"
PAUSE_IMAGE = "docker.io/kubehop/pause:1"

CONFIG = """\
# Written anew at every start.
version = 3
[plugins.'io.containerd.cri.v1.images']
  snapshotter = '{snapshotter}'
  [plugins.'io.containerd.cri.v1.images'.pinned_images]
    sandbox = '{pause}'
[plugins.'io.containerd.cri.v1.runtime']
  # Without CAP_SYS_RESOURCE a lower oom_score_adj is refused, and every sandbox would fail.
  restrict_oom_score_adj = true
  [plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.runc]
    runtime_type = 'io.containerd.runc.v2'
  [plugins.'io.containerd.cri.v1.runtime'.cni]
    bin_dirs = ['{cni}']
    # Of our own: what another cluster left in the machine's net.d is not ours.
    conf_dir = '/etc/cni/kubehop.d'
"""


def component(layout: Layout, node: Node) -> Component:
    """Return containerd for `node`, with the CNI configuration of its Pods.

    `ptp` gives each Pod a veth pair and a route on the node: every packet is routed, none is bridged.
    """
    etc = layout.place.node(node.name) / "etc"
    config = CONFIG.format(
        snapshotter=layout.snapshotter, pause=PAUSE_IMAGE, cni=layout.binaries["ptp"].parent
    )
    network = {
        "cniVersion": "1.0.0",
        "name": "pods",
        "plugins": [
            {
                "type": "ptp",
                "ipMasq": False,
                "ipam": {
                    "type": "host-local",
                    # On a tmpfs: addresses given before a restart of the node are free again.
                    "dataDir": "/run/cni/addresses",
                    "ranges": [[{"subnet": str(node.pod_cidr)}]],
                    "routes": [{"dst": "0.0.0.0/0"}],
                },
            },
            {"type": "portmap", "capabilities": {"portMappings": True}, "snat": True},
        ],
    }
    return Component(
        name="containerd",
        argv=(
            str(layout.binaries["containerd"]),
            "--config",
            "/etc/containerd/config.toml",
            "--log-level",
            "warn",
        ),
        health=Health(socket=SOCKET),
        files={
            etc / "containerd/config.toml": (config, 0o644),
            etc / "cni/kubehop.d/10-pods.conflist": (json.dumps(network, indent=1), 0o644),
        },
        env={"PATH": f"{layout.binaries['containerd'].parent}:{SYSTEM_PATH}"},
    )
