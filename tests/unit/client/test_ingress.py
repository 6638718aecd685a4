"""Waiting for the ingress controller: a route of its own is written, asked for, and removed."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Iterator

import pytest
from api_server import ApiServer

from kubehop.client import ingress
from kubehop.client.api import Api
from kubehop.client.handover import Cluster

SERVICES = "/api/v1/namespaces/shop/services"
INGRESSES = "/apis/networking.k8s.io/v1/namespaces/shop/ingresses"


class Controller:
    """An ingress controller that takes new routes in after some requests.

    Attributes:
        late: Requests that are still answered by the old routes; None for ever.
        hosts: Hosts that were asked for.
    """

    def __init__(self, server: ApiServer) -> None:
        self.late: int | None = 0
        self.hosts: list[str] = []
        self._api = server
        self.web = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        threading.Thread(target=self.web.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        self.cluster = Cluster("c", "ready", "", ingress_http=f"http://127.0.0.1:{self.web.server_port}")

    def status(self, host: str) -> int:
        """Answer one request: 503 where a route without Pods has the host, and is known by now."""
        self.hosts.append(host)
        known = self.late is not None and len(self.hosts) > self.late
        routes = [one for path, one in self._api.objects.items() if path.startswith(INGRESSES)]
        has = any(rule.get("host") == host for one in routes for rule in one["spec"]["rules"])
        return 503 if known and has and f"{SERVICES}/{ingress.MARKER}" in self._api.objects else 404


def _handler(controller: Controller) -> type[http.server.BaseHTTPRequestHandler]:
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(controller.status(self.headers["Host"]))
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Keep quiet."""

    return Handler


@pytest.fixture
def controller(server: ApiServer) -> Iterator[Controller]:
    """Return a controller of a namespace with one Ingress."""
    server.put(f"{INGRESSES}/app-ingress", {"spec": {"rules": [{"host": "shop.localhost"}]}})
    one = Controller(server)
    yield one
    one.web.shutdown()
    one.web.server_close()


def test_waits_until_the_controller_serves_what_was_written_last(
    controller: Controller, server: ApiServer, api: Api
) -> None:
    """While the route is unknown it asks again; then the marker is gone, and the namespace as before."""
    controller.late = 3
    assert ingress.follow(api, controller.cluster, "shop", timeout_seconds=5) == ""
    assert len(controller.hosts) == 4 and len(set(controller.hosts)) == 1
    assert [path for path in server.objects if ingress.MARKER in path] == []
    assert f"{INGRESSES}/app-ingress" in server.objects


def test_each_wait_has_a_host_of_its_own(controller: Controller, api: Api) -> None:
    """A controller that still serves the marker of the last wait proves nothing."""
    for _ in range(2):
        assert ingress.follow(api, controller.cluster, "shop", timeout_seconds=5) == ""
    assert len(set(controller.hosts)) == 2


def test_a_marker_that_was_left_behind_is_replaced(
    controller: Controller, server: ApiServer, api: Api
) -> None:
    """A killed process leaves its marker, with a host that nobody asks for any more."""
    server.put(f"{INGRESSES}/{ingress.MARKER}", {"spec": {"rules": [{"host": "old.localhost"}]}})
    assert ingress.follow(api, controller.cluster, "shop", timeout_seconds=5) == ""


def test_a_controller_that_never_follows_is_no_error_but_a_note(
    controller: Controller, server: ApiServer, api: Api
) -> None:
    """Some controllers answer 404 for a Service without Pods; the reader's cell must go on."""
    controller.late = None
    assert "is late" in ingress.follow(api, controller.cluster, "shop", timeout_seconds=0.2)
    assert [path for path in server.objects if ingress.MARKER in path] == []


def test_who_may_write_no_route_is_told_so(controller: Controller, server: ApiServer, api: Api) -> None:
    """Without the right to make an Ingress, nothing is proven, and nothing is left behind."""
    server.refused.add(SERVICES)
    assert "403" in ingress.follow(api, controller.cluster, "shop", timeout_seconds=5)
    assert controller.hosts == []


def test_without_an_ingress_nothing_is_written_or_asked(
    controller: Controller, server: ApiServer, api: Api
) -> None:
    """Most chapters have none, and pay nothing."""
    del server.objects[f"{INGRESSES}/app-ingress"]
    assert ingress.follow(api, controller.cluster, "shop") == ""
    assert {method for method, _, _ in server.requests} == {"GET"}
    assert controller.hosts == []
