"""A small trace that obeys every invariant; each test breaks its own copy."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from trace_clock import Clock
from trace_server import FakeApi
from trace_shop import put_shop

from kubehop.client.api import Api
from kubehop.trace import About, Row, Trace, log, watch


@pytest.fixture(autouse=True)
def _in_haste(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let followers look again after a fifth of the usual time: nothing here is far away."""
    monkeypatch.setattr(log, "_WAIT_SECONDS", log._WAIT_SECONDS / 5)
    monkeypatch.setattr(log, "_POLL_SECONDS", log._POLL_SECONDS / 5)
    monkeypatch.setattr(watch, "_FIRST_WAIT_SECONDS", watch._FIRST_WAIT_SECONDS / 5)


@pytest.fixture
def clock() -> Clock:
    """A clock at a fixed time."""
    return Clock()


@pytest.fixture
def trace(clock: Clock) -> Trace:
    """A trace with one of everything, still growing, one second old."""
    about = About(
        id="one-request",
        title="One request reaches one Pod",
        summary="One request goes through the Ingress to the only Pod, and is answered with 200.",
        scenario="kh.through_ingress('/')",
        namespace="shop-kh7f3a",
        cluster=(("kubernetes", "v1.37.2"),),
        hosts=("shop-kh7f3a.localhost",),
    )
    trace = Trace(about, clock=clock)
    trace.entity("client", "Client")
    trace.entity("traefik", "Ingress")
    trace.entity("svc:web", "Service")
    trace.entity("slice:web-x", "EndpointSlice", parent="svc:web")
    trace.entity("route:shop-kh7f3a/app#0", "Route", parent="traefik", path="/", service="svc:web")
    trace.entity("pod:web-1", "Pod", label="web-1")
    trace.entity("hpa:web", "HPA")
    trace.event("pod", id="pod:web-1", op="add", s={"phase": "Running", "ready": True, "ip": "10.244.1.7"})
    conditions = {"ready": True, "serving": True, "terminating": False}
    trace.event("ep", id="pod:web-1", op="add", svc="svc:web", slice="slice:web-x", **conditions)
    clock.advance(100)
    trace.event("gap", source="traefik", op="add", text="the connection broke")
    clock.advance(100)
    trace.event("gap", source="traefik", op="del", text="the connection is back", **{"from": 100})
    trace.chapter("The request")
    row = Row(
        *(250, "client", "route:shop-kh7f3a/app#0", "pod:web-1", "/", "shop-kh7f3a.localhost"),
        **{"us": 4200, "entry_us": 3900, "origin_us": 3100, "pod_us": 900, "status": 200, "seen": 7},
    )
    line = '{"RequestHost":"shop-kh7f3a.localhost","RequestPath":"/","DownstreamStatus":200}'
    trace.put(1, row, lines={"traefik": line})
    for source in ("client", "traefik", "pod"):
        trace.read(source)
    clock.advance(800)
    return trace


@pytest.fixture
def data(trace: Trace) -> dict[str, Any]:
    """The same trace, finished, as plain data."""
    trace.end()
    return trace.data


@pytest.fixture
def server() -> Iterator[FakeApi]:
    """An API server on loopback that can be made to fail."""
    api = FakeApi()
    yield api
    api.close()


@pytest.fixture
def api(server: FakeApi, tmp_path: Path) -> Api:
    """A namespace with a shop."""
    put_shop(server)
    return Api(server.kubeconfig(tmp_path))
