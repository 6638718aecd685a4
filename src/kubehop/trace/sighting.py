"""One request as one observer saw it: the client, Traefik's access log, or a Pod's log."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import SplitResult, urlsplit

from kubehop.client.response import Response
from kubehop.trace import redact

_HTTP_ECHO = re.compile(
    r"\d{4}/\d\d/\d\d [\d:]+ (?P<host>\S*) (?P<peer>\S+) \"(?P<method>[A-Z]+) (?P<path>\S*) HTTP/[\d.]+\""
    r" (?P<status>\d+) \d+ \"(?P<agent>[^\"]*)\" (?P<took>\S+)\Z"
)
_GO_DURATION = re.compile(r"([\d.]+)(ns|µs|us|ms|s|m|h)")
_MICROSECONDS = {"ns": 1e-3, "µs": 1.0, "us": 1.0, "ms": 1e3, "s": 1e6, "m": 6e7, "h": 3.6e9}
_PROBE_PATHS = ("/healthz", "/readyz", "/livez")
_PROBE_AGENT = "kube-probe/"


@dataclass(frozen=True)
class Sighting:
    """One request as one observer saw it.

    Attributes:
        source: client, traefik or pod.
        begun: Seconds since the epoch, by the observer's clock.
        ended: Seconds since the epoch.
        request_id: X-Request-Id of the request or of its answer; empty when the observer did not say.
        peer: Address and port that asked, `10.244.1.9:40112`; empty when unknown.
        asker: Entity that asked, where the observer knows.
        pod: Entity of the Pod that answered, or was dialed.
        address: Address and port that Traefik dialed; empty when it dialed nobody.
        router: Traefik's name of the router that matched; empty when none did.
        origin_us: Time Traefik waited for the Pod; -1 unknown.
        line: The log line, as far as it may enter a trace.
        probe: Whether it looks like a probe of the kubelet.
    """

    source: str
    begun: float
    ended: float
    status: int
    method: str = "GET"
    path: str = "/"
    host: str = ""
    request_id: str = ""
    peer: str = ""
    asker: str = ""
    pod: str = ""
    address: str = ""
    router: str = ""
    origin_us: int = -1
    connection: int = -1
    tries: int = 0
    error: str = ""
    line: str = ""
    probe: bool = False

    @property
    def us(self) -> int:
        """Microseconds from the beginning to the end."""
        return round((self.ended - self.begun) * 1e6)


def client(answer: Response, url: str, *, asker: str, address: str = "", host: str = "") -> Sighting:
    """Return what a client saw of its own request.

    Args:
        answer: The response.
        url: As it was asked for; a path alone has no host.
        asker: Entity of the client.
        address: The client's address, where its port is kept on the way to the Pod.
        host: The Host header, where it is not the URL's.
    """
    target = urlsplit(url)
    path = (target.path or "/") + (f"?{target.query}" if target.query else "")
    peer = f"{address}:{answer.local_port}" if address and answer.local_port else ""
    return Sighting(
        source="client",
        begun=answer.started,
        ended=answer.started + answer.duration_ms / 1000,
        status=answer.status or 0,
        path=redact.path(path),
        host=host or _authority(target),
        request_id=answer.headers.get("X-Request-Id", ""),
        peer=peer,
        asker=asker,
        pod=f"pod:{answer.answered_by}" if answer.answered_by else "",
        connection=-1 if answer.connection is None else answer.connection,
        error=answer.error or "",
    )


def _authority(target: SplitResult) -> str:
    """Return the host of a URL, and its port unless that is 80."""
    host = target.netloc.rpartition("@")[2]
    return f"{host}:443" if target.scheme == "https" and target.port is None else host


def traefik(line: str) -> Sighting | None:
    """Return what a line of Traefik's JSON access log says, or None for another line."""
    fields = _object(line)
    if fields is None or "StartUTC" not in fields or "DownstreamStatus" not in fields:
        return None
    begun = datetime.fromisoformat(fields["StartUTC"]).timestamp()
    origin = fields.get("OriginDuration", 0)
    dialed = fields.get("ServiceAddr", "")
    return Sighting(
        source="traefik",
        begun=begun,
        ended=begun + fields.get("Duration", 0) / 1e9,
        status=int(fields["DownstreamStatus"]),
        method=str(fields.get("RequestMethod", "GET")),
        path=redact.path(str(fields.get("RequestPath", "/"))),
        host=str(fields.get("RequestHost", "")),
        request_id=_request_id(fields),
        address=str(dialed),
        router=str(fields.get("RouterName", "")),
        origin_us=round(origin / 1000) if dialed else -1,
        tries=int(fields.get("RetryAttempts", 0)),
        line=redact.line(fields, keep=redact.TRAEFIK_FIELDS),
    )


def pod(line: str, *, when: float, name: str) -> Sighting | None:
    """Return what a line of a Pod's access log says, or None for another line.

    Args:
        line: A line of the storefront or of http-echo.
        when: Seconds since the epoch at which the container runtime took the line.
        name: The Pod.
    """
    fields = _object(line)
    if fields is None:
        return _http_echo(line, when=when, name=name)
    if "request_id" not in fields or "status" not in fields:
        return None
    path = str(fields.get("path", "/"))
    return Sighting(
        source="pod",
        begun=when - int(fields.get("duration_us", 0)) / 1e6,
        ended=when,
        status=int(fields["status"]),
        method=str(fields.get("method", "GET")),
        path=redact.path(path),
        request_id=str(fields["request_id"]),
        peer=str(fields.get("client", "")),
        pod=f"pod:{name}",
        connection=int(fields.get("connection", -1)),
        line=redact.line(fields, keep=redact.STOREFRONT_FIELDS),
        probe=path.partition("?")[0] in _PROBE_PATHS,
    )


def _http_echo(line: str, *, when: float, name: str) -> Sighting | None:
    found = _HTTP_ECHO.match(line)
    if found is None:
        return None
    path = redact.path(found["path"] or "/")
    return Sighting(
        source="pod",
        begun=when - microseconds(found["took"]) / 1e6,
        ended=when,
        status=int(found["status"]),
        method=found["method"],
        path=path,
        host=found["host"],
        peer=found["peer"],
        pod=f"pod:{name}",
        line=redact.without_credentials(line.replace(found["path"], path) if found["path"] else line),
        probe=found["agent"].startswith(_PROBE_AGENT),
    )


def microseconds(duration: str) -> float:
    """Return the microseconds of a duration as Go prints it: 1m3.5s, 15.2µs."""
    return sum(float(number) * _MICROSECONDS[unit] for number, unit in _GO_DURATION.findall(duration))


def _object(line: str) -> dict[str, Any] | None:
    if not line.startswith("{"):
        return None
    try:
        fields = json.loads(line)
    except ValueError:
        return None
    return fields if isinstance(fields, dict) else None


def _request_id(fields: dict[str, Any]) -> str:
    """Return the id the client sent, or the one that came back with the answer."""
    for name in ("downstream_X-Request-Id", "origin_X-Request-Id", "request_X-Request-Id"):
        if fields.get(name):
            return str(fields[name])
    return ""
