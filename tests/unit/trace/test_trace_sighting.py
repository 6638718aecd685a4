"""Lines of access logs and responses are read; what must not enter is left out."""

from __future__ import annotations

import json
from typing import Any

import pytest

from kubehop.client.response import Response
from kubehop.trace import sighting

T = 1_700_000_000.0

TRAEFIK_LINE: dict[str, Any] = {
    "StartUTC": "2023-11-14T22:13:20.5Z",
    "Duration": 4_200_000,
    "OriginDuration": 3_100_000,
    "RequestMethod": "GET",
    "RequestHost": "shop.localhost",
    "RequestPath": "/cart?token=abc&page=2",
    "RouterName": "shop-app@kubernetes",
    "ServiceAddr": "10.244.1.7:8080",
    "DownstreamStatus": 200,
    "RetryAttempts": 1,
    "request_Authorization": "Bearer abcdefgh12345",
    "downstream_X-Request-Id": "id-1",
    "level": "info",
}


def test_traefik_line() -> None:
    """What is needed is read; headers and secret values are left out of the kept line."""
    seen = sighting.traefik(json.dumps(TRAEFIK_LINE))
    assert seen is not None
    assert (seen.begun, round(seen.us), seen.origin_us) == (T + 0.5, 4200, 3100)
    assert (seen.path, seen.request_id, seen.tries) == ("/cart?token=redacted&page=2", "id-1", 1)
    assert "Bearer" not in seen.line
    assert "abc&" not in seen.line
    assert json.loads(seen.line)["RouterName"] == "shop-app@kubernetes"
    assert sighting.traefik('{"level":"info","msg":"starting"}') is None
    assert sighting.traefik("not JSON") is None


def test_pod_lines() -> None:
    """Both applications' lines are read; other lines are none."""
    echo = '2026/11/24 10:21:41 shop.localhost 10.244.1.3:59306 "GET /a HTTP/1.1" 200 14 "curl/8.5.0" 9.789µs'
    seen = sighting.pod(echo, when=T, name="web-1")
    assert seen is not None
    assert (seen.path, seen.peer, seen.status, seen.us, seen.pod) == (
        "/a",
        "10.244.1.3:59306",
        200,
        10,
        "pod:web-1",
    )
    shop = {"time": "x", "method": "GET", "path": "/cart", "status": 200, "duration_us": 446, "pod": "shop-1"}
    shop |= {"client": "10.244.1.3", "connection": 7, "request_id": "id-1"}
    seen = sighting.pod(json.dumps(shop), when=T, name="shop-1")
    assert seen is not None
    assert (seen.request_id, seen.connection, seen.us, seen.ended) == ("id-1", 7, 446, T)
    assert sighting.pod('{"time":"x","event":"shutdown"}', when=T, name="shop-1") is None
    assert sighting.pod("listening on :8080", when=T, name="web-1") is None
    assert sighting.pod(echo.replace("curl/8.5.0", "kube-probe/1.37"), when=T, name="web-1").probe  # type: ignore[union-attr]


def test_client_record() -> None:
    """A response becomes a sighting with the port of its connection, its id and who answered."""
    answer = Response(
        *(200, "", {"X-Request-Id": "id-1"}, 4.2, "web-1", None, 3, 40_112),
        started=T,
    )
    seen = sighting.client(
        answer, "http://user:secret@web-svc/a?b=1", asker="client:pod", address="10.244.1.9"
    )
    assert (seen.host, seen.path, seen.peer, seen.request_id) == (
        "web-svc",
        "/a?b=1",
        "10.244.1.9:40112",
        "id-1",
    )
    assert (seen.us, seen.connection, seen.pod) == (4200, 3, "pod:web-1")
    none = Response(None, error="timed out", started=T)
    assert sighting.client(none, "/x", asker="client", host="shop.localhost").status == 0


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("http://web-svc/", "web-svc"),
        ("https://web-svc/", "web-svc:443"),
        ("https://u:p@web-svc:8443/", "web-svc:8443"),
        ("https://[fd00::7]/", "[fd00::7]:443"),
    ],
)
def test_a_host_without_a_port_means_port_80(url: str, host: str) -> None:
    """So the port that https means is part of the host."""
    assert sighting.client(Response(200, started=T), url, asker="client:pod").host == host


@pytest.mark.parametrize(
    ("text", "expected"), [("9.789µs", 9.789), ("1m3.5s", 63.5e6), ("120ns", 0.12), ("2ms", 2000.0)]
)
def test_go_durations(text: str, expected: float) -> None:
    """Durations are read in every unit that Go prints."""
    assert sighting.microseconds(text) == pytest.approx(expected)
