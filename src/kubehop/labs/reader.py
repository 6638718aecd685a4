"""The real cluster as a check may touch it: reading objects, sending requests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from kubernetes.client.exceptions import ApiException

from kubehop.client import request
from kubehop.client.api import Api
from kubehop.client.kubectl import Kubectl
from kubehop.client.namespace import CHAPTER
from kubehop.labs.world import Answer, Object

LAB = "kubehop.dev/lab"
"""The label of a lab's namespace; its value is the lab's slug."""

KINDS = {
    "Deployment": "apis/apps/v1/deployments",
    "StatefulSet": "apis/apps/v1/statefulsets",
    "DaemonSet": "apis/apps/v1/daemonsets",
    "ReplicaSet": "apis/apps/v1/replicasets",
    "ReplicationController": "api/v1/replicationcontrollers",
    "CronJob": "apis/batch/v1/cronjobs",
    "Job": "apis/batch/v1/jobs",
    "Pod": "api/v1/pods",
    "Endpoints": "api/v1/endpoints",
    "Service": "api/v1/services",
    "EndpointSlice": "apis/discovery.k8s.io/v1/endpointslices",
    "Ingress": "apis/networking.k8s.io/v1/ingresses",
    "NetworkPolicy": "apis/networking.k8s.io/v1/networkpolicies",
    "HorizontalPodAutoscaler": "apis/autoscaling/v2/horizontalpodautoscalers",
    "PodDisruptionBudget": "apis/policy/v1/poddisruptionbudgets",
    "ConfigMap": "api/v1/configmaps",
    "Secret": "api/v1/secrets",
}
"""The kinds a lab may hold, in the order in which a reset removes them: makers before what they make."""

# A learner waits for a check: a request that takes longer than this has failed.
_REQUEST_SECONDS = 2.0
_FORBIDDEN = 403


class ClusterReader:
    """One namespace of a real cluster, read through the API and by requests from its Pods.

    Args:
        kubeconfig: Path of a kubeconfig.
        namespace: The learner's namespace.
    """

    def __init__(self, kubeconfig: Path, *, namespace: str) -> None:
        self.namespace = namespace
        self.api = Api(kubeconfig)
        self.kubectl = Kubectl(kubeconfig, namespace)

    def path(self, kind: str, name: str = "") -> str:
        """Return the path of a kind in this namespace, or of one object."""
        group, _, plural = KINDS[kind].rpartition("/")
        return f"/{group}/namespaces/{self.namespace}/{plural}" + (f"/{name}" if name else "")

    def objects(self, kind: str) -> list[Object]:
        """Return the namespace's objects of one kind, as kubectl prints them."""
        version = KINDS[kind].rpartition("/")[0].removeprefix("apis/").removeprefix("api/")
        return [{**item, "apiVersion": version, "kind": kind} for item in self.api.items(self.path(kind))]

    def objects_elsewhere(self, kind: str, *, name: str) -> list[Object]:
        """Return the objects of that name in namespaces of no lab and no chapter; none when forbidden."""
        try:
            found = self.api.items(f"/{KINDS[kind]}", fieldSelector=f"metadata.name={name}")
            others = self.api.items("/api/v1/namespaces", labelSelector=f"!{LAB},!{CHAPTER}")
        except ApiException as error:
            if error.status == _FORBIDDEN:
                return []
            raise
        names = {item["metadata"]["name"] for item in others}
        return [item for item in found if item["metadata"]["namespace"] in names]

    def request(self, url: str, *, pod: str, count: int) -> Sequence[Answer]:
        """Request `url` from a Pod, `count` times, each on its own connection.

        Raises:
            RequestError: The Pod could not be entered.
        """
        return request.from_pod(self.kubectl, url, pod=pod, count=count, max_time_seconds=_REQUEST_SECONDS)

    def served(self, selector: dict[str, str]) -> Mapping[str, int]:
        """Return how many requests each selected Pod has in its log."""
        labels = ",".join(f"{key}={value}" for key, value in selector.items())
        return request.who_answered(self.api, namespace=self.namespace, selector=labels)
