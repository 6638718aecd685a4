"""What the verbs `up` and `down` do, seen from the outside of the supervisor."""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any

from kubehop.client import owner
from kubehop.client.folder import cache_root
from kubehop.cluster import control, doctor, member, process, proxy_mode, state, sweep
from kubehop.cluster.binary import ensure
from kubehop.cluster.image import ensure_images
from kubehop.cluster.product import PRODUCTS
from kubehop.cluster.progress import Progress
from kubehop.cluster.state import ASKED, WAS_READY, Place
from kubehop.cluster.teller import Teller
from kubehop.errors import ClusterError
from kubehop.wait import until

UP_SECONDS = 300.0
ALIVE = ("ready", "paused", "resuming")
DATA = ("etcd", "nodes", "pki", "kubeconfig", "ingress-ca.crt", proxy_mode.FILE)


def up(
    place: Place,
    *,
    build: Progress,
    on_step: Callable[[dict[str, Any]], None],
    proxy_modes: Sequence[str] = (),
) -> dict[str, Any]:
    """Start the cluster, or return at once where it runs; whatever was killed before, it ends ready.

    A cluster that runs with other modes of kube-proxy is started again; its objects are kept.

    Args:
        place: The cluster.
        build: Is told about components being built.
        on_step: Called with the handover file's content whenever it changed.
        proxy_modes: As `proxy_mode.parse` takes them; none keeps what the cluster has.

    Returns:
        The handover file's content, with phase `ready`.

    Raises:
        DoctorError: The machine lacks something; nothing was started.
        BuildError: A component could not be built.
        ClusterError: A component could not start; what was begun is undone. Or there is no such mode.
    """
    os.environ[ASKED] = str(time.monotonic())
    with place.alone():
        stored = proxy_mode.stored(place)
        names = [node.name for node in member.staying(place)]
        modes = proxy_mode.parse(proxy_modes, nodes=names) if proxy_modes else stored
        if modes == stored and (told := _running(place)):
            return told
        sweep.stop_supervisor(place)
        doctor.require(first=not (place.folder / WAS_READY).exists())
        place.prepare()
        member.store(place, member.members(place))  # a lost list is whole before the handover file is written
        proxy_mode.store(place, modes)
        sweep.leftovers(place)
        _build(place, build)
        return _start(place, on_step)


def _running(place: Place) -> dict[str, Any] | None:
    """Return what a cluster that runs tells, after waking it if it is paused; None where it does not run."""
    told = state.read_handover(place)
    if told is None or sweep.supervisor(place) is None or told["phase"] not in ALIVE:
        return None
    if told["phase"] != "ready":
        control.ask(place, "resume")
    return state.read_handover(place)


def _build(place: Place, progress: Progress) -> None:
    """Build what is missing, and say so in the handover file, which a notebook may be waiting for."""
    told = Teller(place, progress)
    told.write("building", "components")
    try:
        ensure_images(ensure(PRODUCTS, progress=told), progress=told)
    except BaseException as error:
        told.write("failed", "components", error=str(error) or type(error).__name__)
        raise


def _start(place: Place, on_step: Callable[[dict[str, Any]], None]) -> dict[str, Any]:
    log = place.log / "supervisor.log"
    pid = process.detach((sys.executable, "-m", "kubehop.cluster.supervisor", place.name), log=log)
    # From the first moment on `down`, and we ourselves, know whom to end.
    named = {"phase": "starting", "supervisor_pid": pid, "supervisor_started": owner.started(pid)}
    state.write_handover(place, (state.read_handover(place) or {}) | named)
    seen: list[dict[str, Any]] = [{}]

    def settled() -> bool:
        told = state.read_handover(place) or {}
        mine = told.get("supervisor_pid") == pid
        if mine and told != seen[0]:
            seen[0] = told
            on_step(told)
        if owner.started(pid) is None:
            return True
        return mine and told["phase"] == "ready"

    try:
        until(settled, what="the cluster to be ready", timeout_seconds=UP_SECONDS)
    except BaseException:
        _undo(place)
        raise
    told = state.read_handover(place) or {}
    if told.get("phase") == "ready" and sweep.supervisor(place):
        return told
    last = process.last_line(log)
    error = told.get("error") or f"The supervisor ended before the cluster was ready. Last line: {last!r}."
    # On a full disk the supervisor cannot write what it died of.
    full = process.is_full(log) and process.FULL not in error
    _undo(place)
    raise ClusterError(
        error,
        why=process.FULL if full else "",
        next_command=f"All logs: {place.log}",
    )


def _undo(place: Place) -> None:
    """Take back what was begun; a cluster that was ready once keeps its data."""
    told = state.read_handover(place) or {}
    sweep.stop_supervisor(place)
    sweep.leftovers(place)
    if not (place.folder / WAS_READY).exists():
        sweep.remove(place, DATA)
    gone: dict[str, Any] = {"supervisor_pid": None, "supervisor_started": None, "components": []}
    with contextlib.suppress(OSError):  # a full disk must not hide the error that is being raised
        state.write_handover(place, told | gone | {"phase": "failed"})


def down(place: Place) -> bool:
    """Remove the cluster; return whether there was one.

    Raises:
        ClusterError: A process could not be ended.
    """
    existed = place.folder.exists()
    sweep.stop_supervisor(place)  # first of all: an `up` at work holds the lock and ends with it
    with place.alone():
        existed = existed or place.folder.exists() or bool(sweep.processes(place))
        sweep.everything(place)
        state.release(place)
    return existed


def purge() -> int:
    """Remove every cluster and the cache; return the bytes freed in the cache."""
    for name in state.names():
        down(Place(name))
    cache = cache_root()
    size = sum(path.lstat().st_size for path in cache.rglob("*") if path.is_file()) if cache.exists() else 0
    shutil.rmtree(cache, ignore_errors=True)
    return size
