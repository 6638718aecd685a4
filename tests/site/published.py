"""Build the book as a maintainer does, and know its pages."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Build:
    """One run of `jupyter-book build`."""

    exit_code: int
    log: str
    html: Path


@dataclass(frozen=True)
class Site:
    """The built site and where it is served."""

    html: Path
    url: str
    pages: tuple[str, ...]


def build_book(source: Path, output: Path) -> Build:
    """Build strictly, with no network where this user may make a network namespace without one."""
    program = Path(sys.executable).with_name("jupyter-book")
    command = [str(program), "build", str(source), "--path-output", str(output)]
    command += ["-W", "-n", "--keep-going", "--all"]
    done = subprocess.run(
        [*offline(), *command], capture_output=True, text=True, check=False, cwd=source, timeout=240
    )
    return Build(done.returncode, done.stdout + done.stderr, output / "_build" / "html")


def offline() -> list[str]:
    """Return the words that take the network away from a command, none where the kernel forbids it."""
    words = ["unshare", "--net"] if os.geteuid() == 0 else ["unshare", "--map-root-user", "--net"]
    tried = subprocess.run([*words, "true"], capture_output=True, check=False)
    return words if tried.returncode == 0 else []


def pages_of(root: Path) -> tuple[str, ...]:
    """Return every page in `_toc.yml`, in order, without a suffix."""
    toc = yaml.safe_load((root / "_toc.yml").read_text("utf-8"))
    files = [entry["file"] for part in toc.get("parts", []) for entry in part["chapters"]]
    return (toc["root"], *files)
