"""kube-proxy's mode on each node: asked for, stored, found again."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from kubehop.cluster import proxy_mode
from kubehop.cluster.component import kube_proxy
from kubehop.cluster.layout import Layout, node
from kubehop.cluster.state import Place
from kubehop.errors import ClusterError

NODES = ("node-1", "node-2")


@pytest.mark.parametrize(
    ("options", "modes", "told"),
    [
        ([], ["nftables", "nftables"], "nftables"),
        (["nftables"], ["nftables", "nftables"], "nftables"),
        (["iptables"], ["iptables", "iptables"], "iptables"),
        (["node-2=iptables"], ["nftables", "iptables"], "nftables, iptables on node-2"),
        (["iptables", "node-1=nftables"], ["nftables", "iptables"], "iptables, nftables on node-1"),
        (["node-2=iptables", "node-2=nftables"], ["nftables", "nftables"], "nftables"),
    ],
)
def test_each_node_has_its_mode(place: Place, options: list[str], modes: list[str], told: str) -> None:
    """For all, or for one by name; what is stored is what was asked, and kube-proxy's file says it."""
    found = proxy_mode.parse(options, nodes=NODES)
    proxy_mode.store(place, found)
    assert proxy_mode.stored(place) == found
    assert [proxy_mode.of(found, name) for name in NODES] == modes
    assert proxy_mode.describe(found) == told
    layout = Layout(place, {"kube": Path("/kube")}, proxy_modes=found)
    for number, mode in enumerate(modes, start=1):
        [(_, (text, _))] = kube_proxy.component(layout, node(number)).files.items()
        config = yaml.safe_load(text)
        assert (config["mode"], config[mode]["minSyncPeriod"]) == (mode, "100ms")


def test_the_same_modes_in_other_words_are_the_same() -> None:
    """So a cluster that runs is not started again for them."""
    parse = proxy_mode.parse
    assert parse(["nftables"], nodes=NODES) == parse(["node-1=nftables"], nodes=NODES) == {}
    assert parse(["iptables", "node-2=iptables"], nodes=NODES) == parse(["iptables"], nodes=NODES)


@pytest.mark.parametrize(
    ("option", "said"),
    [
        ("ipvs", r"no mode 'ipvs'.*nftables, iptables"),
        ("node-2=", r"no mode ''"),
        ("node-9=iptables", r"no node 'node-9'.*node-1, node-2.*--proxy-mode node-2=iptables"),
        ("iptables=node-2", r"no mode 'node-2'"),
    ],
)
def test_what_cannot_be_is_refused(option: str, said: str) -> None:
    """The error lists what there is, and a command that works."""
    with pytest.raises(ClusterError, match=said):
        proxy_mode.parse([option], nodes=NODES)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"node-1": "ipvs"}', "null"])
def test_a_damaged_file_means_the_default(place: Place, text: str) -> None:
    """Whatever is there, a cluster can start."""
    (place.folder / proxy_mode.FILE).write_text(text)
    assert proxy_mode.stored(place) == {}
