"""Builds the cluster's programs once and finds them ever after."""

from __future__ import annotations

import platform
import re
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TextIO

from kubehop.client.folder import cache_root
from kubehop.cluster import cache, toolchain
from kubehop.cluster.command import run
from kubehop.cluster.product import PRODUCTS, Product
from kubehop.cluster.progress import Progress, Work
from kubehop.cluster.toolchain import Go
from kubehop.errors import BuildError

_NO_NETWORK = re.compile(
    r"dial tcp|no such host|connection refused|i/o timeout|TLS handshake|network is unreachable"
    r"|proxyconnect|unexpected EOF|module lookup disabled|Could not resolve host|unable to access|50[234] "
)
_MODULE = re.compile(r"([\w.\-~/!]+\.[\w.\-~/!]+)[@ ](v\d[\w.\-+]*)")


def ensure(products: Sequence[Product] = PRODUCTS, *, progress: Progress) -> dict[str, Path]:
    """Return the path of every file of `products`, by file name, after building what is missing.

    Raises:
        BuildError: A product could not be built; it names the product and the next command.
    """
    entries = [(product, *_entry(product, progress)) for product in products]
    missing = [
        (product, go, entry, state)
        for product, go, entry in entries
        if (state := cache.inspect(entry)) != "whole"
    ]
    if missing:
        progress.planned(
            [Work(product.name, state, product.cold_seconds) for product, _, _, state in missing]
        )
    for product, go, entry, _ in missing:
        _make(product, go, entry, progress)
    return {name: path for _, _, entry in entries for name, path in entry.files().items()}


def _entry(product: Product, progress: Progress) -> tuple[Go, cache.Entry]:
    """Return the Go that builds a product, and the place of the result."""
    go = toolchain.find(product.go_version, progress=progress)
    sources = [part for path in product.sources() for part in (path.name, path.read_bytes())]
    made_of = [f"{name}={what}" for name, what in [*product.packages.items(), *product.texts.items()]]
    key = cache.key_of(go.version, platform.machine(), *product.flags, *made_of, *sources)
    return go, cache.Entry(cache_root() / "binaries", product.name, key)


def _make(product: Product, go: Go, entry: cache.Entry, progress: Progress) -> None:
    started = time.monotonic()
    tell = partial(progress.advanced, product.name)
    made = cache.make(
        entry,
        maker=lambda folder: _build(product, go, folder, entry.log, progress),
        on_wait=lambda: tell(done=0, total=0, detail="another process is building it: waiting"),
    )
    if made:
        progress.finished(product.name, seconds=time.monotonic() - started)


def _build(product: Product, go: Go, folder: Path, log_path: Path, progress: Progress) -> None:
    """Build every file of a product into `folder`, showing one step for each Go package."""
    with log_path.open("w") as log:
        cache.hand_back(log_path)
        build = _Build(product, go, log, progress)
        for name, files in product.texts.items():
            (folder / name).write_text(_join(build.module_folder(), files))
        if not product.packages:
            return
        build.go("list", "-deps", *product.flags, *product.packages.values())
        build.total = build.done
        build.done = 0
        for name, package in product.packages.items():
            build.go("build", "-v", *product.flags, "-o", str(folder / name), package)


def _join(module: Path, files: str) -> str:
    """Return the YAML files of a module that match a glob as one text, in the order of their names.

    Raises:
        BuildError: There is none.
    """
    found = sorted(module.glob(files))
    if not found:
        msg = f"No file of {module.name} matches {files!r}."
        raise BuildError(
            msg,
            why="This version of the module keeps them elsewhere.",
            next_command="Look for them, and name their folder in `kubehop/cluster/product.py`.",
        )
    return "\n---\n".join(path.read_text() for path in found)


@dataclass
class _Build:
    """One run of the Go toolchain after the other, their lines counted and logged."""

    product: Product
    toolchain: Go
    log: TextIO
    progress: Progress
    done: int = 0
    total: int = 0
    tail: deque[str] = field(default_factory=lambda: deque(maxlen=40))

    def go(self, *arguments: str) -> None:
        """Run `go` in the product's folder.

        Raises:
            BuildError: It failed.
        """
        argv = [str(self.toolchain.program), *arguments]
        self.log.write(f"$ {' '.join(argv)}\n")
        code = run(argv, cwd=self.product.folder, env=self.toolchain.env(), on_line=self._take)
        if code:
            self.log.flush()
            raise _failure(self.product, code, list(self.tail), Path(self.log.name))

    def module_folder(self) -> Path:
        """Return the folder of the product's module, fetched and compared with `go.sum`."""
        self.go("mod", "download", self.product.module)
        self.go("list", "-m", "-f", "{{.Dir}}", self.product.module)
        return Path(self.tail[-1])

    def _take(self, line: str) -> None:
        """Note one line; a line without a space is the name of a package."""
        self.log.write(line + "\n")
        self.tail.append(line)
        if line.startswith("go: downloading "):
            self.progress.advanced(self.product.name, done=0, total=0, detail=line.removeprefix("go: "))
        elif " " not in line:
            self.done += 1
            if self.total:
                self.progress.advanced(
                    self.product.name, done=min(self.done, self.total), total=self.total, detail=line
                )


def _failure(product: Product, code: int, lines: list[str], log: Path) -> BuildError:
    """Say why a build failed: the network, which is the reader's to mend, or anything else."""
    offline = next((line for line in reversed(lines) if _NO_NETWORK.search(line)), None)
    if offline is None:
        return BuildError(
            f"Building {product.name} failed: `go` exited with code {code}. Last line: {lines[-1:]!r}.",
            why=f"Full log: {log}.",
            next_command="Run `kubehop build` to try again.",
        )
    named = [_MODULE.search(line) for line in (offline, *reversed(lines))]
    module = next((f"{found[1]}@{found[2]}" for found in named if found), "a module")
    return BuildError(
        f"{product.name} {product.version} could not be built: {module} could not be fetched.",
        why=f"The Go module proxy did not answer: {offline!r}. Full log: {log}.",
        next_command="Connect to a network (or set GOPROXY), then run `kubehop build`.",
    )
