"""Access logs and clients' records, followed and joined into the rows of a trace."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import Any

from kubehop import wait
from kubehop.client.api import Api
from kubehop.client.response import Response
from kubehop.errors import WaitTimeoutError
from kubehop.trace import describe, scene, sighting
from kubehop.trace.gap import Gap
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


class Access:
    """Follows the logs of a namespace's Pods and of Traefik, and takes what clients saw.

    Args:
        trace: Where the rows go.
        scene: Knows Pods, Services and routes.
        api: The cluster.
        client_pods: Pods that only ask.
        limit: Requests kept.
    """

    def __init__(
        self, trace: Trace, scene: Scene, api: Api, *, client_pods: tuple[str, ...], limit: int
    ) -> None:
        self._trace = trace
        self._scene = scene
        self._api = api
        self._client_pods = client_pods
        self._logs: dict[str, PodLog] = {}
        self._controller_pods: dict[str, Object] = {}
        self._begun = False
        self._joining = threading.Lock()
        self._last_line = 0.0
        self._connections = 0
        self._joiner = self._make_joiner(limit)

    def begin(self) -> None:
        """Follow the logs from now on, of the Pods that are there and of those that come."""
        self._begun = True
        for item in (*self._controller_pods.values(), *self._scene.lookup.pods.values()):
            self.pod("add", item)

    def settle(self) -> None:
        """Wait until no line has come for a while; give up after two seconds."""
        with suppress(WaitTimeoutError):
            wait.until(self._quiet, what="the last log lines", timeout_seconds=_LATE_SECONDS)

    def end(self) -> None:
        """Count the lines that could not be joined to a request."""
        with self._joining:
            lost = len(self._joiner.unjoined)
        if lost:
            self._trace.read("pod", lines=-lost)
            self._trace.read("pod-unjoined", lines=lost)

    @property
    def followers(self) -> list[PodLog]:
        """The logs that are followed."""
        return list(self._logs.values())

    def add(self, responses: Iterable[Response], url: str, *, asker: str, host: str) -> None:
        """Take what a client saw of its own requests; see `Observation.add`."""
        # A client counts the connections of one call; in a trace each has a number of its own.
        responses, earlier = list(responses), self._connections
        self._connections += max((one.connection or 0 for one in responses), default=0)
        entity = self._scene.client(ASKERS[asker])
        address = self._client_address() if asker == "pod" else ""
        for response in responses:
            if response.connection is not None:
                response = replace(response, connection=earlier + response.connection)
            seen = sighting.client(response, url, asker=entity, address=address, host=host)
            if not self._scene.lookup.has(seen.pod):  # a Pod of the same kind in another namespace answered
                seen = replace(seen, pod="")
            self._trace.read("client")
            self._sighted(seen)

    def watches(self) -> list[Watch]:
        """Return watches on what is in no namespace of ours: the ingress controller's Pods, and nodes."""
        call = partial(self._api.core.list_namespaced_pod, TRAEFIK_NAMESPACE, label_selector=_TRAEFIK_LABEL)
        return [
            Watch("traefik", call, change=self.pod, gap=Gap("traefik-pods", self._trace.event)),
            Watch("nodes", self._api.core.list_node, change=self._node, gap=Gap("nodes", self._trace.event)),
        ]

    def pod(self, op: str, item: Object) -> None:
        """Take a change of a Pod, of the namespace or of the ingress controller: follow its log."""
        name, namespace = item["metadata"]["name"], item["metadata"]["namespace"]
        if namespace == TRAEFIK_NAMESPACE:
            self._controller(op, item)
        if op == "del" or not self._begun or name in self._client_pods:
            return
        self._start_log(name, namespace, item)

    def _controller(self, op: str, item: Object) -> None:
        address = (item.get("status") or {}).get("podIP")
        if address:
            self._scene.lookup.controllers.add(address)
        if op == "del":
            self._controller_pods.pop(item["metadata"]["uid"], None)
        else:
            self._controller_pods[item["metadata"]["uid"]] = item

    def _node(self, _op: str, item: Object) -> None:
        self._scene.lookup.nodes.update(describe.node_ips(item))

    def _start_log(self, name: str, namespace: str, item: Object) -> None:
        uid, phase = item["metadata"]["uid"], (item.get("status") or {}).get("phase")
        if uid in self._logs or phase != "Running":
            return
        ours = namespace != TRAEFIK_NAMESPACE
        container = item["spec"]["containers"][0]["name"]
        log = PodLog(
            name,
            partial(self._api.core.read_namespaced_pod_log, name, namespace, container=container),
            line=partial(self._pod_line, name) if ours else self._traefik_line,
            gap=Gap(f"log:{name}" if ours else "traefik", self._trace.event),
            alive=partial(self._alive, name, uid, ours=ours),
            since=self._trace.started,
        )
        self._logs[uid] = log
        log.start()

    def _alive(self, name: str, uid: str, *, ours: bool) -> bool:
        """Tell whether the end of a Pod's log would be a surprise."""
        item = self._scene.lookup.pods.get(name) if ours else self._controller_pods.get(uid)
        if item is None or item["metadata"].get("deletionTimestamp"):
            return False
        return (item.get("status") or {}).get("phase") == "Running"

    def _traefik_line(self, _when: float, line: str) -> None:
        seen = sighting.traefik(line)
        if seen is not None and self._scene.lookup.ours(seen):
            self._trace.read("traefik")
            self._sighted(seen)

    def _pod_line(self, name: str, when: float, line: str) -> None:
        seen = sighting.pod(line, when=when, name=name)
        if seen is None:
            return
        if seen.probe and not self._scene.lookup.asker_at(seen.peer.rpartition(":")[0] or seen.peer):
            return
        self._trace.read("pod")
        self._sighted(seen)

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
        return Joiner(names, at=self._trace.at, put=self._put, limit=limit, dropped=self._trace.drop)

    def _sighted(self, seen: sighting.Sighting) -> None:
        with self._joining:
            self._last_line = time.monotonic()
            self._joiner.add(seen)

    def _put(self, number: int, row: Row, lines: dict[str, str]) -> None:
        for name in filter(None, (row.source, row.via, row.to)):
            self._scene.known(name)
        self._trace.put(number, row, lines=lines if number <= _LINES_KEPT else None)

    def _quiet(self) -> bool:
        """Tell whether no line has come for a while, and no client's request waits for Traefik's line."""
        with self._joining:
            silent = time.monotonic() - self._last_line > _QUIET_SECONDS
            return silent and not self._joiner.waiting()

    def _client_address(self) -> str:
        for name in self._client_pods:
            item = self._scene.lookup.pods.get(name)
            if item is not None:
                return str((item.get("status") or {}).get("podIP", ""))
        return ""
