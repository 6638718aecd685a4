"""A state folder of its own for each test, and a kubeconfig that leads nowhere."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from api_server import ApiServer

from kubehop.client import owner
from kubehop.client.api import Api


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Point the state folder into the test's own folder and clear what chooses a cluster."""
    for name in ("KUBEHOP_CONTEXT", "KUBEHOP_NAME", "KUBEHOP_INGRESS_HTTP", "KUBECONFIG"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path / "state" / "kubehop"


@pytest.fixture
def kubeconfig(tmp_path: Path) -> Path:
    """Write a kubeconfig with two contexts, `one` (current) and `two`."""
    names = ("one", "two")
    content = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "one",
        "clusters": [{"name": n, "cluster": {"server": f"http://{n}.invalid:1"}} for n in names],
        "users": [{"name": n, "user": {"token": f"secret-{n}"}} for n in names],
        "contexts": [{"name": n, "context": {"cluster": n, "user": n}} for n in names],
    }
    file = tmp_path / "kube.yaml"
    file.write_text(yaml.safe_dump(content))
    return file


@pytest.fixture
def hand_over(state: Path, kubeconfig: Path) -> Callable[..., Path]:
    """Return a function that writes a handover file; its supervisor is this very process."""
    me = owner.current()

    def write(name: str = "kubehop", **changes: Any) -> Path:
        content = {
            "schema": "kubehop-cluster/1",
            "name": name,
            "phase": "ready",
            "step": "",
            "done": 12,
            "total": 12,
            "error": None,
            "kubeconfig": str(kubeconfig),
            "api": "https://127.0.0.1:6443",
            "ingress_http": "http://127.0.0.1:8080",
            "ingress_https": "https://127.0.0.1:8443",
            "outside_proxy": "socks5h://127.0.0.1:1080",
            "nodes": [{"name": "node-1", "address": "172.30.0.11"}],
            "versions": {"kubernetes": "v1.37.2"},
            "supervisor_pid": me.pid,
            "supervisor_started": me.started,
            "components": [{"name": "etcd", "node": "node-1", "pid": 12, "state": "running", "since": None}],
            "updated": "2026-01-01T00:00:00Z",
        }
        file = state / "clusters" / name / "cluster.json"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(content | changes))
        return file

    return write


@pytest.fixture
def server() -> Iterator[ApiServer]:
    """Return an API server that serves, empty."""
    one = ApiServer()
    one.url = one.start()
    yield one
    one.stop()


@pytest.fixture
def api(server: ApiServer, tmp_path: Path) -> Api:
    """Return an `Api` that talks to the test server."""
    return Api(server.kubeconfig(tmp_path, server.url))
