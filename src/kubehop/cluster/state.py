"""Where a cluster keeps its files, and the handover file that tells others about it."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import pwd
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import platformdirs

from kubehop.client import kubeconfig
from kubehop.errors import ClusterError

SCHEMA = "kubehop-cluster/1"
NAME_LENGTH = 24
ASKED = "KUBEHOP_ASKED"  # when `up` began, on the machine's monotonic clock; for the supervisor's trace


def caller() -> pwd.struct_passwd:
    """Return the account of the person who asked, also when sudo runs us."""
    return pwd.getpwuid(int(os.environ.get("SUDO_UID", os.getuid())))


def _folder(kind: str) -> Path:
    path = (
        platformdirs.user_state_path("kubehop")
        if kind == "state"
        else platformdirs.user_cache_path("kubehop")
    )
    home = Path(caller().pw_dir)
    own = Path.home()
    return home / path.relative_to(own) if home != own and path.is_relative_to(own) else path


def state_root() -> Path:
    """Return the folder of everything that lives as long as a cluster."""
    return _folder("state")


def cache_root() -> Path:
    """Return the folder of what is built once: component binaries and images."""
    return _folder("cache")


@dataclass(frozen=True)
class Place:
    """The folder of one cluster and the names in it."""

    name: str

    def __post_init__(self) -> None:
        """Refuse a name that could not be a file, cgroup and interface name at once."""
        plain = self.name.replace("-", "")
        if not (
            plain.isascii() and plain.isalnum() and self.name.islower() and len(self.name) <= NAME_LENGTH
        ):
            msg = f"{self.name!r} cannot name a cluster."
            raise ClusterError(
                msg,
                why=f"A name has up to {NAME_LENGTH} lower-case letters, digits and dashes.",
                next_command="Run `kubehop up --name NAME` with another name.",
            )

    @property
    def folder(self) -> Path:
        """Everything of this cluster."""
        return state_root() / "clusters" / self.name

    @property
    def handover(self) -> Path:
        """The file that `client` reads."""
        return self.folder / "cluster.json"

    @property
    def kubeconfig(self) -> Path:
        """The administrator's kubeconfig, through the host's port."""
        return self.folder / "kubeconfig"

    @property
    def ingress_ca(self) -> Path:
        """The authority that vouches for the Ingress over HTTPS, for everyone to read."""
        return self.folder / "ingress-ca.crt"

    @property
    def pki(self) -> Path:
        """Keys and certificates."""
        return self.folder / "pki"

    @property
    def log(self) -> Path:
        """One log file for each process."""
        return self.folder / "log"

    @property
    def start_log(self) -> Path:
        """What `kubehop up` said when `kubehop lab` started it; outside the folder, which comes later."""
        return state_root() / f"up-{self.name}.log"

    @property
    def namespaces(self) -> Path:
        """Network namespaces, as files."""
        return self.folder / "netns"

    @property
    def cgroup_prefix(self) -> str:
        """How the names of this cluster's cgroups begin."""
        return f"kubehop.{self.name}."

    def node(self, name: str) -> Path:
        """Return the folder of one node."""
        return self.folder / "nodes" / name

    def prepare(self) -> None:
        """Make the folders, private to root but for what the caller reads."""
        for folder in (state_root(), state_root() / "clusters", self.folder, self.log):
            make_folder(folder)
        for private in (self.pki, self.folder / "nodes"):  # keys; programs that run as their owner, root
            private.mkdir(exist_ok=True)
            private.chmod(0o700)

    def hand_over(self, file: Path) -> None:
        """Give a file to the person who asked."""
        os.chown(file, caller().pw_uid, caller().pw_gid)

    @contextlib.contextmanager
    def alone(self) -> Iterator[None]:
        """Hold the cluster's lock: a second `up` or `down` waits here until the first has ended."""
        locks = state_root() / "locks"
        make_folder(locks)
        with (locks / self.name).open("w") as file:
            self.hand_over(locks / self.name)
            fcntl.flock(file, fcntl.LOCK_EX)
            yield


def make_folder(folder: Path) -> None:
    """Make a folder and those above it that are missing; under sudo they belong to the person who asked."""
    missing = [path for path in (folder, *folder.parents) if not path.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    if os.geteuid() == 0:
        for path in {folder, *missing}:
            os.chown(path, caller().pw_uid, caller().pw_gid)


def write(path: Path, text: str, *, mode: int = 0o644) -> None:
    """Write a file whole or not at all: it is made beside its place and moved there."""
    new = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    try:
        with os.fdopen(descriptor, "w") as file:
            file.write(text)
        new.replace(path)
    except OSError:
        new.unlink(missing_ok=True)
        raise


def write_handover(place: Place, content: dict[str, Any]) -> None:
    """Write the handover file; the form is `kubehop-cluster/1`, as `client/handover.py` reads it."""
    names = {"schema": SCHEMA, "name": place.name, "kubeconfig": str(place.kubeconfig)}
    content = names | content | {"updated": now()}
    write(place.handover, json.dumps(content, indent=1))
    place.hand_over(place.handover)


def read_handover(place: Place) -> dict[str, Any] | None:
    """Return the handover file's content, or None where there is none that can be read."""
    try:
        content: dict[str, Any] = json.loads(place.handover.read_text())
    except (OSError, ValueError):
        return None
    return content if content.get("schema") == SCHEMA else None


def names() -> list[str]:
    """List the clusters that have a folder."""
    folder = state_root() / "clusters"
    return sorted(path.name for path in folder.iterdir() if path.is_dir()) if folder.exists() else []


def forget(place: Place) -> None:
    """Remove the cluster's folder, and what it leaves empty above."""
    shutil.rmtree(place.folder, ignore_errors=False) if place.folder.exists() else None
    for folder in (place.folder.parent, state_root()):
        with contextlib.suppress(OSError):
            folder.rmdir()


def release(place: Place) -> None:
    """Remove the lock of a cluster that is gone, the log of its start, and the folders that leaves empty."""
    locks = state_root() / "locks"
    (locks / place.name).unlink(missing_ok=True)
    place.start_log.unlink(missing_ok=True)
    kubeconfig.sweep()
    for folder in (locks, state_root() / "sessions", state_root()):
        with contextlib.suppress(OSError):
            folder.rmdir()


def now() -> str:
    """Return the time in UTC, to the millisecond, as ISO 8601."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
