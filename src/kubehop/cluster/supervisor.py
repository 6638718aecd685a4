"""The process that holds a cluster: it starts everything, keeps it running, and ends with it.

Every process of the cluster is tied to this one's life by the kernel:
when it is killed, all of them are, and the next `kubehop up` starts from what is stored.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
import time
import traceback
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

from kubehop.client import owner
from kubehop.cluster import control, member, membership, pause, proxy_mode, state, sweep
from kubehop.cluster.binary import ensure
from kubehop.cluster.cluster import Cluster, Step
from kubehop.cluster.image import ensure_images
from kubehop.cluster.layout import Layout
from kubehop.cluster.process import cause, trim
from kubehop.cluster.product import PRODUCTS
from kubehop.cluster.progress import Silent
from kubehop.cluster.state import Place
from kubehop.cluster.version import versions
from kubehop.errors import ClusterError, KubehopError
from kubehop.wait import end

WRITE_SECONDS = 0.05
TRIM_SECONDS = 60.0


class Supervisor:
    """Holds one cluster and tells about it in the handover file.

    Args:
        layout: The cluster.
        cluster: The cluster while it runs.
    """

    def __init__(self, place: Place) -> None:
        self.place = place
        self.phase, self.step = "starting", ""
        self.error: str | None = None
        self.done = self.total = 0
        self.began = float(os.environ.pop(state.ASKED, time.monotonic()))
        self.trace: list[dict[str, Any]] = []
        self.changed = asyncio.Event()
        self.stopping = asyncio.Event()
        self.busy = asyncio.Lock()
        binaries = ensure(PRODUCTS, progress=Silent())
        images = ensure_images(binaries, progress=Silent())
        self.layout = Layout(
            place, binaries, nodes=member.staying(place), proxy_modes=proxy_mode.stored(place)
        )
        self.cluster = Cluster(self.layout, images, ports=self._former_ports(), on_change=self.changed.set)
        self.versions = versions(self.layout)

    async def run(self) -> int:
        """Bring the cluster up, hold it until asked to stop, take it down; return the exit code."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self.stopping.set)
        chores = [asyncio.create_task(chore()) for chore in (self._write_changes, self._trim_logs)]
        orders = await control.serve(self.place, self._obey)
        try:
            await self._until_stopped(self._up())
        finally:
            await orders.close()
            await end(*chores)
            self.phase = "stopping" if self.error is None else "failed"
            await self.cluster.stop()
            self._write()
            await asyncio.to_thread(sweep.leftovers, self.place)
        return 0 if self.error is None else 1

    async def _until_stopped(self, up: Any) -> None:
        starting = asyncio.create_task(up)
        stop = asyncio.create_task(self.stopping.wait())
        await asyncio.wait({starting, stop}, return_when=asyncio.FIRST_COMPLETED)
        if starting.done() and self.error is None:
            await stop
        await end(starting, stop)

    async def _up(self) -> None:
        self._note("checks and look-ups", self.began)
        steps = self.cluster.steps
        if member.leaving(self.place):
            steps.append(Step("nodes that leave", partial(membership.finish, self.cluster)))
        self.total = len(steps)
        try:
            for self.done, step in enumerate(steps):
                self.step = step.title
                self._write()
                await self._take(step)
        except KubehopError as error:
            self.error = f"{self.step}: {error}"
        except Exception as error:  # noqa: BLE001 - whatever it was, `up` must say it
            traceback.print_exc()
            self.error = f"{self.step}: {type(error).__name__}: {error}. {cause(str(error))}".rstrip()
        else:
            self.phase, self.step, self.done = "ready", "ready", self.total
            (self.place.folder / state.WAS_READY).touch()
        self.changed.set()

    async def _take(self, step: Step) -> None:
        """Take one step, and note when it began (seconds since `up` began) and how long it took."""
        began = time.monotonic()
        await step.do()
        self._note(step.title, began)

    def _note(self, title: str, began: float) -> None:
        seconds = time.monotonic() - began
        self.trace.append(
            {"title": title, "began": round(began - self.began, 3), "seconds": round(seconds, 3)}
        )

    async def _obey(self, order: dict[str, Any]) -> str:
        """Do what the command line asks of a cluster that runs; return what to tell."""
        async with self.busy:
            verb = order["verb"]
            if verb == "resume" and self.phase == "ready":
                return f"The cluster {self.place.name} is not paused."
            if verb == "pause" and self.phase == "paused":
                return f"The cluster {self.place.name} is paused already."
            if self.phase != ("paused" if verb == "resume" else "ready"):
                raise self._not_now(verb)
            match verb:
                case "pause":
                    return await self._pause()
                case "resume":
                    return await self._resume()
                case "node-add":
                    return await self._change(membership.add, order["node"])
                case "node-remove":
                    remove = partial(membership.remove, force=order["force"] == "yes")
                    return await self._change(remove, order["node"])
            msg = f"{verb!r} is no order."
            raise ClusterError(msg)

    def _not_now(self, verb: str) -> ClusterError:
        name = self.place.name
        advice = f"Run `kubehop {'resume' if self.phase == 'paused' else 'status'} --name {name}`."
        return ClusterError(f"The cluster {name} is {self.phase}: no {verb} now.", next_command=advice)

    async def _pause(self) -> str:
        await pause.pause(self.cluster)
        self._enter("paused")
        return f"The cluster {self.place.name} is paused: it keeps its memory and uses no processor time."

    async def _resume(self) -> str:
        self._enter("resuming")
        try:
            await pause.resume(self.cluster)
        finally:
            self._enter("ready")
        return f"The cluster {self.place.name} runs again."

    async def _change(self, change: Callable[[Cluster, str], Awaitable[str]], node: str) -> str:
        try:
            return await change(self.cluster, node)
        finally:
            self.changed.set()

    def _enter(self, phase: str) -> None:
        self.phase = self.step = phase
        self._write()

    async def _write_changes(self) -> None:
        while True:
            await self.changed.wait()
            self.changed.clear()
            self._write()
            await asyncio.sleep(WRITE_SECONDS)

    async def _trim_logs(self) -> None:
        while True:
            await asyncio.sleep(TRIM_SECONDS)
            for log in self.place.log.glob("*.log"):
                with contextlib.suppress(OSError):
                    await asyncio.to_thread(trim, log)

    def _write(self) -> None:
        """Tell where we stand; where that cannot be written, as on a full disk, try again soon."""
        try:
            self._tell()
        except OSError:
            asyncio.get_running_loop().call_later(1, self.changed.set)

    def _tell(self) -> None:
        ports = self.cluster.ports
        state.write_handover(
            self.place,
            {
                "phase": self.phase,
                "step": self.step,
                "done": self.done,
                "total": self.total,
                "error": self.error,
                "api": f"https://127.0.0.1:{ports['api']}",
                "ingress_http": f"http://127.0.0.1:{ports['ingress_http']}",
                "ingress_https": f"https://127.0.0.1:{ports['ingress_https']}",
                "ingress_ca": str(self.place.ingress_ca),
                "outside_proxy": f"socks5h://127.0.0.1:{ports['outside_proxy']}",
                "ports": ports,
                "nodes": [
                    {"name": node.name, "address": str(node.address.ip)} for node in self.cluster.layout.nodes
                ],
                "versions": self.versions,
                "supervisor_pid": os.getpid(),
                "supervisor_started": owner.started(os.getpid()),
                "components": self.cluster.describe(),
                "trace": self.trace,
            },
        )

    def _former_ports(self) -> dict[str, int]:
        former = (state.read_handover(self.place) or {}).get("ports", {})
        return {name: port for name, port in former.items() if isinstance(port, int)}


def main() -> None:
    """Hold the cluster that `argv[1]` names, until SIGTERM."""
    place = Place(sys.argv[1])
    with contextlib.suppress(KeyboardInterrupt):
        sys.exit(asyncio.run(_run(place)))


async def _run(place: Place) -> int:
    return await Supervisor(place).run()


if __name__ == "__main__":
    main()
