"""Services of type LoadBalancer by traffic: an address from the pool, reached from inside and outside."""

from __future__ import annotations

import os
import signal
from ipaddress import ip_address

import pytest
from tests.cluster.shop import storefront

from kubehop import wait
from kubehop.client import handover, request, settle, tools
from kubehop.client.api import Api
from kubehop.client.handover import Cluster
from kubehop.client.kubectl import Kubectl
from kubehop.cluster.layout import LOAD_BALANCER_CIDR

pytestmark = pytest.mark.cluster
BALANCED = "type: LoadBalancer"
MANY = LOAD_BALANCER_CIDR.num_addresses


@pytest.fixture(scope="module")
def shop(kubectl: Kubectl, api: Api, space: str) -> str:
    """Run two Pods, one on each node, behind a load balancer; return its address."""
    manifest = storefront("shop", replicas=2, service=BALANCED)
    kubectl.run(["apply", "--filename=-"], stdin=manifest, check=True)
    tools.ensure_client(kubectl)
    settle.settle(api, space)
    return address_of(kubectl, "shop")


def address_of(kubectl: Kubectl, service: str) -> str:
    """Wait until a Service has an address, and return it."""
    path = "--output=jsonpath={.status.loadBalancer.ingress[0].ip}"
    return wait.until(
        lambda: kubectl.run(["get", "service", service, path], check=True).text,
        what=f"an address for Service {service}",
        timeout_seconds=20,
    )


def outside(cluster: Cluster, address: str, *, count: int = 20) -> list[int | None]:
    """Ask for /whoami from a machine beside the nodes."""
    found = request.from_outside(cluster, f"http://{address}/whoami", count=count, max_time_seconds=2)
    return found.statuses


def test_the_address_is_of_the_pool_and_answers_outside(cluster: Cluster, shop: str) -> None:
    """Every request is answered, by the Pods of both nodes."""
    assert ip_address(shop) in LOAD_BALANCER_CIDR
    found = request.from_outside(cluster, f"http://{shop}/whoami", count=40)
    assert found.statuses == [200] * 40
    assert len(found.counts()) == 2


def test_it_answers_inside_too(cluster: Cluster, kubectl: Kubectl, shop: str) -> None:
    """A Pod and each node reach it; there, the node's own kube-proxy answers."""
    assert request.from_pod(kubectl, f"http://{shop}/whoami", count=20).statuses == [200] * 20
    for node in cluster.nodes:
        told = tools.node_exec(
            kubectl, node.name, ["curl", "-sS", "--max-time", "3", f"http://{shop}/healthz"]
        )
        assert told.exit_code == 0, told.text


def test_no_node_waits_for_a_cloud(api: Api) -> None:
    """Only its service controller runs: no taint of an external cloud is on any node."""
    for node in api.items("/api/v1/nodes"):
        assert not node["spec"].get("taints")


def test_addresses_survive_the_end_of_who_gave_them(cluster: Cluster, kubectl: Kubectl, shop: str) -> None:
    """The controller is killed and started again: the Service keeps its address, a new one gets another."""
    assert cluster.file
    before = _component(cluster)
    assert before.pid
    os.kill(before.pid, signal.SIGKILL)
    wait.until(
        lambda: _component(cluster).state == "running" and _component(cluster).pid != before.pid,
        what="cloud-controller-manager to run again",
        timeout_seconds=30,
    )
    kubectl.run(
        [
            "expose",
            "deployment",
            "shop",
            "--name=later",
            "--port=80",
            "--target-port=8080",
            "--type=LoadBalancer",
        ],
        check=True,
    )
    later = address_of(kubectl, "later")
    assert later != shop
    assert address_of(kubectl, "shop") == shop
    assert outside(cluster, shop) == [200] * 20
    kubectl.run(["delete", "service", "later"], check=True)


def test_a_deleted_service_gives_its_address_back(cluster: Cluster, kubectl: Kubectl, shop: str) -> None:
    """Its route goes with it, nobody answers there any more, and the next Service can have it."""
    expose = ["expose", "deployment", "shop", "--port=80", "--target-port=8080", "--type=LoadBalancer"]
    kubectl.run([*expose, "--name=first"], check=True)
    address = address_of(kubectl, "first")
    wait.until(lambda: outside(cluster, address, count=1) == [200], what=address, timeout_seconds=10)
    kubectl.run(["delete", "service", "first"], check=True, timeout_seconds=60)
    assert request.from_outside(cluster, f"http://{address}/", max_time_seconds=2).status is None
    kubectl.run([*expose, "--name=second"], check=True)
    assert address_of(kubectl, "second") == address
    kubectl.run(["delete", "service", "second"], check=True, timeout_seconds=60)


def test_an_empty_pool_says_so(kubectl: Kubectl, shop: str) -> None:
    """One Service too many gets an event that names the pool, and an address as soon as one is free."""
    names = [f"many-{number}" for number in range(MANY + 1)]
    spec = "spec: {type: LoadBalancer, ports: [{port: 80}]}"
    manifest = "\n---\n".join(
        f"apiVersion: v1\nkind: Service\nmetadata: {{name: {name}}}\n{spec}" for name in names
    )
    kubectl.run(["apply", "--filename=-"], stdin=manifest, check=True)
    events = [
        "get",
        "events",
        "--field-selector=reason=SyncLoadBalancerFailed",
        "--output=jsonpath={.items[*].message}",
    ]
    told = wait.until(lambda: kubectl.run(events).text, what="the event", timeout_seconds=30)
    assert f"pool {LOAD_BALANCER_CIDR} are taken" in told
    kubectl.run(["delete", "service", *names[: MANY // 2]], check=True, timeout_seconds=60)
    address_of(kubectl, names[-1])
    kubectl.run(["delete", "service", *names[MANY // 2 :]], check=True, timeout_seconds=60)


def test_policy_local_goes_where_the_pods_are(
    cluster: Cluster, kubectl: Kubectl, api: Api, space: str, shop: str
) -> None:
    """With externalTrafficPolicy Local only nodes with a Pod get connections, and the address stays."""
    second = cluster.nodes[1].name
    local = storefront("local", node=second, service=f"{BALANCED}, externalTrafficPolicy: Local")
    kubectl.run(["apply", "--filename=-"], stdin=local, check=True)
    settle.settle(api, space)
    address = address_of(kubectl, "local")
    wait.until(lambda: outside(cluster, address, count=4) == [200] * 4, what=address, timeout_seconds=15)
    found = request.from_outside(cluster, f"http://{address}/whoami", count=40)
    assert found.statuses == [200] * 40
    assert all('"client": "172.30.0.1:' in one.body or '"client":"172.30.0.1:' in one.body for one in found)


def _component(cluster: Cluster) -> handover.Component:
    assert cluster.file
    told = handover.read(cluster.file)
    return next(one for one in told.components if one.name == "cloud-controller-manager")
