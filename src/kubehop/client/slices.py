"""Whether a Service's EndpointSlices list what it selects, and what to do when nobody writes them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from kubernetes.client.exceptions import ApiException

from kubehop.client.api import Api

SERVICE = "kubernetes.io/service-name"
_Object = Mapping[str, Any]
_OVER = ("Succeeded", "Failed")
_FORBIDDEN, _NOT_FOUND, _CONFLICT = 403, 404, 409
_LATE = timedelta(seconds=2)
_NEVER = datetime.max.replace(tzinfo=UTC).isoformat()
_MARK = "kubehop.dev/look-again"


def slices_match(service: _Object, pods: Sequence[_Object], slices: Sequence[_Object]) -> bool:
    """Whether a Service's EndpointSlices list what it selects: addresses, and who is ready."""
    if not _has_slices(service):
        return True
    selector = service["spec"]["selector"]
    always = service["spec"].get("publishNotReadyAddresses", False)
    chosen = [pod for pod in pods if selector.items() <= pod["metadata"].get("labels", {}).items()]
    wanted = {
        (pod["status"]["podIP"], always or _ready(pod))
        for pod in chosen
        if pod["status"].get("podIP") and pod["status"].get("phase") not in _OVER
    }
    its = _slices_of(service, slices)
    family = {":" in address for address, _ in wanted}
    listed = {
        (address, endpoint.get("conditions", {}).get("ready", True))
        for one in its
        if not family or (one["addressType"] == "IPv6") in family
        for endpoint in one.get("endpoints") or []
        for address in endpoint["addresses"]
    }
    return bool(its) and wanted == listed


def wake_forgotten(api: Api, services: Sequence[_Object], slices: Sequence[_Object]) -> None:
    """Have the endpointslice-controller look again at Services that never got an EndpointSlice.

    When a Service is replaced by one of the same name, the controller may take the empty slice of the old
    one for the new one's (`placeholderSliceCompare` in k8s.io/endpointslice leaves out the owner). The
    garbage collector then removes it, and nobody looks again until something changes: so an annotation
    comes and goes.

    Args:
        api: The cluster.
        services: Services as the API returned them.
        slices: The EndpointSlices of their namespace, read after them.
    """
    for service in services:
        created = datetime.fromisoformat(service["metadata"].get("creationTimestamp", _NEVER))
        late = datetime.now(UTC) - created > _LATE
        if late and _has_slices(service) and not _slices_of(service, slices):
            _touch(api, service)


def _touch(api: Api, service: _Object) -> None:
    path = f"/api/v1/namespaces/{service['metadata']['namespace']}/services/{service['metadata']['name']}"
    annotations = service["metadata"].get("annotations") or {}
    try:
        marked = api.call("PUT", path, body=_annotated(service, annotations | {_MARK: "now"}))
        api.call("PUT", path, body=_annotated(marked, annotations))
    except ApiException as error:
        # Who may only read goes on waiting; where somebody else changes it, that wakes as well.
        if error.status not in (_FORBIDDEN, _NOT_FOUND, _CONFLICT):
            raise


def _annotated(service: _Object, annotations: dict[str, str]) -> _Object:
    return {**service, "metadata": {**service["metadata"], "annotations": annotations}}


def _has_slices(service: _Object) -> bool:
    """Whether the controller writes EndpointSlices for this Service."""
    return bool(service["spec"].get("selector")) and service["spec"].get("type") != "ExternalName"


def _slices_of(service: _Object, slices: Sequence[_Object]) -> list[_Object]:
    name = service["metadata"]["name"]
    return [one for one in slices if one["metadata"].get("labels", {}).get(SERVICE) == name]


def _ready(pod: _Object) -> bool:
    conditions = pod["status"].get("conditions") or []
    return any(one["type"] == "Ready" and one["status"] == "True" for one in conditions)
