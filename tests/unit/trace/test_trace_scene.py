"""Changes of objects become entities and events, and what logs say is found again."""

from __future__ import annotations

from typing import Any

import pytest
from trace_clock import Clock
from trace_shop import service

from kubehop.trace import About, Trace, describe
from kubehop.trace.lookup import router_name
from kubehop.trace.scene import Scene
from kubehop.trace.sighting import Sighting

Object = dict[str, Any]
NAMESPACE = "shop-kh7f3a"


@pytest.fixture
def scene(clock: Clock) -> Scene:
    """An empty scene."""
    about = About(id="scene", title="A scene", summary="Objects come, change and go again, in order.")
    return Scene(Trace(about, clock=clock), namespace=NAMESPACE)


def told(scene: Scene, kind: str) -> list[Object]:
    """Return the events of one kind, without time and source."""
    events = [event for event in scene._trace.data["events"] if event["e"] == kind]
    return [
        {key: value for key, value in event.items() if key not in ("t", "e", "src", "src_t")}
        for event in events
    ]


def entities(scene: Scene) -> dict[str, Object]:
    """Return the entities by their id."""
    return {entity["id"]: entity for entity in scene._trace.data["entities"]}


def pod(
    name: str, *, phase: str = "Running", ready: bool = True, version: int = 1, **metadata: Any
) -> Object:
    """Return a Pod of Deployment web as the API prints it."""
    state: Object = {"waiting": {"reason": "CrashLoopBackOff"}} if phase == "Pending" else {"running": {}}
    return {
        "metadata": {
            "name": name,
            "resourceVersion": str(version),
            "creationTimestamp": "2023-11-14T22:13:20Z",
            "labels": {"app": "web", "pod-template-hash": "5c9b"},
            "ownerReferences": [{"kind": "ReplicaSet", "name": "web-5c9b"}],
        }
        | metadata,
        "spec": {
            "nodeName": "node-1",
            "containers": [{"name": "web", "resources": {"requests": {"cpu": "100m"}}}],
        },
        "status": {
            "phase": phase,
            "podIP": "10.244.1.7",
            "conditions": [
                {"type": "Ready", "status": str(ready), "lastTransitionTime": "2023-11-14T22:13:25Z"}
            ],
            "containerStatuses": [{"state": state, "restartCount": 2}],
        },
    }


def test_a_pod_from_birth_to_death(scene: Scene) -> None:
    """Each state is told once; a change that shows nothing new is not; the Deployment is its parent."""
    scene.pod("add", pod("web-5c9b-x", phase="Pending", ready=False))
    scene.pod("mod", pod("web-5c9b-x", phase="Pending", ready=False, version=2))
    scene.pod("mod", pod("web-5c9b-x", version=3))
    scene.pod("mod", pod("web-5c9b-x", version=4, deletionTimestamp="2023-11-14T22:14:00Z"))
    scene.pod("del", pod("web-5c9b-x", version=5))
    events = told(scene, "pod")
    assert [event["op"] for event in events] == ["add", "mod", "mod", "del"]
    assert events[0]["s"]["reason"] == "CrashLoopBackOff"
    expected = {"phase": "Running", "ready": True, "ip": "10.244.1.7", "node": "node-1", "restarts": 2}
    assert events[1]["s"] == expected
    assert events[2]["s"] == expected | {"terminating": True}
    assert entities(scene)["pod:web-5c9b-x"] == {
        "id": "pod:web-5c9b-x",
        "kind": "Pod",
        "name": "web-5c9b-x",
        "parent": "deploy:web",
        "p": {"app": "web", "request_m": 100},
    }
    first = scene._trace.data["events"][0]
    assert (first["src"], first["src_t"]) == ("Pod/web-5c9b-x@1", 5000)
    assert scene.lookup.pod_at("10.244.1.7") == "pod:web-5c9b-x", "a line may arrive after the end of its Pod"


def test_the_client_pod_is_a_client(scene: Scene) -> None:
    """A Pod that only asks is no Pod of the picture, but its address is known."""
    scene.pod("add", pod("client"))
    assert told(scene, "pod") == []
    assert entities(scene)["client:pod"]["kind"] == "Client"
    assert scene.lookup.asker_at("10.244.1.7") == "client:pod"
    assert scene.lookup.pod_at("10.244.1.7") == ""


def endpoint_slice(name: str, *endpoints: Object, service: str = "web-svc") -> Object:
    """Return an EndpointSlice as the API prints it."""
    labels = {"kubernetes.io/service-name": service} if service else {}
    return {
        "metadata": {"name": name, "labels": labels, "resourceVersion": "1"},
        "ports": [{"port": 8080}],
        "endpoints": list(endpoints),
    }


def endpoint(address: str, target: str, **conditions: bool) -> Object:
    """Return an endpoint of a Pod."""
    return {
        "addresses": [address],
        "conditions": conditions,
        "targetRef": {"kind": "Pod", "name": target} if target else None,
    }


def test_endpoints_come_change_and_go(scene: Scene) -> None:
    """Each endpoint is told when one of its conditions changes; absent conditions have the API's meaning."""
    scene.slice(
        "add", endpoint_slice("web-svc-x", endpoint("10.244.1.7", "web-1"), endpoint("10.244.1.8", "web-2"))
    )
    going = endpoint("10.244.1.8", "web-2", ready=False, serving=True, terminating=True)
    scene.slice("mod", endpoint_slice("web-svc-x", endpoint("10.244.1.7", "web-1", ready=True), going))
    scene.slice("mod", endpoint_slice("web-svc-x", endpoint("10.244.1.7", "web-1", ready=True)))
    events = told(scene, "ep")
    shown = [(e["op"], e["id"], e["ready"], e["serving"], e["terminating"]) for e in events]
    assert shown == [
        ("add", "pod:web-1", True, True, False),
        ("add", "pod:web-2", True, True, False),
        ("mod", "pod:web-2", False, True, True),
        ("del", "pod:web-2", False, False, True),
    ]
    assert events[0]["port"] == 8080
    assert entities(scene)["slice:web-svc-x"]["parent"] == "svc:web-svc"


def test_slices_without_a_service_or_a_pod(scene: Scene) -> None:
    """A slice of no Service is not part of the picture; an address without a Pod is told by its slice."""
    scene.slice("add", endpoint_slice("marker", endpoint("10.0.0.1", ""), service=""))
    assert entities(scene) == {}
    scene.slice("add", endpoint_slice("db-1", endpoint("192.0.2.9", ""), service="db"))
    assert told(scene, "ep")[0]["id"] == "slice:db-1"
    scene.slice("del", endpoint_slice("db-1", service="db"))
    assert [event["op"] for event in told(scene, "ep")] == ["add", "del"]


def test_a_service_comes_changes_and_goes(scene: Scene) -> None:
    """It is told once for each state, its ports in the trace's own words."""
    scene.service("add", service("web-svc"))
    scene.service("mod", service("web-svc"))
    scene.service("del", service("web-svc"))
    state = {"type": "ClusterIP", "cluster_ip": "10.96.0.7", "selector": {"app": "web"}}
    assert told(scene, "svc") == [
        {"id": "svc:web-svc", "op": "add", "s": state | {"ports": [{"port": 80, "target_port": "http"}]}},
        {"id": "svc:web-svc", "op": "del"},
    ]


def ingress(*paths: tuple[str, str], host: str = f"{NAMESPACE}.localhost", default: str = "") -> Object:
    """Return Ingress app as the API prints it."""
    backends = [
        {"path": path, "pathType": "Prefix", "backend": {"service": {"name": name, "port": {"number": 80}}}}
        for path, name in paths
    ]
    spec: Object = {"ingressClassName": "traefik", "rules": [{"host": host, "http": {"paths": backends}}]}
    if default:
        spec["defaultBackend"] = {"service": {"name": default, "port": {"name": "http"}}}
    return {"metadata": {"name": "app", "resourceVersion": "1"}, "spec": spec}


def test_rules_of_an_ingress(scene: Scene) -> None:
    """Each rule is an entity below Traefik; a changed rule is told, a removed one is gone."""
    scene.ingress("add", ingress(("/", "stable"), ("/canary", "canary")))
    scene.ingress("mod", ingress(("/", "stable"), ("/canary", "stable")))
    scene.ingress("mod", ingress(("/", "stable")))
    shown = [
        (event["op"], event["id"][-2:], event.get("s", {}).get("service")) for event in told(scene, "route")
    ]
    assert shown == [
        ("add", "#0", "svc:stable"),
        ("add", "#1", "svc:canary"),
        ("mod", "#1", "svc:stable"),
        ("del", "#1", None),
    ]
    known = entities(scene)
    assert known[f"route:{NAMESPACE}/app#0"]["parent"] == "traefik"
    assert known["svc:canary"]["kind"] == "Service"


def traefik(router: str, host: str = f"{NAMESPACE}.localhost") -> Sighting:
    """Return what a line of Traefik's log would say."""
    return Sighting("traefik", 0, 0, 200, router=router, host=host)


def test_lines_of_traefik_are_told_apart(scene: Scene) -> None:
    """A line is ours by its router or its host; the router says which rule."""
    scene.ingress("add", ingress(("/", "stable"), ("/canary", "canary"), default="stable"))
    look = scene.lookup
    route = f"route:{NAMESPACE}/app#"
    assert look.route_of(traefik("shop-kh7f3a-app-shop-kh7f3a-localhost-canary@kubernetes")) == f"{route}2"
    assert look.route_of(traefik("shop-kh7f3a-app-shop-kh7f3a-localhost@kubernetes")) == f"{route}1"
    assert look.route_of(traefik("other-app-other-localhost@kubernetes")) == ""
    assert look.ours(traefik("shop-kh7f3a-app-shop-kh7f3a-localhost@kubernetes", host="any.example.com"))
    assert look.ours(traefik(""))
    assert not look.ours(traefik("", host="other.localhost"))
    assert look.shown_host("any.example.com") == ""
    assert look.shown_host("SHOP-kh7f3a.localhost:8080") == "SHOP-kh7f3a.localhost:8080"


def test_router_names() -> None:
    """Traefik joins what is letter or digit by hyphens."""
    assert router_name("ns", "app", "a.b.localhost", "/x/y_z") == "ns-app-a-b-localhost-x-y-z"


def test_replicas_events_and_hpas(scene: Scene) -> None:
    """Replica counts are told when they change, Events as notes, an HPA as an entity with its bounds."""
    deployment = {
        "metadata": {"name": "web", "resourceVersion": "1"},
        "spec": {"replicas": 2, "selector": {}},
    }
    scene.deployment("add", deployment)
    scene.deployment("mod", deployment)
    scene.deployment(
        "mod", deployment | {"spec": {"replicas": 3, "selector": {"matchLabels": {"app": "web"}}}}
    )
    scene.deployment("del", deployment)
    assert [(event["from"], event["to"]) for event in told(scene, "scale")] == [(None, 2), (2, 3), (3, 0)]
    about = {"kind": "Pod", "name": "web-1"}
    event = {"metadata": {"name": "e", "resourceVersion": "1"}, "involvedObject": about}
    scene.event("add", event | {"reason": "Killing", "message": "Stopping container web", "count": 1})
    scene.event("del", event)
    (note,) = told(scene, "note")
    assert (note["id"], note["text"], note["reason"]) == (
        "pod:web-1",
        "Killing: Stopping container web",
        "Killing",
    )
    target = {"kind": "Deployment", "name": "web"}
    hpa = {"metadata": {"name": "web"}, "spec": {"maxReplicas": 6, "scaleTargetRef": target}}
    scene.hpa("add", hpa)
    assert entities(scene)["hpa:web"]["p"] == {"min": 1, "max": 6}
    assert entities(scene)["hpa:web"]["parent"] == "deploy:web"
    assert list(scene.hpas) == ["web"]
    scene.hpa("del", hpa)
    assert scene.hpas == {}


def test_requests_of_containers() -> None:
    """Requests of all containers and of sidecars add up; without one there is none."""
    item = pod("web")
    item["spec"]["initContainers"] = [
        {"restartPolicy": "Always", "resources": {"requests": {"cpu": "0.05"}}},
        {"resources": {}},
    ]
    assert describe.request_m(item) == 150
    item["spec"]["containers"].append({"name": "more"})
    assert describe.request_m(item) is None


def test_what_settle_writes_for_itself_is_not_in_the_picture(scene: Scene) -> None:
    """Its Service, slice and Ingress are no part of the scenario, though they stand in its namespace."""
    about = {"name": "kubehop-settle", "resourceVersion": "1", "creationTimestamp": "2023-11-14T22:13:20Z"}
    labels = {"kubernetes.io/service-name": "kubehop-settle"}
    backend = {"service": {"name": "kubehop-settle", "port": {"number": 9}}}
    rule = {"host": "kubehop-settle-1.localhost", "http": {"paths": [{"path": "/", "backend": backend}]}}
    scene.service("add", {"metadata": about, "spec": {"ports": [{"port": 9}]}})
    scene.slice(
        "add",
        {"metadata": about | {"labels": labels}, "endpoints": [{"addresses": ["192.0.2.1"]}], "ports": []},
    )
    scene.ingress("add", {"metadata": about, "spec": {"rules": [rule]}})
    assert entities(scene) == {} and scene._trace.data["events"] == []
    assert scene.lookup.hosts == {f"{NAMESPACE}.localhost"}
