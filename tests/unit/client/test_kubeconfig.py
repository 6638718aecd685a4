"""Private kubeconfigs: one context, own namespace, nothing left behind."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from kubehop.client import handover, kubeconfig
from kubehop.errors import ClusterError

CHILD = """
import sys
from kubehop.client import handover, kubeconfig
print(kubeconfig.session(handover.current(), namespace="pods-kh"), flush=True)
sys.stdin.readline()
"""


def test_a_session_holds_one_context_with_its_namespace(hand_over: Callable[..., Path], state: Path) -> None:
    """The copy has the chosen context, its namespace and no other secret, and only its owner reads it."""
    file = kubeconfig.session(handover.read(hand_over()), namespace="pods-kh7f3a")
    content = yaml.safe_load(file.read_text())
    assert content["contexts"][0]["context"]["namespace"] == "pods-kh7f3a"
    assert [user["name"] for user in content["users"]] == ["one"]
    assert "secret-two" not in file.read_text()
    assert file.parent.parent == state / "sessions"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    kubeconfig.set_namespace(file, "other")
    assert yaml.safe_load(file.read_text())["contexts"][0]["context"]["namespace"] == "other"
    kubeconfig.remove(file)
    assert not file.parent.exists()


def test_a_session_of_a_context_uses_that_context(
    kubeconfig_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """For a context of your own, the copy holds that one, whatever the current one is."""
    monkeypatch.setenv("KUBECONFIG", str(kubeconfig_file))
    monkeypatch.setenv("KUBEHOP_CONTEXT", "two")
    file = kubeconfig.session(handover.current())
    assert yaml.safe_load(file.read_text())["current-context"] == "two"
    assert "secret-one" not in file.read_text()
    assert yaml.safe_load(kubeconfig_file.read_text())["current-context"] == "one"


def test_a_session_goes_with_its_process(hand_over: Callable[..., Path], state: Path) -> None:
    """A process that ends in the ordinary way takes its copy along."""
    hand_over()
    file = _child(lambda child: child.communicate("\n"))
    assert not file.parent.exists()


def test_a_killed_process_leaves_a_session_that_the_next_one_sweeps(
    hand_over: Callable[..., Path], state: Path
) -> None:
    """After kill -9 the copy is still there, and gone once somebody else begins a session."""
    cluster = handover.read(hand_over())
    file = _child(lambda child: (child.send_signal(signal.SIGKILL), child.wait()))
    assert file.exists()
    mine = kubeconfig.session(cluster)
    assert not file.parent.exists()
    assert mine.exists()
    assert kubeconfig.sweep() == []


def test_an_unreadable_kubeconfig_is_named(hand_over: Callable[..., Path], tmp_path: Path) -> None:
    """The error names the path and says whether it is missing."""
    cluster = handover.read(hand_over(kubeconfig=str(tmp_path / "gone")))
    with pytest.raises(ClusterError, match=r"gone cannot be read. It does not exist"):
        kubeconfig.session(cluster)


@pytest.fixture
def kubeconfig_file(request: pytest.FixtureRequest) -> Path:
    """Return the kubeconfig fixture under a name that does not hide the module."""
    path: Path = request.getfixturevalue("kubeconfig")
    return path


def _child(end: Callable[[subprocess.Popen[str]], object]) -> Path:
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ,
    )
    assert child.stdout is not None
    file = Path(child.stdout.readline().strip())
    assert file.exists()
    end(child)
    return file
