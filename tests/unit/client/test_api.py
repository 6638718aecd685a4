"""The API client: plain dicts, and the settings it takes from a kubeconfig."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from api_server import ApiServer
from kubernetes.client.exceptions import ApiException
from urllib3.exceptions import HTTPError

from kubehop.client.api import Api
from kubehop.errors import ClusterError


def test_a_call_returns_what_the_server_sent(server: ApiServer, api: Api) -> None:
    """Objects are plain dicts, and the query is sent in the API's spelling."""
    server.put("/api/v1/namespaces/shop/pods/web", {"metadata": {"labels": {"app": "web"}}})
    server.put("/api/v1/namespaces/shop/pods/client", {})
    pods = api.items("/api/v1/namespaces/shop/pods", labelSelector="app=web", watch=False)
    assert [pod["metadata"]["name"] for pod in pods] == ["web"]
    assert server.requests[-1][2] == {"labelSelector": "app=web", "watch": "false"}


def test_text_is_returned_as_it_is(server: ApiServer, api: Api) -> None:
    """Logs are text, not JSON."""
    server.texts["/api/v1/namespaces/shop/pods/web/log"] = '{"a": 1}\nplain\n'
    assert api.text("/api/v1/namespaces/shop/pods/web/log", timestamps=True) == '{"a": 1}\nplain\n'


def test_a_refusal_raises_with_its_status(server: ApiServer, api: Api) -> None:
    """What is not a success is an ApiException."""
    server.refused.add("/api/v1/nodes")
    with pytest.raises(ApiException) as caught:
        api.items("/api/v1/nodes")
    assert caught.value.status == 403


def test_the_official_client_works_beside_it(server: ApiServer, api: Api) -> None:
    """The objects of the official client use the same connection settings."""
    server.put("/apis/metrics.k8s.io/v1beta1/nodes/node-1", {"usage": {"cpu": "20m"}})
    found = api.custom.get_cluster_custom_object("metrics.k8s.io", "v1beta1", "nodes", "node-1")
    assert found["usage"] == {"cpu": "20m"}


def test_a_proxy_of_the_environment_is_not_asked_for_loopback(
    server: ApiServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A proxy for the internet does not know what listens on this machine's loopback."""
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    assert Api(server.kubeconfig(tmp_path, server.url)).items("/api/v1/nodes") == []


def test_no_request_waits_for_ever(server: ApiServer, api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that accepts and never answers ends in an error after the time limit."""
    monkeypatch.setattr("kubehop.client.api.READ_SECONDS", 0.1)
    server.hooks.append(lambda *_: time.sleep(0.3))
    with pytest.raises(Exception, match="timed out"):
        api.call("POST", "/api/v1/namespaces", body={"metadata": {"name": "x"}})


def test_a_file_that_is_no_kubeconfig_is_named(tmp_path: Path) -> None:
    """The error names the file."""
    (tmp_path / "empty").write_text("")
    with pytest.raises(ClusterError, match=r"/empty cannot be used"):
        Api(tmp_path / "empty")


def test_a_cluster_that_went_away_is_one_sentence(tmp_path: Path, kubeconfig: Path) -> None:
    """What the reader sees is no stack; code that expects a lost connection sees one."""
    gone = tmp_path / "gone.yaml"
    gone.write_text(kubeconfig.read_text().replace("http://one.invalid:1", "http://127.0.0.1:1"))
    with pytest.raises(
        ClusterError, match=r"does not answer at http://127\.0\.0\.1:1\..*kubehop status"
    ) as caught:
        Api(gone).items("/api/v1/nodes")
    assert isinstance(caught.value, HTTPError)
