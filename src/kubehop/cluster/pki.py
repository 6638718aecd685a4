"""Which certificates and kubeconfigs a cluster needs."""

from __future__ import annotations

import base64
from pathlib import Path

import yaml

from kubehop.cluster import certificate
from kubehop.cluster.certificate import Request
from kubehop.cluster.layout import DOMAIN, SERVICE_CIDR, Layout
from kubehop.cluster.linux.network import Node
from kubehop.cluster.state import write

CONTEXT = "kubehop"
ADMIN = "admin"
CLIENTS = ("controller-manager", "scheduler", "proxy", "kube-router", "cloud-controller-manager")
INGRESS = "ingress"
INGRESS_NAMES = ("localhost", "shop.localhost", "*.shop.localhost", "127.0.0.1")
"""Whom the Ingress answers for over HTTPS; no client takes `*.localhost` (docs/decisions/0050)."""


def requests(layout: Layout) -> list[Request]:
    """List every certificate, with the user names and groups Kubernetes expects of each component."""
    service = f"kubernetes.default.svc.{DOMAIN}".split(".")
    names = [".".join(service[:length]) for length in (1, 2, 3, 5)]
    addresses = ["127.0.0.1", str(SERVICE_CIDR[1]), str(layout.control_plane.address.ip)]
    found = [
        Request("apiserver", "kube-apiserver", server=True, names=(*names, "localhost", *addresses)),
        Request("apiserver-kubelet-client", "kube-apiserver-kubelet-client", "system:masters"),
        Request("front-proxy-client", "front-proxy-client", authority="front-proxy-ca"),
        Request(ADMIN, "kubernetes-admin", "system:masters"),
        Request("controller-manager", "system:kube-controller-manager"),
        Request("scheduler", "system:kube-scheduler"),
        Request("proxy", "system:kube-proxy"),
        Request("kube-router", "kube-router"),
        Request("cloud-controller-manager", "cloud-controller-manager"),
        Request(
            INGRESS, "shop.localhost", server=True, names=INGRESS_NAMES, authority=certificate.INGRESS_CA
        ),
    ]
    for node in layout.nodes:
        user, group, client, server = f"system:node:{node.name}", "system:nodes", *of_node(node)
        found.append(Request(client, user, group))
        server_names = (node.name, str(node.address.ip))
        found.append(Request(server, user, group, server=True, names=server_names))
    return found


def of_node(node: Node) -> tuple[str, str]:
    """Return what a node's files are called: its kubelet as a client, and as a server.

    A node's name has no underscore, so no file of one node is called like another's.
    """
    return f"kubelet-{node.name}", f"kubelet-{node.name}_server"


def ensure(layout: Layout) -> None:
    """Make or renew certificates, write a kubeconfig for each client, and show the Ingress' authority."""
    place = layout.place
    folder = place.pki
    certificate.ensure(folder, requests(layout))
    write(place.ingress_ca, (folder / f"{certificate.INGRESS_CA}.crt").read_text())
    place.hand_over(place.ingress_ca)
    for client in (*CLIENTS, *(f"kubelet-{node.name}" for node in layout.nodes)):
        write(folder / f"{client}.kubeconfig", kubeconfig(folder, client, layout.api_url), mode=0o600)


def kubeconfig(folder: Path, client: str, server: str) -> str:
    """Return a kubeconfig with the certificate of `client`, for the API server at `server`."""

    def data(file: str) -> str:
        return base64.b64encode((folder / file).read_bytes()).decode()

    user = {"client-certificate-data": data(f"{client}.crt"), "client-key-data": data(f"{client}.key")}
    content = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [
            {"name": CONTEXT, "cluster": {"server": server, "certificate-authority-data": data("ca.crt")}}
        ],
        "users": [{"name": client, "user": user}],
        "contexts": [{"name": CONTEXT, "context": {"cluster": CONTEXT, "user": client}}],
        "current-context": CONTEXT,
    }
    return yaml.safe_dump(content, sort_keys=False)
