"""The published site, built once strictly, and one browser that looks at every page of it.

Everything runs on this machine: the browser may ask 127.0.0.1 and read files, any other request is
blocked and counted.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import standalone
from playwright.sync_api import Browser, sync_playwright
from published import ROOT, Build, Site, build_book, pages_of

AXE = ROOT / "widgets" / "node_modules" / "axe-core" / "axe.min.js"
CHROMIUM = "/usr/bin/chromium"
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-sync"]


@pytest.fixture(scope="session")
def build(tmp_path_factory: pytest.TempPathFactory) -> Build:
    """Build the repository's book once."""
    return build_book(ROOT, tmp_path_factory.mktemp("book"))


@pytest.fixture(scope="session")
def site(build: Build) -> Iterator[Site]:
    """Serve the built site on a free port of the loopback address."""
    assert (build.html / "index.html").exists(), build.log[-2000:]
    with served(build.html) as address:
        yield Site(build.html, address, pages_of(ROOT))


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write the standalone pages of widgets once."""
    made = tmp_path_factory.mktemp("widgets")
    for theme in ("light", "dark"):
        standalone.write(made, theme=theme)
    return made


@pytest.fixture(scope="session")
def http(folder: Path) -> Iterator[str]:
    """Serve the standalone pages on a free port of the loopback address."""
    with served(folder) as address:
        yield address


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Start Debian's Chromium once."""
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield chromium
        chromium.close()


@pytest.fixture(scope="session")
def axe() -> str:
    """Return axe-core's script."""
    assert AXE.exists(), f"{AXE} is missing. Run: npm ci --prefix widgets"
    return AXE.read_text("utf-8")


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """Serve a folder on a free port of the loopback address, and give that address."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(QuietHandler, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


class QuietHandler(SimpleHTTPRequestHandler):
    """Serve files without a line on stderr for each."""

    def log_message(self, *_: Any) -> None:
        """Say nothing."""
