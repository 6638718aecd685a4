"""The handover file: how everything else finds the cluster that `kubehop up` started.

`cluster.json` in the cluster's folder below the state folder is written by `cluster/` and read here.
With `KUBEHOP_CONTEXT` set there is no such file: the cluster is any context of your kubeconfig.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import msgspec

from kubehop import wait
from kubehop.client import kubectl, owner
from kubehop.client.folder import state_root
from kubehop.errors import ClusterError, NoClusterError

SCHEMA = "kubehop-cluster/1"
_LOOK_SECONDS = 0.2


@dataclass(frozen=True)
class Node:
    """A node and the address it has on the fabric, the network that joins the nodes."""

    name: str
    address: str


@dataclass(frozen=True)
class Component:
    """One process of the cluster, as `kubehop status` shows it."""

    name: str
    node: str | None = None
    pid: int | None = None
    state: str = "stopped"
    restarts: int = 0
    since: str | None = None
    last_line: str | None = None


@dataclass(frozen=True)
class Cluster:
    """A cluster to talk to.

    Attributes:
        phase: building, starting, ready, stopping, stopped, failed or paused.
        step: A sentence on what is done now; `done` of `total` steps are behind it.
        kubeconfig: Path of the administrator's kubeconfig; for a context, what `KUBECONFIG` may hold
            (several paths, separated as in PATH).
        context: The kubeconfig context, or None for the current one of the file.
        ingress_http: URL the Ingress answers on from this machine, or None when unknown.
        ingress_ca: Path of the certificate that vouches for `ingress_https`, or None when unknown.
        outside_proxy: SOCKS5 URL whose far end is a machine beside the nodes, or None.
        supervisor_started: As `owner.started()` gives it.
        file: The handover file, or None for a context.
    """

    name: str
    phase: str
    kubeconfig: str
    schema: str = SCHEMA
    step: str = ""
    done: int = 0
    total: int = 0
    error: str | None = None
    context: str | None = None
    api: str | None = None
    ingress_http: str | None = None
    ingress_https: str | None = None
    ingress_ca: str | None = None
    outside_proxy: str | None = None
    nodes: tuple[Node, ...] = ()
    versions: Mapping[str, str] = field(default_factory=dict)
    supervisor_pid: int | None = None
    supervisor_started: float | None = None
    components: tuple[Component, ...] = ()
    updated: str = ""
    file: Path | None = None

    @property
    def alive(self) -> bool:
        """True while the process that looks after the cluster runs; a context counts as alive."""
        if self.context is not None:
            return True
        if self.supervisor_pid is None or self.supervisor_started is None:
            return False
        return owner.runs(self.supervisor_pid, since=self.supervisor_started)


def folder(name: str) -> Path:
    """Return the folder of the cluster `name`, which may not exist."""
    return state_root() / "clusters" / name


def read(file: Path) -> Cluster:
    """Read one handover file.

    Raises:
        NoClusterError: There is no such file.
        ClusterError: The file is not a handover file of this version.
    """
    try:
        content = file.read_bytes()
    except FileNotFoundError as error:
        what = f"There is no cluster {file.parent.name!r}: {file} does not exist."
        raise NoClusterError(what, next_command=_up(file.parent.name)) from error
    try:
        cluster = msgspec.json.decode(content, type=Cluster)
    except msgspec.DecodeError as error:
        why = f"It should hold one {SCHEMA} object: {error}."
        what = f"{file} cannot be read."
        raise ClusterError(what, why=why, next_command="Run `kubehop up`.") from error
    if cluster.schema != SCHEMA:
        what, why = f"{file} has schema {cluster.schema!r}.", f"This version of kubehop reads {SCHEMA!r}."
        hint = "Run `kubehop down` with the version that started it, then `kubehop up`."
        raise ClusterError(what, why=why, next_command=hint)
    return replace(cluster, file=file, context=None)


def clusters() -> list[Cluster]:
    """Return every cluster that has a readable handover file, sorted by name."""
    return [one for one in map(_read_or_why, _files()) if isinstance(one, Cluster)]


def current() -> Cluster:
    """Return the cluster to use: `KUBEHOP_CONTEXT`, else `KUBEHOP_NAME`, else the only one that lives.

    Raises:
        NoClusterError: None is running, or several are and none was chosen.
        ClusterError: The handover file cannot be read.
    """
    if context := os.environ.get("KUBEHOP_CONTEXT"):
        return from_context(context)
    if name := os.environ.get("KUBEHOP_NAME"):
        return read(folder(name) / "cluster.json")
    known = [_read_or_why(file) for file in _files()]
    living = [one for one in known if isinstance(one, Cluster) and one.alive]
    if len(living) == 1:
        return living[0]
    raise _no_choice(living, known)


def from_context(context: str) -> Cluster:
    """Describe a kubeconfig context as a cluster.

    Raises:
        NoClusterError: The kubeconfig has no such context.
    """
    paths = os.environ.get("KUBECONFIG") or str(Path("~/.kube/config").expanduser())
    view = kubectl.Kubectl(paths).json(["config", "view"])
    contexts = {entry["name"]: entry["context"] for entry in view.get("contexts") or []}
    if context not in contexts:
        what = f"KUBEHOP_CONTEXT names {context!r}, which {paths} does not have."
        why = f"Its contexts are: {', '.join(sorted(contexts)) or 'none'}."
        raise NoClusterError(what, why=why, next_command="Run `kubectl config get-contexts`.")
    servers = {entry["name"]: entry["cluster"].get("server") for entry in view.get("clusters") or []}
    return Cluster(
        name=context,
        phase="ready",
        kubeconfig=paths,
        context=context,
        api=servers.get(contexts[context].get("cluster")),
        ingress_http=os.environ.get("KUBEHOP_INGRESS_HTTP") or None,
    )


def wait_ready(
    cluster: Cluster,
    *,
    on_progress: Callable[[Cluster], None] = lambda _: None,
    timeout_seconds: float = 3600.0,
) -> Cluster:
    """Wait while the cluster is built and started; return it ready.

    Args:
        cluster: As `current()` gave it.
        on_progress: Called with the cluster at each new phase or step.
        timeout_seconds: Long by default, because the first build compiles Kubernetes.

    Raises:
        ClusterError: It failed, stopped, is paused, or nobody works on it any more.
        WaitTimeoutError: It was not ready in time.
    """
    if cluster.file is None:
        return cluster
    file, shown = cluster.file, ("", "", -1)

    def look() -> Cluster | None:
        nonlocal shown
        now = read(file)
        if (now.phase, now.step, now.done) != shown:
            shown = (now.phase, now.step, now.done)
            on_progress(now)
        _refuse(now)
        return now if now.phase == "ready" else None

    found = wait.until(
        look,
        what=f"cluster {cluster.name!r} to be ready",
        timeout_seconds=timeout_seconds,
        interval_seconds=_LOOK_SECONDS,
        next_command="Run `kubehop status`.",
    )
    assert found is not None
    return found


def _refuse(cluster: Cluster) -> None:
    """Raise when waiting longer cannot help."""
    name, up = cluster.name, _up(cluster.name)
    if cluster.phase == "failed":
        what = f"Cluster {name!r} failed at step {cluster.done + 1} of {cluster.total}, {cluster.step!r}."
        raise ClusterError(what, why=cluster.error or "", next_command=f"Run `kubehop status`, then {up[4:]}")
    if cluster.phase in ("stopping", "stopped"):
        what = f"Cluster {name!r} is {cluster.phase}."
        raise NoClusterError(what, next_command=up)
    if cluster.phase == "paused":
        what = f"Cluster {name!r} is paused."
        raise ClusterError(what, next_command=f"Run `kubehop resume --name {name}`.")
    if not cluster.alive:
        what = f"Cluster {name!r} says {cluster.phase!r}, but its process {cluster.supervisor_pid} has ended."
        raise ClusterError(what, why="It was killed, or the machine restarted.", next_command=up)


def _files() -> list[Path]:
    return sorted(state_root().glob("clusters/*/cluster.json"))


def _read_or_why(file: Path) -> Cluster | ClusterError:
    """Read a handover file; one that cannot be read is no cluster to talk to, but worth a word."""
    try:
        return read(file)
    except ClusterError as error:
        return error


def _no_choice(living: list[Cluster], known: list[Cluster | ClusterError]) -> NoClusterError:
    if living:
        names = ", ".join(cluster.name for cluster in living)
        what = f"{len(living)} clusters are running: {names}."
        return NoClusterError(what, next_command=f"Choose one: `export KUBEHOP_NAME={living[0].name}`.")
    idle = [f"{one.name} ({one.phase})" for one in known if isinstance(one, Cluster)]
    why = " ".join(
        [f"Known, but not running: {', '.join(idle)}."] * bool(idle)
        + [f"{error.what} {error.why}" for error in known if isinstance(error, ClusterError)]
    )
    hint = "Run `kubehop up`, or set KUBEHOP_CONTEXT to a context of your kubeconfig."
    return NoClusterError("No cluster is running.", why=why, next_command=hint)


def _up(name: str) -> str:
    return "Run `kubehop up`." if name == "kubehop" else f"Run `kubehop up --name {name}`."
