"""The magics: a real program's exit code, its output in order, nothing expanded."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
from IPython.core.interactiveshell import InteractiveShell

from kubehop.book.magic import load_ipython_extension
from kubehop.client import kubectl
from kubehop.errors import BookError, CommandError

KUBECTL = """#!/bin/sh
echo "arguments: $*"
echo "to stderr" >&2
test "$1" = apply && cat
echo "config: $KUBECONFIG"
test "$1" = fail && exit 3
exit 0
"""


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[InteractiveShell]:
    """Return an IPython in which a chapter is open and kubectl is a script that says how it was called."""
    program = tmp_path / "kubectl"
    program.write_text(KUBECTL)
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setattr(kubectl, "binary", lambda: program)
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "config"))
    monkeypatch.setenv("NS", "pods-kh7f3a")
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    shell = InteractiveShell()
    load_ipython_extension(shell)
    yield shell
    shell.history_manager.end_session()


def test_runs_the_real_kubectl(
    shell: InteractiveShell, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """Quotes group words, braces and dollars stay, and both streams arrive in their order."""
    shell.user_ns["NS"] = "python's"
    shell.run_line_magic("kubectl", "get pods -o jsonpath='{.items[*].metadata.name} $NS'")
    out, err = capsys.readouterr()
    assert out == (
        "arguments: get pods -o jsonpath={.items[*].metadata.name} $NS\n"
        f"to stderr\nconfig: {tmp_path / 'config'}\n"
    )
    assert err == ""


def test_the_cell_is_standard_input(shell: InteractiveShell, capsys: pytest.CaptureFixture[str]) -> None:
    """A manifest reaches kubectl as it is written."""
    shell.run_cell_magic("kubectl", "apply -f -", "text: $(POD_NAME) {x}\n")
    assert "text: $(POD_NAME) {x}\n" in capsys.readouterr().out


def test_a_failure_is_one_line(shell: InteractiveShell, capsys: pytest.CaptureFixture[str]) -> None:
    """The output is shown, then the error says the verb and the exit code and nothing else."""
    with pytest.raises(CommandError) as caught:
        shell.run_line_magic("kubectl", "fail pods")
    assert "arguments: fail pods" in capsys.readouterr().out
    assert caught.value._render_traceback_() == ["CommandError: kubectl fail ended with exit code 3"]


def test_a_shell_cell_ends_at_the_first_failure(
    shell: InteractiveShell, capsys: pytest.CaptureFixture[str]
) -> None:
    """Also in the middle of a pipe; stderr is merged, NS and kubectl are there."""
    with pytest.raises(CommandError, match=r"^the shell ended with exit code 7$"):
        shell.run_cell_magic(
            "sh", "", "echo one\necho $NS >&2\nkubectl x | (cat; exit 7) | cat\necho never\n"
        )
    out = capsys.readouterr().out
    assert out.startswith("one\npods-kh7f3a\n")
    assert "arguments: x\n" in out and "to stderr\n" in out
    assert "never" not in out


def test_without_a_chapter_nothing_is_run(
    shell: InteractiveShell, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The reader's own cluster must not be reached by accident."""
    monkeypatch.delenv("NS")
    for call in (
        lambda: shell.run_line_magic("kubectl", "delete ns x"),
        lambda: shell.run_cell_magic("sh", "", "id"),
    ):
        with pytest.raises(BookError, match="No chapter or lab is open"):
            call()
    assert capsys.readouterr().out == ""
    assert os.environ["KUBECONFIG"]


def test_arguments_of_sh_are_refused(shell: InteractiveShell) -> None:
    """A command beside %%sh would be lost silently."""
    with pytest.raises(BookError, match="takes no arguments"):
        shell.run_cell_magic("sh", "echo lost", "echo kept")


def test_a_slow_command_is_ended(shell: InteractiveShell, monkeypatch: pytest.MonkeyPatch) -> None:
    """The error names the command and the limit."""
    monkeypatch.setattr("kubehop.book.magic._TIMEOUT_SECONDS", 0.2)
    with pytest.raises(CommandError, match=r"^the shell had not finished after 0\.2 s$"):
        shell.run_cell_magic("sh", "", "while :; do :; done")
