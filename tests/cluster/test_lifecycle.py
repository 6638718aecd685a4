"""A cluster's life: it starts, survives, heals, and leaves nothing behind.

These tests start clusters of their own, beside any that runs.
"""

from __future__ import annotations

import contextlib
import os
import signal
import ssl
from collections.abc import Iterator
from datetime import timedelta

import psutil
import pytest
from cryptography import x509
from tests.cluster.host import snapshot
from tests.cluster.life import cmdline, done, kubehop, shop_status

from kubehop.client.kubectl import Kubectl
from kubehop.cluster import certificate, pki, state, sweep
from kubehop.cluster.layout import Layout
from kubehop.cluster.state import Place
from kubehop.wait import until

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(300)]


@pytest.fixture
def untidy(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Keep the state behind a link with a space in its name, and have a proxy that no node reaches."""
    home = tmp_path_factory.mktemp("untidy")
    (home / "real").mkdir()
    (home / "my state").symlink_to("real")
    monkeypatch.setenv("XDG_STATE_HOME", str(home / "my state"))
    monkeypatch.setenv("HTTPS_PROXY", "http://192.0.2.1:3128")
    yield
    assert list((home / "real").iterdir()) == []


@pytest.mark.usefixtures("untidy")
def test_down_leaves_the_host_as_it_was(place: Place) -> None:
    """After up, up and down no process, mount, cgroup, rule, sysctl or file is left."""
    before = snapshot(place)
    first = kubehop("up", place.name)
    assert first.returncode == 0, first.stderr
    while_up = snapshot(place)
    assert while_up["cgroups"] != before["cgroups"], "the snapshot does not see a running cluster"
    assert while_up["mounts"] != before["mounts"], "nor its namespaces"
    assert while_up["nft"] == before["nft"]
    assert while_up["interfaces"] == before["interfaces"]
    again = kubehop("up", place.name)
    assert again.returncode == 0, again.stderr
    assert kubehop("down", place.name).returncode == 0
    assert snapshot(place) == before
    assert not [process for process in psutil.process_iter() if place.name in " ".join(cmdline(process))]


def test_survives_the_death_of_everything(shop: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """All processes vanish at once, as in a crash of the machine; `up` brings the same objects back.

    A certificate that would not outlive a term is renewed by the way.
    """
    before, served = _uid(shop), _served(shop)
    supervisor, gone = sweep.supervisor(shop), sweep.processes(shop)
    assert supervisor
    for pid in [supervisor, *gone]:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    assert kubehop("status", shop.name).returncode == 1
    (shop.pki / "apiserver.crt").unlink()
    monkeypatch.setattr(certificate, "VALID_DAYS", certificate.RENEW_DAYS - 1)
    certificate.ensure(shop.pki, pki.requests(Layout(shop, {})))
    short = x509.load_pem_x509_certificate((shop.pki / "apiserver.crt").read_bytes())
    done("up", shop.name)
    until(lambda: shop_status(shop) == 200, what="the storefront to answer again", timeout_seconds=60)
    assert _uid(shop) == before
    assert not gone & sweep.processes(shop)
    renewed = _served(shop)
    assert renewed.serial_number not in (served.serial_number, short.serial_number)
    assert renewed.not_valid_after_utc - short.not_valid_after_utc > timedelta(days=3000)


def _uid(place: Place) -> str:
    found = Kubectl(place.kubeconfig).json(["get", "deployment", "storefront"])
    return str(found["metadata"]["uid"])


def _served(place: Place) -> x509.Certificate:
    """Return the certificate that the API server shows."""
    port = (state.read_handover(place) or {})["ports"]["api"]
    return x509.load_pem_x509_certificate(ssl.get_server_certificate(("127.0.0.1", port)).encode())
