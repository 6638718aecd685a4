"""What a client asked for is found again: a Service by its name or one of its addresses, or nothing."""

from __future__ import annotations

from typing import Any

import pytest
from trace_clock import Clock
from trace_shop import NAMESPACE, pod, service

from kubehop.trace import About, Trace
from kubehop.trace.scene import Scene

NODE_PORT = [{"port": 80, "targetPort": 8080, "nodePort": 30080, "protocol": "TCP"}]


@pytest.fixture
def scene(clock: Clock) -> Scene:
    """A namespace with a Service of each kind and two Pods."""
    about = About(id="scene", title="A scene", summary="A client asks for Services by names and addresses.")
    scene = Scene(Trace(about, clock=clock), namespace=NAMESPACE)
    scene.service("add", service("web-svc"))
    scene.service("add", service("shop-svc", clusterIP="10.96.0.8", type="NodePort", ports=NODE_PORT))
    scene.pod("add", pod("web-1", "10.244.1.7", app="web"))
    return scene


def test_a_service_is_found_by_its_name(scene: Scene) -> None:
    """Short, or with the namespace; a Service of the same name elsewhere is another."""
    look = scene.lookup.service_at
    names = ("web-svc", f"web-svc.{NAMESPACE}", f"web-svc.{NAMESPACE}.svc.cluster.local:80")
    assert {look(name) for name in names} == {"svc:web-svc"}
    assert look("nobody") == look("web-svc.localhost") == look("web-svc.other.svc") == ""
    scene.service("del", service("web-svc"))
    assert look("web-svc") == ""


@pytest.mark.parametrize("host", ["db", "db-0.db", "db-0.db:8080", f"db-0.db.{NAMESPACE}.svc"])
def test_a_headless_service_is_found_by_its_pods_names(scene: Scene, host: str) -> None:
    """A Pod's name stands below its own; below another Service, or in another namespace, it means nothing."""
    scene.service("add", service("db", clusterIP="None"))
    assert scene.lookup.service_at(host) == "svc:db"
    assert scene.lookup.shown_host(host) == host
    assert scene.lookup.service_at("db-0.web-svc") == scene.lookup.service_at("db-0.db.other") == ""


def test_a_service_is_found_by_its_cluster_ip(scene: Scene) -> None:
    """Whatever the port: that it has no such port is for the picture to say."""
    look = scene.lookup.service_at
    assert look("10.96.0.7") == look("10.96.0.7:8080") == "svc:web-svc"
    assert look("10.244.1.7:8080") == look("10.96.0.9") == ""


@pytest.mark.parametrize("address", ["10.244.1.7", "10.96.0.7", "10.96.0.9", "172.30.0.13", "example.com"])
def test_a_node_port_is_of_nodes_alone(scene: Scene, address: str) -> None:
    """At a Pod, another cluster IP, a name or an unknown address, the same number is another port."""
    scene.lookup.nodes |= {"172.30.0.11", "172.30.0.12"}
    found = "svc:web-svc" if address == "10.96.0.7" else ""
    assert scene.lookup.service_at(f"{address}:30080") == found
    assert scene.lookup.service_at("172.30.0.12:30080") == "svc:shop-svc"
    assert scene.lookup.service_at("172.30.0.12:80") == scene.lookup.service_at("172.30.0.12") == ""
    assert scene.lookup.shown_host("example.com:30080") == ""


def balanced(name: str, *, port: int = 80, **spec: Any) -> dict[str, Any]:
    """Return a Service of type LoadBalancer as it is before it has its address."""
    ports = [{"port": port, "targetPort": 8080, "nodePort": 30100 + port, "protocol": "TCP"}]
    return service(name, clusterIP="10.96.0.9", type="LoadBalancer", ports=ports, **spec)


def test_a_service_is_found_by_the_address_of_its_load_balancer(scene: Scene) -> None:
    """From when it has one; the address is not part of what a trace says of a Service."""
    look = scene.lookup.service_at
    scene.service("add", balanced("lb-svc"))
    assert look("172.30.1.17") == ""
    scene.service("mod", balanced("lb-svc", balanced="172.30.1.17"))
    assert look("172.30.1.17") == look("172.30.1.17:80") == "svc:lb-svc"
    assert scene.lookup.shown_host("172.30.1.17") == "172.30.1.17"
    assert "172.30.1.17" not in str(scene._trace.data)


def test_an_external_address_may_be_that_of_a_node(scene: Scene) -> None:
    """Then both ports are open there; in a URL, an address of version 6 stands in brackets."""
    scene.lookup.nodes |= {"fd00::11"}
    scene.service("add", balanced("lb-svc", externalIPs=["fd00::11"]))
    look = scene.lookup.service_at
    assert look("[fd00::11]") == look("[fd00::11]:80") == look("[fd00::11]:30180") == "svc:lb-svc"
    assert look("[fd00::11]:8080") == ""


def test_services_that_share_an_external_address_are_told_apart_by_port(scene: Scene) -> None:
    """No rule takes another port of such an address, so it means no Service."""
    look = scene.lookup.service_at
    scene.service("add", balanced("lb-svc", balanced="172.30.1.17"))
    scene.service("add", balanced("more-svc", port=8080, externalIPs=["172.30.1.17", "192.0.2.7"]))
    assert look("172.30.1.17") == "svc:lb-svc"
    assert look("172.30.1.17:8080") == look("192.0.2.7:8080") == "svc:more-svc"
    assert look("192.0.2.7") == look("172.30.1.17:30180") == ""
