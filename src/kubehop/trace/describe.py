"""API objects, as kubectl prints them, in the words of a trace. Pure functions."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from kubehop.trace.log import moment
from kubehop.trace.quantity import millicores

Object = dict[str, Any]


def name(item: Object) -> str:
    """Return the object's name."""
    return str(item["metadata"]["name"])


def source(kind: str, item: Object) -> str:
    """Return the evidence for an event: Kind/name@resourceVersion."""
    return f"{kind}/{name(item)}@{item['metadata'].get('resourceVersion', '')}"


def changed(item: Object) -> float | None:
    """Return the latest time the object itself gives for a change, in seconds since the epoch."""
    metadata, status = item["metadata"], item.get("status") or {}
    times = [
        metadata.get("creationTimestamp"),
        metadata.get("deletionTimestamp"),
        status.get("lastScaleTime"),
    ]
    times += [condition.get("lastTransitionTime") for condition in status.get("conditions") or []]
    known = [moment(stamp) for stamp in times if stamp]
    return max(known, default=None)


def pod(item: Object) -> Object:
    """Return what a trace says of a Pod: the field `s` of a pod event."""
    status = item.get("status") or {}
    containers = status.get("containerStatuses") or []
    state = {
        "phase": status.get("phase", "Unknown"),
        "ready": ready(item),
        "ip": status.get("podIP", ""),
        "node": item["spec"].get("nodeName", ""),
        "reason": status.get("reason") or next(filter(None, map(_reason, containers)), ""),
        "restarts": sum(container.get("restartCount", 0) for container in containers),
        "terminating": bool(item["metadata"].get("deletionTimestamp")),
    }
    return {key: value for key, value in state.items() if key in ("phase", "ready") or value}


def ready(item: Object) -> bool:
    """Tell whether the Pod's Ready condition is true."""
    conditions = (item.get("status") or {}).get("conditions") or []
    return any(found["type"] == "Ready" and found["status"] == "True" for found in conditions)


def request_m(item: Object) -> int | None:
    """Return the CPU request of all containers of a Pod, in thousandths; None when one has none."""
    containers = list(item["spec"]["containers"])
    containers += [
        found for found in item["spec"].get("initContainers") or [] if found.get("restartPolicy") == "Always"
    ]
    requests = [(found.get("resources") or {}).get("requests", {}).get("cpu") for found in containers]
    if any(request is None for request in requests):
        return None
    return sum(millicores(request) for request in requests)


def workload(item: Object) -> str:
    """Return the name of the Deployment that made a Pod, or "": its ReplicaSet's name without the hash."""
    template = (item["metadata"].get("labels") or {}).get("pod-template-hash")
    for owner in item["metadata"].get("ownerReferences") or []:
        if owner["kind"] == "ReplicaSet" and template and owner["name"].endswith(f"-{template}"):
            return str(owner["name"][: -len(template) - 1])
    return ""


def endpoints(item: Object) -> dict[str, Object]:
    """Return the endpoints of a slice by address: what an ep event says, and the Pod's name as `pod`."""
    ports = item.get("ports") or []
    port = ports[0].get("port") if ports else None
    found = {}
    for endpoint in item.get("endpoints") or []:
        conditions = endpoint.get("conditions") or {}
        # An absent `ready` counts as true, an absent `serving` as `ready`: the API's own reading.
        is_ready = conditions.get("ready") is not False
        target = endpoint.get("targetRef") or {}
        for address in endpoint["addresses"]:
            found[address] = {
                "pod": target.get("name", "") if target.get("kind") == "Pod" else "",
                "address": address,
                "port": port,
                "ready": is_ready,
                "serving": is_ready if conditions.get("serving") is None else bool(conditions["serving"]),
                "terminating": bool(conditions.get("terminating")),
            }
    return found


def service_of(item: Object) -> str:
    """Return the name of the Service that a slice belongs to, or ""."""
    return str((item["metadata"].get("labels") or {}).get("kubernetes.io/service-name", ""))


def service(item: Object) -> Object:
    """Return what a trace says of a Service: the field `s` of a svc event."""
    spec = item["spec"]
    ports = [_port(port) for port in spec.get("ports") or []]
    state = {
        "type": spec.get("type", "ClusterIP"),
        "cluster_ip": spec.get("clusterIP", ""),
        "selector": spec.get("selector") or {},
        "ports": ports,
    }
    return {key: value for key, value in state.items() if key == "type" or value}


def external(item: Object) -> list[str]:
    """Return the addresses of a Service outside: its load balancer's, and spec.externalIPs."""
    given = ((item.get("status") or {}).get("loadBalancer") or {}).get("ingress") or []
    return [one["ip"] for one in given if one.get("ip")] + (item["spec"].get("externalIPs") or [])


def node_ips(item: Object) -> list[str]:
    """Return the IP addresses of a Node, without its names."""
    addresses = (item.get("status") or {}).get("addresses") or []
    return [one["address"] for one in addresses if one["type"].endswith("IP")]


def routes(item: Object) -> Iterator[Object]:
    """Yield the rules of an Ingress in their order: the field `s` of a route event, `service` a bare name."""
    spec = item["spec"]
    ingress_class = spec.get("ingressClassName", "")
    default = spec.get("defaultBackend")
    if default:
        yield _route("", {"path": "/", "pathType": "Prefix", "backend": default}, ingress_class)
    for rule in spec.get("rules") or []:
        for path in (rule.get("http") or {}).get("paths") or []:
            yield _route(rule.get("host", ""), path, ingress_class)


def event(item: Object) -> tuple[str, Object]:
    """Return the text of a Kubernetes Event, and the object it is about."""
    text = f"{item.get('reason', '')}: {item.get('message', '')}".strip(": ")
    return text, item.get("involvedObject") or {}


def _reason(container: Object) -> str:
    state = container.get("state") or {}
    for kind in ("waiting", "terminated"):
        if kind in state:
            return str(state[kind].get("reason", ""))
    return ""


def _port(port: Object) -> Object:
    names = {"name": "name", "port": "port", "targetPort": "target_port", "nodePort": "node_port"}
    shown = {ours: port[theirs] for theirs, ours in names.items() if port.get(theirs)}
    return shown | ({"protocol": port["protocol"]} if port.get("protocol", "TCP") != "TCP" else {})


def _route(host: str, path: Object, ingress_class: str) -> Object:
    backend = path["backend"].get("service") or {}
    port = backend.get("port") or {}
    state = {
        "host": host,
        "path_type": path.get("pathType", ""),
        "service": backend.get("name", ""),
        "port": port.get("name") or port.get("number") or "",
        "class": ingress_class,
    }
    return {"path": path.get("path", "/")} | {key: value for key, value in state.items() if value}
