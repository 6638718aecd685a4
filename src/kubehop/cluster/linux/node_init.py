"""The first program of a node: makes the node's own view of the file system, then becomes its PID 1.

It runs inside the node's fresh namespaces, started by `unshare` (see `runtime.py`), and ends by
replacing itself with the pause program, which reaps orphans and does nothing else.
What it mounts is private to the node: nothing of it is seen on the host.
"""

from __future__ import annotations

import ctypes
import json
import os
import socket
import sys
from pathlib import Path

MS_NOSUID, MS_NODEV, MS_NOEXEC, MS_BIND, MS_REC, MS_SHARED = 2, 4, 8, 4096, 16384, 1 << 20
CGROUP = Path("/sys/fs/cgroup")

# The kubelet writes these; they belong to the whole machine, so the node gets files of its own.
SYSCTLS = {
    "vm/overcommit_memory": "1",
    "vm/panic_on_oom": "0",
    "kernel/panic": "10",
    "kernel/panic_on_oops": "1",
    "kernel/keys/root_maxkeys": "1000000",
    "kernel/keys/root_maxbytes": "25000000",
}
KEPT = {
    "kubelet": "/var/lib/kubelet",
    "containerd": "/var/lib/containerd",
    "log": "/var/log",
    "cni": "/var/lib/cni",
}
_libc = ctypes.CDLL(None, use_errno=True)


def mount(source: str, target: str | Path, kind: str = "", flags: int = 0, data: str = "") -> None:
    """Mount a file system or folder on a folder, as the system call does.

    Raises:
        OSError: The kernel refused; the message names the target.
    """
    encoded = [text.encode() or None for text in (source, str(target), kind)]
    if _libc.mount(*encoded, ctypes.c_ulong(flags), data.encode() or None):
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), f"mount {kind or 'bind'} on {target}")


def _etc(folder: Path, name: str, address: str) -> None:
    """Lay the node's own files over the host's /etc."""
    upper, work = folder / "etc", folder / "etc.work"
    for path in (upper / "cni/kubehop.d", upper / "kubernetes", upper / "containerd", work):
        path.mkdir(parents=True, exist_ok=True)
    for file, text in {
        "hostname": f"{name}\n",
        "hosts": f"127.0.0.1 localhost\n{address} {name}\n",
        "resolv.conf": "# Nothing leaves this machine: no name server.\n",
        "machine-id": f"{name:0<32.32}\n".replace("-", "0"),
    }.items():
        (upper / file).unlink(missing_ok=True)
        (upper / file).write_text(text)
    mount("overlay", "/etc", "overlay", 0, f"lowerdir=/etc,upperdir={upper},workdir={work}")


def _var_and_run(folder: Path) -> None:
    # The node's folders are opened first: mounts over /var and /run could hide them.
    opened = {name: os.open(folder / name, os.O_PATH) for name in KEPT}
    mount("tmpfs", "/run", "tmpfs", MS_NOSUID | MS_NODEV, "mode=755")
    mount("tmpfs", "/var", "tmpfs", MS_NOSUID | MS_NODEV, "mode=755")
    Path("/var/run").symlink_to("/run")
    Path("/var/tmp").mkdir()
    Path("/run/lock").mkdir()
    for name, target in KEPT.items():
        Path(target).mkdir(parents=True, exist_ok=True)
        mount(f"/proc/self/fd/{opened[name]}", target, "", MS_BIND | MS_REC)
        os.close(opened[name])


def _sys() -> None:
    hierarchies = [line.split(":")[1] for line in Path("/proc/self/cgroup").read_text().splitlines()]
    unified = not any(hierarchies)
    mount("sysfs", "/sys", "sysfs", MS_NOSUID | MS_NODEV | MS_NOEXEC)
    if unified:
        mount("cgroup2", CGROUP, "cgroup2")
        return
    mount("tmpfs", CGROUP, "tmpfs", 0, "mode=755")
    for hierarchy in filter(None, hierarchies):
        folder = CGROUP / hierarchy.removeprefix("name=")
        folder.mkdir()
        named = hierarchy.startswith("name=")
        mount("cgroup", folder, "cgroup", 0, f"none,{hierarchy}" if named else hierarchy)
        for one in hierarchy.split(",") if "," in hierarchy else []:
            (CGROUP / one).symlink_to(folder)


def _sysctl() -> None:
    own = Path("/run/kubehop-sysctl")
    own.mkdir()
    for name, value in SYSCTLS.items():
        file = own / name.replace("/", "_")
        file.write_text(f"{value}\n")
        if (Path("/proc/sys") / name).exists():
            mount(str(file), f"/proc/sys/{name}", "", MS_BIND)
    Path("/proc/sys/net/ipv4/ip_forward").write_text("1\n")


def main() -> None:
    """Build the node that `argv[1]`, a JSON object, describes, then become its PID 1.

    The object has `name`, `address`, `folder` (the node's own), `ready` (a file to write when done)
    and `init` (the program to become).
    """
    node = json.loads(sys.argv[1])
    folder = Path(node["folder"])
    socket.sethostname(node["name"])
    mount("none", "/", "", MS_REC | MS_SHARED)
    _sys()
    # Opened while its path can still be seen: the mounts below may hide it.
    ready = os.open(node["ready"], os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
    _etc(folder, node["name"], node["address"])
    _var_and_run(folder)
    _sysctl()
    os.write(ready, b"ready\n")
    os.close(ready)
    os.execv(node["init"], ["node-init"])


if __name__ == "__main__":
    main()
