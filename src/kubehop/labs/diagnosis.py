"""Why does a Service not answer? The fixed path, hop by hop, and the first hop that is broken.

Service → its kind → its port → its selector → its Pods → their readiness → the port they listen on. Each
hop is one function that returns what it found, as a `Failure` that names the object, the field, the value
and the next command, or None when this hop is whole. The path is the one that the book teaches.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from kubehop.labs.failure import Failure, Mismatch, Missing, shown
from kubehop.labs.readiness import unready
from kubehop.labs.world import Object, World, labels_of, name_of, template_labels

_HTTP_PORT = 80


def first_broken_hop(world: World, *, service: str, url: str) -> Failure | None:
    """Return what is wrong with the first broken hop from a Service to its Pods, or None."""
    found = world.find("Service", service)
    if found is None:
        return _absent(world, service)
    port = urlsplit(url).port or _HTTP_PORT
    return (
        _kind(found)
        or _service_port(found, port=port)
        or _selector(world, found)
        or _pods(world, found)
        or unready(world.selected_by(found))
        or _target_port(world, found, port=port)
    )


def _absent(world: World, service: str) -> Missing:
    names = [name_of(item) for item in world.objects("Service")]
    others = world.elsewhere("Service", service)
    hint = ""
    if others:
        hint = (
            f"Service {service} exists with metadata.namespace {', '.join(others)}; the short name "
            f"{service} is looked up in the namespace of the Pod that asks, {world.namespace}."
        )
    elif names:
        hint = f"A Service's name is its DNS name, and the clients ask for {service}."
    return Missing(f"Service {service}", names, hint=hint, run="kubectl get services")


def _kind(service: Object) -> Failure | None:
    spec, item = service["spec"], f"Service {name_of(service)}"
    run = f"kubectl get service {name_of(service)} -o wide"
    if spec.get("type") == "ExternalName":
        hint = (
            f"Its name is now an alias for {spec.get('externalName')}; no Pod of this namespace is behind it."
        )
        return Mismatch("ClusterIP", "ExternalName", item=item, field="spec.type", hint=hint, run=run)
    if spec.get("clusterIP") == "None":
        hint = "A headless Service's name resolves to the Pods themselves, so port 80 is not translated."
        return Mismatch("an address", "None", item=item, field="spec.clusterIP", hint=hint, run=run)
    return None


def _service_port(service: Object, *, port: int) -> Failure | None:
    item, ports = f"Service {name_of(service)}", service["spec"].get("ports") or []
    run = f"kubectl describe service {name_of(service)}"
    matching = [entry for entry in ports if entry["port"] == port]
    if not matching:
        have = ", ".join(str(entry["port"]) for entry in ports) or "none"
        hint = "`port` is what clients dial; `targetPort` is where the container listens."
        return Mismatch(port, have, item=item, field="spec.ports[0].port", hint=hint, run=run)
    protocols = {entry.get("protocol", "TCP") for entry in matching}
    if "TCP" not in protocols:
        found = ", ".join(sorted(protocols))
        hint = "HTTP runs over TCP, so no rule matches its packets."
        return Mismatch("TCP", found, item=item, field="spec.ports[0].protocol", hint=hint, run=run)
    return None


def _selector(world: World, service: Object) -> Failure | None:
    """Find the label that keeps a Service from its Pods, those of today and those of the templates."""
    selector = service["spec"].get("selector") or {}
    if not selector:
        held = any(item.get("endpoints") for item in world.slices_of(name_of(service)))
        return None if held else _no_selector(service)
    carriers = [labels_of(pod) for pod in world.objects("Pod")]
    carriers += [template_labels(deployment) for deployment in world.objects("Deployment")]
    if not any(carriers) or any(selector.items() <= labels.items() for labels in carriers):
        return None
    for key, value in sorted(selector.items()):
        if not any(labels.get(key) == value for labels in carriers):
            return _no_pod_carries(world, service, key=key, value=value)
    return Mismatch(
        "labels that one Pod carries together",
        selector,
        item=f"Service {name_of(service)}",
        field="spec.selector",
        hint="Each of them is on some Pod, and no Pod carries all: a selector is an AND.",
        run="kubectl get pods --show-labels",
    )


def _no_selector(service: Object) -> Failure:
    name = name_of(service)
    return Mismatch(
        "labels that Pods carry",
        "empty",
        item=f"Service {name}",
        field="spec.selector",
        hint="Without a selector nobody writes the Service's EndpointSlices.",
        run=f"kubectl describe service {name}",
    )


def _no_pod_carries(world: World, service: Object, *, key: str, value: str) -> Failure:
    pods = world.objects("Pod")
    named = [kind for kind in ("Service", "Deployment", "Pod") if world.find(kind, value)]
    if not any(key in labels_of(pod) for pod in pods):
        hint = f"No Pod has a label with the key {key!r}, whatever its value."
    elif named and not any(value in labels_of(pod).values() for pod in pods):
        hint = f"{value} is the name of a {named[0]}; a selector compares labels, never names."
    else:
        hint = f"Pods have the label {key!r} with another value; compare letter by letter."
    what = (
        f"Service {name_of(service)}: spec.selector is {shown(service['spec']['selector'])}, "
        f"and 0 of {len(pods)} Pods carry {key}={value}."
    )
    return Failure(what, hint=hint, run="kubectl get pods --show-labels")


def _pods(world: World, service: Object) -> Failure | None:
    """Find out why there is no Pod, although the selector is right."""
    selector = service["spec"].get("selector") or {}
    if world.selected_by(service) or not selector:
        return None
    for deployment in world.objects("Deployment"):
        made = selector.items() <= template_labels(deployment).items()
        if made and deployment["spec"].get("replicas") == 0:
            return Mismatch(
                "1 or more",
                0,
                item=f"Deployment {name_of(deployment)}",
                field="spec.replicas",
                hint="A Service without Pods keeps its name and address, and refuses.",
                run="kubectl get deployments",
            )
    names = [name_of(pod) for pod in world.objects("Pod")]
    hint = "Nothing here makes Pods that the Service could select."
    return Missing(f"A Pod for Service {name_of(service)}", names, hint=hint, run="kubectl get all")


def _target_port(world: World, service: Object, *, port: int) -> Failure | None:
    entry = next(entry for entry in service["spec"]["ports"] if entry["port"] == port)
    target = entry.get("targetPort", port)
    item = f"Service {name_of(service)}"
    run = f"kubectl get endpointslices -l kubernetes.io/service-name={name_of(service)}"
    pods = world.selected_by(service)
    if isinstance(target, str):
        names = sorted({p["name"] for pod in pods for p in _container_ports(pod) if p.get("name")})
        if target not in names:
            hint = f"A named targetPort is a container port's name (found: {', '.join(names) or 'none'})."
            expected = "a port number, or the name of a container port"
            return Mismatch(expected, target, item=item, field="spec.ports[0].targetPort", hint=hint, run=run)
        return None
    for pod in pods:
        failure = _nobody_listens(world, pod, service=service, target=target)
        if failure:
            return failure
    return None


def _nobody_listens(world: World, pod: Object, *, service: Object, target: int) -> Failure | None:
    """Dial the Pod itself, first where the Service does and then where the container says it listens."""
    address = pod.get("status", {}).get("podIP")
    if not address or world.request(f"http://{address}:{target}/")[0].status:
        return None
    name, run = name_of(pod), f"kubectl exec client -- curl -s --max-time 2 http://{address}:{target}/"
    for port in (p["containerPort"] for p in _container_ports(pod)):
        if port != target and world.request(f"http://{address}:{port}/")[0].status:
            hint = f"Pod {name} refuses port {target} and answers on another one."
            return Mismatch(
                "the port the container listens on",
                target,
                item=f"Service {name_of(service)}",
                field="spec.ports[0].targetPort",
                hint=hint,
                run=run,
            )
    arguments = shown(" ".join(pod["spec"]["containers"][0].get("args") or []))
    what = (
        f"Pod {name}: it refuses port {target}, where Service {name_of(service)} sends requests. "
        f"spec.containers[0].args is {arguments}."
    )
    return Failure(what, hint="The container decides where it listens; `containerPort` only tells.", run=run)


def _container_ports(pod: Object) -> list[Object]:
    return [port for container in pod["spec"]["containers"] for port in container.get("ports") or []]
