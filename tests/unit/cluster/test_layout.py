"""A cluster as data: names, addresses, flags, shares."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import psutil
import pytest
import yaml

from kubehop.cluster.component import apiserver, containerd, controller_manager, etcd, kube_proxy, kubelet
from kubehop.cluster.layout import Layout, flags, node
from kubehop.cluster.linux import cgroup
from kubehop.cluster.state import Place
from kubehop.errors import ClusterError

PROGRAMS = ("kube", "kube-router", "etcd", "containerd", "ptp", "ctr", "pause")


@pytest.fixture
def layout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Layout:
    """A cluster of two nodes, with programs that are only names."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    return Layout(Place("demo"), {name: Path("/cache") / name for name in PROGRAMS})


def test_flags_are_spelled_as_go_reads_them() -> None:
    """Underscores become dashes, booleans lower case."""
    assert flags(leader_elect=False, v=2) == ("--leader-elect=false", "--v=2")


def test_nodes_do_not_overlap() -> None:
    """Each node has its own address and its own range of Pod addresses."""
    first, second = node(1), node(2)
    assert first.address.ip != second.address.ip
    assert not first.pod_cidr.overlaps(second.pod_cidr)


def test_two_nodes_add_up_to_one_machine(layout: Layout, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each of two nodes holds half of the processors and of the memory back, each of three two thirds."""
    monkeypatch.setattr("os.cpu_count", lambda: 2)
    total = psutil.virtual_memory().total >> 20
    assert layout.reserved == {"cpu": "1000m", "memory": f"{round(total / 2)}Mi"}
    three = replace(layout, nodes=(node(1), node(2), node(3)))
    assert three.reserved == {"cpu": "1333m", "memory": f"{round(total * 2 / 3)}Mi"}


def test_the_control_plane_starts_in_order(layout: Layout) -> None:
    """Nothing needs a component that comes after it."""
    order = [etcd.component(layout), apiserver.component(layout), controller_manager.component(layout)]
    names = [component.name for component in order]
    for number, component in enumerate(order):
        assert set(component.needs) <= set(names[:number])


def test_files_are_valid_and_name_their_node(layout: Layout) -> None:
    """The kubelet's and kube-proxy's files are YAML of their kinds, for the node they are written for."""
    second = node(2)
    [(path, (text, _))] = kubelet.component(layout, second).files.items()
    assert "nodes/node-2/etc/kubernetes" in str(path)
    assert yaml.safe_load(text)["systemReserved"]["cpu"] == layout.reserved["cpu"]
    [(_, (text, _))] = kube_proxy.component(layout, second).files.items()
    assert yaml.safe_load(text)["mode"] == "nftables"
    assert yaml.safe_load(text)["nftables"]["minSyncPeriod"] == "100ms"
    files = containerd.component(layout, second).files
    assert any("10.244.2.0/24" in text for text, _ in files.values())


@pytest.mark.parametrize("name", ["", "Upper", "a/b", "-", "x" * 25, "sp ace"])
def test_a_bad_name_is_refused(name: str) -> None:
    """A name must serve as file, cgroup and interface name at once."""
    with pytest.raises(ClusterError, match="cannot name a cluster"):
        Place(name)


def test_cgroup_lines_are_read() -> None:
    """Named hierarchies lose their prefix; the unified line of a mixed system is left out."""
    text = "4:memory:/a/b\n9:name=systemd:/\n2:cpu,cpuacct:/\n0::/\n"
    assert cgroup.hierarchies(text) == {"memory": "/a/b", "systemd": "/", "cpu,cpuacct": "/"}
