"""A cluster from nothing to answering: an explicit list of steps, in order."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kubehop.client.kubectl import Kubectl
from kubehop.cluster import command, manifest, pki
from kubehop.cluster.component import (
    apiserver,
    cloud_controller_manager,
    containerd,
    controller_manager,
    etcd,
    kube_proxy,
    kube_router,
    kubelet,
    scheduler,
)
from kubehop.cluster.health import http_status
from kubehop.cluster.image import Image
from kubehop.cluster.layout import API_PORT, DNS_ADDRESS, GATEWAY, Layout
from kubehop.cluster.linux import network
from kubehop.cluster.linux.door import Door
from kubehop.cluster.linux.forward import LOOPBACK, Dialer, Gate, reserve, serve_socks, serve_tcp
from kubehop.cluster.runtime import NodeRuntime
from kubehop.cluster.state import write
from kubehop.errors import ClusterError
from kubehop.wait import end, patience, until_async

PORTS = {"api": API_PORT, "ingress_http": 8080, "ingress_https": 8443, "outside_proxy": 1080}
INGRESS_ONLY = "traefik"  # 190 MB, and needed on one node only


@dataclass(frozen=True)
class Step:
    """One step of `up`: what people read while it runs, and what it does."""

    title: str
    do: Callable[[], Awaitable[None]]


class Cluster:
    """One cluster while it runs.

    Args:
        layout: What it is to be.
        images: The container images its nodes must have.
        ports: Preferred host ports, as `PORTS` names them.
        on_change: Called whenever one of its processes starts or ends.
    """

    def __init__(
        self,
        layout: Layout,
        images: list[Image],
        *,
        ports: dict[str, int] | None = None,
        on_change: Callable[[], None],
    ) -> None:
        self.layout = layout
        self.images = images
        self.gate = Gate()
        self.awake = asyncio.Event()
        self.awake.set()
        self._on_change = on_change
        self.nodes = [self.runtime(node) for node in layout.nodes]
        self.names: dict[str, str] = {}
        self.ports = PORTS | (ports or {})
        self._doors: list[Door] = []
        self._imports: asyncio.Future[Any] | None = None
        self._types: asyncio.Task[None] | None = None
        self._edge_ready: asyncio.Task[None] | None = None

    @property
    def steps(self) -> list[Step]:
        """Everything `up` does once programs and images are there, in order."""
        return [
            Step("certificates", self._certificates),
            Step("network and ports", self._network),
            Step("nodes", self._boot),
            Step("etcd and containerd", self._stores),
            Step("API server", self._api_server),
            Step("node objects", self._node_objects),
            Step("Gateway API", self._api_types),
            Step("controllers, kubelets and proxies", self._controllers),
            Step("cloud and firewall", self._edge),
            Step("DNS, metrics and Ingress controller", self._addons),
            Step("images", self._images_there),
            Step("DNS answers", self._dns_answers),
            Step("Ingress answers", self._ingress_answers),
            Step("load balancers and network policies", self._edge_there),
        ]

    async def stop(self) -> None:
        """Stop serving and stop restarting; what runs is then ended by `sweep`."""
        await end(self._imports, self._types, self._edge_ready)
        await asyncio.gather(*(door.close() for door in self._doors))
        await asyncio.gather(*(node.stop() for node in self.nodes))

    def describe(self) -> list[dict[str, Any]]:
        """Return all processes as rows of the handover file."""
        return [row for node in self.nodes for row in node.describe()]

    def runtime(self, node: network.Node) -> NodeRuntime:
        """Return what holds a node of this cluster while it runs."""
        return NodeRuntime(self.layout, node, on_change=self._on_change, awake=self.awake)

    @property
    def _first(self) -> NodeRuntime:
        return self.nodes[0]

    @property
    def kubectl(self) -> Kubectl:
        """The administrator's kubectl, from the host."""
        return Kubectl(self.layout.place.kubeconfig)

    async def _certificates(self) -> None:
        await asyncio.to_thread(pki.ensure, self.layout)

    async def _network(self) -> None:
        place = self.layout.place
        await asyncio.to_thread(network.create_fabric, place.namespaces, gateway=GATEWAY)
        dialer = Dialer(place.namespaces / network.FABRIC)
        address = str(self.layout.control_plane.address.ip)
        for name, target in {"api": API_PORT, "ingress_http": 80, "ingress_https": 443}.items():
            listener = reserve(self.ports[name])
            self.ports[name] = listener.getsockname()[1]
            speaks_http = name == "ingress_http"
            self._doors.append(
                await serve_tcp(listener, dialer, (address, target), gate=self.gate, speaks_http=speaks_http)
            )
        listener = reserve(self.ports["outside_proxy"])
        self.ports["outside_proxy"] = listener.getsockname()[1]
        self.names |= {node.name: str(node.address.ip) for node in self.layout.nodes}
        self._doors.append(await serve_socks(listener, dialer, self.names, gate=self.gate))
        url = f"https://{LOOPBACK}:{self.ports['api']}"
        write(place.kubeconfig, pki.kubeconfig(place.pki, pki.ADMIN, url), mode=0o600)
        place.hand_over(place.kubeconfig)

    async def _boot(self) -> None:
        await together(*(node.boot() for node in self.nodes))

    async def _stores(self) -> None:
        runtimes = [node.start(containerd.component(self.layout, node.node)) for node in self.nodes]
        await together(self._first.start(etcd.component(self.layout)), *runtimes)
        self._imports = asyncio.gather(*(asyncio.to_thread(self.import_images, node) for node in self.nodes))

    async def _api_server(self) -> None:
        await self._first.start(apiserver.component(self.layout))

    async def _node_objects(self) -> None:
        objects = (manifest.roles(), manifest.node_objects(self.layout, self.layout.nodes))
        await self.apply("---\n".join(objects))

    async def _api_types(self) -> None:
        """Begin to teach the API server the types of the Gateway API; the add-ons wait for them."""
        self._types = asyncio.create_task(self.apply(manifest.api_types(self.layout)))

    async def _controllers(self) -> None:
        shared = (controller_manager, scheduler)
        starts = [self._first.start(module.component(self.layout)) for module in shared]
        for node in self.nodes:
            starts.append(node.start(kubelet.component(self.layout, node.node)))
            starts.append(node.start(kube_proxy.component(self.layout, node.node)))
        await together(*starts)

    async def _edge(self) -> None:
        """Begin what no Pod waits for: load balancers, and the firewall, which waits for nodes' addresses."""
        starts = [self._first.start(cloud_controller_manager.component(self.layout))]
        starts += [node.start(kube_router.component(self.layout, node.node)) for node in self.nodes]
        self._edge_ready = asyncio.create_task(together(*starts))

    async def _addons(self) -> None:
        assert self._types  # an earlier step began it
        await self._types
        wait = [
            "wait",
            "--for=condition=Established",
            f"--timeout={60 * patience():g}s",
            f"crd/{manifest.GATEWAY_CLASSES}",
        ]
        await asyncio.to_thread(self.kubectl.run, wait, check=True)
        await self.apply(manifest.addons(self.layout))

    async def _images_there(self) -> None:
        assert self._imports  # an earlier step began them
        await self._imports

    async def _edge_there(self) -> None:
        assert self._edge_ready  # an earlier step began it
        await self._edge_ready

    async def _dns_answers(self) -> None:
        assert self._first.dialer  # the node is booted
        dialer = self._first.dialer

        async def answers() -> bool:
            try:
                (await dialer.connect(str(DNS_ADDRESS), 53)).close()
            except OSError:
                return False
            return True

        await self._until(answers, "the cluster's DNS Service to accept a connection", "coredns")

    async def _ingress_answers(self) -> None:
        async def answers() -> bool:
            return await http_status(LOOPBACK, self.ports["ingress_http"], "/") is not None

        await self._until(answers, "the Ingress controller to answer", "traefik")

    async def _until(self, fact: Callable[[], Awaitable[bool]], what: str, workload: str) -> None:
        advice = f"Run `kubectl describe pods -A` and look for {workload}."
        await until_async(fact, what=what, timeout_seconds=120, interval_seconds=0.1, next_command=advice)

    async def apply(self, objects: str) -> None:
        """Apply objects as the cluster's own, through the API server."""
        await manifest.apply(self.kubectl, objects)

    def import_images(self, node: NodeRuntime) -> None:
        """Give a node the images it does not have yet; a file in its folder says which it has."""
        record = node.folder / "images"
        had = record.read_text().splitlines() if record.exists() else []
        mine = [image for image in self.images if node is self._first or INGRESS_ONLY not in image.name]
        program = (str(self.layout.binaries["ctr"]), f"--address={containerd.SOCKET}", "--namespace=k8s.io")
        for image in mine:
            if str(image.archive) in had:
                continue
            said: list[str] = []
            # Locally, not through the transfer service: half the processor time.
            how = ("images", "import", "--local", f"--snapshotter={self.layout.snapshotter}")
            words = (*program, *how, str(image.archive))
            if command.run(node.command(*words), cwd=Path("/"), env=os.environ, on_line=said.append):
                msg = f"The image {image.name} could not be imported on {node.node.name}: {said[-1:]}."
                raise ClusterError(
                    msg,
                    why="The archive may be damaged, or the disk full.",
                    next_command="Run `kubehop doctor`, then `kubehop up`.",
                )
        write(record, "\n".join(str(image.archive) for image in mine))


async def together(*starts: Awaitable[None]) -> None:
    """Run all at once; the first failure ends the others and is raised as itself."""
    try:
        async with asyncio.TaskGroup() as group:
            for start in starts:
                group.create_task(_as_coroutine(start))
    except* Exception as errors:  # noqa: BLE001 - raised again on the next line
        raise errors.exceptions[0] from None


async def _as_coroutine(start: Awaitable[None]) -> None:
    await start
