"""Requests over HTTP: from a Pod, through the Ingress, and from outside the cluster.

An error is a value: a refused connection, a time-out and a 503 are all what the book is about.
"""

from __future__ import annotations

import http.client
import re
from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from kubernetes.client.exceptions import ApiException

from kubehop.client import curl, exchange, socks
from kubehop.client.api import Api
from kubehop.client.handover import Cluster
from kubehop.client.kubectl import Kubectl, failure
from kubehop.client.response import Responses
from kubehop.errors import RequestError

MAX_TIME_SECONDS = 5.0
_EXEC_SECONDS = 30.0
_HTTP_PORT = 80
# What the API server answers when asked for the log of a container that waits to start.
_BAD_REQUEST = 400
# A request in the log of http-echo, and in that of the storefront; kubelet's probes are not requests.
_REQUEST_LINE = re.compile(r'"[A-Z]+ \S+ HTTP/[\d.]+"|"path": ?"(?!/healthz|/readyz)')
_PROBE = "kube-probe/"


def from_pod(
    kubectl: Kubectl,
    url: str,
    *,
    pod: str = "client",
    count: int = 1,
    keep_alive: bool = False,
    headers: Mapping[str, str] | None = None,
    max_time_seconds: float = MAX_TIME_SECONDS,
) -> Responses:
    """Ask for `url` with curl in a Pod, `count` times one after the other, by one `kubectl exec`.

    Args:
        kubectl: On the Pod's namespace.
        url: As curl takes it; names resolve as the Pod resolves them.
        pod: A Pod that has `sh` and `curl`.
        count: Number of requests.
        keep_alive: Use one connection for all requests instead of one for each.
        headers: Sent with each request; `Host` replaces curl's own.
        max_time_seconds: Seconds for each request as a whole.

    Raises:
        RequestError: The Pod could not be entered, so nothing was asked.
    """
    script = curl.script(
        url, count=count, keep_alive=keep_alive, headers=headers or {}, max_time_seconds=max_time_seconds
    )
    done = kubectl.run(
        ["exec", "--quiet", pod, "--", *script.words],
        timeout_seconds=_EXEC_SECONDS + count * max_time_seconds,
    )
    found = curl.parse(done.text, mark=script.mark)
    if len(found) == count:
        return found
    cause = failure(done)
    what = f"{count - len(found)} of {count} requests to {url} were not made: Pod {pod!r} ran no curl."
    raise RequestError(what, why=cause.why, next_command=f"Run `kubectl get pod {pod}`.") from cause


def through_ingress(
    cluster: Cluster,
    path: str,
    *,
    host: str,
    count: int = 1,
    keep_alive: bool = False,
    headers: Mapping[str, str] | None = None,
    max_time_seconds: float = MAX_TIME_SECONDS,
) -> Responses:
    """Ask the Ingress for `path` as a browser on this machine would, with `Host: host`.

    The Ingress is dialed by its address: names below `localhost` resolve in browsers and curl, not in Python.

    Raises:
        RequestError: Nobody knows the address of the Ingress.
    """
    if not cluster.ingress_http:
        what = f"The Ingress address of cluster {cluster.name!r} is not known."
        why = "A cluster chosen with KUBEHOP_CONTEXT does not tell where its Ingress answers."
        hint = "Set it: `export KUBEHOP_INGRESS_HTTP=http://127.0.0.1:80`."
        raise RequestError(what, why=why, next_command=hint)
    address = urlsplit(cluster.ingress_http)

    def dial() -> http.client.HTTPConnection:
        port = address.port or _HTTP_PORT
        connection = http.client.HTTPConnection(address.hostname or "", port, timeout=max_time_seconds)
        connection.connect()
        return connection

    sent = {"Host": host} | dict(headers or {})
    return exchange.ask(dial, path, count=count, keep_alive=keep_alive, headers=sent)


def from_outside(
    cluster: Cluster,
    url: str,
    *,
    count: int = 1,
    keep_alive: bool = False,
    headers: Mapping[str, str] | None = None,
    max_time_seconds: float = MAX_TIME_SECONDS,
) -> Responses:
    """Ask for an http URL from a machine beside the nodes, by way of the cluster's outside door.

    Raises:
        RequestError: The cluster has no such door, or the URL is not http.
    """
    target = urlsplit(url)
    if target.scheme != "http" or not target.hostname:
        what = f"{url!r} cannot be asked for from outside."
        raise RequestError(what, why="It should begin with http:// and name a host.")
    if not cluster.outside_proxy:
        what = f"Cluster {cluster.name!r} has no door to a machine outside of it."
        hint = "Run this cell on a cluster that `kubehop up` started."
        raise RequestError(what, why="Only kubehop's own clusters have one.", next_command=hint)
    door = urlsplit(cluster.outside_proxy)

    def dial() -> http.client.HTTPConnection:
        host, port = target.hostname or "", target.port or _HTTP_PORT
        connection = http.client.HTTPConnection(host, port, timeout=max_time_seconds)
        connection.sock = socks.connect(
            host,
            port,
            proxy_host=door.hostname or "",
            proxy_port=door.port or 0,
            timeout_seconds=max_time_seconds,
        )
        return connection

    path = (target.path or "/") + (f"?{target.query}" if target.query else "")
    return exchange.ask(
        dial, path, count=count, keep_alive=keep_alive, headers={"Host": target.netloc} | dict(headers or {})
    )


def who_answered(
    api: Api, *, namespace: str, selector: str, since: datetime | float | None = None
) -> Counter[str]:
    """Count the requests in each Pod's log, by Pod: who answered when the answers are all alike.

    Args:
        api: The cluster.
        namespace: Where the Pods are.
        selector: Label selector of the Pods, `app=web`.
        since: Count from this moment on (seconds since 1970, or a datetime with its zone); None counts all.

    Returns:
        Every selected Pod, also those that got no request or have not started. A line may reach the log some
        milliseconds after its answer reached the client. Of several containers, the first one's log counts.
    """
    after = since.timestamp() if isinstance(since, datetime) else since or 0.0
    counted: Counter[str] = Counter()
    for pod in api.items(f"/api/v1/namespaces/{namespace}/pods", labelSelector=selector):
        counted[pod["metadata"]["name"]] = sum(_is_request(line, after) for line in _log(api, pod))
    return counted


def _log(api: Api, pod: Mapping[str, Any]) -> list[str]:
    """Return the lines in the log of a Pod's first container; none when it has not started."""
    metadata, container = pod["metadata"], pod["spec"]["containers"][0]["name"]
    path = f"/api/v1/namespaces/{metadata['namespace']}/pods/{metadata['name']}/log"
    try:
        return api.text(path, container=container, timestamps=True).splitlines()
    except ApiException as error:
        if error.status != _BAD_REQUEST:
            raise
        return []


def _is_request(line: str, after: float) -> bool:
    stamp, _, text = line.partition(" ")
    if _PROBE in text or not _REQUEST_LINE.search(text):
        return False
    return moment(stamp) >= after


def moment(stamp: str) -> float:
    """Return seconds since 1970 for a time as Go prints it: RFC 3339 with up to nine decimals."""
    match = re.fullmatch(r"(.+?)(\.\d+)?(Z|[+-]\d\d:\d\d)", stamp)
    if match is None:
        return 0.0
    zone = "+00:00" if match[3] == "Z" else match[3]
    whole = datetime.fromisoformat(match[1] + zone).astimezone(UTC).timestamp()
    return whole + float(match[2] or 0)
