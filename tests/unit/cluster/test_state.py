"""Folders that root makes for the person who called sudo."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from kubehop.cluster import state

NOBODY = 65534


def test_every_folder_that_was_missing_belongs_to_the_caller(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Root makes ~/.local and ~/.local/state on the way, and gives them back, too; what was there stays."""
    given: dict[Path, int] = {}
    monkeypatch.setenv("SUDO_UID", str(NOBODY))
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(os, "chown", lambda path, uid, _: given.update({path: uid}))
    state.make_folder(tmp_path / "local" / "state")
    assert given == {tmp_path / "local": NOBODY, tmp_path / "local" / "state": NOBODY}
    assert (tmp_path / "local" / "state").is_dir()
