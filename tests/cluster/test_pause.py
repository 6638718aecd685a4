"""A cluster is stopped where it stands and runs on, as if nothing had been."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import threading
import urllib.error
import urllib.request

import psutil
import pytest
from tests.cluster.life import KUBEHOP, cmdline, done, kubehop, shop_status

from kubehop.client.kubectl import Kubectl
from kubehop.cluster import state, sweep
from kubehop.cluster.state import Place
from kubehop.wait import pause, until

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(300)]
# Longer than a lease lasts here, 20 s; the long one is longer than a kubelet trusts its runtime, 30 s.
LONG_SECONDS = 35 if os.environ.get("KUBEHOP_HOSTILE") == "long" else 22
IDLE_SECONDS = 3.0


def _told(place: Place) -> dict[str, object]:
    return state.read_handover(place) or {}


def _processor_seconds(place: Place) -> float:
    pids = [*sweep.processes(place), sweep.supervisor(place) or 0]
    return sum(sum(psutil.Process(pid).cpu_times()[:2]) for pid in pids)


def _restarts(place: Place) -> list[object]:
    rows = _told(place)["components"]
    assert isinstance(rows, list)
    return [(row["node"], row["name"], row["pid"], row["restarts"]) for row in rows]


def _unready(place: Place) -> set[str]:
    """Return the names of the nodes and Pods that are not ready."""
    told = Kubectl(place.kubeconfig).json(["get", "nodes,pods", "--all-namespaces"])["items"]
    return {
        one["metadata"]["name"]
        for one in told
        for condition in one["status"]["conditions"]
        if condition["type"] == "Ready" and condition["status"] != "True"
    }


def test_a_paused_cluster_rests_and_runs_on(shop: Place) -> None:
    """No processor time while paused; afterwards no process was restarted and no node is NotReady."""
    before, unready = _restarts(shop), _unready(shop)
    assert all(name.startswith("metrics-server-") for name in unready)  # it takes half a minute
    done("pause", shop.name)
    assert _told(shop)["phase"] == "paused"
    spent = _processor_seconds(shop)
    pause(IDLE_SECONDS)
    assert _processor_seconds(shop) == spent
    shown = kubehop("status", shop.name)
    assert (shown.returncode, "kubehop resume" in shown.stdout) == (1, True), shown.stdout
    assert "paused already" in done("pause", shop.name)
    pause(LONG_SECONDS - IDLE_SECONDS)
    done("resume", shop.name)
    assert "is not paused" in done("resume", shop.name)
    assert shop_status(shop) == 200
    assert _restarts(shop) == before
    events = Kubectl(shop.kubeconfig).run(["get", "events", "-A", "-o", "name"], check=True).text
    assert events  # so that the next line looks at something
    assert _unready(shop) <= unready
    nodes = Kubectl(shop.kubeconfig).json(["get", "nodes"])["items"]
    assert not [node["spec"]["taints"] for node in nodes if "taints" in node["spec"]]


def test_a_request_that_waits_is_answered_after_resume(shop: Place) -> None:
    """A connection that was open before waits; a new one is told what to do, or refused."""
    port = _port(shop, "ingress_http")
    with socket.create_connection(("127.0.0.1", port), timeout=60) as early:
        early.sendall(b"GET /healthz HTTP/1.1\r\nHost: shop.localhost\r\n\r\n")
        assert early.recv(4096).startswith(b"HTTP/1.1 200")
        done("pause", shop.name)
        early.sendall(b"GET /healthz HTTP/1.1\r\nHost: shop.localhost\r\n\r\n")
        with pytest.raises(urllib.error.HTTPError) as late:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=10)
        assert late.value.code == 503
        assert b"kubehop resume" in late.value.read()
        for door in ("api", "ingress_https"):
            with pytest.raises(ConnectionError):
                _speak(_port(shop, door))
        proxied = subprocess.run(
            ["curl", "-sS", "-x", f"socks5h://127.0.0.1:{_port(shop, 'outside_proxy')}", "http://node-1"],
            capture_output=True,
            text=True,
            check=False,
        )
        assert proxied.returncode == 97, proxied.stderr
        threading.Timer(1.0, kubehop, ("resume", shop.name)).start()
        assert early.recv(4096).startswith(b"HTTP/1.1 200")
    until(lambda: _told(shop)["phase"] == "ready", what="the cluster to be ready")


def _port(place: Place, door: str) -> int:
    ports = _told(place)["ports"]
    assert isinstance(ports, dict)
    return int(ports[door])


def _speak(port: int) -> bytes:
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        connection.sendall(b"\x16\x03\x01")
        answer = connection.recv(10)
        if not answer:
            raise ConnectionAbortedError
        return answer


def test_up_wakes_a_paused_cluster(shop: Place) -> None:
    """`up` of a paused cluster resumes it, controllers last; `doctor` does not mind the pause."""
    before = _restarts(shop)
    done("pause", shop.name)
    subprocess.run([*KUBEHOP, "doctor", "--quiet"], check=True)
    [controllers] = [pid for pid in sweep.processes(shop) if _is_controller_manager(pid)]
    waking = subprocess.Popen([*KUBEHOP, "up", "--name", shop.name], stdout=subprocess.DEVNULL)
    seen: set[tuple[object, str]] = set()
    while waking.poll() is None:
        seen.add((_told(shop)["phase"], psutil.Process(controllers).status()))
        pause(0.005)
    assert waking.returncode == 0
    assert ("resuming", psutil.STATUS_STOPPED) in seen, "the controllers were not held"
    assert psutil.Process(controllers).status() != psutil.STATUS_STOPPED
    assert shop_status(shop) == 200
    assert _restarts(shop) == before


def _is_controller_manager(pid: int) -> bool:
    words = cmdline(psutil.Process(pid))
    return words[1:2] == ["kube-controller-manager"]


def test_a_paused_cluster_whose_supervisor_is_killed(shop: Place) -> None:
    """Nothing of it can be woken; `up` ends the frozen processes and starts from what is stored."""
    done("pause", shop.name)
    frozen, supervisor = sweep.processes(shop), sweep.supervisor(shop)
    assert supervisor
    os.kill(supervisor, signal.SIGKILL)
    until(lambda: sweep.supervisor(shop) is None, what="the supervisor to end")
    refused = kubehop("resume", shop.name)
    assert (refused.returncode, "kubehop up" in refused.stderr) == (1, True), refused.stderr
    done("up", shop.name)
    until(lambda: shop_status(shop) == 200, what="the storefront to answer", timeout_seconds=60)
    assert not frozen & sweep.processes(shop)
