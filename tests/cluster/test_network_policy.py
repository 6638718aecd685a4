"""NetworkPolicies by traffic: who gets an answer, and who does not.

How a refused connection fails is up to who enforces (kube-router rejects, others drop): answers count.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.cluster.shop import storefront

from kubehop import wait
from kubehop.client import request, settle, tools
from kubehop.client.api import Api
from kubehop.client.handover import Cluster
from kubehop.client.kubectl import Kubectl

pytestmark = pytest.mark.cluster

JUMP = "run through nw policy deny"  # kube-router's own comment on the rule

STRANGER = """
apiVersion: v1
kind: Pod
metadata: {name: stranger, labels: {app: stranger}}
spec:
  containers: [{name: tools, image: "kubehop/tools:1", imagePullPolicy: Never}]
"""
DENY = """
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: deny}
spec: {podSelector: {matchLabels: {app: web}}, policyTypes: [Ingress]}
"""
ALLOW = """
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: allow}
spec:
  podSelector: {matchLabels: {app: web}}
  ingress: [{from: [{podSelector: {matchLabels: {app: friend}}}], ports: [{port: 8080}]}]
"""
EGRESS = """
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: egress}
spec:
  podSelector: {matchLabels: {app: stranger}}
  policyTypes: [Egress]
  egress: [{to: [{podSelector: {matchLabels: {app: web}}}], ports: [{port: 8080}]}]
"""
DNS = """
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: dns}
spec:
  podSelector: {matchLabels: {app: stranger}}
  policyTypes: [Egress]
  egress:
    - to: [{namespaceSelector: {}, podSelector: {matchLabels: {k8s-app: kube-dns}}}]
      ports: [{port: 53, protocol: UDP}, {port: 53, protocol: TCP}]
"""


@pytest.fixture(scope="module")
def web(kubectl: Kubectl, api: Api, space: str) -> str:
    """Run a shop on each node, a friend and a stranger; return the address of the Service."""
    manifest = "---".join([storefront("web", replicas=2), STRANGER, STRANGER.replace("stranger", "friend")])
    kubectl.run(["apply", "--filename=-"], stdin=manifest, check=True)
    pods = ["pod/stranger", "pod/friend"]
    kubectl.run(["wait", "--for=condition=Ready", "--timeout=60s", *pods], check=True, timeout_seconds=70)
    settle.settle(api, space)
    return kubectl.run(["get", "service", "web", "--output=jsonpath={.spec.clusterIP}"], check=True).text


@pytest.fixture
def policy(kubectl: Kubectl) -> Iterator[Kubectl]:
    """Lend kubectl to a test, and remove every policy after it."""
    yield kubectl
    kubectl.run(["delete", "networkpolicies", "--all"], check=True)


def answered(kubectl: Kubectl, pod: str, host: str, *, count: int = 8) -> list[bool]:
    """Tell for each request whether it was answered; so many requests reach the Pods of both nodes."""
    found = request.from_pod(kubectl, f"http://{host}/whoami", pod=pod, count=count, max_time_seconds=1)
    return [one.status == 200 for one in found]


def until(kubectl: Kubectl, pod: str, host: str, *, open_: bool) -> None:
    """Wait until every request of a Pod is answered, or none is."""
    wait.until(
        lambda: set(answered(kubectl, pod, host)) == {open_},
        what=f"{host} to be {'open' if open_ else 'closed'} to {pod}",
        timeout_seconds=30,
    )


def test_without_a_policy_everybody_is_answered(kubectl: Kubectl, web: str) -> None:
    """Pods are open until a policy selects them, on both nodes, by address and by name."""
    for pod in ("friend", "stranger"):
        found = request.from_pod(kubectl, f"http://{web}/whoami", pod=pod, count=20)
        assert found.statuses == [200] * 20
        assert len(found.counts()) == 2
        assert all(answered(kubectl, pod, "web"))


def test_default_deny_refuses_and_delete_brings_traffic_back(policy: Kubectl, web: str) -> None:
    """Once selected, the Pods of both nodes answer nobody; without the policy they answer again."""
    policy.run(["apply", "--filename=-"], stdin=DENY, check=True)
    for pod in ("friend", "stranger"):
        until(policy, pod, web, open_=False)
    policy.run(["delete", "networkpolicy", "deny"], check=True)
    for pod in ("friend", "stranger"):
        until(policy, pod, web, open_=True)


def test_an_allow_opens_exactly_that(policy: Kubectl, web: str) -> None:
    """The friend gets in beside the deny, the stranger does not, and no other port opens."""
    policy.run(["apply", "--filename=-"], stdin=f"{DENY}---{ALLOW}", check=True)
    until(policy, "friend", web, open_=True)
    until(policy, "stranger", web, open_=False)
    other = ALLOW.replace("8080", "8081")
    policy.run(["apply", "--filename=-"], stdin=other, check=True)
    until(policy, "friend", web, open_=False)


def test_egress_without_dns_is_the_trap(policy: Kubectl, web: str) -> None:
    """An egress rule for the shop lets the address through and the name not, until DNS is allowed, too."""
    policy.run(["apply", "--filename=-"], stdin=EGRESS, check=True)
    until(policy, "stranger", "web", open_=False)
    until(policy, "stranger", web, open_=True)
    policy.run(["apply", "--filename=-"], stdin=DNS, check=True)
    until(policy, "stranger", "web", open_=True)


def test_the_node_itself_still_reaches_its_pods(policy: Kubectl, web: str) -> None:
    """Probes come from the node: under default deny the Pods stay ready."""
    policy.run(["apply", "--filename=-"], stdin=DENY, check=True)
    until(policy, "stranger", web, open_=False)
    wait.pause(3)  # three probes of one second
    ready = policy.run(
        [
            "get",
            "pods",
            "--selector=app=web",
            "--output=jsonpath={.items[*].status.containerStatuses[*].ready}",
        ]
    )
    assert ready.text.split() == ["true", "true"]


def test_the_rules_are_on_the_nodes(cluster: Cluster, policy: Kubectl, web: str) -> None:
    """On each node the Pod it runs is sent through the policy, and no longer when the policy has gone."""
    policy.run(["apply", "--filename=-"], stdin=DENY, check=True)
    until(policy, "stranger", web, open_=False)
    for node in cluster.nodes:
        assert JUMP in _rules(policy, node.name)
    policy.run(["delete", "networkpolicy", "deny"], check=True)
    for node in cluster.nodes:
        wait.until(
            lambda node=node: JUMP not in _rules(policy, node.name),
            what=f"the rules of {node.name} to go",
            timeout_seconds=30,
        )


def _rules(kubectl: Kubectl, node: str) -> str:
    return tools.node_exec(kubectl, node, ["iptables-save", "-t", "filter"], files=True).text
