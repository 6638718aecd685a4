"""Attacks, tried for real: each has to fail, and what it would need to succeed works for its owner."""

from __future__ import annotations

import http.server
import json
import stat
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from socket import create_connection

import psutil
import pytest

from kubehop.client import namespace, tools
from kubehop.client.api import Api
from kubehop.client.folder import state_root
from kubehop.client.handover import Cluster
from kubehop.client.kubectl import Completed, Kubectl
from kubehop.cluster import pki, security, state, sweep
from kubehop.cluster.cluster import PORTS
from kubehop.cluster.state import Place
from kubehop.wait import until

pytestmark = pytest.mark.cluster

# A Pod on node-2 that uses one Secret; the other Secret is nobody's.
OBJECTS = """
apiVersion: v1
kind: Secret
metadata: {name: used}
stringData: {word: sesame}
---
apiVersion: v1
kind: Secret
metadata: {name: unused}
stringData: {word: sesame}
---
apiVersion: v1
kind: Pod
metadata: {name: there}
spec:
  nodeName: node-2
  containers:
  - name: app
    image: storefront:v1
    envFrom: [{secretRef: {name: used}}]
"""
OWN_PODS_ONLY = """
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: own-pods-only}
spec: {podSelector: {}, policyTypes: [Ingress], ingress: [{from: [{podSelector: {}}]}]}
"""
ROOT_ON_THE_NODE = {
    "privileged": {"containers": [{"securityContext": {"privileged": True}}]},
    "hostNetwork": {"hostNetwork": True},
    "hostPID": {"hostPID": True},
    "hostIPC": {"hostIPC": True},
    "hostPath": {"volumes": [{"name": "root", "hostPath": {"path": "/"}}]},
    "hostPort": {"containers": [{"ports": [{"containerPort": 80, "hostPort": 9}]}]},
    "capability": {"containers": [{"securityContext": {"capabilities": {"add": ["SYS_ADMIN"]}}}]},
    "unconfined": {"securityContext": {"seccompProfile": {"type": "Unconfined"}}},
}


@pytest.fixture(scope="module")
def place(cluster: Cluster) -> Place:
    """Where the running cluster keeps its files."""
    return Place(cluster.name)


@pytest.fixture(scope="module")
def client(kubectl: Kubectl) -> Kubectl:
    """Make the learner's Pod `client`, and the Pod `there` on node-2."""
    kubectl.run(["apply", "-f", "-"], stdin=OBJECTS, check=True)
    kubectl.run(["wait", "--for=condition=Ready", "pod/there", "--timeout=60s"], check=True)
    tools.ensure_client(kubectl)
    return kubectl


@pytest.fixture(scope="module")
def as_node(
    place: Place, cluster: Cluster, space: str, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Kubectl]:
    """Return kubectl with each kubelet's credential."""
    folder, found = tmp_path_factory.mktemp("nodes"), {}
    for node in cluster.nodes:
        file = folder / node.name
        file.write_text(pki.kubeconfig(place.pki, f"kubelet-{node.name}", str(cluster.api)))
        found[node.name] = Kubectl(file, space)
    return found


def _refused(done: Completed) -> bool:
    return done.exit_code != 0 and ("Forbidden" in done.text or "forbidden" in done.text)


def _from_pod(kubectl: Kubectl, *argv: str) -> Completed:
    return kubectl.run(["exec", "client", "--", *argv], timeout_seconds=60)


def test_every_attempt_of_doctor_is_refused(place: Place) -> None:
    """`kubehop doctor --security` finds nothing open."""
    findings = security.examine(place)
    assert len(findings) == 10
    assert [finding for finding in findings if not finding.ok] == []


def test_strangers_are_refused(client: Kubectl, cluster: Cluster) -> None:
    """Without a certificate, neither the API server nor a kubelet tells anything of the cluster."""
    asked = ("curl", "-sk", "-m", "5", "-o", "/dev/null", "-w", "%{http_code}")
    api = f"https://{cluster.nodes[0].address}:6443"
    assert _from_pod(client, *asked, f"{api}/readyz").text == "200"  # it can be reached
    for path in ("/api/v1/namespaces", "/api/v1/namespaces/kube-system/secrets", "/apis/apps/v1/deployments"):
        assert _from_pod(client, *asked, f"{api}{path}").text in ("401", "403"), path
    for node in cluster.nodes:
        for path in ("/pods", "/runningpods/", "/metrics", "/configz", "/containerLogs/default/a/b"):
            assert _from_pod(client, *asked, f"https://{node.address}:10250{path}").text == "401", path
        for port in (10255, 10248, 10249, 2379, 2380, 10257, 10259):
            done = _from_pod(client, "curl", "-sk", "-m", "3", f"http://{node.address}:{port}/")
            assert done.exit_code == 7, f"{node.name}:{port} answers: {done.text}"


def test_a_kubelet_reaches_its_own_node_only(client: Kubectl, as_node: dict[str, Kubectl]) -> None:
    """node-1's credential cannot read or change what is node-2's; node-2's can read what its Pod uses."""
    here, there = as_node["node-1"], as_node["node-2"]
    assert there.run(["get", "secret", "used"]).exit_code == 0
    assert there.run(["get", "pod", "there"]).exit_code == 0
    assert here.run(["get", "node", "node-1"]).exit_code == 0
    for arguments in (
        ["get", "secret", "used"],
        ["get", "secret", "unused"],
        ["get", "secrets"],
        ["get", "pod", "there"],
        ["get", "pods"],
        ["delete", "pod", "there"],
        ["label", "node", "node-2", "broken=yes"],
        ["label", "node", "node-1", "node-restriction.kubernetes.io/broken=yes"],
        ["create", "token", "default"],
        ["get", "configmaps", "-A"],
        ["exec", "there", "--", "true"],
    ):
        assert _refused(here.run(arguments)), arguments
    assert _refused(there.run(["get", "secret", "unused"]))
    assert client.run(["get", "pod", "there"]).exit_code == 0


def test_a_learners_pod_may_do_nothing_in_the_api(client: Kubectl, cluster: Cluster, space: str) -> None:
    """The token that Pods get opens nothing, not even their own namespace."""
    token = client.run(["create", "token", "default"], check=True).text.strip()
    header = f"Authorization: Bearer {token}"
    asked = ("curl", "-sk", "-m", "5", "-o", "/dev/null", "-w", "%{http_code}", "-H", header)
    url = f"https://{cluster.nodes[0].address}:6443"
    assert _from_pod(client, *asked, f"{url}/version").text == "200"
    for path in (f"namespaces/{space}/pods", f"namespaces/{space}/secrets", "nodes", "namespaces"):
        assert _from_pod(client, *asked, f"{url}/api/v1/{path}").text == "403", path
    for node in cluster.nodes:
        assert _from_pod(client, *asked, f"https://{node.address}:10250/pods").text == "403"


def test_only_loopback_is_bound(place: Place, cluster: Cluster) -> None:
    """No door answers on another address of this machine."""
    ports = (state.read_handover(place) or {})["ports"]
    assert set(ports) == set(PORTS)
    holder = sweep.supervisor(place)
    assert holder
    listening = {
        one.laddr for one in psutil.Process(holder).net_connections("inet") if one.status == "LISTEN"
    }
    assert {address.port for address in listening} >= set(ports.values())
    assert {address.ip for address in listening} == {"127.0.0.1"}
    for port in ports.values():
        create_connection(("127.0.0.1", port), timeout=5).close()
        for address in _addresses():
            with pytest.raises(OSError, match=r"refused|timed out"):
                create_connection((address, port), timeout=2).close()


def test_secrets_are_their_owners(place: Place) -> None:
    """Nobody else can read a key, a kubeconfig, etcd's data, or give orders."""
    assert security.readable(place) == []
    files = [path for path in place.folder.rglob("*") if not {"netns", "nodes"} & set(path.parts)]
    keys = [path for path in files if path.is_file() and b"PRIVATE KEY" in _head(path)]
    assert len(keys) >= 10
    assert {stat.S_IMODE(path.stat().st_mode) for path in keys} == {0o600}
    assert stat.S_IMODE(place.kubeconfig.stat().st_mode) == 0o600
    assert stat.S_IMODE(place.pki.stat().st_mode) == 0o700
    sessions = list((state_root() / "sessions").rglob("*kubeconfig*"))
    assert [path for path in sessions if path.is_file() and path.stat().st_mode & 0o077] == []


def _head(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(4096)


@pytest.fixture
def listener() -> Iterator[int]:
    """A service of the host, on all its addresses; returns its port."""
    server = http.server.ThreadingHTTPServer(("0.0.0.0", 0), http.server.SimpleHTTPRequestHandler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_address[1]
    server.shutdown()
    server.server_close()


def _addresses() -> list[str]:
    """List this machine's own addresses, loopback aside."""
    found = [one.address for card in psutil.net_if_addrs().values() for one in card if one.family == 2]
    return [address for address in found if not address.startswith("127.")]


def test_a_pod_reaches_neither_the_host_nor_the_outside(
    client: Kubectl, listener: int, cluster: Cluster
) -> None:
    """From a learner's Pod there is no way to a service of the host, its doors, or any other machine."""
    hosts = _addresses()
    for address in ["127.0.0.1", *hosts]:
        with closing(create_connection((address, listener), timeout=5)):
            pass  # the service is there
    nearby = [*hosts, "127.0.0.1", "172.30.0.1", "169.254.169.254"]
    doors = [int(str(url).rpartition(":")[2]) for url in (cluster.api, cluster.ingress_http)]
    tried = [f"http://{address}:{port}/" for address in nearby for port in (listener, *doors)]
    tried += ["http://192.0.2.1/", "http://1.1.1.1/", "http://8.8.8.8:53/"]
    each = "(curl -sk -m 2 -o /dev/null $url && echo reached $url) &"
    script = f"for url in $0 $@; do {each} done; wait; echo end"
    done = client.run(["exec", "client", "--", "sh", "-c", script, *tried], timeout_seconds=120)
    assert done.text == "end\n"
    shop = client.json(["get", "pod", "there"])["status"]["podIP"]
    assert _from_pod(client, "curl", "-s", "-m", "5", f"http://{shop}:8080/healthz").exit_code == 0


def test_a_namespace_that_forbids_it_is_not_reached(client: Kubectl, api: Api, space: str) -> None:
    """Another learner's Pod gets through until a policy lets in the namespace's own Pods only."""
    address = client.json(["get", "pod", "there"])["status"]["podIP"]
    asked = ("curl", "-s", "-m", "2", "-o", "/dev/null", f"http://{address}:8080/healthz")
    other = f"{space}-other"
    namespace.create(api, other, chapter="test")
    try:
        stranger = Kubectl(client.kubeconfig, other)
        tools.ensure_client(stranger)
        assert _from_pod(stranger, *asked).exit_code == 0
        client.run(["apply", "-f", "-"], stdin=OWN_PODS_ONLY, check=True)
        until(
            lambda: _from_pod(stranger, *asked).exit_code != 0, what="the policy to hold", timeout_seconds=20
        )
        assert [_from_pod(stranger, *asked).exit_code for _ in range(3)].count(0) == 0
        assert _from_pod(client, *asked).exit_code == 0
    finally:
        client.run(["delete", "networkpolicy", "own-pods-only"])
        namespace.delete(api, other)


@pytest.mark.parametrize("evil", ROOT_ON_THE_NODE)
def test_pod_security_baseline_holds(kubectl: Kubectl, evil: str) -> None:
    """A Pod that would be root on the node is refused in a learner's namespace."""
    spec = {"containers": [{}], **ROOT_ON_THE_NODE[evil]}
    containers = [{"name": "app", "image": "storefront:v1", **one} for one in spec["containers"]]
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": f"evil-{evil.lower()}"}}
    manifest = json.dumps(pod | {"spec": spec | {"containers": containers}})
    done = kubectl.run(["apply", "-f", "-"], stdin=manifest)
    assert done.exit_code == 1, done.text
    assert "violates PodSecurity" in done.text
    plain = json.dumps(pod | {"spec": {"containers": [{"name": "app", "image": "storefront:v1"}]}})
    assert kubectl.run(["apply", "--dry-run=server", "-f", "-"], stdin=plain).exit_code == 0
