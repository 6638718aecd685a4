"""Nodes come and go while the storefront answers."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Callable

import pytest
from tests.cluster.life import KUBEHOP, done, kubehop, shop_status
from tests.cluster.load import load

from kubehop.client.kubectl import Kubectl
from kubehop.cluster import member, state, sweep
from kubehop.cluster.state import Place
from kubehop.wait import until

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(300)]

# Three at least may never be missing, so the Pods of a node leave one after the other.
BUDGET = """
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {name: storefront}
spec: {maxUnavailable: MAX, selector: {matchLabels: {app: storefront}}}
"""
ALONE = """
apiVersion: v1
kind: Pod
metadata: {name: alone}
spec:
  nodeName: node-2
  terminationGracePeriodSeconds: 0
  containers: [{name: app, image: "storefront:v1"}]
"""


def _nodes(place: Place) -> dict[str, bool]:
    """Return each node's name, and whether Pods may go there."""
    items = Kubectl(place.kubeconfig).json(["get", "nodes"])["items"]
    return {
        item["metadata"]["name"]: "unschedulable" not in item["spec"]
        and any(one["type"] == "Ready" and one["status"] == "True" for one in item["status"]["conditions"])
        for item in items
    }


def _on(place: Place, node: str) -> list[str]:
    chosen = ["get", "pods", "-l", "app=storefront", f"--field-selector=spec.nodeName={node}"]
    return [pod["metadata"]["name"] for pod in Kubectl(place.kubeconfig).json(chosen)["items"]]


def _scale(place: Place, replicas: int) -> None:
    kubectl = Kubectl(place.kubeconfig)
    kubectl.run(["scale", "deployment/storefront", f"--replicas={replicas}"], check=True)
    kubectl.run(["rollout", "status", "deployment/storefront", "--timeout=60s"], check=True)


def test_a_node_comes_and_goes_while_requests_flow(shop: Place) -> None:
    """No request is lost while a node comes, takes Pods, and is drained; its addresses are free again."""
    kubectl = Kubectl(shop.kubeconfig)
    kubectl.run(["apply", "-f", "-"], stdin=BUDGET.replace("MAX", "1"), check=True)
    with load(shop) as seen:
        told = done("node add", shop.name)
        assert "node-3 is ready: 172.30.0.13, Pods in 10.244.3.0/24" in told
        assert _nodes(shop) == {"node-1": True, "node-2": True, "node-3": True}
        _scale(shop, 6)
        assert _on(shop, "node-3"), "the scheduler gave the new node no Pod"
        done("node remove", shop.name, "node-3")
        assert _nodes(shop) == {"node-1": True, "node-2": True}
        kubectl.run(["rollout", "status", "deployment/storefront", "--timeout=60s"], check=True)
        assert not _on(shop, "node-3")
    assert seen.statuses[200] > 50
    assert not seen.failures, f"{seen.failures} of {sum(seen.statuses.values())}"
    handed = state.read_handover(shop) or {}
    assert [node["name"] for node in handed["nodes"]] == ["node-1", "node-2"]
    assert not [row for row in handed["components"] if row["node"] == "node-3"]
    assert not shop.node("node-3").exists()
    assert not [path for path in shop.folder.rglob("*node-3*") if "etcd" not in path.parts]
    assert "172.30.0.13" in done("node add", shop.name, "extra")
    done("node remove", shop.name, "extra")
    _scale(shop, 2)


def test_what_must_stay_stays(shop: Place) -> None:
    """The control plane, an unknown node, a node with a Pod nobody would make again: each is refused."""
    first = kubehop("node remove", shop.name, "node-1")
    assert (first.returncode, "API server" in first.stderr) == (1, True), first.stderr
    unknown = kubehop("node remove", shop.name, "node-9")
    assert (unknown.returncode, "node-2" in unknown.stderr) == (1, True), unknown.stderr
    named = kubehop("node add", shop.name, "Not_A_Name")
    assert (named.returncode, "cannot name a node" in named.stderr) == (1, True), named.stderr
    kubectl = Kubectl(shop.kubeconfig)
    kubectl.run(["apply", "-f", "-"], stdin=ALONE, check=True)
    kubectl.run(["wait", "--for=condition=Ready", "pod/alone", "--timeout=60s"], check=True)
    kept = kubehop("node remove", shop.name, "node-2")
    assert kept.returncode == 1
    assert "default/alone" in kept.stderr
    assert _nodes(shop) == {"node-1": True, "node-2": True}
    assert kubectl.run(["get", "pod", "alone"]).exit_code == 0
    done("node remove", shop.name, "node-2", "--force")
    assert _nodes(shop) == {"node-1": True}
    assert kubectl.run(["get", "pod", "alone"]).exit_code == 1
    assert "172.30.0.12" in done("node add", shop.name)
    assert _nodes(shop) == {"node-1": True, "node-2": True}


@pytest.mark.parametrize(
    ("verb", "begun", "after"),
    [
        (["node", "add", "node-3"], lambda one: not one.leaving, 3),
        (["node", "remove", "node-3"], lambda one: one.leaving, 2),
    ],
)
def test_killed_in_between(
    shop: Place, verb: list[str], begun: Callable[[member.Member], bool], after: int
) -> None:
    """A cluster killed while a node comes has it after `up`; killed while one goes, it has not."""
    kubectl = Kubectl(shop.kubeconfig)
    if verb[1] == "remove":
        _scale(shop, 6)
        kubectl.run(["apply", "-f", "-"], stdin=BUDGET.replace("MAX", "0"), check=True)
    order = subprocess.Popen([*KUBEHOP, *verb, "--name", shop.name], stderr=subprocess.PIPE, text=True)
    until(
        lambda: any(one.name == "node-3" and begun(one) for one in member.members(shop)),
        what="the node to be on its way",
    )
    supervisor = sweep.supervisor(shop)
    assert supervisor
    os.kill(supervisor, signal.SIGKILL)
    _, said = order.communicate(timeout=60)
    assert order.returncode == 1
    assert "kubehop status" in said
    done("up", shop.name)
    until(lambda: shop_status(shop) == 200, what="the storefront to answer", timeout_seconds=90)
    until(lambda: all(_nodes(shop).values()), what="each node to be ready", timeout_seconds=60)
    assert len(_nodes(shop)) == len(member.members(shop)) == after
    if verb[1] == "remove":
        kubectl.run(["delete", "pdb", "storefront"], check=True)
        _scale(shop, 2)
