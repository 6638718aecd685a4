"""Where a cluster keeps its files, and the handover file that tells others about it."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TextIO

from kubehop.client import kubeconfig
from kubehop.client.folder import caller, state_root
from kubehop.errors import ClusterError

SCHEMA = "kubehop-cluster/1"
NAME_LENGTH = 24
WAS_READY = "was-ready"  # a file: the cluster has data worth keeping
ASKED = "KUBEHOP_ASKED"  # when `up` began, on the machine's monotonic clock; for the supervisor's trace


def is_name(text: str) -> bool:
    """Say whether a cluster can have this name."""
    plain = text.replace("-", "")
    return plain.isascii() and plain.isalnum() and text.islower() and len(text) <= NAME_LENGTH


@dataclass(frozen=True)
class Place:
    """The folder of one cluster and the names in it."""

    name: str

    def __post_init__(self) -> None:
        """Refuse a name that could not be a file, cgroup and interface name at once."""
        if not is_name(self.name):
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
        """How the names of this cluster's cgroups begin; another user's cluster may have the same name."""
        return f"kubehop.{self.name}.{hashlib.sha256(str(self.folder).encode()).hexdigest()[:6]}."

    @property
    def gone(self) -> Path:
        """What the folder is called while it is being removed."""
        return self.folder.with_name(f".{self.name}.gone")

    def node(self, name: str) -> Path:
        """Return the folder of one node."""
        return self.folder / "nodes" / name

    def prepare(self) -> None:
        """Make the folders, private to root but for what the caller reads."""
        shutil.rmtree(self.gone, ignore_errors=True)
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
        while (file := self._locked()) is None:
            pass
        with file:
            yield

    def _locked(self) -> TextIO | None:
        """Open and lock the cluster's lock file; None where a `down` removed it while we waited."""
        path = state_root() / "locks" / self.name
        make_folder(path.parent)
        with contextlib.ExitStack() as stack, contextlib.suppress(FileNotFoundError):
            file = stack.enter_context(path.open("w"))
            self.hand_over(path)
            fcntl.flock(file, fcntl.LOCK_EX)
            if os.fstat(file.fileno()).st_ino == path.stat().st_ino:
                stack.pop_all()
                return file
        return None


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
    return content if isinstance(content, dict) and content.get("schema") == SCHEMA else None


def names() -> list[str]:
    """List the clusters that have a folder."""
    folder = state_root() / "clusters"
    found = [path.name for path in folder.iterdir() if path.is_dir()] if folder.exists() else []
    return sorted(name for name in found if is_name(name))


def forget(place: Place) -> None:
    """Remove the cluster's folder, and what it leaves empty above."""
    if place.folder.exists():  # whole or not at all: half of one would be taken for a cluster
        shutil.rmtree(place.gone, ignore_errors=True)
        place.folder.rename(place.gone)
    if place.gone.exists():
        shutil.rmtree(place.gone)
    for folder in (place.folder.parent, state_root()):
        with contextlib.suppress(OSError):
            folder.rmdir()


def release(place: Place) -> None:
    """Remove the lock of a cluster that is gone, the log of its start, and the folders that leaves empty.

    The caller holds the lock.
    """
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
