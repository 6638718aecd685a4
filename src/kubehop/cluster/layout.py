"""What a cluster is to be: its nodes, addresses, files and programs, as data."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv4Interface, IPv4Network
from pathlib import Path

import psutil

from kubehop.cluster.linux.network import Node
from kubehop.cluster.proxy_mode import Modes
from kubehop.cluster.state import Place

GATEWAY = IPv4Interface("172.30.0.1/24")
SERVICE_CIDR = IPv4Network("10.96.0.0/16")
POD_CIDR = IPv4Network("10.244.0.0/16")
LOAD_BALANCER_CIDR = IPv4Network("172.30.1.16/28")
DNS_ADDRESS = IPv4Address("10.96.0.10")
API_PORT = 6443
DOMAIN = "cluster.local"
SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
"""Where a component finds the machine's own programs: runc, iptables, ipset."""


def node(number: int, name: str = "") -> Node:
    """Return the node with this number, from 1: `node-1` has 172.30.0.11 and Pods in 10.244.1.0/24."""
    return Node(
        name=name or f"node-{number}",
        address=IPv4Interface(f"172.30.0.{10 + number}/24"),
        pod_cidr=IPv4Network(f"10.244.{number}.0/24"),
    )


@dataclass(frozen=True)
class Layout:
    """One cluster as it is to be.

    Attributes:
        place: Its files.
        binaries: Where each program is, by name.
        nodes: Its nodes; the control plane and the Ingress controller run on the first.
        proxy_modes: kube-proxy's, as `proxy_mode.py` has them.
        snapshotter: containerd's; `native` where overlayfs cannot be used.
    """

    place: Place
    binaries: dict[str, Path]
    nodes: tuple[Node, ...] = field(default_factory=lambda: (node(1), node(2)))
    proxy_modes: Modes = field(default_factory=dict)
    snapshotter: str = "overlayfs"

    @property
    def control_plane(self) -> Node:
        """The node that the API server runs on."""
        return self.nodes[0]

    @property
    def api_url(self) -> str:
        """The API server's address, as nodes and Pods see it."""
        return f"https://{self.control_plane.address.ip}:{API_PORT}"

    @property
    def reserved(self) -> dict[str, str]:
        """What each node holds back, so that all nodes together add up to this one machine."""
        share = 1 - 1 / len(self.nodes)
        cpus, memory_mib = os.cpu_count() or 1, psutil.virtual_memory().total >> 20
        return {"cpu": f"{round(1000 * cpus * share)}m", "memory": f"{round(memory_mib * share)}Mi"}

    def pki(self, file: str) -> str:
        """Return the path of a key or certificate."""
        return str(self.place.pki / file)


@dataclass(frozen=True)
class Health:
    """Where a component says that it is well, as its node sees it: a path at a port, or a socket file."""

    host: str = "127.0.0.1"
    port: int = 0
    path: str = "/healthz"
    tls: bool = False
    socket: str = ""


@dataclass(frozen=True)
class Component:
    """One program on one node; this is data, `runtime.py` starts it.

    Attributes:
        name: What upstream calls it.
        argv: The command, run inside the node.
        health: How to see that it works.
        files: Files to write before it starts: path → (text, mode).
        env: Added to its environment.
        needs: Components that must be well first.
    """

    name: str
    argv: tuple[str, ...]
    health: Health
    files: dict[Path, tuple[str, int]] = field(default_factory=dict)
    env: dict[str, str] = field(default_factory=dict)
    needs: tuple[str, ...] = ()


def flags(**values: object) -> tuple[str, ...]:
    """Spell flags: `flags(secure_port=6443)` → `("--secure-port=6443",)`; booleans as Go has them."""
    return tuple(
        f"--{name.replace('_', '-')}={str(value).lower() if isinstance(value, bool) else value}"
        for name, value in values.items()
    )
