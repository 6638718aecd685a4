"""Stopping a whole cluster where it stands, and letting it run on as if nothing had been.

Time goes on while a cluster is paused, so everything that watches a clock finds it late afterwards.
The controller-manager would call every node dead. It is therefore held until each node has said
that it is well, see docs/decisions/0054.
"""

from __future__ import annotations

import asyncio
import contextlib
from datetime import UTC, datetime, timedelta
from typing import Any

import psutil

from kubehop.cluster.cluster import Cluster
from kubehop.cluster.linux import cgroup
from kubehop.errors import CommandError
from kubehop.wait import until_async

HELD = "kube-controller-manager"
WELL_SECONDS = 60.0
RENEWED_SECONDS = 12  # a kubelet renews every 10 s; the controller-manager waits for 20 s


async def pause(cluster: Cluster) -> None:
    """Freeze every process of the cluster's nodes.

    Raises:
        ClusterError: The kernel has no freezer.
        WaitTimeoutError: A process did not stop in time; the cluster runs on.
    """
    name = cluster.layout.place.name
    cluster.gate.notice = f"The cluster {name} is paused. Run `kubehop resume --name {name}`."
    cluster.gate.shut = True
    cluster.awake.clear()
    try:
        _hold(cluster)
        await asyncio.to_thread(cgroup.freeze, _groups(cluster))
    except BaseException:
        _release(cluster)
        raise


async def resume(cluster: Cluster) -> None:
    """Let the cluster run; requests are answered at once, and this returns when each node is well.

    Raises:
        WaitTimeoutError: A node was not well after a minute; everything runs nevertheless.
    """
    recent = datetime.now(UTC) - timedelta(seconds=RENEWED_SECONDS)
    await asyncio.to_thread(cgroup.thaw, _groups(cluster))
    cluster.gate.shut = False

    async def well() -> bool:
        arguments = ["get", "nodes,leases", "--namespace=kube-node-lease"]
        try:
            found = (await asyncio.to_thread(cluster.kubectl.json, arguments))["items"]
        except CommandError:  # the API server wakes up, too
            return False
        fresh = {item["metadata"]["name"] for item in found if _renewed(item, recent)}
        ready = {item["metadata"]["name"] for item in found if _is_ready(item)}
        return all(node.node.name in fresh & ready for node in cluster.nodes)

    try:
        await until_async(
            well,
            what="each node to say that it is well",
            timeout_seconds=WELL_SECONDS,
            interval_seconds=0.1,
            next_command="Run `kubehop status`.",
        )
    finally:
        _release(cluster)


def _groups(cluster: Cluster) -> list[Any]:
    return [folder for node in cluster.nodes for folder in node.groups]


def _hold(cluster: Cluster) -> None:
    for process in _held(cluster):
        with contextlib.suppress(psutil.NoSuchProcess):
            process.suspend()


def _release(cluster: Cluster) -> None:
    for process in _held(cluster):
        with contextlib.suppress(psutil.NoSuchProcess):
            process.resume()
    cluster.gate.shut = False
    cluster.awake.set()


def _held(cluster: Cluster) -> list[psutil.Process]:
    """Find the controller-manager: what we started is `nsenter`, whose child it is."""
    pids = [row["pid"] for row in cluster.describe() if row["name"] == HELD and row["pid"]]
    with contextlib.suppress(psutil.NoSuchProcess):
        return [member for pid in pids for member in (*psutil.Process(pid).children(), psutil.Process(pid))]
    return []


def _renewed(item: dict[str, Any], since: datetime) -> bool:
    """Say whether an object is a node's lease that was renewed after a point in time."""
    return item["kind"] == "Lease" and datetime.fromisoformat(item["spec"]["renewTime"]) > since


def _is_ready(item: dict[str, Any]) -> bool:
    conditions = item["status"]["conditions"] if item["kind"] == "Node" else []
    return any(one["type"] == "Ready" and one["status"] == "True" for one in conditions)
