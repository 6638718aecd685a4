"""The handover file: finding the cluster, and waiting for it."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from kubehop import wait
from kubehop.client import handover
from kubehop.errors import ClusterError, NoClusterError

Write = Callable[..., Path]


def test_the_only_living_cluster_is_taken(hand_over: Write) -> None:
    """Without a choice, the one whose supervisor lives is the cluster."""
    hand_over("old", supervisor_pid=2**22 + 1)
    hand_over("kubehop")
    cluster = handover.current()
    assert (cluster.name, cluster.alive, cluster.context) == ("kubehop", True, None)
    assert cluster.nodes == (handover.Node("node-1", "172.30.0.11"),)
    assert cluster.components[0].name == "etcd"


def test_two_living_clusters_need_a_choice(hand_over: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    """With several, the error lists them and KUBEHOP_NAME chooses."""
    hand_over("a")
    hand_over("b")
    with pytest.raises(NoClusterError, match=r"2 clusters are running: a, b.*KUBEHOP_NAME=a"):
        handover.current()
    monkeypatch.setenv("KUBEHOP_NAME", "b")
    assert handover.current().name == "b"


def test_no_living_cluster_is_an_error_that_lists_the_known(hand_over: Write) -> None:
    """A reused process id is not life."""
    hand_over("kubehop", phase="stopped", supervisor_started=1.0)
    with pytest.raises(NoClusterError, match=r"kubehop \(stopped\).*kubehop up"):
        handover.current()


def test_a_name_without_a_cluster_says_how_to_start_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """KUBEHOP_NAME of nothing ends in the command that makes it."""
    monkeypatch.setenv("KUBEHOP_NAME", "mine")
    with pytest.raises(NoClusterError, match=r"no cluster 'mine'.*kubehop up --name mine"):
        handover.current()


@pytest.mark.parametrize("damage", ["", "{", '{"schema": "kubehop-cluster/1"}'])
def test_a_damaged_file_is_named(hand_over: Write, monkeypatch: pytest.MonkeyPatch, damage: str) -> None:
    """A damaged file is an error that names it when asked for, and no cluster otherwise."""
    file = hand_over()
    file.write_text(damage)
    assert handover.clusters() == []
    with pytest.raises(NoClusterError, match=r"No cluster is running.*cluster\.json cannot be read"):
        handover.current()
    monkeypatch.setenv("KUBEHOP_NAME", "kubehop")
    with pytest.raises(ClusterError, match=r"cluster\.json cannot be read"):
        handover.current()


def test_a_file_of_another_version_is_refused(hand_over: Write) -> None:
    """Another schema is not guessed at."""
    with pytest.raises(ClusterError, match="has schema 'kubehop-cluster/9'"):
        handover.read(hand_over(schema="kubehop-cluster/9"))


def test_a_context_is_a_cluster(kubeconfig: Path, monkeypatch: pytest.MonkeyPatch, hand_over: Write) -> None:
    """KUBEHOP_CONTEXT wins, needs no handover file and takes the Ingress from the environment."""
    hand_over()
    monkeypatch.setenv("KUBECONFIG", str(kubeconfig))
    monkeypatch.setenv("KUBEHOP_CONTEXT", "two")
    cluster = handover.current()
    assert (cluster.name, cluster.api, cluster.ingress_http) == ("two", "http://two.invalid:1", None)
    assert cluster.alive and cluster.context
    assert handover.wait_ready(cluster) is cluster
    monkeypatch.setenv("KUBEHOP_INGRESS_HTTP", "http://127.0.0.1:80")
    assert handover.current().ingress_http == "http://127.0.0.1:80"


def test_an_unknown_context_lists_the_known(kubeconfig: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A context that the kubeconfig lacks is an error that lists what it has."""
    monkeypatch.setenv("KUBECONFIG", str(kubeconfig))
    monkeypatch.setenv("KUBEHOP_CONTEXT", "three")
    with pytest.raises(NoClusterError, match=r"'three'.*contexts are: one, two"):
        handover.current()


def test_waiting_shows_each_step_once_and_ends_when_ready(
    hand_over: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Progress is called at each new step, and the ready cluster is returned."""
    monkeypatch.setattr(handover, "_LOOK_SECONDS", 0.02)
    file = hand_over(phase="building", step="Compiling etcd", done=1)
    cluster = handover.current()
    seen: list[tuple[str, str]] = []
    starting = threading.Event()

    def on_progress(now: handover.Cluster) -> None:
        seen.append((now.phase, now.step))
        if now.phase == "starting":
            starting.set()

    def advance() -> None:
        wait.pause(0.1)  # some looks at the same step
        _replace(file, phase="starting", step="Starting etcd", done=2)
        starting.wait(5)
        _replace(file, phase="ready", step="", done=3)

    thread = threading.Thread(target=advance)
    first = True

    def progress(now: handover.Cluster) -> None:
        nonlocal first
        on_progress(now)
        if first:
            first = False
            thread.start()

    assert handover.wait_ready(cluster, on_progress=progress, timeout_seconds=5).phase == "ready"
    thread.join()
    assert seen == [("building", "Compiling etcd"), ("starting", "Starting etcd"), ("ready", "")]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"phase": "failed", "step": "Start etcd", "done": 2, "error": "Port taken."}, "3 of 12.*Port taken"),
        ({"phase": "stopped"}, "is stopped.*kubehop up"),
        ({"phase": "paused"}, "is paused.*kubehop resume"),
        ({"phase": "starting", "supervisor_started": 1.0}, "has ended.*kubehop up"),
        ({"phase": "ready", "supervisor_started": 1.0}, "has ended.*kubehop up"),
    ],
)
def test_waiting_ends_at_once_when_it_cannot_help(
    hand_over: Write, changes: dict[str, object], message: str
) -> None:
    """A cluster that will not become ready ends the wait with the reason and the next command."""
    cluster = handover.read(hand_over(**changes))
    with pytest.raises(ClusterError, match=message):
        handover.wait_ready(cluster, timeout_seconds=5)


def _replace(file: Path, **changes: object) -> None:
    new = file.with_suffix(".new")
    new.write_text(json.dumps(json.loads(file.read_text()) | changes))
    new.replace(file)
