"""The client against a real cluster: what its unit tests pretend, seen true."""

from __future__ import annotations

import time
import urllib.request

import pytest

from kubehop import wait
from kubehop.client import handover, namespace, request, settle, tools
from kubehop.client.api import Api
from kubehop.client.handover import Cluster
from kubehop.client.kubectl import Kubectl
from kubehop.client.port_forward import port_forward
from kubehop.errors import CommandError

pytestmark = pytest.mark.cluster

WEB = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
        - name: web
          image: storefront:v1
          env:
            - {name: POD_NAME, valueFrom: {fieldRef: {fieldPath: metadata.name}}}
            - {name: NODE_NAME, valueFrom: {fieldRef: {fieldPath: spec.nodeName}}}
---
apiVersion: v1
kind: Service
metadata: {name: web-svc}
spec: {type: NodePort, selector: {app: web}, ports: [{port: 80, targetPort: 8080}]}
"""
INGRESS = """
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: web}
spec:
  rules:
    - host: NAMESPACE.localhost
      http:
        paths: [{path: /, pathType: Prefix, backend: {service: {name: web-svc, port: {number: 80}}}}]
"""


@pytest.fixture(scope="module")
def web(kubectl: Kubectl, api: Api, space: str) -> set[str]:
    """Run the storefront behind a Service and an Ingress; return the names of its two Pods."""
    manifest = WEB + "---\n" + INGRESS.replace("NAMESPACE", space)
    kubectl.run(["apply", "--filename=-"], stdin=manifest, check=True)
    tools.ensure_client(kubectl)
    assert settle.settle(api, space).proxies == ("node-1", "node-2")
    return _pods(api, space)


def test_the_handover_describes_what_runs(cluster: Cluster, api: Api) -> None:
    """The cluster lives, and its nodes are those that the API server has."""
    assert cluster.alive and not cluster.context
    nodes = {node["metadata"]["name"]: node["status"] for node in api.items("/api/v1/nodes")}
    assert {node.name for node in cluster.nodes} == set(nodes)
    for node in cluster.nodes:
        assert {"type": "InternalIP", "address": node.address} in nodes[node.name]["addresses"]
        assert nodes[node.name]["nodeInfo"]["kubeletVersion"] == cluster.versions["kubernetes"]
    assert cluster.name in [one.name for one in handover.clusters()]


def test_the_official_client_reads_objects(api: Api, space: str, web: set[str]) -> None:
    """The typed API sees what the plain one sees."""
    found = api.core.list_namespaced_pod(space, label_selector="app=web").items
    assert {pod.metadata.name for pod in found if pod.metadata} == web


def test_a_service_is_asked_from_a_pod(kubectl: Kubectl, web: set[str]) -> None:
    """Both Pods answer forty requests, and one of them all forty over one connection."""
    many = request.from_pod(kubectl, "http://web-svc/whoami", count=40)
    assert many.statuses == [200] * 40
    assert set(many.counts()) == web
    alive = request.from_pod(kubectl, "http://web-svc/whoami", count=40, keep_alive=True)
    assert list(alive.counts().values()) == [40]
    assert {one.connection for one in alive} == {1}


def test_errors_from_a_pod_are_told_apart(kubectl: Kubectl, web: set[str]) -> None:
    """A wrong port, a wrong name and an address that nobody has are three values."""
    assert request.from_pod(kubectl, "http://web-svc:81/", max_time_seconds=2).error is not None
    assert request.from_pod(kubectl, "http://web/").error == "no such host"
    address = kubectl.run(["get", "pod", "client", "--output=jsonpath={.status.podIP}"]).text
    assert request.from_pod(kubectl, f"http://{address}:9/").error == "connection refused"


def test_the_ingress_is_asked_from_this_machine(cluster: Cluster, space: str, web: set[str]) -> None:
    """The host chooses the rule, both Pods answer, and an unknown host is a 404 of the controller."""
    host = f"{space}.localhost"

    def both() -> bool:
        found = request.through_ingress(cluster, "/whoami", host=host, count=4)
        return set(found.counts()) == web

    wait.until(both, what="both Pods to answer through the Ingress", timeout_seconds=15)
    lost = request.through_ingress(cluster, "/", host=f"not-{host}").only
    assert (lost.status, lost.answered_by) == (404, None)


def test_a_node_port_is_asked_from_outside(cluster: Cluster, kubectl: Kubectl, web: set[str]) -> None:
    """A machine beside the nodes reaches the Service by each node's name and address, and no closed port."""
    port = kubectl.run(["get", "service", "web-svc", "--output=jsonpath={.spec.ports[0].nodePort}"]).text
    for node in cluster.nodes:
        for host in (node.name, node.address):
            found = request.from_outside(cluster, f"http://{host}:{port}/whoami", count=10)
            assert found.statuses == [200] * 10
            assert set(found.counts()) <= web
    assert request.from_outside(cluster, "http://node-1:10999/").error == "connection refused"


def test_each_pods_log_tells_who_answered(api: Api, kubectl: Kubectl, space: str, web: set[str]) -> None:
    """The logs count what the answers' headers say, from the given moment on."""
    since = time.time()
    found = request.from_pod(kubectl, "http://web-svc/products", count=20)

    def logged() -> bool:
        counted = request.who_answered(api, namespace=space, selector="app=web", since=since)
        return counted == found.counts()

    wait.until(logged, what="twenty lines in the logs", timeout_seconds=5)
    later = request.who_answered(api, namespace=space, selector="app=web", since=time.time())
    assert later == dict.fromkeys(web, 0)


def test_no_request_fails_after_settling(api: Api, kubectl: Kubectl, space: str, web: set[str]) -> None:
    """After a rollout and a recreated Service, every request that follows `settle` is answered."""
    service = WEB.partition("---")[2]
    for number in range(4):
        old = _pods(api, space)
        kubectl.run(["set", "env", "deployment/web", f"ROUND={number}"], check=True)
        kubectl.run(["delete", "service", "web-svc"], check=True)
        kubectl.run(["apply", "--filename=-"], stdin=service, check=True)
        settle.settle(api, space)
        found = request.from_pod(kubectl, "http://web-svc/whoami", count=12, max_time_seconds=2)
        assert found.statuses == [200] * 12
        assert set(found.counts()) & old == set()
    names = kubectl.run(["get", "endpointslices", "--output=name"]).text
    assert settle.MARKER not in names


def test_a_port_is_forwarded(kubectl: Kubectl, web: set[str]) -> None:
    """The URL answers while the block runs, and refuses afterwards."""
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with port_forward(kubectl, "deployment/web", 8080) as url, direct.open(f"{url}/whoami") as answer:
        assert answer.status == 200
    with pytest.raises(OSError, match="refused"):
        direct.open(f"{url}/whoami", timeout=5)
    with (
        pytest.raises(CommandError, match=r'deployments\.apps "nobody" not found'),
        port_forward(kubectl, "deployment/nobody", 8080),
    ):
        pass


def test_a_node_is_entered(cluster: Cluster, kubectl: Kubectl) -> None:
    """On each node, its own address and kube-proxy's table are seen; its files with `files`."""
    for node in cluster.nodes:
        assert node.address in tools.node_exec(kubectl, node.name, ["ip", "-4", "address"]).text
        assert "table ip kube-proxy" in tools.node_exec(kubectl, node.name, ["nft", "list", "tables"]).text
        assert tools.node_exec(kubectl, node.name, ["uname", "-n"]).text.strip() == node.name
        config = tools.node_exec(kubectl, node.name, ["ls", "/var/lib/kubelet"], files=True)
        assert "pods" in config.text.split()
    failed = tools.node_exec(kubectl, cluster.nodes[0].name, ["false"])
    assert failed.exit_code == 1


def test_pods_that_would_be_root_on_the_node_are_refused(kubectl: Kubectl) -> None:
    """Pod Security `baseline` holds in the namespaces that are made here."""
    pod = """
apiVersion: v1
kind: Pod
metadata: {name: intruder}
spec:
  hostNetwork: true
  containers: [{name: intruder, image: "kubehop/tools:1", securityContext: {privileged: true}}]
"""
    refused = kubectl.run(["apply", "--filename=-"], stdin=pod)
    assert refused.exit_code == 1
    assert 'violates PodSecurity "baseline' in refused.text


def test_a_namespace_with_pods_is_deleted_fast_and_whole(api: Api, kubectl: Kubectl) -> None:
    """Deleting returns within two seconds, no Pod is left then, and soon no namespace."""
    name = "test-client-delete"
    namespace.delete(api, name, wait_until_gone=True)
    namespace.create(api, name, chapter="test")
    kubectl.run(["apply", f"--namespace={name}", "--filename=-"], stdin=WEB, check=True)
    settle.settle(api, name)
    begin = time.monotonic()
    assert namespace.delete(api, name)
    assert time.monotonic() - begin < 2
    assert api.items(f"/api/v1/namespaces/{name}/pods") == []
    assert namespace.delete(api, name, wait_until_gone=True)
    assert namespace.delete(api, name, wait_until_gone=True)


def _pods(api: Api, space: str) -> set[str]:
    pods = api.items(f"/api/v1/namespaces/{space}/pods", labelSelector="app=web")
    return {pod["metadata"]["name"] for pod in pods}
