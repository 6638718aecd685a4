"""The Kubernetes API through the official client, one object for all the groups the book uses."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import Any

from kubernetes import client, config
from kubernetes.config.config_exception import ConfigException

from kubehop.errors import ClusterError

CONNECT_SECONDS = 5.0
READ_SECONDS = 60.0


class _Client(client.ApiClient):
    """An ApiClient in which no request waits for ever; the official one has no time limit."""

    def call_api(self, *arguments: Any, **options: Any) -> Any:
        if options.get("_request_timeout") is None:
            options["_request_timeout"] = (CONNECT_SECONDS, READ_SECONDS)
        return super().call_api(*arguments, **options)


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
        self.client = _Client(settings)

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
