"""The Kubernetes API through the official client, one object for all the groups the book uses."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from kubernetes import client, config
from kubernetes.client.exceptions import ApiException
from kubernetes.config.config_exception import ConfigException
from urllib3.exceptions import HTTPError, MaxRetryError

from kubehop.errors import ClusterError

CONNECT_SECONDS = 5.0
READ_SECONDS = 60.0
_SUCCESS = range(200, 300)
_LOOPBACK = ("127.0.0.1", "localhost", "::1")


class UnreachableError(ClusterError, HTTPError):
    """The API server does not answer: one sentence, and for code that expects it urllib3's kind of error."""

    def __init__(self, host: str, error: HTTPError) -> None:
        what = f"The cluster does not answer at {host}."
        super().__init__(what, why=str(error).splitlines()[0], next_command="Run `kubehop status`.")


class _Client(client.ApiClient):
    """An ApiClient in which no request waits for ever; the official one has no time limit."""

    def call_api(self, *arguments: Any, **options: Any) -> Any:
        if options.get("_request_timeout") is None:
            options["_request_timeout"] = (CONNECT_SECONDS, READ_SECONDS)
        try:
            return super().call_api(*arguments, **options)
        except MaxRetryError as error:
            raise UnreachableError(self.configuration.host, error) from error


class Api:
    """The API of the cluster that a kubeconfig names.

    Args:
        kubeconfig: Path of one kubeconfig file.

    Raises:
        ClusterError: The file is no kubeconfig.
    """

    def __init__(self, kubeconfig: str | Path) -> None:
        self.kubeconfig = Path(kubeconfig)
        settings = client.Configuration()
        try:
            load: Callable[..., None] = config.load_kube_config  # untyped upstream
            load(str(kubeconfig), client_configuration=settings)
        except (ConfigException, OSError) as error:
            what = f"Kubeconfig {kubeconfig} cannot be used: {error}."
            raise ClusterError(what, next_command="Run `kubectl config view`.") from error
        if urlsplit(settings.host).hostname in _LOOPBACK:
            settings.proxy = None  # the client, unlike kubectl, would ask the proxy of the environment for it
        self.client = _Client(settings)

    def call(self, method: str, path: str, *, body: Any = None, **query: Any) -> Any:
        """Make one request and return the object it answers with as kubectl would print it: plain dicts.

        Args:
            method: GET, POST, PUT or DELETE.
            path: From the server's root: `/api/v1/namespaces/shop/pods`.
            body: The object to send.
            query: Parameters in the API's spelling: `labelSelector`, `gracePeriodSeconds`.

        Raises:
            ApiException: The answer was not a success; its `status` says which.
        """
        return json.loads(self.text(path, method=method, body=body, **query))

    def text(self, path: str, *, method: str = "GET", body: Any = None, **query: Any) -> str:
        """Make one request as `call` does, and return the answer as text: logs, metrics, health.

        Raises:
            ApiException: The answer was not a success; its `status` says which.
        """
        serialize: Callable[..., tuple[Any, ...]] = self.client.param_serialize
        request = serialize(
            method,
            path,
            query_params=[(name, _plain(value)) for name, value in query.items()],
            header_params={"Accept": "application/json, */*", "Content-Type": "application/json"},
            body=body,
            auth_settings=["BearerToken"],
        )
        answer = self.client.call_api(*request)
        content = (answer.read() or b"").decode("utf-8", errors="replace")
        if answer.status not in _SUCCESS:
            raise ApiException.from_response(http_resp=answer, body=content, data=None)
        return content

    def items(self, path: str, **query: Any) -> list[dict[str, Any]]:
        """Return the items of a list, as plain dicts.

        Raises:
            ApiException: The answer was not a success.
        """
        return list(self.call("GET", path, **query).get("items") or [])

    @cached_property
    def core(self) -> client.CoreV1Api:
        """Pods, Services, ConfigMaps, Secrets, Nodes, Namespaces, Events."""
        return client.CoreV1Api(self.client)

    @cached_property
    def apps(self) -> client.AppsV1Api:
        """Deployments, ReplicaSets, DaemonSets, StatefulSets."""
        return client.AppsV1Api(self.client)

    @cached_property
    def networking(self) -> client.NetworkingV1Api:
        """Ingresses, IngressClasses, NetworkPolicies."""
        return client.NetworkingV1Api(self.client)

    @cached_property
    def discovery(self) -> client.DiscoveryV1Api:
        """EndpointSlices."""
        return client.DiscoveryV1Api(self.client)

    @cached_property
    def autoscaling(self) -> client.AutoscalingV2Api:
        """HorizontalPodAutoscalers."""
        return client.AutoscalingV2Api(self.client)

    @cached_property
    def custom(self) -> client.CustomObjectsApi:
        """What extensions serve: Gateway API objects, metrics.k8s.io."""
        return client.CustomObjectsApi(self.client)


def _plain(value: Any) -> Any:
    """Return a query parameter as the API spells it."""
    return str(value).lower() if isinstance(value, bool) else value
