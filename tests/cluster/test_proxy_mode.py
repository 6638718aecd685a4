"""kube-proxy in two modes at once: the rules are where they should be, and the same Service answers."""

from __future__ import annotations

import pytest
from tests.cluster.life import done, kubehop, shop_status

from kubehop.client import handover, request, tools
from kubehop.client.kubectl import Kubectl
from kubehop.cluster.state import Place
from kubehop.wait import until

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(400)]


def test_a_node_runs_iptables_on_request(shop: Place) -> None:
    """One node has iptables rules and no nftables, the other as before; a restart takes them away again."""
    assert "kube-proxy     nftables, iptables on node-2" in done(
        "up", shop.name, "--proxy-mode=node-2=iptables"
    )
    kubectl = Kubectl(shop.kubeconfig)
    address = kubectl.run(
        ["get", "service", "storefront", "--output=jsonpath={.spec.clusterIP}"], check=True
    ).text
    _answers(shop, kubectl)
    assert _rules(kubectl, "node-1", address) == (True, False)
    assert _rules(kubectl, "node-2", address) == (False, True)
    for node in ("node-1", "node-2"):
        told = tools.node_exec(kubectl, node, ["curl", "-sS", "--max-time", "3", f"http://{address}/healthz"])
        assert told.exit_code == 0, told.text
    assert "iptables on node-2" in done("up", shop.name)  # asked for nothing, it stays

    done("up", shop.name, "--proxy-mode=nftables")
    _answers(shop, kubectl)
    for node in ("node-1", "node-2"):
        assert _rules(kubectl, node, address) == (True, False)


def test_a_mode_that_is_not_there_changes_nothing(shop: Place) -> None:
    """The cluster runs on, and the error lists the modes."""
    refused = kubehop("up", shop.name, "--proxy-mode=ipvs")
    assert refused.returncode == 1
    assert "no mode 'ipvs'" in refused.stderr
    assert shop_status(shop) == 200


def _answers(shop: Place, kubectl: Kubectl) -> None:
    """Wait until the shop answers through the Ingress, by its Service, and on a port of each node."""
    until(lambda: shop_status(shop) == 200, what="the storefront to answer", timeout_seconds=90)
    tools.ensure(kubectl)
    tools.ensure_client(kubectl)
    until(
        lambda: request.from_pod(kubectl, "http://storefront/healthz", count=10).statuses == [200] * 10,
        what="the Service to answer",
        timeout_seconds=60,
    )
    kubectl.run(["patch", "service", "storefront", '--patch={"spec": {"type": "NodePort"}}'], check=True)
    port = kubectl.run(
        ["get", "service", "storefront", "--output=jsonpath={.spec.ports[0].nodePort}"], check=True
    ).text
    cluster = handover.read(shop.handover)
    for node in cluster.nodes:
        until(
            lambda node=node: (
                request.from_outside(cluster, f"http://{node.name}:{port}/healthz").status == 200
            ),
            what=f"port {port} of {node.name} to answer",
            timeout_seconds=30,
        )


def _rules(kubectl: Kubectl, node: str, address: str) -> tuple[bool, bool]:
    """Tell whether a Service's address is in kube-proxy's nftables table, and in its iptables chains."""
    table = tools.node_exec(kubectl, node, ["nft", "list", "table", "ip", "kube-proxy"]).text
    chains = tools.node_exec(kubectl, node, ["iptables-save", "-t", "nat"], files=True).text
    return address in table, "KUBE-SERVICES" in chains and address in chains
