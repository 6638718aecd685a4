"""The host as others would find it: what a cluster must not change."""

from __future__ import annotations

import subprocess
from pathlib import Path

from kubehop.client.folder import state_root
from kubehop.cluster.linux import cgroup
from kubehop.cluster.state import Place

SYSCTLS = (
    "vm/overcommit_memory",
    "vm/panic_on_oom",
    "kernel/panic",
    "kernel/panic_on_oops",
    "kernel/keys/root_maxkeys",
    "kernel/keys/root_maxbytes",
    "net/ipv4/ip_forward",
)


def _lines(*argv: str) -> list[str]:
    return sorted(subprocess.run(argv, capture_output=True, text=True, check=False).stdout.splitlines())


def _files(folder: Path) -> list[str]:
    return sorted(str(path) for path in folder.rglob("*")) if folder.exists() else []


def snapshot(place: Place) -> dict[str, list[str]]:
    """Return everything of the host that a cluster could have changed; other clusters may come and go."""
    mounts = [line.split()[4] for line in Path("/proc/self/mountinfo").read_text().splitlines()]
    others = [point for point in mounts if "/kubehop/clusters/" in point and place.name not in point]
    return {
        "mounts": sorted(point for point in mounts if point not in others),
        "cgroups": sorted(str(path) for path in cgroup.find(place.cgroup_prefix)),
        "namespaces": _files(Path("/run/netns")),
        "interfaces": _lines("ip", "-o", "link", "show"),
        "routes": _lines("ip", "route"),
        "nft": _lines("nft", "list", "ruleset"),
        "iptables": _lines("iptables-save", "-c"),
        "sysctl": [f"{name}={(Path('/proc/sys') / name).read_text()}" for name in SYSCTLS],
        "state": _files(state_root()),
        "folders": [
            path
            for path in (
                "/etc/cni",
                "/etc/containerd",
                "/etc/kubernetes",
                "/var/lib/kubelet",
                "/var/lib/containerd",
            )
            if Path(path).exists()
        ],
    }
