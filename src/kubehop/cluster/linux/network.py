"""The network under a cluster: one *fabric* that joins the nodes, each in a network namespace of its own.

Nothing is added to the host's own network namespace, and no route leads out of the fabric:
a Pod reaches other Pods, Services and nodes, and nothing else.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import socket
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from ipaddress import IPv4Interface, IPv4Network
from pathlib import Path
from typing import TypeVar

from pyroute2 import IPRoute
from pyroute2.netlink.exceptions import NetlinkError

from kubehop.errors import ClusterError

CLONE_NEWNET = 0x40000000
MS_BIND = 4096
MNT_DETACH = 2
FABRIC = "fabric"
BRIDGE = "br0"
T = TypeVar("T")
_libc = ctypes.CDLL(None, use_errno=True)


@dataclass(frozen=True)
class Node:
    """A node's place in the network: its name, address on the fabric, and range of Pod addresses."""

    name: str
    address: IPv4Interface
    pod_cidr: IPv4Network


def enter(namespace: Path) -> None:
    """Move the calling thread into a network namespace.

    Raises:
        OSError: The kernel refused, or the namespace is gone.
    """
    descriptor = os.open(namespace, os.O_RDONLY | os.O_CLOEXEC)
    try:
        # os.setns is in Python from 3.12 on.
        _check(_libc.setns(descriptor, CLONE_NEWNET), str(namespace))
    finally:
        os.close(descriptor)


def create_fabric(folder: Path, *, gateway: IPv4Interface) -> None:
    """Make the fabric: a namespace with a bridge that has the address `gateway`.

    Args:
        folder: Where the namespaces of this cluster are kept as files.
        gateway: The fabric's own address, that of a machine beside the nodes.

    Raises:
        ClusterError: The kernel refused.
    """
    _create(folder / FABRIC)

    def furnish(ip: IPRoute) -> None:
        ip.link("set", index=_index(ip, "lo"), state="up")
        ip.link("add", ifname=BRIDGE, kind="bridge")
        ip.addr("add", index=_index(ip, BRIDGE), address=str(gateway.ip), prefixlen=gateway.network.prefixlen)
        ip.link("set", index=_index(ip, BRIDGE), state="up")

    _inside(folder / FABRIC, furnish)


def create_node(folder: Path, node: Node, *, gateway: IPv4Interface, peers: list[Node]) -> None:
    """Make a node's namespace, join it to the fabric, and route its peers' Pods.

    Raises:
        ClusterError: The kernel refused.
    """
    _create(folder / node.name)

    def plug_in(ip: IPRoute) -> None:
        ip.link("add", ifname=node.name, kind="veth", peer={"ifname": f"{node.name}-eth0"})
        with (folder / node.name).open() as namespace:
            ip.link("set", index=_index(ip, f"{node.name}-eth0"), net_ns_fd=namespace.fileno())
        ip.link("set", index=_index(ip, node.name), master=_index(ip, BRIDGE), state="up")

    def furnish(ip: IPRoute) -> None:
        ip.link("set", index=_index(ip, "lo"), state="up")
        ip.link("set", index=_index(ip, f"{node.name}-eth0"), ifname="eth0")
        eth0, prefix = _index(ip, "eth0"), node.address.network.prefixlen
        ip.addr("add", index=eth0, address=str(node.address.ip), prefixlen=prefix)
        ip.link("set", index=eth0, state="up")
        ip.route("add", gateway=str(gateway.ip))
        for peer in peers:
            ip.route("add", dst=str(peer.pod_cidr), gateway=str(peer.address.ip))

    _inside(folder / FABRIC, plug_in)
    _inside(folder / node.name, furnish)


def ways_out(namespace: Path) -> list[str]:
    """List what could lead out of a fabric: default routes, and interfaces that are no node's port."""

    def look(ip: IPRoute) -> list[str]:
        bridge = _index(ip, BRIDGE)
        routes = [
            f"a route to {route.get('gateway')}"
            for route in ip.get_routes(family=socket.AF_INET)
            if not route["dst_len"]
        ]
        links = [link for link in ip.get_links() if link.get("master") != bridge]
        names = {link.get("ifname") for link in links} - {"lo", BRIDGE}
        return [*routes, *(f"interface {name}" for name in sorted(names))]

    return _inside(namespace, look)


def add_route(folder: Path, name: str, *, peer: Node) -> None:
    """Tell the node `name` the way to the Pods of a node that has come.

    Raises:
        ClusterError: The kernel refused.
    """
    way = {"dst": str(peer.pod_cidr), "gateway": str(peer.address.ip)}
    _inside(folder / name, lambda ip: ip.route("replace", **way))


def remove_route(folder: Path, name: str, *, peer: Node) -> None:
    """Take from the node `name` the way to the Pods of a node that has gone; none is fine."""
    with contextlib.suppress(NetlinkError, OSError):
        _inside(folder / name, lambda ip: ip.route("del", dst=str(peer.pod_cidr)))


def remove(folder: Path, name: str) -> None:
    """Remove one namespace and what is in it; one that is not there is fine."""
    path = folder / name
    _libc.umount2(str(path).encode(), MNT_DETACH)
    path.unlink(missing_ok=True)


def detach_port(folder: Path, node: str) -> None:
    """Remove a node's port from the fabric, so that the node can be joined again at once."""
    with contextlib.suppress(NetlinkError, OSError, ClusterError):
        _inside(folder / FABRIC, lambda ip: ip.link("del", index=_index(ip, node)))


def _inside(namespace: Path, do: Callable[[IPRoute], T]) -> T:
    """Call `do` in a thread that lives in `namespace`.

    pyroute2 can enter a namespace itself, but forks to do so; its child would share our signal handlers.
    """

    def work() -> T:
        with IPRoute() as ip:
            return do(ip)

    with ThreadPoolExecutor(1, initializer=enter, initargs=(namespace,)) as thread:
        return thread.submit(work).result()


def _create(path: Path) -> None:
    """Make a namespace and keep it as a file, as `ip netns add` does."""
    path.parent.mkdir(parents=True, exist_ok=True)

    def work() -> None:
        _check(_libc.unshare(CLONE_NEWNET), "unshare")
        path.touch()
        source = f"/proc/self/task/{threading.get_native_id()}/ns/net"
        _check(_libc.mount(source.encode(), str(path).encode(), None, MS_BIND, None), f"mount on {path}")

    try:
        with ThreadPoolExecutor(1) as thread:
            thread.submit(work).result()
    except OSError as error:
        msg = f"The network namespace {path.name!r} could not be made: {error}."
        raise ClusterError(
            msg,
            why="Root with CAP_SYS_ADMIN and CAP_NET_ADMIN is needed.",
            next_command="Run `kubehop doctor`.",
        ) from error


def _check(result: int, call: str) -> None:
    if result:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), call)


def _index(ip: IPRoute, name: str) -> int:
    found = ip.link_lookup(ifname=name)
    if not found:
        msg = f"The interface {name!r} is not in the namespace."
        raise ClusterError(msg, next_command="Run `kubehop down`.")
    return int(found[0])
