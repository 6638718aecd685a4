"""Nodes that come and go while the cluster runs.

Which nodes a cluster has is kept in a file of its folder, written before a node comes and after it has gone.
So a cluster that is killed in between starts with the node, and one that was being removed leaves then.
"""

from __future__ import annotations

import asyncio
import shutil
from dataclasses import replace

from kubehop.cluster import manifest, pki
from kubehop.cluster.cluster import Cluster, together
from kubehop.cluster.component import containerd, kube_proxy, kube_router, kubelet
from kubehop.cluster.linux import cgroup, network
from kubehop.cluster.linux.network import Node
from kubehop.cluster.member import FILE, Member, choose, leaving, members, number_of, store
from kubehop.cluster.runtime import NodeRuntime
from kubehop.errors import ClusterError, KubehopError
from kubehop.wait import patience

PROCESSES = ("node", "containerd", "kubelet", "kube-proxy", "kube-router")
READY_SECONDS, DRAIN_SECONDS = 60, 90


async def add(cluster: Cluster, name: str) -> str:
    """Add a node and wait until Pods may run on it; return what to tell.

    Raises:
        ClusterError: The name cannot be used, or the node did not become ready; it is then gone again,
            or the error says that it is not.
    """
    place, present = cluster.layout.place, _present(cluster)
    member = choose([*present, *await asyncio.to_thread(_objects, cluster)], name)
    if (left := place.node(member.name)).exists():  # its record of images would say that they are there
        await asyncio.to_thread(shutil.rmtree, left)
    store(place, [*present, member])
    runtime = _join(cluster, member.node)
    try:
        await _start(cluster, runtime)
    except Exception as error:  # a cluster that ends meanwhile has the node when it starts again
        await _undo(cluster, member.node, error)
        raise
    return f"{member.name} is ready: {member.node.address.ip}, Pods in {member.node.pod_cidr}."


async def remove(cluster: Cluster, name: str, *, force: bool) -> str:
    """Drain a node through the Eviction API, then end and forget it; return what to tell.

    Nobody drains a node that does not run, or that has no Node object.

    Args:
        cluster: The cluster.
        name: The node.
        force: Delete Pods that no controller makes again; without, they refuse the removal.

    Raises:
        ClusterError: The node must stay, or a Pod does; nothing has changed then.
    """
    objects = {one.name for one in await asyncio.to_thread(_objects, cluster)}
    node = _find(cluster, name, objects)
    _mark(cluster, name, leaving=True)
    if name in objects and any(runtime.node.name == name for runtime in cluster.nodes):
        await _drain(cluster, name, force=force)
    await _leave(cluster, node)
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


async def _drain(cluster: Cluster, name: str, *, force: bool) -> None:
    flags = ["--ignore-daemonsets", "--delete-emptydir-data", f"--timeout={DRAIN_SECONDS * patience():g}s"]
    arguments = ["drain", name, *flags, *(["--force"] if force else [])]
    drained = await asyncio.to_thread(cluster.kubectl.run, arguments, timeout_seconds=2 * DRAIN_SECONDS)
    if drained.exit_code:
        await asyncio.to_thread(cluster.kubectl.run, ["uncordon", name])
        _mark(cluster, name, leaving=False)
        msg = f"{name} stays: a Pod on it cannot be evicted."
        said = " | ".join(drained.text.strip().splitlines()[-2:])
        raise ClusterError(
            msg,
            why=f"kubectl drain said: {said}",
            next_command=f"Run `kubectl get pods -A -o wide --field-selector spec.nodeName={name}`; "
            "`--force` deletes Pods that no controller made.",
        )


async def _undo(cluster: Cluster, node: Node, error: Exception) -> None:
    """Remove a node that did not become ready.

    Raises:
        ClusterError: That failed, too.
    """
    try:
        await _leave(cluster, node)
    except (KubehopError, OSError) as left:
        msg = f"{node.name} did not become ready, and could not be removed again: {left}"
        advice = f"Run `kubehop node remove {node.name}`."
        raise ClusterError(
            msg, why=f"It did not become ready because: {error}", next_command=advice
        ) from error


async def _leave(cluster: Cluster, node: Node) -> None:
    """End a node, if it runs, and take it out of everything that knows it."""
    place = cluster.layout.place
    _mark(cluster, node.name, leaving=True)  # so that the next start ends it where we are killed, or fail
    for runtime in [one for one in cluster.nodes if one.node == node]:
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
    store(place, [member for member in _present(cluster) if member.name != node.name])


def _present(cluster: Cluster) -> list[Member]:
    """Return the nodes that run, whatever the list has, and those that only stand there."""
    listed = {member.name: member for member in members(cluster.layout.place)}
    running = [runtime.node for runtime in cluster.nodes]
    found = [
        Member(node.name, number_of(str(node.address.ip)), node.name in listed and listed[node.name].leaving)
        for node in running
    ]
    numbers = {member.number for member in found}
    names = {member.name for member in found}
    return found + [one for one in listed.values() if one.name not in names and one.number not in numbers]


def _objects(cluster: Cluster) -> list[Member]:
    """Return the nodes that have a Node object; one that is not ours has the number 0, or one of ours."""
    items = cluster.kubectl.json(["get", "nodes"])["items"]
    return [Member(item["metadata"]["name"], number_of(item["spec"].get("podCIDR", ""))) for item in items]


def _find(cluster: Cluster, name: str, objects: set[str]) -> Node:
    known = {member.name: member.node for member in _present(cluster)}
    first = cluster.layout.control_plane.name
    why = f"Nodes that can go: {', '.join(one for one in known if one != first) or 'none'}."
    if name == first:
        msg = f"{name} cannot be removed: the API server and its data are there."
        raise ClusterError(msg, why=why, next_command="Run `kubehop down` to remove the whole cluster.")
    if name in known:
        return known[name]
    if name in objects:
        msg = f"{name} is a Node object, and no node that this cluster runs."
        advice = f"Run `kubectl delete node {name}` if it should not be there."
        raise ClusterError(
            msg, why=f"Nothing of that name was started, or stands in {FILE}.", next_command=advice
        )
    msg = f"There is no node {name!r}."
    raise ClusterError(msg, why=why, next_command="Run `kubehop status`.")


def _resize(cluster: Cluster, nodes: tuple[Node, ...]) -> None:
    cluster.layout = replace(cluster.layout, nodes=nodes)
    for runtime in cluster.nodes:
        runtime.layout = cluster.layout


def _mark(cluster: Cluster, name: str, *, leaving: bool) -> None:
    present = _present(cluster)
    store(cluster.layout.place, [replace(o, leaving=leaving) if o.name == name else o for o in present])
