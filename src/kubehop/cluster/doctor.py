"""Looking at the machine before anything is changed: what is missing, and how to mend it."""

from __future__ import annotations

import os
import platform
import shutil
import socket
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import psutil

from kubehop.client.folder import cache_root, state_root
from kubehop.cluster.cluster import PORTS
from kubehop.cluster.command import run
from kubehop.cluster.linux import cgroup
from kubehop.errors import DoctorError

PROGRAMS = {
    "runc": "runc",
    "nft": "nftables",
    "iptables": "iptables",
    "ipset": "ipset",
    "conntrack": "conntrack",
    "ip": "iproute2",
    "nsenter": "util-linux",
    "unshare": "util-linux",
    "setpriv": "util-linux",
    "mount": "mount",
}
CAPABILITIES = {"CAP_SYS_ADMIN": 21, "CAP_NET_ADMIN": 12, "CAP_SYS_CHROOT": 18, "CAP_MKNOD": 27}
NAMESPACES = ("mnt", "pid", "net", "uts", "ipc", "cgroup")
CONTROLLERS = ("cpu", "cpuset", "memory", "pids")
FREE_GB, FREE_AGAIN_GB, MEMORY_GB = 15, 2, 3
INOTIFY, WATCHERS = Path("/proc/sys/fs/inotify/max_user_instances"), 32
HIDDEN = ("/var", "/run", "/etc", "/sys", "/proc", "/dev")


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at.

    Attributes:
        title: What was looked at.
        ok: Whether it is as `up` needs it.
        found: What was found.
        fix: What to do where it is not.
        fatal: Whether `up` cannot work without it.
    """

    title: str
    ok: bool
    found: str
    fix: str = ""
    fatal: bool = True


def examine(*, first: bool = True) -> list[Finding]:
    """Look at everything; nothing is changed.

    Args:
        first: Whether the cluster has no data yet; what it has takes no room a second time.
    """
    checks: list[Callable[[], Finding]] = [
        _system,
        _root,
        _capabilities,
        _programs,
        _namespaces,
        _cgroups,
        _overlay,
        _folders,
        partial(_space, FREE_GB if first else FREE_AGAIN_GB),
        _memory,
        _watches,
        _ports,
    ]
    return [check() for check in checks]


def require(*, first: bool = True) -> None:
    """Raise for the first things that `up` cannot work without.

    Args:
        first: As for `examine`.

    Raises:
        DoctorError: The message lists every one of them with its fix.
    """
    bad = [finding for finding in examine(first=first) if finding.fatal and not finding.ok]
    if bad:
        told = " ".join(f"{finding.title}: {finding.found}. {finding.fix}" for finding in bad)
        raise DoctorError(
            told,
            why="Nothing was started.",
            next_command="`make check` works without a cluster; `kubehop doctor` shows everything.",
        )


def _system() -> Finding:
    found = f"{platform.system()} on {platform.machine()}"
    ok = platform.system() == "Linux" and platform.machine() in ("x86_64", "aarch64")
    fix = "Use Linux on x86-64 or arm64, or set KUBEHOP_CONTEXT to a context of your kubeconfig."
    return Finding("system", ok, found, fix)


def _root() -> Finding:
    ok = os.geteuid() == 0
    return Finding("root", ok, "yes" if ok else "no", "`kubehop up` asks sudo; run `make test` as root.")


def _capabilities() -> Finding:
    status = Path("/proc/self/status").read_text()
    mask = int(next(line.split()[1] for line in status.splitlines() if line.startswith("CapEff")), 16)
    missing = [name for name, bit in CAPABILITIES.items() if not mask >> bit & 1]
    if os.geteuid() != 0:
        return Finding("capabilities", ok=True, found="not looked at: they are root's")
    found = "all there" if not missing else f"without {', '.join(missing)}"
    return Finding(
        "capabilities", not missing, found, "Run as root on the machine itself, or in a privileged container."
    )


def _programs() -> Finding:
    path = f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"
    missing = [name for name in PROGRAMS if not shutil.which(name, path=path)]
    packages = " ".join(sorted({PROGRAMS[name] for name in missing}))
    found = "all there" if not missing else f"without {', '.join(missing)}"
    return Finding(
        "programs", not missing, found, f"Run `apt-get install {packages}`, or your distribution's like."
    )


def _namespaces() -> Finding:
    missing = [name for name in NAMESPACES if not Path(f"/proc/self/ns/{name}").exists()]
    found = "all there" if not missing else f"without {', '.join(missing)}"
    return Finding("kernel namespaces", not missing, found, "Use a kernel that has them.")


def _cgroups() -> Finding:
    version = cgroup.version()
    if version == 1:
        present = set(",".join(cgroup.hierarchies(Path("/proc/self/cgroup").read_text())).split(","))
    else:
        present = set((cgroup.ROOT / "cgroup.controllers").read_text().split())
    missing = [name for name in CONTROLLERS if name not in present]
    found = f"version {version}" + (f" without {', '.join(missing)}" if missing else "")
    return Finding("cgroups", not missing, found, "Mount these controllers, or boot with them enabled.")


def _overlay() -> Finding:
    known = "overlay" in Path("/proc/filesystems").read_text()
    ok = known or _has_module("overlay")
    found = "known" if known else "a module, loaded when needed" if ok else "unknown to the kernel"
    return Finding("overlayfs", ok, found, "Use a kernel that has it.")


def _has_module(name: str) -> bool:
    """Say whether `modprobe` would find a module; nothing is loaded."""
    program = shutil.which("modprobe", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")
    argv = [program or "", "--dry-run", "--quiet", name]
    return program is not None and run(argv, cwd=Path("/"), env=os.environ, on_line=lambda _: None) == 0


def _folders() -> Finding:
    bad = [str(path) for path in (state_root(), cache_root()) if str(path).startswith(HIDDEN)]
    found = "fine" if not bad else f"{', '.join(bad)} would be hidden by a node's own mounts"
    return Finding("folders", not bad, found, "Set XDG_STATE_HOME and XDG_CACHE_HOME to folders elsewhere.")


def _space(needed_gb: int) -> Finding:
    free = shutil.disk_usage(_existing(state_root())).free / 1e9
    found = f"{free:.0f} GB free for {state_root()}"
    return Finding(
        "disk", free >= needed_gb, found, f"Free {needed_gb} GB, or set XDG_STATE_HOME to another disk."
    )


def _memory() -> Finding:
    limited = cgroup.memory_left()
    free = min(psutil.virtual_memory().available, limited if limited is not None else sys.maxsize) / 1e9
    fix = f"Free {MEMORY_GB} GB, or raise the limit of this cgroup."
    return Finding("memory", free >= MEMORY_GB, f"{free:.1f} GB available", fix)


def _watches() -> Finding:
    """Count inotify instances: a cluster opens about 31, and many systems allow a user 128."""
    limit = int(INOTIFY.read_text()) if INOTIFY.exists() else sys.maxsize
    used = sum(map(_instances, psutil.process_iter(["uids"])))
    found = f"{used} of {limit} in use"
    fix = f"Stop another cluster, or run `sysctl fs.inotify.max_user_instances={4 * limit}`."
    return Finding("inotify instances", limit - used >= WATCHERS, found, fix)


def _instances(process: psutil.Process) -> int:
    if process.info["uids"] is None or process.info["uids"].real != os.getuid():
        return 0
    try:
        files = [path.readlink() for path in Path(f"/proc/{process.pid}/fd").iterdir()]
    except OSError:  # it ended while we looked
        return 0
    return sum(str(file) == "anon_inode:inotify" for file in files)


def _ports() -> Finding:
    taken = [port for port in PORTS.values() if not _free(port)]
    found = (
        "all free" if not taken else f"{', '.join(map(str, taken))} taken; the next free ones will be used"
    )
    return Finding(
        "ports on 127.0.0.1",
        not taken,
        found,
        "Run `kubehop status` or `ss -ltnp` to see by whom.",
        fatal=False,
    )


def _free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _existing(path: Path) -> Path:
    return path if path.exists() else _existing(path.parent)
