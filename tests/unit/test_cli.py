"""What the command prints."""

from __future__ import annotations

import pytest

from kubehop import cli
from kubehop.errors import BookError


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
