"""What the command prints."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from kubehop import cli
from kubehop.client import handover
from kubehop.cluster.state import Place
from kubehop.errors import BookError, KubehopError
from kubehop.wait import patience


def test_an_error_is_printed_as_it_is(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Square brackets are no markup: a table of questions.toml is named in them."""

    def fail(**_: object) -> None:
        message = "There is no such question."
        raise BookError(message, next_command="Add [pods.first] to questions.toml.")

    monkeypatch.setattr(cli, "app", fail)
    with pytest.raises(SystemExit, match="1"):
        cli.main()
    assert "Add [pods.first] to questions.toml." in capsys.readouterr().err


def test_an_error_of_the_system_is_one_sentence(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A folder that cannot be written is told by its name, without a stack."""

    def fail(**_: object) -> None:
        raise PermissionError(13, "Permission denied", "/home/ada/.local")

    monkeypatch.setattr(cli, "app", fail)
    with pytest.raises(SystemExit, match="1"):
        cli.main()
    told = capsys.readouterr().err
    assert "Permission denied: '/home/ada/.local'. Run `kubehop doctor`." in told


def test_patience_is_a_number(monkeypatch: pytest.MonkeyPatch) -> None:
    """Anything else is named; empty is as good as absent."""
    monkeypatch.setenv("KUBEHOP_PATIENCE", "")
    assert patience() == 1
    monkeypatch.setenv("KUBEHOP_PATIENCE", "much")
    with pytest.raises(KubehopError, match="'much'"):
        patience()


@pytest.mark.parametrize("variables", [{}, {"XDG_STATE_HOME": "/elsewhere"}, {"XDG_STATE_HOME": "relative"}])
def test_root_keeps_files_where_the_reader_looks(
    variables: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Sudo sets HOME anew, so the reader's own one is not known to the command that root runs."""
    ran: list[str] = []
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setattr(os, "execvp", lambda _, argv: ran.extend(argv))
    monkeypatch.delenv("XDG_STATE_HOME", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    looked = handover.folder("demo")
    cli._as_root()
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.delenv("XDG_STATE_HOME", raising=False)
    for name, value in {"HOME": "/root", "SUDO_UID": "1", "SUDO_USER": "daemon"}.items():
        monkeypatch.setenv(name, value)
    for name, is_set, value in (word.partition("=") for word in ran[1 : ran.index(sys.executable)]):
        assert is_set
        monkeypatch.setenv(name, value)
    assert handover.folder("demo") == Place("demo").folder == looked
