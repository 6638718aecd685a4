"""Waiting until the ingress controller, too, has read what was applied.

A controller watches the API like everybody else, and a busy machine makes it late: some seconds after
kube-proxy's rules are right, the old routes may still answer.
"""

from __future__ import annotations

import secrets
from typing import Any

from kubernetes.client.exceptions import ApiException

from kubehop import wait
from kubehop.client import request
from kubehop.client.api import Api
from kubehop.client.handover import Cluster
from kubehop.client.settle import MARKER
from kubehop.errors import WaitTimeoutError

_CONFLICT, _NOT_FOUND = 409, 404
_PORT = 9
_ASK_SECONDS = 2.0
_GIVE_UP_SECONDS = 20.0
_Object = dict[str, Any]


def follow(api: Api, cluster: Cluster, namespace: str, *, timeout_seconds: float = _GIVE_UP_SECONDS) -> str:
    """Wait until the ingress controller serves a route that is written now, behind what was written before.

    The route is an Ingress `kubehop-settle` for a host of its own, to a Service without Pods; both come and
    go meanwhile. It is there once its host is no longer answered 404.

    Args:
        api: The cluster.
        cluster: Knows where the Ingress answers.
        namespace: Where to look; without an Ingress there is nothing to wait for.
        timeout_seconds: Seconds until the wait is given up.

    Returns:
        Empty, or why it is not certain that the controller has followed.
    """
    core, routes = f"/api/v1/namespaces/{namespace}", f"/apis/networking.k8s.io/v1/namespaces/{namespace}"
    if not cluster.ingress_http or not api.items(f"{routes}/ingresses"):
        return ""
    host = f"{MARKER}-{secrets.token_hex(4)}.localhost"
    service, ingress = f"{core}/services", f"{routes}/ingresses"
    try:
        _create(api, service, _service())
        _create(api, ingress, _ingress(host))
        wait.until(
            lambda: _served(cluster, host),
            what="the ingress controller to read what was applied",
            timeout_seconds=timeout_seconds,
        )
    except ApiException as error:
        return f"no route could be written ({error.status} {error.reason})"
    except WaitTimeoutError:
        return "the ingress controller serves no route to a Service without Pods, or is late"
    finally:
        _remove(api, f"{ingress}/{MARKER}")
        _remove(api, f"{service}/{MARKER}")
    return ""


def _served(cluster: Cluster, host: str) -> bool:
    """Tell whether a request for the host meets its rule: 503 then, for want of a Pod."""
    answer = request.through_ingress(cluster, "/", host=host, max_time_seconds=_ASK_SECONDS)
    return answer.status not in (None, _NOT_FOUND)


def _service() -> _Object:
    """Return a Service that selects nothing."""
    spec = {"ports": [{"port": _PORT, "protocol": "TCP"}]}
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": MARKER}, "spec": spec}


def _ingress(host: str) -> _Object:
    backend = {"service": {"name": MARKER, "port": {"number": _PORT}}}
    paths = [{"path": "/", "pathType": "Prefix", "backend": backend}]
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "Ingress",
        "metadata": {"name": MARKER},
        "spec": {"rules": [{"host": host, "http": {"paths": paths}}]},
    }


def _create(api: Api, path: str, body: _Object) -> None:
    """Create an object in place of one that a killed process left behind."""
    try:
        api.call("POST", path, body=body)
    except ApiException as error:
        if error.status != _CONFLICT:
            raise
        _remove(api, f"{path}/{MARKER}")
        api.call("POST", path, body=body)


def _remove(api: Api, path: str) -> None:
    try:
        api.call("DELETE", path)
    except ApiException as error:
        if error.status != _NOT_FOUND:
            raise
