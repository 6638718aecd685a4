"""The running cluster, named by KUBEHOP_NAME where there are several."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.cluster.life import SHOP, done, kubehop, shop_status

from kubehop.client import handover, kubeconfig, namespace, settle
from kubehop.client.api import Api
from kubehop.client.handover import Cluster
from kubehop.client.kubectl import Kubectl
from kubehop.cluster import sweep
from kubehop.cluster.state import Place
from kubehop.wait import until


@pytest.fixture(scope="session")
def cluster() -> Cluster:
    """Return the running cluster; without one, its error says how to start it."""
    return handover.wait_ready(handover.current(), timeout_seconds=120)


@pytest.fixture(scope="module")
def space(cluster: Cluster, request: pytest.FixtureRequest) -> Iterator[str]:
    """Make a namespace for the tests of one module, and remove it after them."""
    name = f"{request.module.__name__.rpartition('.')[2].replace('_', '-')}-kh{secrets.token_hex(2)}"
    file = kubeconfig.session(cluster, namespace=name)
    admin = Api(file)
    namespace.create(admin, name, chapter="test")
    yield name
    namespace.delete(admin, name)
    kubeconfig.remove(file)


@pytest.fixture(scope="module")
def own_kubeconfig(cluster: Cluster, space: str) -> Iterator[Path]:
    """Return a private kubeconfig whose default namespace is the module's."""
    file = kubeconfig.session(cluster, namespace=space)
    yield file
    kubeconfig.remove(file)


@pytest.fixture(scope="module")
def kubectl(own_kubeconfig: Path) -> Kubectl:
    """Return kubectl on the module's namespace."""
    return Kubectl(own_kubeconfig)


@pytest.fixture(scope="module")
def api(own_kubeconfig: Path) -> Api:
    """Return the cluster's API."""
    return Api(own_kubeconfig)


def _own(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(home))
    monkeypatch.delenv("KUBEHOP_NAME", raising=False)


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    """A cluster with a name and a state folder of its own; whatever happens, nothing of it stays."""
    _own(tmp_path, monkeypatch)
    mine = Place(f"t{os.getpid()}")
    yield mine
    kubehop("down", mine.name)
    assert not sweep.processes(mine)
    assert list(tmp_path.iterdir()) == []


@pytest.fixture(scope="session")
def shop_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The state folder of the cluster that `shop` runs; nothing of it stays."""
    home = tmp_path_factory.mktemp("shop")
    yield home
    with pytest.MonkeyPatch.context() as monkeypatch:
        _own(home, monkeypatch)
        mine = Place(f"s{os.getpid()}")
        if sweep.supervisor(mine):
            done("pause", mine.name)  # `down` ends frozen processes, too
        kubehop("down", mine.name)
        assert not sweep.processes(mine)
        assert list(home.iterdir()) == []


@pytest.fixture
def shop(shop_home: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    """A running cluster with the storefront behind an Ingress; one for all tests, made whole before each."""
    _own(shop_home, monkeypatch)
    mine = Place(f"s{os.getpid()}")
    done("up", mine.name)
    Kubectl(mine.kubeconfig).run(["apply", "-f", "-"], stdin=SHOP, check=True)
    settle.settle(Api(mine.kubeconfig), "default", timeout_seconds=90)  # no Pod of another test is leaving
    until(lambda: shop_status(mine) == 200, what="the storefront to answer", timeout_seconds=90)
    return mine
