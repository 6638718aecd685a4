"""Which name and number a node gets, and what a cluster remembers of its nodes."""

from __future__ import annotations

import json
from fnmatch import fnmatch

import pytest

from kubehop.cluster import layout, member, pki
from kubehop.cluster.layout import Layout
from kubehop.cluster.member import Member, choose
from kubehop.cluster.state import Place
from kubehop.errors import ClusterError

TWO = [Member("node-1", 1), Member("node-2", 2)]


@pytest.mark.parametrize(
    ("present", "name", "chosen"),
    [
        (TWO, "", Member("node-3", 3)),
        (TWO, "spare", Member("spare", 3)),
        ([TWO[0], Member("node-3", 3)], "", Member("node-2", 2)),
        ([TWO[0], Member("node-2", 3)], "", Member("node-4", 4)),
    ],
)
def test_a_node_gets_the_lowest_free_number(present: list[Member], name: str, chosen: Member) -> None:
    """A number that was given back is used again, and two nodes never have one name."""
    assert choose(present, name) == chosen


@pytest.mark.parametrize(
    "name", ["node-1", "fabric", "br0", "lo", "all", "default", "-a", "a-", "A", "a.b", "elevenchars", "a/b"]
)
def test_a_name_that_could_not_be_an_interface_is_refused(name: str) -> None:
    """Names that are taken, or too long for `NAME-eth0`, are an error that says how to go on."""
    with pytest.raises(ClusterError, match="kubehop node add"):
        choose(TWO, name)


def test_no_file_of_a_node_is_taken_for_another_s(place: Place) -> None:
    """Nodes may be called `2` and `node-2`, or `a` and `server-a`."""
    names = ["node-2", "2", "a", "server-a"]
    nodes = tuple(layout.node(number, name) for number, name in enumerate(names, start=1))
    wanted = pki.requests(Layout(place, {}, nodes=nodes))
    files = [request.file for request in wanted]
    assert len(files) == len(set(files))
    for node in nodes:
        patterns = [f"{file}.*" for file in pki.of_node(node)]
        found = {file for file in files for pattern in patterns if fnmatch(f"{file}.crt", pattern)}
        assert found == set(pki.of_node(node))


def test_a_full_cluster_is_a_clear_error() -> None:
    """There is a largest number."""
    everyone = [Member(f"n{number}", number) for number in range(1, member.MOST + 1)]
    with pytest.raises(ClusterError, match="has 50 nodes"):
        choose(everyone, "")


def test_nodes_on_their_way_out_are_not_started(place: Place) -> None:
    """What is leaving is known, and no part of the next start."""
    rows = [{"name": "node-1", "number": 1}, {"name": "old", "number": 2, "leaving": True}]
    (place.folder / member.FILE).write_text(json.dumps(rows))
    assert [node.name for node in member.staying(place)] == ["node-1"]
    assert [str(node.pod_cidr) for node in member.leaving(place)] == ["10.244.2.0/24"]


@pytest.mark.parametrize("content", ["", "{", '[{"nam": 1}]'])
def test_an_unreadable_list_is_the_book_s_two_nodes(place: Place, content: str) -> None:
    """A damaged file does not keep a cluster from starting."""
    (place.folder / member.FILE).write_text(content)
    assert [node.name for node in member.staying(place)] == ["node-1", "node-2"]
