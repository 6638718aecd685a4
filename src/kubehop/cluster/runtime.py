"""A running node: its namespaces, its first process, and the components in it."""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil

from kubehop.cluster.health import healthy
from kubehop.cluster.layout import GATEWAY, Component, Layout
from kubehop.cluster.linux import cgroup, network
from kubehop.cluster.linux.forward import Dialer
from kubehop.cluster.linux.node_init import KEPT
from kubehop.cluster.process import Process, Spec, append
from kubehop.cluster.state import now, write
from kubehop.errors import WaitTimeoutError
from kubehop.wait import end, until_async

TRIES = 3  # a component that ended this often before it was well will not become well
HEALTH_SECONDS = 120.0
SHARED = {  # one in a cluster
    "etcd",
    "kube-apiserver",
    "kube-controller-manager",
    "kube-scheduler",
    "cloud-controller-manager",
}


class NodeRuntime:
    """One node of a cluster while it runs.

    Args:
        layout: The cluster.
        node: The node.
        on_change: Called whenever a process of the node starts or ends.
        awake: Not set while the cluster is paused: what ends then is not started again before it is.
    """

    def __init__(
        self, layout: Layout, node: network.Node, *, on_change: Callable[[], None], awake: asyncio.Event
    ) -> None:
        self.layout = layout
        self.node = node
        self.pid: int | None = None
        self.dialer: Dialer | None = None
        self.reborn = 0
        self.since: str | None = None
        self.components: dict[str, tuple[Component, Process]] = {}
        self._on_change = on_change
        self._awake = awake
        self._keeper: asyncio.Task[None] | None = None

    @property
    def folder(self) -> Path:
        """The node's own files."""
        return self.layout.place.node(self.node.name)

    @property
    def groups(self) -> list[Path]:
        """The folders of the node's cgroup, one in each hierarchy."""
        return cgroup.named(f"{self.layout.place.cgroup_prefix}{self.node.name}")

    @property
    def root(self) -> Path:
        """The node's root folder, as the host sees it."""
        return Path(f"/proc/{self.pid}/root")

    async def boot(self) -> None:
        """Make the node, and make it anew whenever its first process ends."""
        init = await self._boot()
        self._keeper = asyncio.create_task(self._keep(init), name=self.node.name)

    async def _keep(self, init: asyncio.subprocess.Process) -> None:
        while True:
            await init.wait()
            await self._awake.wait()
            self.reborn += 1
            self.pid = None
            self._on_change()
            try:
                for _, process in list(self.components.values()):
                    await process.stop(grace_seconds=0)
                init = await self._boot()
                for component, _ in list(self.components.values()):
                    await self._launch(component)
            except Exception as error:  # noqa: BLE001 - whatever it was: a node without a keeper stays dead
                told = f"kubehop: {self.node.name} could not be started again: {error}"
                with contextlib.suppress(OSError):  # the disk may be full; there will be another try
                    append(self._log("node"), told)
                await asyncio.sleep(1)
                # What came of it ends, so that the wait above does.
                with contextlib.suppress(OSError, WaitTimeoutError):
                    await asyncio.to_thread(cgroup.remove, self.groups)

    async def _boot(self) -> asyncio.subprocess.Process:
        for name in KEPT:
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        await asyncio.to_thread(self._join_network)
        group = cgroup.create(f"{self.layout.place.cgroup_prefix}{self.node.name}")
        ready = self.folder / "ready"
        ready.unlink(missing_ok=True)
        spec = Spec(f"{self.node.name} init", self._init_argv(ready), self._log("node"), group.birth_files)
        init = await Process(spec).launch()
        await until_async(
            lambda: self._is_ready(ready, init),
            what=f"{self.node.name} to set up its file system",
            timeout_seconds=30,
        )
        self.pid, self.since = psutil.Process(init.pid).children()[0].pid, now()
        cgroup.delegate(group)
        self._on_change()
        return init

    def _join_network(self) -> None:
        cgroup.remove(self.groups)
        folder = self.layout.place.namespaces
        if self.dialer:
            self.dialer.close()
        network.detach_port(folder, self.node.name)
        network.remove(folder, self.node.name)
        peers = [peer for peer in self.layout.nodes if peer != self.node]
        network.create_node(folder, self.node, gateway=GATEWAY, peers=peers)
        self.dialer = Dialer(folder / self.node.name)

    def _init_argv(self, ready: Path) -> tuple[str, ...]:
        order = {
            "name": self.node.name,
            "address": str(self.node.address.ip),
            "folder": str(self.folder),
            "ready": str(ready),
            "init": str(self.layout.binaries["pause"]),
        }
        namespace = self.layout.place.namespaces / self.node.name
        return (
            "nsenter",
            f"--net={namespace}",
            "unshare",
            *("--mount", "--pid", "--uts", "--ipc", "--cgroup", "--fork", "--kill-child", "--mount-proc"),
            *("--propagation", "private", "--"),
            *(sys.executable, "-m", "kubehop.cluster.linux.node_init", json.dumps(order)),
        )

    async def _is_ready(self, ready: Path, init: asyncio.subprocess.Process) -> bool:
        if init.returncode is not None:
            raise Process(
                Spec(f"{self.node.name} init", (), self._log("node")), exit_code=init.returncode
            ).failure(before="the node's file system was set up", next_command="Run `kubehop doctor`.")
        return ready.exists() and ready.stat().st_size > 0

    async def start(self, component: Component) -> None:
        """Start a component and wait until it says that it is well.

        Raises:
            ProcessError: It ended three times, or was not well after two minutes.
        """
        process = await self._launch(component)

        async def well() -> bool:
            if process.restarts >= TRIES:
                raise process.failure(before="it answered", next_command=self._advice())
            assert self.dialer  # the node is booted
            return process.state == "running" and await healthy(
                component.health, dialer=self.dialer, root=self.root
            )

        try:
            await until_async(
                well, what=component.name, timeout_seconds=HEALTH_SECONDS, interval_seconds=0.05
            )
        except WaitTimeoutError as error:
            raise process.failure(
                before=f"{HEALTH_SECONDS:g} s were over", next_command=self._advice()
            ) from error

    async def _launch(self, component: Component) -> Process:
        for path, (text, mode) in component.files.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            write(path, text, mode=mode)
        prefix = f"{self.layout.place.cgroup_prefix}{self.node.name}"
        group = cgroup.create(prefix)
        argv = ("nsenter", f"--target={self.pid}", "--all", "--", "setpriv", "--pdeathsig", "KILL", "--")
        spec = Spec(
            component.name,
            (*argv, *component.argv),
            self._log(component.name),
            group.process_files,
            component.env,
        )
        process = Process(spec, on_change=self._on_change, awake=self._awake)
        self.components[component.name] = (component, process)
        await process.start()
        return process

    def command(self, *argv: str) -> list[str]:
        """Return the command that runs `argv` inside this node."""
        return ["nsenter", f"--target={self.pid}", "--all", "--", *argv]

    async def stop(self) -> None:
        """Stop keeping the node and its components alive; what still runs is ended by `sweep`."""
        await end(self._keeper, *(process.keeper for _, process in self.components.values()))
        if self.dialer:
            self.dialer.close()

    def describe(self) -> list[dict[str, Any]]:
        """Return the node's processes as rows of the handover file."""
        init = {"name": "node", "pid": self.pid, "restarts": self.reborn, "since": self.since}
        rows = [init | {"state": "running" if self.pid else "restarting", "last_line": ""}]
        rows += [process.describe() for _, process in self.components.values()]
        return [{"node": self.node.name} | row for row in rows]

    def _log(self, name: str) -> Path:
        suffix = "" if name in SHARED else f"-{self.node.name}"
        return self.layout.place.log / f"{'node' if name == 'node' else name}{suffix}.log"

    def _advice(self) -> str:
        return f"Run `kubehop down --name {self.layout.place.name}`, then `kubehop up` again."
