"""The folders of clusters: whose they are, what they are called, how they go."""

from __future__ import annotations

import fcntl
import os
import threading
from pathlib import Path

import pytest

from kubehop.client import handover
from kubehop.client.folder import state_root
from kubehop.cluster import state, sweep
from kubehop.cluster.state import Place

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


def test_clusters_of_two_users_are_told_apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Cgroups are the machine's; another user's cluster of the same name is not ours to end."""
    prefixes = set()
    for user in ("ada", "bob"):
        monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / user))
        prefixes.add(Place("demo").cgroup_prefix)
    assert len(prefixes) == 2


def test_a_folder_is_named_as_the_kernel_names_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Mounts are listed by their real path, so one behind a link would not be found."""
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "link"))
    assert state_root() == tmp_path / "real" / "kubehop"


SUDO = {"SUDO_UID": "1", "SUDO_GID": "1", "SUDO_USER": "daemon"}


@pytest.mark.parametrize("root", [True, False])
@pytest.mark.parametrize(
    "variables",
    [
        {},
        {"HOME": "/somewhere/else"},
        {"XDG_STATE_HOME": "/state"},
        {"XDG_STATE_HOME": ""},
        {"XDG_STATE_HOME": "relative"},
        {"XDG_STATE_HOME": "~/state"},
        {"XDG_STATE_HOME": "/proc/self/cwd"},
        {"XDG_STATE_HOME": str(Path.home() / "state")},
        {"SUDO_UID": "", "SUDO_USER": ""},
        {"SUDO_UID": "0", "SUDO_USER": "root"},
        {"SUDO_UID": "4242424", "SUDO_USER": "nobody-of-that-name"},
    ],
    ids=str,
)
def test_whoever_starts_a_cluster_and_whoever_looks_for_it_mean_one_folder(
    variables: dict[str, str], root: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever the environment says, also where sudo set some of it."""
    monkeypatch.delenv("XDG_STATE_HOME", raising=False)
    monkeypatch.setattr(os, "geteuid", lambda: 0 if root else 1000)
    for name, value in (SUDO | variables).items():
        monkeypatch.setenv(name, value)
    assert Place("demo").folder == handover.folder("demo")


def test_a_mount_point_with_a_space_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """The kernel writes it as an octal number."""
    line = r"36 35 98:0 / /my\040state/netns/a rw - nsfs nsfs rw"
    monkeypatch.setattr(Path, "read_text", lambda _: line)
    assert sweep.mounts(Path("/my state")) == ["/my state/netns/a"]


def test_a_lock_that_was_removed_is_nobodys(place: Place) -> None:
    """Who waited while `down` removed the lock's file gets the lock that others see."""
    path = state_root() / "locks" / place.name
    held, leave = threading.Event(), threading.Event()

    def other() -> None:
        with place.alone():
            held.set()
            leave.wait(10)

    waiting = threading.Thread(target=other)
    with place.alone():
        waiting.start()
        assert not held.wait(0.3)
        path.unlink()
    assert held.wait(10)
    with path.open() as file, pytest.raises(BlockingIOError):
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    leave.set()
    waiting.join()


def test_what_was_half_removed_is_no_cluster(place: Place) -> None:
    """A `down` that was killed leaves a folder under another name, and the next one removes it."""
    place.folder.rename(place.gone)
    (place.gone.parent / "kubehop.bak").mkdir()
    assert state.names() == []
    state.forget(place)
    assert not place.gone.exists()
