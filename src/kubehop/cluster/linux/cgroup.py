"""Control groups, version 1 and version 2, behind one small interface.

On version 1 a `Group` is a named child of the launcher's own cgroup, in every hierarchy at once.
On version 2 it is a child of the root, and all its processes live in a leaf named `init`,
because a group with processes of its own may not hand controllers down, see docs/decisions/0064.

Source: https://docs.kernel.org/admin-guide/cgroup-v2.html
"""

from __future__ import annotations

import contextlib
import errno
import os
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from kubehop.errors import ClusterError
from kubehop.wait import until

ROOT = Path("/sys/fs/cgroup")
LEAF = "init"
MEMORY_V1 = ("memory.limit_in_bytes", "memory.usage_in_bytes")
MEMORY_V2 = ("memory.max", "memory.current")
FREEZER_V1, FREEZER_V2 = "freezer.state", "cgroup.freeze"


def version() -> int:
    """Return 2 where `/sys/fs/cgroup` is one unified hierarchy, else 1."""
    return 2 if (ROOT / "cgroup.controllers").exists() else 1


def hierarchies(text: str) -> dict[str, str]:
    """Map each version 1 hierarchy to a process's path in it.

    Args:
        text: The content of `/proc/PID/cgroup`: lines of `id:controllers:path`.
    """
    rows = (line.split(":", 2) for line in text.splitlines())
    return {controllers.removeprefix("name="): path for _, controllers, path in rows if controllers}


@dataclass(frozen=True)
class Group:
    """One cgroup by name, in each hierarchy: `folders` are absolute paths."""

    name: str
    folders: tuple[Path, ...]

    @property
    def birth_files(self) -> tuple[str, ...]:
        """Files that a node's first process writes its number to: its cgroup namespace begins at the group.

        `delegate` moves it on to where all other processes are.
        """
        return tuple(str(folder / "cgroup.procs") for folder in self.folders)

    @property
    def process_files(self) -> tuple[str, ...]:
        """Files that any other process writes its number to in order to join."""
        leaf = LEAF if version() == 2 else ""  # noqa: PLR2004 - the version's number is its name
        return tuple(str(folder / leaf / "cgroup.procs") for folder in self.folders)


def create(name: str) -> Group:
    """Make the group `name`; one that exists is fine.

    Raises:
        ClusterError: The kernel refused, usually for want of privilege.
    """
    own = Path("/proc/self/cgroup").read_text()
    try:
        return _create_v2(name) if version() == 2 else _create_v1(name, own)  # noqa: PLR2004 - as above
    except OSError as error:
        msg = f"The cgroup {name!r} could not be made: {error}."
        raise ClusterError(
            msg,
            why="Root and a writable /sys/fs/cgroup are needed.",
            next_command="Run `kubehop doctor`.",
        ) from error


def _create_v1(name: str, own: str) -> Group:
    folders = []
    for hierarchy, path in hierarchies(own).items():
        parent = ROOT / hierarchy / path.strip("/")
        if not parent.is_dir():
            continue
        folder = parent / name
        folder.mkdir(exist_ok=True)
        if "cpuset" in hierarchy.split(","):
            for file in ("cpuset.cpus", "cpuset.mems"):
                (folder / file).write_text((parent / file).read_text())
        folders.append(folder)
    return Group(name, tuple(folders))


def _create_v2(name: str) -> Group:
    # A root-level group: a login scope holds processes itself and may not have controllers below it.
    enable(ROOT)
    folder = ROOT / name
    (folder / LEAF).mkdir(parents=True, exist_ok=True)
    return Group(name, (folder,))


def enable(folder: Path) -> None:
    """Hand every controller that `folder` has down to its children (version 2)."""
    for controller in (folder / "cgroup.controllers").read_text().split():
        (folder / "cgroup.subtree_control").write_text(f"+{controller}")


def delegate(group: Group) -> None:
    """Give a node's children every controller, once all its processes are in the leaf (version 2).

    It is done from outside: the parent of `unshare --fork` cannot be seen from within.
    """
    if version() == 1:
        return
    folder = group.folders[0]

    def moved() -> bool:
        pids = (folder / "cgroup.procs").read_text().split()
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                (folder / LEAF / "cgroup.procs").write_text(pid)
        return not pids  # what is being moved may just have made another

    until(moved, what=f"the processes of {group.name} to move to its leaf", timeout_seconds=10)
    enable(folder)


def find(prefix: str) -> list[Path]:
    """List the folders of all groups whose name starts with `prefix`, in all hierarchies."""
    found: list[Path] = []
    for folder, below, _ in os.walk(ROOT):
        mine = [name for name in below if name.startswith(prefix)]
        found += [Path(folder) / name for name in mine]
        below[:] = [name for name in below if name not in mine]
    return found


def named(name: str) -> list[Path]:
    """List the folders of the group with exactly this name, in all hierarchies."""
    return [folder for folder in find(name) if folder.name == name]


def freeze(folders: list[Path]) -> None:
    """Stop every process in these groups where it stands; memory, sockets and files stay.

    Raises:
        ClusterError: The kernel has no freezer.
        WaitTimeoutError: A process did not stop in time; all of them run on.
    """
    switches = _freezers(folders)
    if not switches:
        msg = "The kernel has no freezer for these cgroups."
        raise ClusterError(
            msg, why="Version 1 needs the freezer controller mounted.", next_command="Run `kubehop doctor`."
        )
    for switch in switches:
        switch.write_text("FROZEN" if switch.name == FREEZER_V1 else "1")
    try:
        # On version 1 it is the reading that moves FREEZING on to FROZEN.
        until(
            lambda: all(_is_frozen(switch) for switch in switches),
            what=f"the processes in {[switch.parent.name for switch in switches]} to freeze",
            timeout_seconds=10,
            interval_seconds=0.005,
        )
    except BaseException:
        thaw(folders)
        raise


def thaw(folders: list[Path]) -> None:
    """Let the processes in these groups run again; groups that are gone or not frozen are fine."""
    for switch in _freezers(folders):
        with contextlib.suppress(FileNotFoundError):
            switch.write_text("THAWED" if switch.name == FREEZER_V1 else "0")


def _freezers(folders: list[Path]) -> list[Path]:
    files = (folder / name for folder in folders for name in (FREEZER_V1, FREEZER_V2))
    return [file for file in files if file.exists()]


def _is_frozen(switch: Path) -> bool:
    if switch.name == FREEZER_V1:
        return switch.read_text().strip() == "FROZEN"
    return "frozen 1" in (switch.parent / "cgroup.events").read_text().splitlines()


def memory_left() -> int | None:
    """Return the bytes that our own cgroup, and those above it, may still use; None where none is limited."""
    unified = version() == 2  # noqa: PLR2004 - as above
    path = hierarchies(Path("/proc/self/cgroup").read_text()).get("memory") if not unified else _own_v2()
    if path is None:
        return None
    root = ROOT if unified else ROOT / "memory"
    own = root / path.strip("/")
    limit, usage = MEMORY_V2 if unified else MEMORY_V1
    folders = [folder for folder in (own, *own.parents) if folder.is_relative_to(root)]
    limits = [(folder, _read(folder / limit).strip()) for folder in folders]
    left = [int(text) - int(_read(folder / usage)) for folder, text in limits if text.isdigit()]
    return min(left, default=None)


def _own_v2() -> str:
    return Path("/proc/self/cgroup").read_text().partition("0::")[2].splitlines()[0]


def processes(folders: list[Path]) -> set[int]:
    """Return the numbers of all processes in these groups and below them."""
    return {int(pid) for folder in folders for file in _procs(folder) for pid in _read(file).split()}


def remove(folders: list[Path]) -> None:
    """End every process in these groups, then remove the groups, innermost first.

    Raises:
        WaitTimeoutError: A process could not be ended, or a group not be removed, in time.
    """

    def emptied() -> bool:
        alive = processes(folders)
        for pid in alive:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        thaw(folders)  # on version 1 a frozen process does not take its signal
        return not alive

    until(emptied, what=f"the processes in {[f.name for f in folders]} to end", timeout_seconds=15)
    until(
        lambda: all([_remove_tree(folder) for folder in folders]),
        what=f"the cgroups {[str(f) for f in folders]} to be removed",
        timeout_seconds=15,
    )


def _procs(folder: Path) -> Iterator[Path]:
    for inner, _, files in os.walk(folder):
        if "cgroup.procs" in files:
            yield Path(inner) / "cgroup.procs"


def _read(file: Path) -> str:
    try:
        return file.read_text()
    except OSError:  # the group went away while we looked
        return ""


def _remove_tree(folder: Path) -> bool:
    for inner, _, _ in os.walk(folder, topdown=False):
        try:
            Path(inner).rmdir()
        except OSError as error:
            if error.errno not in (errno.EBUSY, errno.ENOENT):
                raise
    return not folder.exists()
