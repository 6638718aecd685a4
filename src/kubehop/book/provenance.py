"""Where recorded outputs come from: `traces/provenance.json`, read by page footer and status page.

```json
{"schema": "kubehop-provenance/1",
 "versions": {"kubernetes": "v1.37.2", "traefik": "v3.7.15"},
 "commit": "0123abcd…", "recorded_at": "2026-11-24T10:00:00Z",
 "machine": {"system": "Linux 6.18", "architecture": "x86_64", "cpus": 2, "memory_gib": 24},
 "notebooks": {"chapters/pods/pods.ipynb":
   {"run_seconds": 31.2, "code_cells": 24, "commit": "0123abcd…", "recorded_at": "…", "versions": {…},
    "mutations": {"seeded": 152, "detected": 152}}}}
```
The file changes only when an output changed, or what the comparison would notice of wrong outputs.
It names no host and no path outside the repository.
"""

from __future__ import annotations

import fcntl
import json
import os
import platform
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil

SCHEMA = "kubehop-provenance/1"
FILE = Path("traces/provenance.json")
_GIB = 1024**3


def read(root: Path) -> dict[str, Any]:
    """Return the stored provenance, or an empty one."""
    path = root / FILE
    if not path.is_file():
        return {"schema": SCHEMA, "notebooks": {}}
    data: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return data


@dataclass(frozen=True)
class Run:
    """What one recording of a notebook was like.

    Attributes:
        seconds: From the start of the kernel to its end.
        code_cells: How many cells ran.
        versions: Component name to version, as the cluster's handover file has them.
    """

    seconds: float
    code_cells: int
    versions: Mapping[str, str]


def note(root: Path, notebook: Path, run: Run) -> None:
    """Write down one recording whose outputs changed; `notebook` is inside `root`."""
    with _alone(root):
        data = read(root)
        _add_run(data, root, notebook, run)
        write_json(root / FILE, data)


def _add_run(data: dict[str, Any], root: Path, notebook: Path, run: Run) -> None:
    stamp = {"commit": commit(root), "recorded_at": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")}
    data.update(stamp, schema=SCHEMA, versions=dict(run.versions), machine=machine())
    entry = {
        "run_seconds": round(run.seconds, 1),
        "code_cells": run.code_cells,
        "versions": dict(run.versions),
    }
    data.setdefault("notebooks", {})[name_of(root, notebook)] = entry | stamp


def note_mutations(root: Path, notebook: Path, *, seeded: int, detected: int) -> None:
    """Write down how many wrong outputs the notebook's comparison would notice, if that is news."""
    with _alone(root):
        data = read(root)
        entry = data["notebooks"].get(name_of(root, notebook))
        found = {"seeded": seeded, "detected": detected}
        if entry is not None and entry.get("mutations") != found:
            entry["mutations"] = found
            write_json(root / FILE, data)


@contextmanager
def _alone(root: Path) -> Iterator[None]:
    """Let one recorder at a time read, change and write the file; two may run on one cluster."""
    folder = (root / FILE).parent
    folder.mkdir(exist_ok=True)
    lock = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)


def name_of(root: Path, notebook: Path) -> str:
    """Return the notebook's path inside the repository, as the file has it."""
    return notebook.resolve().relative_to(root.resolve()).as_posix()


def write_json(path: Path, data: Any) -> None:
    """Write `data` to `path` whole or not at all, keys sorted."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.{os.getpid()}")
    part.write_text(json.dumps(data, indent=1, sort_keys=True, ensure_ascii=False) + "\n", encoding="utf-8")
    part.replace(path)


def machine() -> dict[str, Any]:
    """Return what matters about this machine for a time: system, architecture, processors, memory."""
    release = ".".join(platform.release().split(".")[:2])
    return {
        "system": f"{platform.system()} {release}",
        "architecture": platform.machine(),
        "cpus": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "memory_gib": round(psutil.virtual_memory().total / _GIB),
    }


def commit(root: Path) -> str | None:
    """Return the commit checked out in `root`, read from git's own files, or None outside a repository."""
    folder = root / ".git"
    if folder.is_file():  # a worktree: "gitdir: <folder>"
        folder = (root / folder.read_text(encoding="utf-8").partition(":")[2].strip()).resolve()
    head = folder / "HEAD"
    if not head.is_file():
        return None
    text = head.read_text(encoding="utf-8").strip()
    return _resolve(folder, text.removeprefix("ref: ")) if text.startswith("ref: ") else text


def _resolve(folder: Path, ref: str) -> str | None:
    """Follow a branch's name to its commit: a loose file, or a line of packed-refs."""
    common = folder / "commondir"
    places = [folder, folder / common.read_text(encoding="utf-8").strip()] if common.is_file() else [folder]
    for place in places:
        if (place / ref).is_file():
            return (place / ref).read_text(encoding="utf-8").strip()
        packed = place / "packed-refs"
        for line in packed.read_text(encoding="utf-8").splitlines() if packed.is_file() else ():
            if line.endswith(f" {ref}"):
                return line.split(" ", 1)[0]
    return None
