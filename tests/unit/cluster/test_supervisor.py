"""How a cluster's process ends: what it began is ended and awaited, and its log says nothing of it."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from kubehop.cluster import control, manifest, supervisor
from kubehop.cluster.cluster import Cluster
from kubehop.cluster.layout import Layout
from kubehop.cluster.state import Place
from kubehop.cluster.supervisor import Supervisor


class Idle:
    """A cluster with nothing to start; it notes which tasks run on when it is stopped."""

    steps = ()

    def __init__(self, layout: Layout, *_: Any, **__: Any) -> None:
        self.layout = layout
        self.ports = {"api": 1, "ingress_http": 2, "ingress_https": 3, "outside_proxy": 4}
        self.left: list[str] = []

    def describe(self) -> list[Any]:
        """Return no processes."""
        return []

    async def stop(self) -> None:
        """Note what else runs."""
        others = asyncio.all_tasks() - {asyncio.current_task()}
        self.left = sorted(task.get_coro().__qualname__ for task in others)  # type: ignore[union-attr]


@contextlib.asynccontextmanager
async def quiet(caplog: pytest.LogCaptureFixture) -> AsyncIterator[None]:
    """Fail when the event loop had to say something."""
    yield
    gc.collect()
    await asyncio.sleep(0)
    assert [record.getMessage() for record in caplog.records if record.name == "asyncio"] == []


@pytest.fixture
def held(place: Place, monkeypatch: pytest.MonkeyPatch) -> Place:
    """Return a place whose supervisor holds an idle cluster."""
    monkeypatch.setattr(supervisor, "ensure", lambda *_, **__: {})
    monkeypatch.setattr(supervisor, "ensure_images", lambda *_, **__: [])
    monkeypatch.setattr(supervisor, "versions", lambda _: {})
    monkeypatch.setattr(supervisor, "Cluster", Idle)
    monkeypatch.setattr(supervisor.sweep, "leftovers", lambda _: None)
    return place


def test_a_stopped_cluster_leaves_no_task(held: Place, caplog: pytest.LogCaptureFixture) -> None:
    """What writes the handover file and trims logs is ended, and its end awaited."""

    async def run() -> None:
        async with quiet(caplog):
            one = Supervisor(held)
            asyncio.get_running_loop().call_later(0.2, one.stopping.set)
            assert await one.run() == 0
            assert one.cluster.left == []  # type: ignore[attr-defined]

    asyncio.run(run())


def test_an_order_at_work_ends_before_the_cluster(
    held: Place, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else it would start processes in a cluster that is being removed."""
    begun = asyncio.Event()

    async def slow(*_: Any) -> str:
        begun.set()
        await asyncio.sleep(60)
        return "too late"

    monkeypatch.setattr(supervisor.membership, "add", slow)

    async def run() -> None:
        async with quiet(caplog):
            one = Supervisor(held)
            running = asyncio.create_task(one.run(), name="supervisor")
            while one.phase != "ready":
                await asyncio.sleep(0.01)
            with control._short_path(held) as path:
                _, writer = await asyncio.open_unix_connection(path)
            writer.write(json.dumps({"verb": "node-add", "node": ""}).encode() + b"\n")
            await begun.wait()
            one.stopping.set()
            await running
            assert one.cluster.left == [run.__qualname__]  # type: ignore[attr-defined]
            writer.close()

    asyncio.run(run())


@pytest.mark.parametrize("fails", [True, False])
def test_what_a_start_left_behind_ends_with_the_cluster(
    fails: bool, place: Place, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A start that is given up has begun steps that no later step awaits any more."""
    monkeypatch.setattr(manifest, "api_types", lambda _: "")

    class Slow(Cluster):
        async def apply(self, objects: str) -> None:
            if fails:
                raise OSError(28, "No space left on device")
            await asyncio.sleep(60)

    async def run() -> None:
        async with quiet(caplog):
            cluster = Slow(Layout(place, {}), [], on_change=lambda: None)
            (begin,) = (step for step in cluster.steps if step.title == "Gateway API")
            await begin.do()
            await asyncio.sleep(0.01)
            await cluster.stop()
            assert asyncio.all_tasks() == {asyncio.current_task()}
            del cluster, begin

    asyncio.run(run())
