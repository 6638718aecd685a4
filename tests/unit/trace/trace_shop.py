"""A namespace with a shop, as the fake API server has it."""

from __future__ import annotations

from typing import Any

from trace_server import FakeApi

from kubehop.trace import About

CORE, NAMESPACE = "/api/v1/namespaces", "shop-kh7f3a"
NODES = "/api/v1/nodes"
PODS, TRAEFIK = f"{CORE}/{NAMESPACE}/pods", f"{CORE}/traefik/pods"
HOST = f"{NAMESPACE}.localhost"


ABOUT = About(
    id="observed",
    title="One request is observed",
    summary="One request is observed by its client, by Traefik and by the Pod that answered.",
    scenario="kh.through_ingress('/')",
    namespace=NAMESPACE,
)


def pod(name: str, address: str, *, namespace: str = NAMESPACE, **labels: str) -> dict[str, Any]:
    """Return a running Pod."""
    return {
        "metadata": {"name": name, "namespace": namespace, "labels": labels},
        "spec": {
            "containers": [{"name": "main", "resources": {"requests": {"cpu": "100m"}}}],
            "nodeName": "node-1",
        },
        "status": {
            "phase": "Running",
            "podIP": address,
            "startTime": "2026-11-24T10:00:00Z",
            "conditions": [{"type": "Ready", "status": "True", "lastTransitionTime": "2026-11-24T10:00:01Z"}],
        },
    }


def service(name: str, *, balanced: str = "", **spec: Any) -> dict[str, Any]:
    """Return a Service; `balanced` is the address that a load balancer gave it."""
    ports = [{"port": 80, "targetPort": "http", "protocol": "TCP"}]
    base = {"clusterIP": "10.96.0.7", "type": "ClusterIP", "selector": {"app": "web"}, "ports": ports}
    given = {"ingress": [{"ip": balanced, "ipMode": "VIP"}]} if balanced else {}
    status = {"loadBalancer": given}
    return {"metadata": {"name": name, "resourceVersion": "1"}, "spec": base | spec, "status": status}


def put_shop(server: FakeApi) -> None:
    """Put one Pod, its Service and Ingress, a client Pod, and Traefik."""
    server.put(PODS, pod("web-1", "10.244.1.7", app="web"))
    server.put(PODS, pod("client", "10.244.1.9"))
    server.put(TRAEFIK, pod("traefik-1", "10.244.1.3", namespace="traefik"))
    ports = [{"port": 80, "targetPort": 8080}]
    service = {"metadata": {"name": "web-svc"}, "spec": {"clusterIP": "10.96.0.7", "ports": ports}}
    server.put(f"{CORE}/{NAMESPACE}/services", service)
    backend = {"service": {"name": "web-svc", "port": {"number": 80}}}
    rule = {"host": HOST, "http": {"paths": [{"path": "/", "pathType": "Prefix", "backend": backend}]}}
    ingress = {"metadata": {"name": "app"}, "spec": {"rules": [rule]}}
    server.put(f"/apis/networking.k8s.io/v1/namespaces/{NAMESPACE}/ingresses", ingress)
