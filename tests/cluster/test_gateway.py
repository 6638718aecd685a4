"""The Gateway API by traffic: what a Gateway and its HTTPRoutes promise is what answers."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import pairwise

import pytest
from tests.cluster.shop import ingress, storefront

from kubehop import wait
from kubehop.client import namespace, request, settle
from kubehop.client.api import Api
from kubehop.client.handover import Cluster
from kubehop.client.kubectl import Kubectl
from kubehop.client.response import Responses

pytestmark = pytest.mark.cluster
PERIOD = 10  # at weights 90 and 10, one of ten

GATEWAY = """
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: shop}
spec: {gatewayClassName: traefik, listeners: [{name: http, protocol: HTTP, port: 80}]}
"""
ROUTE = """
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: NAME}
spec:
  parentRefs: [{name: shop}]
  hostnames: [NAME.SPACE.localhost]
  rules: RULES
"""
CANARY = {"backendRefs": [{"name": "canary", "port": 80}]}
STABLE = {"backendRefs": [{"name": "stable", "port": 80}]}
ROUTES = {
    "weights": [
        {
            "backendRefs": [
                {"name": "stable", "port": 80, "weight": 90},
                {"name": "canary", "port": 80, "weight": 10},
            ]
        }
    ],
    "header": [STABLE, CANARY | {"matches": [{"headers": [{"name": "X-Tester", "value": "yes"}]}]}],
    "redirect": [
        {
            "filters": [
                {
                    "type": "RequestRedirect",
                    "requestRedirect": {"hostname": "new.localhost", "port": 8080, "statusCode": 301},
                }
            ]
        }
    ],
    "rewrite": [
        STABLE
        | {
            "matches": [{"path": {"type": "PathPrefix", "value": "/shop/v1"}}],
            "filters": [
                {
                    "type": "URLRewrite",
                    "urlRewrite": {"path": {"type": "ReplacePrefixMatch", "replacePrefixMatch": "/"}},
                }
            ],
        }
    ],
}
GRANT = """
apiVersion: gateway.networking.k8s.io/v1
kind: ReferenceGrant
metadata: {name: shop}
spec:
  from: [{group: gateway.networking.k8s.io, kind: HTTPRoute, namespace: SPACE}]
  to: [{group: "", kind: Service, name: other}]
"""


@pytest.fixture(scope="module")
def shop(cluster: Cluster, kubectl: Kubectl, api: Api, space: str) -> str:
    """Run two versions behind a Gateway, one route for each test, and an Ingress beside; return the host."""
    routes = [_route(name, rules, space) for name, rules in ROUTES.items()]
    side = ingress("beside", f"ingress.{space}.localhost", "stable")
    parts = [storefront("stable"), storefront("canary", version="v2"), GATEWAY, side, *routes]
    kubectl.run(["apply", "--filename=-"], stdin="---".join(parts), check=True)
    settle.settle(api, space)
    for host in (*ROUTES, "ingress"):
        path = "/shop/v1/whoami" if host == "rewrite" else "/whoami"
        _until(cluster, f"{host}.{space}.localhost", path=path, status=301 if host == "redirect" else 200)
    return f"{space}.localhost"


def test_weights_are_kept_to_the_request(cluster: Cluster, shop: str) -> None:
    """At 90 to 10, Traefik's weighted round robin sends each tenth request to the canary, give or take one.

    Its law is not that of chance: a fair choice at these shares gives 19 to 21 in a quarter of all runs, but
    keeps all nineteen distances in one run of 10^18.
    """
    versions = [json.loads(one.body)["version"] for one in _ask(cluster, f"weights.{shop}", count=200)]
    at = [number for number, version in enumerate(versions) if version == "v2"]
    assert abs(len(at) - 200 // PERIOD) <= 1
    assert {after - before for before, after in pairwise(at)} <= {PERIOD - 1, PERIOD, PERIOD + 1}


def test_a_header_chooses_the_version(cluster: Cluster, shop: str) -> None:
    """With the header the canary answers, without it the stable version, each every time."""
    host = f"header.{shop}"
    for headers, version in (({}, "v1"), ({"X-Tester": "yes"}, "v2"), ({"X-Tester": "no"}, "v1")):
        found = request.through_ingress(cluster, "/whoami", host=host, count=10, headers=headers)
        assert {json.loads(one.body)["version"] for one in found} == {version}


def test_a_redirect_is_answered_by_the_gateway(cluster: Cluster, shop: str) -> None:
    """The client is sent on, and no Pod is asked."""
    found = request.through_ingress(cluster, "/cart?item=3", host=f"redirect.{shop}").only
    assert (found.status, found.answered_by) == (301, None)
    assert found.headers["Location"] == "http://new.localhost:8080/cart?item=3"


def test_a_rewrite_changes_the_path_on_the_way(cluster: Cluster, shop: str) -> None:
    """The Pod sees the path without the prefix; outside the prefix nothing answers."""
    host = f"rewrite.{shop}"
    found = request.through_ingress(cluster, "/shop/v1/whoami", host=host).only
    assert json.loads(found.body)["path"] == "/whoami"
    assert request.through_ingress(cluster, "/whoami", host=host).status == 404


def test_ingress_and_gateway_serve_side_by_side(cluster: Cluster, shop: str) -> None:
    """Two hosts on one port, one by an Ingress, one by a route, end at the same Pod."""
    ways = [_ask(cluster, f"{host}.{shop}").answered_by for host in ("ingress", "header")]
    assert ways[0] == ways[1]
    assert ways[0].startswith("stable-")


@pytest.fixture
def elsewhere(api: Api, kubectl: Kubectl, space: str) -> Iterator[str]:
    """Run a third version in a namespace of its own."""
    name = f"{space}-other"
    namespace.create(api, name, chapter="test")
    manifest = storefront("other")
    kubectl.run(["apply", f"--namespace={name}", "--filename=-"], stdin=manifest, check=True)
    settle.settle(api, name)
    yield name
    namespace.delete(api, name)


def test_another_namespace_must_grant_the_reference(
    cluster: Cluster, kubectl: Kubectl, space: str, shop: str, elsewhere: str
) -> None:
    """A Service of another namespace is reached with its ReferenceGrant only; the status says why."""
    host = f"across.{space}.localhost"
    rules = [{"backendRefs": [{"name": "other", "namespace": elsewhere, "port": 80}]}]
    kubectl.run(["apply", "--filename=-"], stdin=_route("across", rules, space), check=True)
    wait.until(lambda: _reason(kubectl) == "RefNotPermitted", what="the refusal", timeout_seconds=15)
    _until(cluster, host, status=500)
    grant = GRANT.replace("SPACE", space)
    kubectl.run(["apply", f"--namespace={elsewhere}", "--filename=-"], stdin=grant, check=True)
    _until(cluster, host)
    assert _reason(kubectl) == "ResolvedRefs"
    kubectl.run(["delete", "referencegrant", "shop", f"--namespace={elsewhere}"], check=True)
    _until(cluster, host, status=500)


def _route(name: str, rules: list[dict[str, object]], space: str) -> str:
    text = ROUTE.replace("NAME", name).replace("SPACE", space)
    return text.replace("RULES", json.dumps(rules))


def _ask(cluster: Cluster, host: str, *, count: int = 1) -> Responses:
    return request.through_ingress(cluster, "/whoami", host=host, count=count)


def _until(cluster: Cluster, host: str, *, path: str = "/whoami", status: int = 200) -> None:
    """Wait until the controller has read what was applied, and its answer is `status`."""
    wait.until(
        lambda: request.through_ingress(cluster, path, host=host).status == status,
        what=f"{host}{path} to answer {status}",
        timeout_seconds=20,
    )


def _reason(kubectl: Kubectl) -> str | None:
    """Return why the route's references are resolved or not, as its status says."""
    status = kubectl.json(["get", "httproute", "across"]).get("status", {})
    conditions = [one for parent in status.get("parents", []) for one in parent["conditions"]]
    return next((one["reason"] for one in conditions if one["type"] == "ResolvedRefs"), None)
