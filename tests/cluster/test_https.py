"""HTTPS on loopback: what curl and Python verify without being told to look away."""

from __future__ import annotations

import json
import socket
import ssl
import subprocess
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
from tests.cluster.shop import ingress, storefront

from kubehop import wait
from kubehop.client import request, settle
from kubehop.client.api import Api
from kubehop.client.handover import Cluster
from kubehop.client.kubectl import Kubectl

pytestmark = pytest.mark.cluster

# A Gateway names its certificate itself: here the cluster's own, in a namespace that grants it.
GATEWAY = """
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: secure}
spec:
  gatewayClassName: traefik
  listeners:
    - name: https
      protocol: HTTPS
      port: 443
      hostname: gateway.shop.localhost
      tls: {certificateRefs: [{name: localhost, namespace: traefik}]}
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: secure}
spec:
  parentRefs: [{name: secure}]
  hostnames: [gateway.shop.localhost]
  rules: [{backendRefs: [{name: web, port: 80}]}]
"""
GRANT = """
apiVersion: gateway.networking.k8s.io/v1
kind: ReferenceGrant
metadata: {name: SPACE, namespace: traefik}
spec:
  from: [{group: gateway.networking.k8s.io, kind: Gateway, namespace: SPACE}]
  to: [{group: "", kind: Secret, name: localhost}]
"""


@pytest.fixture(scope="module", autouse=True)
def shop(cluster: Cluster, kubectl: Kubectl, api: Api, space: str) -> Iterator[None]:
    """Serve the storefront by an Ingress as shop.localhost, by a Gateway as gateway.shop.localhost."""
    hosts = [ingress("shop", "shop.localhost", "web"), ingress("other", "other.localhost", "web")]
    grant = GRANT.replace("SPACE", space)
    manifest = "---".join([storefront("web"), *hosts, GATEWAY, grant])
    kubectl.run(["apply", "--filename=-"], stdin=manifest, check=True)
    settle.settle(api, space)
    for host in ("shop.localhost", "other.localhost"):
        wait.until(
            lambda host=host: request.through_ingress(cluster, "/whoami", host=host).status == 200,
            what=f"{host} to answer",
            timeout_seconds=20,
        )
    yield
    kubectl.run(["delete", "referencegrant", space, "--namespace=traefik"], check=True)


def curl(cluster: Cluster, host: str, *options: str) -> subprocess.CompletedProcess[str]:
    """Ask for /whoami of `host` over HTTPS."""
    assert cluster.ingress_https
    url = f"https://{host}:{urlsplit(cluster.ingress_https).port}/whoami"
    argv = ["curl", "--silent", "--show-error", "--max-time", "5", *options, url]
    return subprocess.run(argv, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("host", ["shop.localhost", "gateway.shop.localhost"])
def test_curl_verifies_the_certificate(cluster: Cluster, host: str) -> None:
    """With the authority that the handover names, curl is content, and the Pod learns of HTTPS."""
    assert cluster.ingress_ca
    options = ("--cacert", cluster.ingress_ca)
    wait.until(lambda: curl(cluster, host, *options).stdout.startswith("{"), what=host, timeout_seconds=20)
    seen = json.loads(curl(cluster, host, *options).stdout)
    assert seen["host"].partition(":")[0] == host
    assert seen["headers"]["X-Forwarded-Proto"] == "https"


def test_without_the_authority_curl_refuses(cluster: Cluster) -> None:
    """No other trust on this machine vouches for the Ingress (curl's exit code 60)."""
    assert curl(cluster, "shop.localhost").returncode == 60


def test_a_host_the_certificate_does_not_name_is_refused(cluster: Cluster) -> None:
    """The same authority does not make another host right, though the Ingress has a rule for it."""
    assert cluster.ingress_ca
    refused = curl(cluster, "other.localhost", "--cacert", cluster.ingress_ca)
    assert (refused.returncode, refused.stdout) == (60, "")
    assert curl(cluster, "other.localhost", "--insecure").stdout.startswith("{")


def test_python_verifies_the_certificate(cluster: Cluster) -> None:
    """Its names are checked by OpenSSL's rules, which take a wildcard with two labels after it only."""
    assert cluster.ingress_https
    address = urlsplit(cluster.ingress_https)
    context = ssl.create_default_context(cafile=cluster.ingress_ca)
    for host in ("localhost", "shop.localhost", "any.shop.localhost"):
        with context.wrap_socket(_dial(address.hostname, address.port), server_hostname=host) as end:
            assert end.version() in ("TLSv1.2", "TLSv1.3")
    with pytest.raises(ssl.SSLCertVerificationError, match="Hostname mismatch"):
        context.wrap_socket(_dial(address.hostname, address.port), server_hostname="a.b.shop.localhost")


def _dial(host: str | None, port: int | None) -> socket.socket:
    return socket.create_connection((host, port), timeout=5)
