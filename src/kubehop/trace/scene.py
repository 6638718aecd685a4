"""What stands in the observed namespace, told to the trace as it changes."""

from __future__ import annotations

import threading
from typing import Any

from kubehop.client.settle import MARKER
from kubehop.trace import describe, redact
from kubehop.trace.lookup import Lookup
from kubehop.trace.recording import Trace

Object = dict[str, Any]

CLIENT, CLIENT_POD, OUTSIDE = "client", "client:pod", "client:outside"
CONTROLLER = "traefik"
_CLIENT_NAMES = {CLIENT: "your machine", CLIENT_POD: "client Pod", OUTSIDE: "outside the cluster"}
_ENTITY = {
    "Pod": "pod",
    "Service": "svc",
    "Deployment": "deploy",
    "HorizontalPodAutoscaler": "hpa",
    "EndpointSlice": "slice",
    "Node": "node",
}
_KIND = {"pod": "Pod", "svc": "Service", "deploy": "Deployment", "hpa": "HPA", "slice": "EndpointSlice"}


class Scene:
    """Turns changes of API objects into entities and events, and remembers who has which address.

    Args:
        trace: Where they go.
        namespace: The observed namespace.
        client_pods: Pods that only ask; they are clients, not Pods, of the picture.
    """

    def __init__(self, trace: Trace, *, namespace: str, client_pods: tuple[str, ...] = ("client",)) -> None:
        self._trace = trace
        self._namespace = namespace
        self._client_pods = client_pods
        self._lock = threading.RLock()
        self.lookup = Lookup(namespace)
        self._states: dict[str, Object] = {}
        self._endpoints: dict[str, dict[str, Object]] = {}
        self._replicas: dict[str, int] = {}
        self.selectors: dict[str, dict[str, str]] = {}
        self.hpas: dict[str, Object] = {}

    # -- what changes -----------------------------------------------------

    def pod(self, op: str, item: Object) -> None:
        """Take a change of a Pod."""
        name = describe.name(item)
        entity = CLIENT_POD if name in self._client_pods else f"pod:{name}"
        self.lookup.pod(name, None if op == "del" else item, entity=entity)
        if entity == CLIENT_POD:
            self.client(CLIENT_POD)
            return
        self._pod_entity(entity, item)
        state = None if op == "del" else describe.pod(item)
        if self._new(entity, state):
            self._event("pod", "Pod", op, item, id=entity, s=state)

    def slice(self, op: str, item: Object) -> None:
        """Take a change of an EndpointSlice; none of no Service, none of settle's marker."""
        service = describe.service_of(item)
        if service in ("", MARKER):
            return
        name = describe.name(item)
        self.named("svc", service)
        entity = self.named("slice", name, parent=f"svc:{service}")
        now = {} if op == "del" else describe.endpoints(item)
        with self._lock:
            before = self._endpoints.get(name, {})
            self._endpoints[name] = now
        for address in sorted({*before, *now}, key=lambda one: (one in now, one)):
            if before.get(address) == now.get(address):
                continue
            state = dict(now.get(address) or before[address] | {"ready": False, "serving": False})
            pod = state.pop("pod")
            target = self.named("pod", pod) if pod else entity
            what = "add" if address not in before else "mod" if address in now else "del"
            nullable = {"port": state.pop("port")}
            fields = state | {"id": target, "svc": f"svc:{service}", "slice": entity, "nullable": nullable}
            self._event("ep", "EndpointSlice", what, item, timed=False, **fields)

    def service(self, op: str, item: Object) -> None:
        """Take a change of a Service."""
        name = describe.name(item)
        if name == MARKER:
            return
        state = None if op == "del" else describe.service(item)
        entity = self.named("svc", name)
        self.lookup.service(name, state and state | {"external": describe.external(item)})
        if state is not None:
            self._trace.entity(entity, "Service", **state)
        if self._new(entity, state):
            self._event("svc", "Service", op, item, id=entity, s=state)

    def ingress(self, op: str, item: Object) -> None:
        """Take a change of an Ingress: each of its rules is an entity."""
        if describe.name(item) == MARKER:
            return
        prefix = f"route:{self._namespace}/{describe.name(item)}#"
        now = {} if op == "del" else {f"{prefix}{n}": rule for n, rule in enumerate(describe.routes(item))}
        self._trace.entity(CONTROLLER, "Ingress", label="Traefik")
        for entity in self.lookup.routes(prefix) - set(now):
            self.lookup.route(entity, None)
            self._event("route", "Ingress", "del", item, timed=False, id=entity)
        for entity, rule in now.items():
            if rule.get("service"):
                rule["service"] = self.named("svc", rule["service"])
            self._trace.entity(entity, "Route", parent=CONTROLLER, label=_rule(rule), **rule)
            before = self.lookup.route(entity, rule)
            if before != rule:
                self._event(
                    "route", "Ingress", "mod" if before else "add", item, timed=False, id=entity, s=rule
                )

    def deployment(self, op: str, item: Object) -> None:
        """Take a change of a Deployment: its replica count."""
        name = describe.name(item)
        entity = self.named("deploy", name)
        replicas = 0 if op == "del" else item["spec"].get("replicas", 1)
        with self._lock:
            self.selectors[name] = (item["spec"].get("selector") or {}).get("matchLabels") or {}
            before = self._replicas.get(name)
            self._replicas[name] = replicas
        if before != replicas:
            source = describe.source("Deployment", item)
            self._trace.event("scale", id=entity, to=replicas, src=source, nullable={"from": before})

    def hpa(self, op: str, item: Object) -> None:
        """Take a change of a HorizontalPodAutoscaler; its decisions are told by `hpa.Ticks`."""
        name = describe.name(item)
        spec = item["spec"]
        target = spec["scaleTargetRef"]
        if target["kind"] == "Deployment":
            self.named("deploy", target["name"])
        self._trace.entity(
            *(f"hpa:{name}", "HPA"),
            parent=f"deploy:{target['name']}" if target["kind"] == "Deployment" else "",
            min=spec.get("minReplicas", 1),
            max=spec["maxReplicas"],
        )
        with self._lock:
            self.hpas[name] = item
            if op == "del":
                del self.hpas[name]

    def event(self, op: str, item: Object) -> None:
        """Take a Kubernetes Event as a note."""
        if op == "del":
            return
        text, about = describe.event(item)
        prefix = _ENTITY.get(about.get("kind", ""))
        entity = f"{prefix}:{about.get('name')}" if prefix in _KIND else None
        if entity and about.get("name") in self._client_pods:
            return
        if entity and prefix:
            self.named(prefix, about["name"])
        self._trace.event(
            *("note",),
            id=entity,
            text=redact.without_credentials(text),
            reason=item.get("reason"),
            count=item.get("count"),
            src=describe.source("Event", item),
        )

    # -- entities ---------------------------------------------------------

    def named(self, prefix: str, name: str, *, parent: str = "") -> str:
        """Return the id of an object's entity, which exists after that."""
        entity = f"{prefix}:{name}"
        self._trace.entity(entity, _KIND[prefix], parent=parent, label=name)
        return entity

    def pod_entity(self, name: str) -> str | None:
        """Return the entity of a Pod, or None for a client Pod."""
        return None if name in self._client_pods else self.named("pod", name)

    def known(self, entity: str) -> None:
        """Make sure that an entity exists that a request names."""
        prefix, _, name = entity.partition(":")
        if entity in _CLIENT_NAMES:
            self.client(entity)
        elif entity == CONTROLLER:
            self._trace.entity(CONTROLLER, "Ingress", label="Traefik")
        elif prefix in _KIND:
            self.named(prefix, name)

    def client(self, entity: str) -> str:
        """Return the id of a client's entity, which exists after that."""
        self._trace.entity(entity, "Client", label=_CLIENT_NAMES[entity])
        return entity

    def _pod_entity(self, entity: str, item: Object) -> None:
        workload = describe.workload(item)
        parent = self.named("deploy", workload) if workload else ""
        facts: Object = {}
        labels = item["metadata"].get("labels") or {}
        if labels.get("app"):
            facts["app"] = labels["app"]
        request = describe.request_m(item)
        if request is not None:
            facts["request_m"] = request
        self._trace.entity(entity, "Pod", parent=parent, label=describe.name(item), **facts)

    def _new(self, entity: str, state: Object | None) -> bool:
        with self._lock:
            if self._states.get(entity) == state:
                return False
            self._states[entity] = state or {}
            return True

    def _event(
        self, kind: str, api_kind: str, op: str, item: Object, *, timed: bool = True, **fields: Any
    ) -> None:
        when = describe.changed(item) if timed else None
        source_time = None if when is None else self._trace.at(when)
        self._trace.event(kind, op=op, src=describe.source(api_kind, item), src_t=source_time, **fields)


def _rule(rule: Object) -> str:
    return f"{rule.get('host', '*')} {rule['path']}"
