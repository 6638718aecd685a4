"""Where files are kept, and for whom."""

from __future__ import annotations

import os
import pwd
from pathlib import Path

import pytest

from kubehop.client import folder

DAEMON = pwd.getpwnam("daemon")


@pytest.fixture(autouse=True)
def by_sudo(state: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Stand for root, asked by the account daemon."""
    monkeypatch.delenv("XDG_STATE_HOME")
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(os, "getuid", lambda: 0)
    monkeypatch.setenv("SUDO_UID", str(DAEMON.pw_uid))


def test_under_sudo_the_folder_is_the_callers() -> None:
    """Root by way of sudo uses the folder of the user who typed it."""
    assert folder.caller() == DAEMON
    assert folder.state_root() == (Path(DAEMON.pw_dir) / ".local/state/kubehop").resolve()


@pytest.mark.parametrize("uid", ["", "0", "no number"])
def test_root_alone_has_its_own(uid: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also when sudo was called by root, and when HOME is not where the account has it."""
    monkeypatch.setenv("SUDO_UID", uid)
    assert folder.state_root() == Path(os.environ["HOME"]).resolve() / ".local/state/kubehop"


def test_who_only_became_another_user_has_that_users(monkeypatch: pytest.MonkeyPatch) -> None:
    """After `sudo -u`, files of the one who asked could not be written."""
    monkeypatch.setattr(os, "geteuid", lambda: 65534)
    monkeypatch.setattr(os, "getuid", lambda: 65534)
    assert folder.caller().pw_uid == 65534
    assert folder.state_root() == Path(os.environ["HOME"]).resolve() / ".local/state/kubehop"


def test_a_chosen_folder_is_nobodys_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """XDG_STATE_HOME counts as it is, links followed; a relative one is none, says the specification."""
    (tmp_path / "link").symlink_to("real")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "link"))
    assert folder.state_root() == tmp_path.resolve() / "real" / "kubehop"
    for nothing in ("", "state", "~/state"):
        monkeypatch.setenv("XDG_STATE_HOME", nothing)
        assert folder.state_root() == (Path(DAEMON.pw_dir) / ".local/state/kubehop").resolve()
