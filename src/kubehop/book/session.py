"""The open chapter of this kernel: its namespace, its kubeconfig, its view of the cluster."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kubehop.client.api import Api
from kubehop.client.handover import Cluster
from kubehop.client.kubectl import Kubectl
from kubehop.errors import BookError


@dataclass(frozen=True)
class Session:
    """One chapter while its notebook runs.

    Attributes:
        name: The chapter, as its file is called: `pods`.
        namespace: Its own namespace: `pods-kh7f3a`.
        kubeconfig: This kernel's private copy, whose default namespace is `namespace`.
    """

    name: str
    namespace: str
    cluster: Cluster
    kubeconfig: Path
    api: Api

    @property
    def cluster_info(self) -> Cluster:
        """What the cluster says about itself; `kh.cluster` is the room that starts clusters."""
        return self.cluster

    @property
    def kubectl(self) -> Kubectl:
        """The pinned kubectl on this namespace."""
        return Kubectl(self.kubeconfig)

    @property
    def core(self) -> Any:
        """Pods, Services, ConfigMaps, Nodes, Namespaces, Events."""
        return self.api.core

    @property
    def apps(self) -> Any:
        """Deployments, ReplicaSets, DaemonSets."""
        return self.api.apps

    @property
    def networking(self) -> Any:
        """Ingresses, IngressClasses, NetworkPolicies."""
        return self.api.networking

    @property
    def discovery(self) -> Any:
        """EndpointSlices."""
        return self.api.discovery

    @property
    def autoscaling(self) -> Any:
        """HorizontalPodAutoscalers."""
        return self.api.autoscaling

    @property
    def custom(self) -> Any:
        """What extensions serve: Gateway API objects, metrics.k8s.io."""
        return self.api.custom


# All that this package remembers between cells: a kernel has at most one open chapter.
_OPEN: list[Session] = []
_VARIABLES_BEFORE: dict[str, str | None] = {}


def current() -> Session:
    """Return the open chapter.

    Raises:
        BookError: None is open.
    """
    if not _OPEN:
        message = "No chapter is open in this kernel."
        raise BookError(message, next_command='Run the first cell of the notebook: kh.chapter("…").')
    return _OPEN[-1]


def is_open() -> bool:
    """Tell whether a chapter is open."""
    return bool(_OPEN)


def enter(session: Session) -> None:
    """Make `session` the open chapter: the commands of later cells go to its namespace."""
    _OPEN[:] = [session]
    for name, value in (("KUBECONFIG", str(session.kubeconfig)), ("NS", session.namespace)):
        _VARIABLES_BEFORE.setdefault(name, os.environ.get(name))
        os.environ[name] = value


def leave() -> None:
    """Forget the open chapter and give back the variables it had set."""
    _OPEN.clear()
    for name, value in _VARIABLES_BEFORE.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value
    _VARIABLES_BEFORE.clear()
