"""Looking at who can reach what in a running cluster: each finding is an attempt, not a setting."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psutil
from cryptography import x509

from kubehop.client.kubectl import Kubectl
from kubehop.cluster import certificate, control, sweep
from kubehop.cluster.component import etcd
from kubehop.cluster.doctor import Finding
from kubehop.cluster.health import http_status
from kubehop.cluster.layout import API_PORT, Layout
from kubehop.cluster.linux import network
from kubehop.cluster.linux.forward import LOOPBACK, Dialer
from kubehop.cluster.linux.network import Node
from kubehop.cluster.member import staying
from kubehop.cluster.state import Place
from kubehop.errors import ClusterError

KUBELET_PORT = 10250
REFUSED = (401, 403)
LEARNERS = ("kubehop.dev/chapter", "kubehop.dev/lab")
ENFORCE = "pod-security.kubernetes.io/enforce"
PRIVATE = 0o077


def examine(place: Place) -> list[Finding]:
    """Try everything that must not work on a cluster that runs.

    Raises:
        ClusterError: It does not run.
    """
    holder = sweep.supervisor(place)
    if holder is None or not place.kubeconfig.exists():
        msg = f"No cluster {place.name} is running."
        raise ClusterError(msg, next_command="Run `kubehop up`.")
    layout = Layout(place, {}, nodes=staying(place))
    return [
        _doors(holder),
        _secrets(place),
        *asyncio.run(_attempts(layout)),
        _way_out(place),
        _learners(place),
        _certificates(place),
    ]


def _doors(holder: int) -> Finding:
    sockets = psutil.Process(holder).net_connections("inet")
    listening = [one.laddr for one in sockets if one.status == psutil.CONN_LISTEN]
    bad = [f"{address.ip}:{address.port}" for address in listening if address.ip != LOOPBACK]
    ports = ", ".join(str(port) for port in sorted(address.port for address in listening))
    found = f"open beyond this machine: {', '.join(bad)}" if bad else f"only on {LOOPBACK}: {ports}"
    return Finding("host ports", bool(listening) and not bad, found, "Report this: kubehop must not do it.")


def _secrets(place: Place) -> Finding:
    bad = readable(place)
    found = f"readable by others: {', '.join(map(str, bad))}" if bad else "readable by their owner only"
    return Finding(
        "keys, kubeconfigs, etcd's data", not bad, found, f"Run `chmod go= {' '.join(map(str, bad))}`."
    )


def readable(place: Place) -> list[Path]:
    """List files with secrets, the control socket and node folders that others than their owner may use."""
    return [path for path in _secret_files(place) if _open_to_others(path, place.folder)]


def _secret_files(place: Place) -> Iterator[Path]:
    yield from place.pki.glob("*.key")
    yield from place.pki.glob("*.kubeconfig")
    yield from (place.kubeconfig, place.folder / control.SOCKET)
    yield from (path for path in (place.folder / "etcd").rglob("*") if path.is_file())
    yield from (place.folder / "nodes").iterdir()


def _open_to_others(path: Path, root: Path) -> bool:
    """Say whether group or others have a right on a file and may pass each folder from `root` to it."""
    folders = [folder for folder in path.parents if folder.is_relative_to(root)]
    return bool(path.stat().st_mode & PRIVATE) and all(folder.stat().st_mode & 0o011 for folder in folders)


async def _attempts(layout: Layout) -> list[Finding]:
    dialer = Dialer(layout.place.namespaces / network.FABRIC)
    first, last = layout.control_plane, layout.nodes[-1]
    stranger, node = None, layout.place.pki / f"kubelet-{last.name}"

    async def tls(to: Node, port: int, path: str, client: Path | None) -> int | None:
        return await http_status(str(to.address.ip), port, path, dialer=dialer, tls=True, client=client)

    secrets = "/api/v1/namespaces/kube-system/secrets"
    try:
        kubelets = [await tls(to, KUBELET_PORT, "/pods", stranger) for to in layout.nodes]
        return [
            _refused("API server, without a certificate", [await tls(first, API_PORT, secrets, stranger)]),
            _refused("kubelets, without a certificate", kubelets),
            _refused(f"Secrets, as {last.name}", [await tls(first, API_PORT, secrets, node)]),
            _refused(
                f"{first.name}'s kubelet, as {last.name}", [await tls(first, KUBELET_PORT, "/pods", node)]
            ),
            await _etcd(first, dialer),
        ]
    finally:
        dialer.close()


def _refused(what: str, statuses: list[int | None]) -> Finding:
    ok = all(status in REFUSED for status in statuses)
    told = ", ".join(sorted({str(status or "no answer") for status in statuses}))
    return Finding(
        what, ok, f"refused ({told})" if ok else f"got {told}", "Run `kubehop down`, then `kubehop up`."
    )


async def _etcd(node: Node, dialer: Dialer) -> Finding:
    open_to_nodes = await http_status(str(node.address.ip), etcd.PORT, "/health", dialer=dialer) is not None
    found = "answers other machines" if open_to_nodes else f"only on {node.name}'s loopback"
    return Finding("etcd", not open_to_nodes, found, "Run `kubehop down`, then `kubehop up`.")


def _way_out(place: Place) -> Finding:
    ways = network.ways_out(place.namespaces / network.FABRIC)
    found = f"by {', '.join(ways)}" if ways else "none: no route and no interface leads there"
    return Finding(
        "way to the host and the outside", not ways, found, "Run `kubehop down`, then `kubehop up`."
    )


def _learners(place: Place) -> Finding:
    kubectl = Kubectl(place.kubeconfig)
    items = [
        one for label in LEARNERS for one in kubectl.json(["get", "namespaces", "--selector", label])["items"]
    ]
    levels = {one["metadata"]["name"]: one["metadata"]["labels"].get(ENFORCE, "none") for one in items}
    bad = [f"{name} ({level})" for name, level in levels.items() if level not in ("baseline", "restricted")]
    found = f"open to Pods that are root here: {', '.join(bad)}" if bad else f"baseline in all {len(levels)}"
    fix = f"Run `kubectl label namespace NAME {ENFORCE}=baseline --overwrite`."
    return Finding("Pod Security in learners' namespaces", not bad, found, fix)


def _certificates(place: Place) -> Finding:
    ends = min(
        x509.load_pem_x509_certificate(path.read_bytes()).not_valid_after_utc
        for path in place.pki.glob("*.crt")
    )
    ok = ends - datetime.now(UTC) > timedelta(days=certificate.RENEW_DAYS)
    return Finding(
        "certificates",
        ok,
        f"valid until {ends:%Y-%m-%d}",
        "Stop the cluster with `kubehop down`, then run `kubehop up`.",
    )
