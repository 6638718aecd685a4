"""Finding entities by what logs say: addresses, host names, Traefik's router names."""

from __future__ import annotations

import re
import threading
from typing import Any

from kubehop.trace import redact
from kubehop.trace.sighting import Sighting

Object = dict[str, Any]


class Lookup:
    """Remembers who has which address, name and rule; may be used from any thread.

    Args:
        namespace: The observed namespace.
    """

    def __init__(self, namespace: str) -> None:
        self._namespace = namespace
        self._lock = threading.RLock()
        self._pods: dict[str, Object] = {}
        self._addresses: dict[str, str] = {}
        self._services: dict[str, Object] = {}
        self._routes: dict[str, Object] = {}
        self.controllers: set[str] = set()
        self.nodes: set[str] = set()
        self.hosts: set[str] = {f"{namespace}.localhost"}

    def pod(self, name: str, item: Object | None, *, entity: str) -> None:
        """Remember a Pod, or with None that it is gone; who had its address last stays known."""
        with self._lock:
            if item is None:
                self._pods.pop(name, None)
                return
            self._pods[name] = item
            address = (item.get("status") or {}).get("podIP")
            if address:
                self._addresses[address] = entity

    def service(self, name: str, state: Object | None) -> None:
        """Remember a Service and its `external` addresses, or with None that it is gone."""
        with self._lock:
            self._services.pop(name, None)
            if state is not None:
                self._services[name] = state

    def route(self, entity: str, rule: Object | None) -> Object | None:
        """Remember a rule, or with None that it is gone; return what it was."""
        with self._lock:
            before = self._routes.pop(entity, None)
            if rule is not None:
                self._routes[entity] = rule
                if rule.get("host"):
                    self.hosts.add(rule["host"].lower())
            return before

    def routes(self, prefix: str) -> set[str]:
        """Return the rules whose id begins with `prefix`."""
        with self._lock:
            return {entity for entity in self._routes if entity.startswith(prefix)}

    @property
    def pods(self) -> dict[str, Object]:
        """The Pods of the namespace as the API printed them last, by name, clients included."""
        with self._lock:
            return dict(self._pods)

    def pod_at(self, address: str) -> str:
        """Return the entity of the Pod that has, or had last, an address; "" for none."""
        with self._lock:
            found = self._addresses.get(address, "")
        return found if found.startswith("pod:") else ""

    def has(self, entity: str) -> bool:
        """Tell whether an entity is a Pod that has, or had, an address here."""
        with self._lock:
            return entity in self._addresses.values()

    def asker_at(self, address: str) -> str:
        """Return the entity of who asks from an address; "" when nobody here has it."""
        with self._lock:
            return self._addresses.get(address, "")

    def controller_at(self, address: str) -> bool:
        """Tell whether an address is the ingress controller's."""
        return address in self.controllers

    def service_at(self, host: str) -> str:
        """Return the Service that a client asked for, by a name or by an address of it; "" for none."""
        name = redact.host(host)
        port = host[len(name) + 1 :] or "80"
        with self._lock:
            services = dict(self._services)
        label, *rest = name.split(".")
        if label not in services and rest and services.get(rest[0], {}).get("cluster_ip") == "None":
            label, *rest = rest  # a Pod's own name, below that of its headless Service
        if label in services and rest[:1] in ([], [self._namespace]):
            return f"svc:{label}"
        found = (
            service for service, state in services.items() if self._answers(state, name.strip("[]"), port)
        )
        return next((f"svc:{service}" for service in found), "")

    def _answers(self, state: Object, address: str, port: str) -> bool:
        """Tell whether a Service is asked at an address; its cluster IP is its own, whatever the port."""
        ports = state.get("ports", ())
        return (
            address == state.get("cluster_ip")
            or (address in state["external"] and any(str(one["port"]) == port for one in ports))
            or (address in self.nodes and any(str(one.get("node_port")) == port for one in ports))
        )

    def route_of(self, sighting: Sighting) -> str:
        """Return the route that Traefik names in a line of its log; "" when none of ours did."""
        router = sighting.router.partition("@")[0]
        with self._lock:
            routes = dict(self._routes)
        for entity, rule in routes.items():
            ingress = entity.partition("/")[2].rpartition("#")[0]
            wanted = router_name(self._namespace, ingress, rule.get("host", ""), rule.get("path", ""))
            if router == wanted or re.fullmatch(rf"(\w+-)?{re.escape(wanted)}(-[0-9a-f]{{16,}})?", router):
                return entity
        return ""

    def ours(self, sighting: Sighting) -> bool:
        """Tell whether a line of Traefik's log is about this scenario: its router, or its host."""
        if sighting.router and self.route_of(sighting):
            return True
        return redact.host(sighting.host).lower() in self.hosts

    def shown_host(self, host: str) -> str:
        """Return a host name as a trace may show it: only the scenario's own."""
        bare = redact.host(host).lower()
        inside = bool(self.service_at(host)) or re.fullmatch(r"[\d.]+", bare) is not None
        return host if bare in self.hosts or inside else ""


def router_name(namespace: str, ingress: str, host: str, path: str) -> str:
    """Return the name that Traefik gives the router of an Ingress rule, without `@kubernetes`.

    Source: https://doc.traefik.io/traefik/reference/routing-configuration/kubernetes/ingress/
    """
    return "-".join(re.findall(r"[^\W_]+", f"{namespace}-{ingress}-{host}{path}"))
