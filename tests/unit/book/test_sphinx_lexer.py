"""Highlighting of command cells."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from pygments.token import Keyword, Name, String

from kubehop.book.sphinx_lexer import CellLexer, is_command

LINES = st.sampled_from(
    [
        "%kubectl get pods -o wide",
        "%%kubectl apply -f -",
        "kind: Pod",
        "%%sh",
        "x = 'a'",
        "",
        'a "b',
        "é |<>&",
    ]
)


def tokens(text: str) -> list[tuple[object, str]]:
    """Return token and text of each part."""
    return [(token, value) for _, token, value in CellLexer().get_tokens_unprocessed(text)]


@given(st.lists(LINES).map("\n".join))
def test_no_character_is_lost(text: str) -> None:
    """The parts joined are the cell, and each index is where its part stands."""
    parts = list(CellLexer().get_tokens_unprocessed(text))
    assert "".join(value for _, _, value in parts) == text
    assert all(text[index:].startswith(value) for index, _, value in parts)


def test_a_command_line_shows_command_and_flags() -> None:
    """`kubectl` is a keyword, flags are names, quoted words strings; `pods` stays plain."""
    found = tokens("%kubectl get pods -o wide --show-labels -l 'app=web'\n")
    assert (Keyword, "kubectl") in found
    assert {value for token, value in found if token is Name.Attribute} == {"-o", "--show-labels", "-l"}
    assert (String, "'app=web'") in found


def test_a_manifest_is_yaml_and_python_stays_python() -> None:
    """Below `%%kubectl` keys are tags; a line of Python beside `%kubectl` keeps its keywords."""
    assert (Name.Tag, "kind") in tokens("%%kubectl apply -f -\nkind: Pod\n")
    assert (Keyword, "assert") in tokens("%kubectl get pods\nassert x\n")


def test_only_cells_with_commands_are_taken() -> None:
    """A cell of Python, or text that mentions kubectl, is left to its own lexer."""
    assert is_command("x = 1\n%kubectl get pods")
    assert is_command("%%sh\nls")
    assert not is_command("print('%kubectl')")
    assert not is_command("kubectl get pods")
