"""The running cluster, named by KUBEHOP_NAME where there are several."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest

from kubehop.client import handover, kubeconfig, namespace
from kubehop.client.api import Api
from kubehop.client.handover import Cluster
from kubehop.client.kubectl import Kubectl


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
