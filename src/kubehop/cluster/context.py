"""Looking at a cluster that somebody else made: what the chapters need and it lacks, and how to add it."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from kubehop.client import request
from kubehop.client.handover import Cluster
from kubehop.client.kubectl import Kubectl
from kubehop.cluster import image
from kubehop.cluster.doctor import Finding
from kubehop.errors import KubehopError

OLDEST_MINOR = 33
OURS = (image.STOREFRONT_V1, image.STOREFRONT_V2, image.TOOLS)
MOST_IMAGES_TOLD = 50  # by a kubelet, of its node
TRAEFIK = (
    "--accesslog=true",
    "--accesslog.format=json",
    "--accesslog.fields.headers.names.X-Request-Id=keep",
    "--providers.kubernetesingress.strictprefixmatching=true",
    "--providers.kubernetesingress.allowemptyservices=true",
)
DEFAULT_CLASS = "ingressclass.kubernetes.io/is-default-class"
FEWEST_NODES = 2
NO_SUCH_HOST = "kubehop-doctor.localhost"
FIXES = {
    "API server": "Start the cluster, or choose another context.",
    "rights": "Ask for the ClusterRole cluster-admin: chapters make namespaces.",
    "nodes": "Add one (`k3d node create`, `minikube node add`, kind's configuration): services needs two.",
    "images": (
        "Run `kubehop build` on Linux, which says where the archives are, then load them with your tool"
        " (`kind load image-archive FILE`, `k3d image import FILE`, `minikube image load FILE`)."
    ),
    "metrics": "Install metrics-server (on minikube: `minikube addons enable metrics-server`): hpa needs it.",
    "Ingress controller": (
        "Run Traefik as Deployment traefik in namespace traefik, with a default IngressClass traefik and the"
        f" arguments {' '.join(TRAEFIK)}: index and ingress read its access log."
    ),
    "Ingress address": (
        "Set KUBEHOP_INGRESS_HTTP to the URL at which the Ingress controller answers from this machine,"
        " such as http://127.0.0.1:80."
    ),
}


def examine(cluster: Cluster) -> list[Finding]:
    """Look at everything the chapters use; nothing is changed.

    Args:
        cluster: As `handover.from_context` gives it.
    """
    kubectl = Kubectl(cluster.kubeconfig, context=cluster.context)
    version = _look("API server", partial(_version, kubectl))
    if not version.ok:
        return [version]
    return [
        version,
        _look("rights", partial(_rights, kubectl)),
        _look("nodes", partial(_nodes, kubectl)),
        _look("images", partial(_images, kubectl)),
        _look("metrics", partial(_metrics, kubectl)),
        _look("Ingress controller", partial(_controller, kubectl)),
        _look("Ingress address", partial(_door, cluster)),
    ]


def _look(title: str, check: Callable[[], tuple[bool, str]]) -> Finding:
    try:
        ok, found = check()
    except KubehopError as error:
        ok, found = False, error.what.rstrip(".")
    return Finding(title, ok, found, FIXES[title])


def _version(kubectl: Kubectl) -> tuple[bool, str]:
    told = kubectl.json(["version"])["serverVersion"]
    minor = int("".join(filter(str.isdigit, told["minor"])))
    ok = minor >= OLDEST_MINOR
    return ok, told["gitVersion"] + ("" if ok else f", the chapters need v1.{OLDEST_MINOR} or newer")


def _rights(kubectl: Kubectl) -> tuple[bool, str]:
    may = kubectl.run(["auth", "can-i", "create", "namespaces", "--quiet"]).exit_code == 0
    return may, "may create namespaces" if may else "may not create namespaces"


def _nodes(kubectl: Kubectl) -> tuple[bool, str]:
    count = len(kubectl.json(["get", "nodes"])["items"])
    return count >= FEWEST_NODES, str(count)


def _images(kubectl: Kubectl) -> tuple[bool, str]:
    nodes = kubectl.json(["get", "nodes"])["items"]
    lacks = {node["metadata"]["name"]: sorted(set(map(_short, OURS)) - _images_of(node)) for node in nodes}
    told = [f"{node} lacks {', '.join(names)}" for node, names in lacks.items() if names]
    return not told, "; ".join(told) or "on each node"


def _images_of(node: dict[str, Any]) -> set[str]:
    told = node["status"].get("images") or []
    if len(told) >= MOST_IMAGES_TOLD:  # what is not among them may be there
        return set(map(_short, OURS))
    return {_short(name) for each in told for name in each.get("names") or []}


def _short(name: str) -> str:
    """Return an image's name as Docker has it, which leaves out what containerd spells."""
    return name.removeprefix("docker.io/").removeprefix("library/")


def _metrics(kubectl: Kubectl) -> tuple[bool, str]:
    done = kubectl.run(["top", "node", "--no-headers"])
    return done.exit_code == 0, "answer" if done.exit_code == 0 else done.text.strip().splitlines()[-1]


def _controller(kubectl: Kubectl) -> tuple[bool, str]:
    kind = kubectl.json(["get", "ingressclass", "traefik"])
    if kind["metadata"].get("annotations", {}).get(DEFAULT_CLASS) != "true":
        return False, "IngressClass traefik is not the default class"
    found = kubectl.json(["get", "deployment", "traefik", "--namespace=traefik"])
    arguments = found["spec"]["template"]["spec"]["containers"][0].get("args") or []
    missing = [argument for argument in TRAEFIK if argument not in arguments]
    return not missing, f"Traefik, without {' '.join(missing)}" if missing else "Traefik, with its access log"


def _door(cluster: Cluster) -> tuple[bool, str]:
    (answer,) = request.through_ingress(cluster, "/", host=NO_SUCH_HOST)
    return answer.status is not None, f"{cluster.ingress_http} answers {answer.status or answer.error}"
