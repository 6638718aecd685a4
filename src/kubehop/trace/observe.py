"""Observing one namespace of a cluster while something happens in it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from kubehop.client.api import Api
from kubehop.client.handover import Cluster
from kubehop.client.response import Response
from kubehop.errors import TraceError
from kubehop.trace.about import About
from kubehop.trace.access import Access
from kubehop.trace.follower import Follower
from kubehop.trace.gap import Gap
from kubehop.trace.hpa.settings import Settings, of_process
from kubehop.trace.hpa.tick import Ticks
from kubehop.trace.recording import Trace
from kubehop.trace.scene import Scene
from kubehop.trace.watch import Watch

Object = dict[str, Any]

_CONNECTIONS = 64
"""Kept open at most; past its default of ten, urllib3 warns about each."""


@dataclass(frozen=True)
class Controller:
    """A controller-manager on this machine: its log at --vmodule=horizontal=4, and its flags."""

    log: Path
    settings: Settings


def controller_of(cluster: Cluster) -> Controller | None:
    """Return the controller-manager of a cluster that kubehop started; None for another cluster."""
    if cluster.file is None:
        return None
    log = cluster.file.parent / "log" / "kube-controller-manager.log"
    pid = next((one.pid for one in cluster.components if one.name == "kube-controller-manager"), None)
    return Controller(log, of_process(pid)) if log.exists() else None


@contextmanager
def observe(
    api: Api,
    about: About,
    *,
    requests: bool = True,
    client_pods: tuple[str, ...] = ("client",),
    controller: Controller | None = None,
    request_limit: int = 2_000,
) -> Iterator[Observation]:
    """Observe `about.namespace` for as long as the block runs; the trace may be read after that, too.

    Args:
        api: The cluster.
        about: What the trace says about itself.
        requests: Whether to follow access logs. Without it, only objects are observed.
        client_pods: Pods that only ask.
        controller: The controller-manager, where it runs on this machine: the truth about each HPA decision.
        request_limit: Requests kept; later ones are counted as dropped.

    Raises:
        ApiException: The API server refused to list the namespace.
        TraceError: A source ended by an error, so that the trace is not whole.
    """
    own = Api(api.kubeconfig)  # its own connections: each watch and each log keeps one
    own.client.rest_client.pool_manager.connection_pool_kw["maxsize"] = _CONNECTIONS
    observation = Observation(
        own,
        about,
        requests=requests,
        client_pods=client_pods,
        controller=controller,
        request_limit=request_limit,
    )
    try:
        observation.start()
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
        controller: Controller | None = None,
        request_limit: int = 2_000,
    ) -> None:
        super().__init__(about, request_limit=request_limit)
        self._api = api
        self._scene = Scene(self, namespace=about.namespace, client_pods=client_pods)
        self._watched: list[Watch] = []
        self._begun = False
        self._access: Access | None = None
        if requests:
            self._access = Access(self, self._scene, api, client_pods=client_pods, limit=request_limit)
        self._ticks = Ticks(
            *(self, self._scene, api),
            namespace=about.namespace,
            log_path=controller.log if controller else None,
            settings=controller.settings if controller else Settings(),
        )

    # -- the whole ----------------------------------------------------------

    def start(self) -> None:
        """List everything, let time begin, and follow what changes."""
        watches = self._watches()
        for watch in watches:
            watch.list()
        self._ticks.prepare()
        self.begin()
        self.allow(self._scene.lookup.hosts)
        self._begun = True
        if self._access is not None:
            self._access.begin()
        for watch in watches:
            watch.start()
            self._watched.append(watch)
        self._ticks.start()

    def stop(self) -> None:
        """Wait for the last log lines, stop following, and end the trace.

        Raises:
            TraceError: A source ended by an error, so that the trace is not whole.
        """
        access = self._access
        with ExitStack() as last:  # from the last to the first, whatever fails or is interrupted before
            last.callback(self.end)
            if access is not None:
                last.callback(access.end)
            last.callback(lambda: self.allow(self._scene.lookup.hosts))
            last.callback(self._ticks.end)
            last.callback(lambda: _stop(self._ticks.followers))
            if access is not None:
                last.callback(lambda: _stop(access.followers))
            last.callback(lambda: _stop(self._watched))  # these start logs, so they stop before them
            if access is not None and self._begun:
                access.settle()

    def add(self, responses: Iterable[Response], url: str, *, asker: str = "pod", host: str = "") -> None:
        """Add what a client saw of its own requests.

        Args:
            responses: As `kubehop.client.request` returns them.
            url: What was asked for: a URL, or a path with `host`.
            asker: "pod" for the client Pod, "ingress" for this machine, "outside" for one beside the nodes.
            host: The Host header, where the URL does not have it.
        """
        if self._access is not None:
            self._access.add(responses, url, asker=asker, host=host)

    # -- objects --------------------------------------------------------------

    def _watches(self) -> list[Watch]:
        api, namespace, see = self._api, self.about.namespace, self._scene
        kinds: list[tuple[str, Callable[..., Any], Callable[[str, Object], None]]] = [
            ("deployments", api.apps.list_namespaced_deployment, self._deployment),
            ("services", api.core.list_namespaced_service, see.service),
            ("pods", api.core.list_namespaced_pod, self._pod),
            ("endpointslices", api.discovery.list_namespaced_endpoint_slice, see.slice),
            ("ingresses", api.networking.list_namespaced_ingress, see.ingress),
            ("hpas", api.autoscaling.list_namespaced_horizontal_pod_autoscaler, self._hpa),
            ("events", api.core.list_namespaced_event, self._event_object),
        ]
        watches = [
            Watch(name, partial(call, namespace), change=change, gap=Gap(name, self.event))
            for name, call, change in kinds
        ]
        if self._access is not None:
            watches += self._access.watches()
        return watches

    def _pod(self, op: str, item: Object) -> None:
        self._scene.pod(op, item)
        self._ticks.pods_changed()
        if self._access is not None:
            self._access.pod(op, item)

    def _hpa(self, op: str, item: Object) -> None:
        self._scene.hpa(op, item)
        self._ticks.hpa_changed(op, item)

    def _deployment(self, op: str, item: Object) -> None:
        self._scene.deployment(op, item)
        self._ticks.deployment_changed(op, item)

    def _event_object(self, op: str, item: Object) -> None:
        if self._begun:  # what Events tell of the time before is no part of this
            self._scene.event(op, item)


def _stop(followers: Iterable[Follower]) -> None:
    """Stop every follower, and then raise the first error that one ended by."""
    failures = []
    for follower in followers:
        try:
            follower.stop()
        except TraceError as error:
            failures.append(error)
    if failures:
        raise failures[0]
