"""Nodes that come and go while the cluster runs.

Which nodes a cluster has is kept in a file of its folder, written before a node comes and after it has gone.
So a cluster that is killed in between starts with the node, and one that was being removed leaves then.
"""

from __future__ import annotations

import asyncio
import json
import re
import shutil
from dataclasses import asdict, dataclass, replace

from kubehop.cluster import layout, manifest, pki
from kubehop.cluster.cluster import Cluster, together
from kubehop.cluster.component import containerd, kube_proxy, kube_router, kubelet
from kubehop.cluster.linux import cgroup, network
from kubehop.cluster.linux.network import Node
from kubehop.cluster.runtime import NodeRuntime
from kubehop.cluster.state import Place, write
from kubehop.errors import ClusterError
from kubehop.wait import patience

FILE = "nodes.json"
NAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,8}[a-z0-9])?")  # an interface NAME-eth0 has to fit in 15 characters
TAKEN = ("fabric", "br0", "lo", "all", "default")  # names that an interface has, or may not have
PROCESSES = ("node", "containerd", "kubelet", "kube-proxy", "kube-router")
MOST = 50
READY_SECONDS, DRAIN_SECONDS = 60, 90


@dataclass(frozen=True)
class Member:
    """A node as the file has it: its number gives its addresses."""

    name: str
    number: int
    leaving: bool = False

    @property
    def node(self) -> Node:
        """Its place in the network."""
        return layout.node(self.number, self.name)


def members(place: Place) -> list[Member]:
    """Return the nodes of a cluster: two, unless some were added or removed."""
    try:
        return [Member(**row) for row in json.loads((place.folder / FILE).read_text())]
    except (OSError, ValueError, TypeError):
        return [Member("node-1", 1), Member("node-2", 2)]


def staying(place: Place) -> tuple[Node, ...]:
    """Return the nodes that a cluster starts with."""
    return tuple(member.node for member in members(place) if not member.leaving)


def leaving(place: Place) -> list[Node]:
    """Return the nodes whose removal was begun and not ended."""
    return [member.node for member in members(place) if member.leaving]


def choose(present: list[Member], name: str) -> Member:
    """Give a new node a name, if it has none, and the lowest free number.

    Raises:
        ClusterError: The name cannot be one, or is taken; or there are fifty nodes.
    """
    names, numbers = {member.name for member in present}, {member.number for member in present}
    if name and (not NAME.fullmatch(name) or name in TAKEN):
        msg = f"{name!r} cannot name a node."
        raise ClusterError(
            msg,
            why=f"It has up to 10 lower-case letters, digits and dashes, and is none of {', '.join(TAKEN)}.",
            next_command="Run `kubehop node add` to have one chosen.",
        )
    if name in names:
        msg = f"There is a node {name} already."
        raise ClusterError(msg, next_command="Run `kubehop node add` to have a name chosen.")
    for number in range(1, MOST + 1):
        if number not in numbers and (name or f"node-{number}" not in names):
            return Member(name or f"node-{number}", number)
    msg = f"The cluster has {MOST} nodes."
    raise ClusterError(msg, next_command="Run `kubehop node remove NAME`.")


async def add(cluster: Cluster, name: str) -> str:
    """Add a node and wait until Pods may run on it; return what to tell.

    Raises:
        ClusterError: The name cannot be used, or the node did not become ready; it is then gone again.
    """
    place = cluster.layout.place
    member = choose(members(place), name)
    _write(place, [*members(place), member])
    runtime = _join(cluster, member.node)
    try:
        await _start(cluster, runtime)
    except BaseException:
        await _leave(cluster, runtime)
        raise
    return f"{member.name} is ready: {member.node.address.ip}, Pods in {member.node.pod_cidr}."


async def remove(cluster: Cluster, name: str, *, force: bool) -> str:
    """Drain a node through the Eviction API, then end and forget it; return what to tell.

    Args:
        cluster: The cluster.
        name: The node.
        force: Delete Pods that no controller makes again; without, they refuse the removal.

    Raises:
        ClusterError: The node must stay, or a Pod does; nothing has changed then.
    """
    place = cluster.layout.place
    runtime = _find(cluster, name)
    _mark(place, name, leaving=True)
    flags = ["--ignore-daemonsets", "--delete-emptydir-data", f"--timeout={DRAIN_SECONDS * patience():g}s"]
    arguments = ["drain", name, *flags, *(["--force"] if force else [])]
    drained = await asyncio.to_thread(cluster.kubectl.run, arguments, timeout_seconds=2 * DRAIN_SECONDS)
    if drained.exit_code:
        await asyncio.to_thread(cluster.kubectl.run, ["uncordon", name])
        _mark(place, name, leaving=False)
        msg = f"{name} stays: a Pod on it cannot be evicted."
        said = " | ".join(drained.text.strip().splitlines()[-2:])
        raise ClusterError(
            msg,
            why=f"kubectl drain said: {said}",
            next_command=f"Run `kubectl get pods -A -o wide --field-selector spec.nodeName={name}`; "
            "`--force` deletes Pods that no controller made.",
        )
    await _leave(cluster, runtime)
    return f"{name} is gone; its Pods run elsewhere."


async def finish(cluster: Cluster) -> None:
    """Remove what is left of nodes that were leaving when the cluster was killed."""
    for node in leaving(cluster.layout.place):
        await _forget(cluster, node)


def _join(cluster: Cluster, node: Node) -> NodeRuntime:
    _resize(cluster, (*cluster.layout.nodes, node))
    runtime = cluster.runtime(node)
    cluster.nodes.append(runtime)
    cluster.names[node.name] = str(node.address.ip)
    return runtime


async def _start(cluster: Cluster, runtime: NodeRuntime) -> None:
    """Start a node; until its images are there it is cordoned, so that no Pod waits for one."""
    plan, node = cluster.layout, runtime.node
    await asyncio.to_thread(pki.ensure, plan)
    await runtime.boot()
    for peer in cluster.nodes[:-1]:
        await asyncio.to_thread(network.add_route, plan.place.namespaces, peer.node.name, peer=node)
    await together(
        runtime.start(containerd.component(plan, node)),
        cluster.apply(manifest.node_objects(plan, [node], schedulable=False)),
    )
    await together(
        *(runtime.start(module.component(plan, node)) for module in (kubelet, kube_proxy, kube_router)),
        asyncio.to_thread(cluster.import_images, runtime),
    )
    wait = [
        "wait",
        "--for=condition=Ready",
        f"node/{node.name}",
        f"--timeout={READY_SECONDS * patience():g}s",
    ]
    await asyncio.to_thread(cluster.kubectl.run, wait, check=True, timeout_seconds=2 * READY_SECONDS)
    await cluster.apply(manifest.node_objects(plan, [node]))


async def _leave(cluster: Cluster, runtime: NodeRuntime) -> None:
    """End a node, and take it out of everything that knows it."""
    node, place = runtime.node, cluster.layout.place
    _mark(place, node.name, leaving=True)  # so that the next start ends it where we are killed, or fail
    await runtime.stop()
    await asyncio.to_thread(cgroup.remove, runtime.groups)
    cluster.nodes.remove(runtime)
    cluster.names.pop(node.name, None)
    _resize(cluster, tuple(other for other in cluster.layout.nodes if other != node))
    for peer in cluster.nodes:
        await asyncio.to_thread(network.remove_route, place.namespaces, peer.node.name, peer=node)
    network.detach_port(place.namespaces, node.name)
    network.remove(place.namespaces, node.name)
    await _forget(cluster, node)


async def _forget(cluster: Cluster, node: Node) -> None:
    """Remove a node's objects and files; its number is free again."""
    place, run = cluster.layout.place, cluster.kubectl.run
    await asyncio.to_thread(run, ["delete", "node", node.name, "--ignore-not-found"], check=True)
    # What a DaemonSet had there; the garbage collector would take a minute.
    pods = ["pods", "--all-namespaces", f"--field-selector=spec.nodeName={node.name}"]
    await asyncio.to_thread(run, ["delete", *pods, "--force", "--grace-period=0"])
    await asyncio.to_thread(shutil.rmtree, place.node(node.name), ignore_errors=True)
    patterns = [(place.pki, f"{file}.*") for file in pki.of_node(node)]
    patterns += [(place.log, f"{process}-{node.name}.log*") for process in PROCESSES]
    for folder, pattern in patterns:
        for file in folder.glob(pattern):
            file.unlink()
    _write(place, [member for member in members(place) if member.name != node.name])


def _find(cluster: Cluster, name: str) -> NodeRuntime:
    found = [runtime for runtime in cluster.nodes if runtime.node.name == name]
    removable = ", ".join(runtime.node.name for runtime in cluster.nodes[1:]) or "none"
    if not found:
        msg = f"There is no node {name!r}."
        raise ClusterError(msg, why=f"Nodes that can go: {removable}.", next_command="Run `kubehop status`.")
    if found[0].node == cluster.layout.control_plane:
        msg = f"{name} cannot be removed: the API server and its data are there."
        raise ClusterError(
            msg,
            why=f"Nodes that can go: {removable}.",
            next_command="Run `kubehop down` to remove the whole cluster.",
        )
    return found[0]


def _resize(cluster: Cluster, nodes: tuple[Node, ...]) -> None:
    cluster.layout = replace(cluster.layout, nodes=nodes)
    for runtime in cluster.nodes:
        runtime.layout = cluster.layout


def _mark(place: Place, name: str, *, leaving: bool) -> None:
    _write(place, [replace(one, leaving=leaving) if one.name == name else one for one in members(place)])


def _write(place: Place, present: list[Member]) -> None:
    write(place.folder / FILE, json.dumps([asdict(member) for member in present]))
