"""Bad places for a cluster: a full disk, little memory, taken ports, no names, a read-only cache."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

from kubehop.client.folder import cache_root
from kubehop.cluster.linux import cgroup
from kubehop.cluster.linux.forward import LOOPBACK
from kubehop.cluster.state import Place

DISK_BYTES = 17 << 30  # more than `doctor` asks for; a file with a hole, so it costs nothing
LEFT_BYTES = 8 << 20
MEMORY_BYTES = 700 << 20


@contextlib.contextmanager
def disk(folder: Path) -> Iterator[Path]:
    """Mount a small disk of its own on a new folder."""
    image, point = folder / "disk.img", folder / "disk"
    point.mkdir()
    with image.open("wb") as file:
        file.truncate(DISK_BYTES)
    _run("mkfs.ext4", "-q", "-F", "-m", "0", str(image))
    _run("mount", "-o", "loop", str(image), str(point))
    try:
        yield point
    finally:
        _run("umount", "--lazy", str(point))
        image.unlink()
        point.rmdir()


@contextlib.contextmanager
def filled(point: Path) -> Iterator[None]:
    """Fill a disk but for 8 MiB, also while others write to it."""
    filling = point / "filling"
    for number in range(100):
        room = os.statvfs(point).f_bavail * os.statvfs(point).f_frsize - LEFT_BYTES
        if room <= 0:
            break
        # Somebody may take the room meanwhile: then the next try takes less.
        part = ["fallocate", "-o", str(number << 34), "-l", str(room), str(filling)]
        subprocess.run(part, check=False, capture_output=True)
    try:
        yield
    finally:
        filling.unlink()


@contextlib.contextmanager
def little_memory() -> Iterator[str]:
    """Make a cgroup with 700 MB; return the file that a process writes 0 to in order to join."""
    own = cgroup.hierarchies(Path("/proc/self/cgroup").read_text())["memory"]
    folder = cgroup.ROOT / "memory" / own.strip("/") / f"tight-{os.getpid()}"
    folder.mkdir()
    (folder / "memory.limit_in_bytes").write_text(str(MEMORY_BYTES))
    try:
        yield str(folder / "cgroup.procs")
    finally:
        folder.rmdir()


@contextlib.contextmanager
def taken(*ports: int) -> Iterator[None]:
    """Listen on these ports; one that another process has is taken anyway."""
    with contextlib.ExitStack() as stack:
        for port in ports:
            holder = stack.enter_context(socket.socket())
            holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            with contextlib.suppress(OSError):
                holder.bind((LOOPBACK, port))
                holder.listen()
        yield


def without_names(folder: Path) -> str:
    """Return shell that breaks the name service for what runs after it."""
    for name, text in {"resolv.conf": "nameserver 192.0.2.66\n", "hosts": "192.0.2.66 localhost\n"}.items():
        (folder / name).write_text(text)
    return "; ".join(f"mount --bind {folder / name} /etc/{name}" for name in ("resolv.conf", "hosts"))


def read_only_cache() -> str:
    """Return shell that makes the cache read-only for what runs after it."""
    cache = cache_root()
    return f"mount --bind {cache} {cache}; mount -o remount,bind,ro {cache}"


def apart(script: str, argv: list[str]) -> list[str]:
    """Return the command that runs `argv` after a shell script that only it sees the mounts of."""
    return ["unshare", "--mount", "sh", "-ec", f'{script}; exec "$@"', "sh", *argv]


def half_written(place: Place) -> None:
    """Leave a cluster's folder as a machine leaves it that lost power while it wrote."""
    place.prepare()
    place.handover.write_text('{"schema": "kubehop-cl')
    place.kubeconfig.write_text("apiVersion: v1\nkind: Con")
    (place.folder / "nodes.json").write_text('[{"name": "node-1", "num')
    for file in ("ca.crt", "ca.key", "sa.key", "apiserver.crt", "scheduler.kubeconfig"):
        (place.pki / file).write_text("-----BEGIN CERT")
    (place.node("node-1") / "etc").mkdir(parents=True)
    (place.node("node-1") / "ready").write_text("ready\n")
    (place.node("node-1") / "images").write_text("")
    (place.folder / "control").write_text("")


def _run(*argv: str) -> None:
    subprocess.run(argv, check=True, capture_output=True)
