"""Nodes come and go although the list, a Node object, a folder or the node itself was lost."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from kubehop.client.kubectl import Completed
from kubehop.cluster import launcher, layout, member, membership, state
from kubehop.cluster.cluster import Cluster
from kubehop.cluster.layout import Layout
from kubehop.cluster.member import Member
from kubehop.cluster.progress import Silent
from kubehop.cluster.state import Place
from kubehop.errors import ClusterError, ProcessError

TWO, THREE = ["node-1", "node-2"], ["node-1", "node-2", "node-3"]


class Kubectl:
    """Answers from a list of Node objects, and notes what it is asked; an API server that is down refuses."""

    def __init__(self, objects: dict[str, int]) -> None:
        self.objects = dict(objects)
        self.asked: list[list[str]] = []
        self.down = False

    def run(self, arguments: list[str], *, check: bool = False, **_: Any) -> Completed:
        """Drain what is there, forget what is deleted."""
        self.asked.append(arguments)
        verb, *rest = arguments
        known = [name for name in self.objects if name in rest or f"node/{name}" in rest]
        if self.down or (verb in ("drain", "uncordon") and not known):
            if check:
                raise ClusterError("The connection to the server was refused.")  # noqa: EM101 - a stand-in
            return Completed(b"not found", 1, "kubectl")
        if verb == "delete" and rest[0] == "node":
            self.objects.pop(rest[1], None)
        return Completed("".join(f"node/{name}\n" for name in known).encode(), 0, "kubectl")

    def json(self, arguments: list[str], **_: Any) -> Any:
        """Return the Node objects."""
        self.asked.append(arguments)
        return {
            "items": [
                {"metadata": {"name": name}, "spec": {"podCIDR": f"10.244.{number}.0/24"} if number else {}}
                for name, number in self.objects.items()
            ]
        }

    @property
    def drained(self) -> list[str]:
        """Which nodes were drained."""
        return [arguments[1] for arguments in self.asked if arguments[0] == "drain"]


class Three(Cluster):
    """Three nodes that stand for running ones, and the API server that knows them."""

    api: Kubectl

    @property
    def kubectl(self) -> Any:
        """The stand-in."""
        return self.api


@pytest.fixture
def cluster(place: Place, monkeypatch: pytest.MonkeyPatch) -> Three:
    """Return a cluster of three nodes; what would need root is left out."""
    monkeypatch.setattr(membership.cgroup, "named", lambda _: [])
    monkeypatch.setattr(membership.cgroup, "remove", lambda _: None)
    for name in ("detach_port", "remove", "remove_route"):
        monkeypatch.setattr(membership.network, name, lambda *_, **__: None)

    async def started(*_: object) -> None:
        pass

    monkeypatch.setattr(membership, "_start", started)
    one = Three(
        Layout(place, {}, nodes=tuple(layout.node(number) for number in (1, 2, 3))),
        [],
        on_change=lambda: None,
    )
    one.api = Kubectl({"node-1": 1, "node-2": 2, "node-3": 3})
    place.log.mkdir()
    place.pki.mkdir()
    hand_over(place, THREE)
    store(place, [Member(f"node-{number}", number) for number in (1, 2, 3)])
    return one


def hand_over(place: Place, names: list[str]) -> None:
    """Write the handover file of a cluster that ran with these nodes."""
    rows = [{"name": name, "address": f"172.30.0.1{name[-1]}"} for name in names]
    state.write_handover(place, {"phase": "ready", "nodes": rows})


def store(place: Place, members: list[Member]) -> None:
    """Write the list of nodes."""
    rows = [{"name": one.name, "number": one.number, "leaving": one.leaving} for one in members]
    (place.folder / member.FILE).write_text(json.dumps(rows))


def runs(cluster: Cluster) -> list[str]:
    """Return the names of the nodes that run."""
    return [runtime.node.name for runtime in cluster.nodes]


def listed(cluster: Cluster) -> list[str]:
    """Return the names in the list of nodes."""
    return [row["name"] for row in json.loads((cluster.layout.place.folder / member.FILE).read_text())]


DAMAGED = [
    "",
    "{",
    "[]",
    '[{"nam": 1}]',
    '[{"name": "node-1", "number": "1"}]',
    '[{"name": "node-1", "number": 1}, {"name": "node-2", "number": 1}]',
    '[{"name": "node-1", "number": 1}, {"name": "node-1", "number": 2}]',
    '[{"name": "node-2", "number": 2}]',
    '[{"name": "node-1", "number": 1, "leaving": true}]',
    '[{"name": "node-1", "number": 1}, {"name": "../..", "number": 2}]',
    '[{"name": "node-1", "number": 1}, {"name": "far", "number": 400}]',
]


@pytest.mark.parametrize("content", [None, *DAMAGED])
def test_a_lost_list_is_read_from_the_handover_file(place: Place, content: str | None) -> None:
    """The nodes that ran last are the cluster's, not the book's two."""
    if content is not None:
        (place.folder / member.FILE).write_text(content)
    hand_over(place, THREE)
    assert member.members(place) == [Member(f"node-{number}", number) for number in (1, 2, 3)]


@pytest.mark.parametrize("content", DAMAGED)
def test_without_either_a_cluster_starts_with_two_nodes(place: Place, content: str) -> None:
    """Damaged files do not keep it from starting."""
    (place.folder / member.FILE).write_text(content)
    place.handover.write_text(content)
    assert [node.name for node in member.staying(place)] == TWO


def test_a_lost_list_is_written_before_the_handover_file_is(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`up` tells there what it builds, and so of no nodes, before the cluster is started."""
    hand_over(place, THREE)
    monkeypatch.setattr(launcher.doctor, "require", lambda **_: None)
    monkeypatch.setattr(launcher.sweep, "leftovers", lambda _: None)
    monkeypatch.setattr(launcher, "ensure", lambda *_, **__: {})
    monkeypatch.setattr(launcher, "ensure_images", lambda *_, **__: [])
    monkeypatch.setattr(launcher, "_start", lambda where, _: {"nodes": member.staying(where)})
    told = launcher.up(place, build=Silent(), on_step=lambda _: None)
    assert [node.name for node in told["nodes"]] == THREE


def lose(cluster: Cluster) -> None:
    """Lose both files, as whoever empties the folder of a running cluster does."""
    (cluster.layout.place.folder / member.FILE).unlink()
    cluster.layout.place.handover.unlink()


def test_a_node_that_runs_keeps_its_name_and_number(cluster: Three) -> None:
    """With no list, a new node is not given what node-3 has; the list is then whole again."""
    lose(cluster)
    told = asyncio.run(membership.add(cluster, ""))
    assert "node-4 is ready: 172.30.0.14" in told
    assert runs(cluster) == listed(cluster) == [*THREE, "node-4"]


def test_a_node_object_keeps_its_name_and_range(cluster: Three) -> None:
    """Pods of two nodes in one range would take each other's packets."""
    cluster.api.objects |= {"node-4": 0, "old": 5}
    assert "node-6 is ready" in asyncio.run(membership.add(cluster, ""))
    with pytest.raises(ClusterError, match="There is a node old already"):
        asyncio.run(membership.add(cluster, "old"))


def test_what_an_earlier_node_of_that_name_left_is_removed(cluster: Three) -> None:
    """Its record of images would say that they are there."""
    record = cluster.layout.place.node("node-4") / "images"
    record.parent.mkdir(parents=True)
    record.touch()
    asyncio.run(membership.add(cluster, ""))
    assert not record.exists()


def test_a_node_that_runs_can_go_without_the_list(cluster: Three) -> None:
    """And the list is whole again."""
    lose(cluster)
    assert "node-3 is gone" in asyncio.run(membership.remove(cluster, "node-3", force=False))
    assert cluster.api.drained == ["node-3"]
    assert runs(cluster) == listed(cluster) == TWO


@pytest.mark.parametrize("leaving", [True, False])
def test_a_node_that_stands_in_the_list_only_can_go(cluster: Three, leaving: bool) -> None:
    """Nothing runs there, so there is nobody to drain it; an earlier removal may have failed half-way."""
    place = cluster.layout.place
    store(place, [*member.members(place), Member("spare", 4, leaving)])
    place.node("spare").mkdir(parents=True)
    with pytest.raises(ClusterError, match=r"spare already.*`kubehop node remove spare`"):
        asyncio.run(membership.add(cluster, "spare"))
    assert "node-5 is ready" in asyncio.run(membership.add(cluster, ""))
    assert "spare is gone" in asyncio.run(membership.remove(cluster, "spare", force=False))
    assert cluster.api.drained == []
    assert "spare" not in listed(cluster)
    assert not place.node("spare").exists()


def test_a_node_without_its_object_can_go(cluster: Three) -> None:
    """After `kubectl delete node` nothing can be drained."""
    del cluster.api.objects["node-3"]
    assert "node-3 is gone" in asyncio.run(membership.remove(cluster, "node-3", force=False))
    assert cluster.api.drained == []
    assert runs(cluster) == listed(cluster) == TWO


def test_a_node_without_its_folder_can_go(cluster: Three) -> None:
    """What was deleted by hand need not be deleted again."""
    assert not cluster.layout.place.node("node-3").exists()
    assert "node-3 is gone" in asyncio.run(membership.remove(cluster, "node-3", force=False))
    assert runs(cluster) == listed(cluster) == TWO


def test_an_object_that_is_no_node_of_ours_is_named_as_such(cluster: Three) -> None:
    """What runs there, if anything, is not ours to end."""
    cluster.api.objects["stranger"] = 0
    with pytest.raises(ClusterError, match=r"stranger is a Node object.*`kubectl delete node stranger`"):
        asyncio.run(membership.remove(cluster, "stranger", force=False))
    with pytest.raises(ClusterError, match=r"no node 'nothing'.*node-2, node-3"):
        asyncio.run(membership.remove(cluster, "nothing", force=False))
    assert runs(cluster) == THREE


def test_a_removal_that_cannot_be_ended_is_ended_by_the_next(cluster: Three) -> None:
    """The API server went away after the node's end: the node is known to be leaving."""
    del cluster.api.objects["node-3"]
    refuse = cluster.api.run

    def half(arguments: list[str], **how: Any) -> Completed:
        cluster.api.down = arguments[0] == "delete"
        return refuse(arguments, **how)

    cluster.api.run = half  # type: ignore[method-assign]
    with pytest.raises(ClusterError, match="refused"):
        asyncio.run(membership.remove(cluster, "node-3", force=False))
    assert (runs(cluster), listed(cluster)) == (TWO, THREE)
    cluster.api.down, cluster.api.run = False, refuse  # type: ignore[method-assign]
    assert "node-3 is gone" in asyncio.run(membership.remove(cluster, "node-3", force=False))
    assert listed(cluster) == TWO


def test_a_failed_addition_that_cannot_be_undone_says_both(
    cluster: Three, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Why the node did not come, why it is still there, and how to remove it."""

    async def fails(*_: object) -> None:
        cluster.api.down = True
        msg = "kubelet exited with code 1."
        raise ProcessError(msg)

    monkeypatch.setattr(membership, "_start", fails)
    with pytest.raises(
        ClusterError, match=r"refused.*kubelet exited with code 1.*`kubehop node remove node-4`"
    ):
        asyncio.run(membership.add(cluster, ""))
    cluster.api.down = False
    asyncio.run(membership.remove(cluster, "node-4", force=False))
    assert listed(cluster) == THREE
