"""A cache of its own for each test, and a progress that remembers."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from build_progress import Remembered

from kubehop.client.folder import cache_root
from kubehop.cluster.state import Place


@pytest.fixture
def progress() -> Remembered:
    """Return a progress that remembers."""
    return Remembered()


@pytest.fixture(scope="session")
def go_cache() -> str:
    """Return the machine's own Go cache, in which the standard library is compiled already."""
    return subprocess.check_output(["go", "env", "GOCACHE"], text=True).strip()


@pytest.fixture
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, go_cache: str) -> Path:
    """Return the cache folder, which is this test's alone; Go's stays the machine's, so builds are quick."""
    monkeypatch.setenv("GOCACHE", go_cache)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    assert cache_root() == tmp_path / "cache" / "kubehop"
    return cache_root()


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    """A cluster's folder."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    for name in ("KUBEHOP_NAME", "KUBEHOP_CONTEXT"):
        monkeypatch.delenv(name, raising=False)
    mine = Place("demo")
    mine.folder.mkdir(parents=True)
    return mine
