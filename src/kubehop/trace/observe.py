"""Observing one namespace of a cluster while something happens in it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any

from kubehop import wait
from kubehop.client.api import Api
from kubehop.client.response import Response
from kubehop.errors import WaitTimeoutError
from kubehop.trace import scene, sighting
from kubehop.trace.about import About
from kubehop.trace.follower import Follower
from kubehop.trace.gap import Gap
from kubehop.trace.hpa.tick import Ticks
from kubehop.trace.join import Joiner, Names
from kubehop.trace.log import PodLog
from kubehop.trace.recording import Trace
from kubehop.trace.request import Row
from kubehop.trace.scene import Scene
from kubehop.trace.watch import Watch

ASKERS = {"pod": scene.CLIENT_POD, "ingress": scene.CLIENT, "outside": scene.OUTSIDE}
TRAEFIK_NAMESPACE = "traefik"
_TRAEFIK_LABEL = "app.kubernetes.io/name=traefik"
_LINES_KEPT = 60
_QUIET_SECONDS, _LATE_SECONDS = 0.3, 2.0

Object = dict[str, Any]


@contextmanager
def observe(
    api: Api,
    about: About,
    *,
    requests: bool = True,
    client_pods: tuple[str, ...] = ("client",),
    controller_log: Path | None = None,
    request_limit: int = 2_000,
) -> Iterator[Observation]:
    """Observe `about.namespace` for as long as the block runs; the trace may be read after that, too.

    Args:
        api: The cluster.
        about: What the trace says about itself.
        requests: Whether to follow access logs. Without it, only objects are observed.
        client_pods: Pods that only ask.
        controller_log: The controller-manager's log, where it can be read: the truth about each HPA decision.
        request_limit: Requests kept; later ones are counted as dropped.

    Raises:
        ApiException: The API server refused to list the namespace.
        TraceError: A source ended by an error, so that the trace is not whole.
    """
    observation = Observation(
        Api(api.kubeconfig),  # its own connections: each watch and each log keeps one
        about,
        requests=requests,
        client_pods=client_pods,
        controller_log=controller_log,
        request_limit=request_limit,
    )
    observation.start()
    try:
        yield observation
    finally:
        observation.stop()


class Observation(Trace):
    """A trace that is fed by watches and logs until it is stopped; see `observe`."""

    def __init__(
        self,
        api: Api,
        about: About,
        *,
        requests: bool = True,
        client_pods: tuple[str, ...] = ("client",),
        controller_log: Path | None = None,
        request_limit: int = 2_000,
    ) -> None:
        super().__init__(about, request_limit=request_limit)
        self._api = api
        self._requests_too = requests
        self._scene = Scene(self, namespace=about.namespace, client_pods=client_pods)
        self._client_pods = client_pods
        self._followers: list[Follower] = []
        self._logs: dict[str, PodLog] = {}
        self._begun = False
        self._joining = threading.Lock()
        self._last_line = 0.0
        self._joiner = self._make_joiner(request_limit)
        self._ticks = Ticks(self, self._scene, api, namespace=about.namespace, log=controller_log)

    # -- the whole ----------------------------------------------------------

    def start(self) -> None:
        """List everything, let time begin, and follow what changes."""
        watches = self._watches()
        for watch in watches:
            watch.list()
        self.begin()
        self.allow(self._scene.lookup.hosts)
        self._begun = True
        for name, item in self._scene.lookup.pods.items():
            self._follow_log(name, item)
        for watch in watches:
            watch.start()
        self._followers += watches
        self._ticks.start()

    def stop(self) -> None:
        """Wait for the last log lines, stop following, and end the trace.

        Raises:
            TraceError: A source ended by an error, so that the trace is not whole.
        """
        if self._requests_too:
            with suppress(WaitTimeoutError):
                wait.until(self._quiet, what="the last log lines", timeout_seconds=_LATE_SECONDS)
        try:
            for follower in (*self._followers, *self._logs.values(), *self._ticks.followers):
                follower.stop()
        finally:
            self.allow(self._scene.lookup.hosts)
            self._count_unjoined()
            self.end()

    def add(self, responses: Iterable[Response], url: str, *, asker: str = "pod", host: str = "") -> None:
        """Add what a client saw of its own requests.

        Args:
            responses: As `kubehop.client.request` returns them.
            url: What was asked for: a URL, or a path with `host`.
            asker: "pod" for the client Pod, "ingress" for this machine, "outside" for the one beside the nodes.
            host: The Host header, where the URL does not have it.
        """
        entity = self._scene.client(ASKERS[asker])
        address = self._client_address() if asker == "pod" else ""
        for response in responses:
            seen = sighting.client(response, url, asker=entity, address=address, host=host)
            self.read("client")
            self._sighted(seen)

    # -- objects --------------------------------------------------------------

    def _watches(self) -> list[Watch]:
        api, namespace, see = self._api, self.about.namespace, self._scene
        kinds: list[tuple[str, Callable[..., Any], Callable[[str, Object], None]]] = [
            ("deployments", api.apps.list_namespaced_deployment, see.deployment),
            ("services", api.core.list_namespaced_service, see.service),
            ("pods", api.core.list_namespaced_pod, self._pod),
            ("endpointslices", api.discovery.list_namespaced_endpoint_slice, see.slice),
            ("ingresses", api.networking.list_namespaced_ingress, see.ingress),
            *(
                (
                    ("horizontalpodautoscalers"),
                    api.autoscaling.list_namespaced_horizontal_pod_autoscaler,
                    self._hpa,
                ),
            ),
            ("events", api.core.list_namespaced_event, self._event_object),
        ]
        watches = [
            Watch(name, partial(call, namespace), change=change, gap=Gap(name, self.event))
            for name, call, change in kinds
        ]
        if self._requests_too:
            call = partial(api.core.list_namespaced_pod, TRAEFIK_NAMESPACE, label_selector=_TRAEFIK_LABEL)
            watches.append(
                Watch("traefik", call, change=self._traefik_pod, gap=Gap("traefik-pods", self.event))
            )
        return watches

    def _pod(self, op: str, item: Object) -> None:
        self._scene.pod(op, item)
        if op != "del" and self._begun:
            self._follow_log(item["metadata"]["name"], item)

    def _hpa(self, op: str, item: Object) -> None:
        self._scene.hpa(op, item)
        self._ticks.changed(op, item)

    def _event_object(self, op: str, item: Object) -> None:
        if self._begun:  # what Events tell of the time before is no part of this
            self._scene.event(op, item)

    # -- logs -----------------------------------------------------------------

    def _traefik_pod(self, op: str, item: Object) -> None:
        name, address = item["metadata"]["name"], (item.get("status") or {}).get("podIP")
        if address:
            self._scene.lookup.controllers.add(address)
        if op != "del":
            self.entity(scene.CONTROLLER, "Ingress", label="Traefik")
            self._start_log(name, item, self._traefik_line, source="traefik", namespace=TRAEFIK_NAMESPACE)

    def _follow_log(self, name: str, item: Object) -> None:
        if self._requests_too and name not in self._client_pods:
            self._start_log(name, item, partial(self._pod_line, name), source=f"log:{name}", namespace="")

    def _start_log(
        self, name: str, item: Object, line: Callable[[float, str], None], *, source: str, namespace: str
    ) -> None:
        uid, phase = item["metadata"]["uid"], (item.get("status") or {}).get("phase")
        if uid in self._logs or phase != "Running":
            return
        container = item["spec"]["containers"][0]["name"]
        call = partial(
            self._api.core.read_namespaced_pod_log,
            name,
            namespace or self.about.namespace,
            container=container,
        )
        alive = partial(self._alive, name, namespace or self.about.namespace)
        log = PodLog(name, call, line=line, gap=Gap(source, self.event), alive=alive, since=self.started)
        self._logs[uid] = log
        log.start()

    def _alive(self, name: str, namespace: str) -> bool:
        """Tell whether the end of a Pod's log would be a surprise."""
        if namespace != self.about.namespace:
            return True
        item = self._scene.lookup.pods.get(name)
        return item is not None and not item["metadata"].get("deletionTimestamp")

    def _traefik_line(self, _when: float, line: str) -> None:
        seen = sighting.traefik(line)
        if seen is not None and self._scene.lookup.ours(seen):
            self.read("traefik")
            self._sighted(seen)

    def _pod_line(self, name: str, when: float, line: str) -> None:
        seen = sighting.pod(line, when=when, name=name)
        if seen is None:
            return
        if seen.probe and not self._scene.lookup.asker_at(seen.peer.rpartition(":")[0] or seen.peer):
            return
        self.read("pod")
        self._sighted(seen)

    # -- requests -------------------------------------------------------------

    def _make_joiner(self, limit: int) -> Joiner:
        lookup = self._scene.lookup
        names = Names(
            pod_at=lookup.pod_at,
            asker_at=lookup.asker_at,
            route=lookup.route_of,
            service=lookup.service_at,
            shown_host=lookup.shown_host,
            controller_at=lookup.controller_at,
        )
        return Joiner(names, at=self.at, put=self._put, limit=limit, dropped=self.drop)

    def _sighted(self, seen: sighting.Sighting) -> None:
        with self._joining:
            self._last_line = time.monotonic()
            self._joiner.add(seen)

    def _put(self, number: int, row: Row, lines: dict[str, str]) -> None:
        for name in filter(None, (row.source, row.via, row.to)):
            self._scene.known(name)
        self.put(number, row, lines=lines if number <= _LINES_KEPT else None)

    def _quiet(self) -> bool:
        """Tell whether no line has come for a while, and no client's request waits for Traefik's line."""
        with self._joining:
            silent = time.monotonic() - self._last_line > _QUIET_SECONDS
            return silent and not self._joiner.waiting()

    def _count_unjoined(self) -> None:
        with self._joining:
            lost = len(self._joiner.unjoined)
        if lost:
            self.read("pod", lines=-lost)
            self.read("pod-unjoined", lines=lost)

    def _client_address(self) -> str:
        for name in self._client_pods:
            item = self._scene.lookup.pods.get(name)
            if item is not None:
                return str((item.get("status") or {}).get("podIP", ""))
        return ""
