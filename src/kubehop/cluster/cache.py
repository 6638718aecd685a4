"""Made once, kept outside the clone, never half-made: the store for binaries and images.

An entry is a folder `<cache>/<shelf>/<name>-<key>/` of plain files and one `entry.json`.
It is made in a hidden folder beside it under a lock of its own and appears by one rename,
so whoever looks sees a whole entry or none.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from kubehop.client.folder import caller
from kubehop.cluster.state import make_folder
from kubehop.errors import BuildError

_RECORD = "entry.json"
State = Literal["whole", "not built yet", "damaged"]


@dataclass(frozen=True)
class Entry:
    """One entry of the store, whether it exists yet or not.

    Args:
        shelf: The folder of entries of one kind.
        name: What it holds; entries of one name are made one at a time.
        key: Changes with everything that changes the files.
    """

    shelf: Path
    name: str
    key: str

    @property
    def folder(self) -> Path:
        """Where its files are."""
        return self.shelf / f"{self.name}-{self.key}"

    @property
    def log(self) -> Path:
        """Where the output of the last attempt to make it is."""
        return self.shelf / f"{self.name}.log"

    def files(self) -> dict[str, Path]:
        """Return its files by name; only for an entry that is whole."""
        return {name: self.folder / name for name in _read_record(self.folder)}


def key_of(*parts: str | bytes) -> str:
    """Return 16 characters that change when any part changes."""
    digest = hashlib.sha256()
    for part in parts:
        data = part.encode() if isinstance(part, str) else part
        digest.update(len(data).to_bytes(8) + data)
    return digest.hexdigest()[:16]


def sha256(path: Path) -> str:
    """Return the SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def digests(paths: Iterable[Path], *, memo: Path) -> dict[Path, str]:
    """Return the SHA-256 of each file; only those that changed since the last time are read.

    Args:
        paths: Any files.
        memo: The file that remembers; it may be missing, damaged or not writable.
    """
    try:
        known = json.loads(memo.read_text())
    except (OSError, ValueError):
        known = {}
    facts = {path: known.get(str(path)) for path in paths}
    facts = {path: fact if _unchanged(path, fact) else _fact(path) for path, fact in facts.items()}
    now = {str(path): fact for path, fact in facts.items()}
    if now != known:
        with suppress(OSError):  # without a memo the files are read each time
            memo.parent.mkdir(parents=True, exist_ok=True)
            _write_json(memo, now)
    return {path: fact["sha256"] for path, fact in facts.items()}


def inspect(entry: Entry) -> State:
    """Say whether an entry is whole.

    A file is read only when its size or one of its times is not as recorded:
    nothing writes to a file without changing the time of its last change (`st_ctime`).
    So looking at a warm cache of 700 MB takes a millisecond, not a second.
    """
    if not entry.folder.is_dir():
        return "not built yet"
    try:
        record = _read_record(entry.folder)
        fresh = {name: _check(entry.folder / name, fact) for name, fact in record.items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return "damaged"  # any unreadable record counts as one
    if not fresh or not all(fresh.values()):
        return "damaged"
    if fresh != record:
        with suppress(OSError):  # a read-only cache is as good; its files are read each time
            _write_record(entry.folder, fresh)
    return "whole"


def make(
    entry: Entry,
    *,
    maker: Callable[[Path], None],
    on_wait: Callable[[], None],
) -> bool:
    """Make an entry, unless someone else makes it first.

    Args:
        entry: What to make.
        maker: Fills the empty folder it is given.
        on_wait: Called when another process is at work on the same name.

    Returns:
        Whether `maker` was called.

    Raises:
        BuildError: The store cannot be written.
    """
    try:
        make_folder(entry.shelf)
        with _lock(entry, on_wait):
            if inspect(entry) == "whole":
                return False
            _replace(entry, maker)
    except OSError as error:
        msg = f"{entry.name} could not be stored in {str(entry.shelf)!r}: {error.strerror or error}."
        raise BuildError(
            msg,
            why="The cache folder must be writable and have room for 2 GB.",
            next_command="Make room or set XDG_CACHE_HOME to another folder, then run `kubehop build`.",
        ) from error
    return True


def _replace(entry: Entry, maker: Callable[[Path], None]) -> None:
    """Fill a hidden folder, then let it appear under the entry's name."""
    folder = entry.shelf / f".{entry.name}.building"
    _remove(folder)  # the left-over of an interrupted build: its lock has gone with its process
    folder.mkdir()
    try:
        maker(folder)
        hand_back(folder)
        _write_record(folder, {p.name: _fact(p) for p in sorted(folder.iterdir()) if p.is_file()})
        hand_back(folder / _RECORD)
        _remove(entry.folder)
        folder.rename(entry.folder)
    finally:
        _remove(folder)


@contextmanager
def _lock(entry: Entry, on_wait: Callable[[], None]) -> Iterator[None]:
    """Hold the lock of a name; the kernel drops it when the process ends, however it ends."""
    with (entry.shelf / f"{entry.name}.lock").open("w") as file:
        hand_back(Path(file.name))
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            on_wait()
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _remove(folder: Path) -> None:
    if folder.exists():
        shutil.rmtree(folder)


def hand_back(path: Path) -> None:
    """Under sudo, give what was made to the user who called it."""
    person = caller()
    if person.pw_uid == os.getuid():
        return
    for item in [path.parent, path, *path.rglob("*")]:
        os.chown(item, person.pw_uid, person.pw_gid, follow_symlinks=False)


def _fact(path: Path) -> dict[str, Any]:
    status = path.stat()
    return {
        "sha256": sha256(path),
        "size": status.st_size,
        "changed_ns": _changed_ns(path),
    }


def _unchanged(path: Path, fact: Any) -> bool:
    """Say whether a file still has the times of its record, whatever the record is."""
    return isinstance(fact, dict) and "sha256" in fact and fact.get("changed_ns") == _changed_ns(path)


def _changed_ns(path: Path) -> list[int]:
    """Return when a file's content and its inode last changed; only the kernel can set the second."""
    status = path.stat()
    return [status.st_mtime_ns, status.st_ctime_ns]


def _check(path: Path, fact: dict[str, Any]) -> dict[str, Any] | None:
    """Return what is now true of a file, or None if its content is not what was recorded."""
    status = path.stat()
    if status.st_size != fact["size"]:
        return None
    if _changed_ns(path) == fact["changed_ns"]:
        return fact
    now = _fact(path)
    return now if now["sha256"] == fact["sha256"] else None


def _read_record(folder: Path) -> dict[str, dict[str, Any]]:
    record: dict[str, dict[str, Any]] = json.loads((folder / _RECORD).read_text())
    return record


def _write_record(folder: Path, record: dict[str, Any]) -> None:
    _write_json(folder / _RECORD, record)


def _write_json(path: Path, value: dict[str, Any]) -> None:
    new = path.with_name(f".{path.name}.{os.getpid()}")
    new.write_text(json.dumps(value, indent=1, sort_keys=True) + "\n")
    new.replace(path)
