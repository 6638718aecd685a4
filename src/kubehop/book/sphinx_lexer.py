"""Highlight code cells that hold commands and manifests instead of Python."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, ClassVar

from pygments.lexer import Lexer, RegexLexer, bygroups
from pygments.lexers.data import YamlLexer
from pygments.lexers.python import PythonLexer
from pygments.lexers.shell import BashLexer
from pygments.token import Comment, Keyword, Name, Number, Punctuation, String, Text, _TokenType

NAME = "kubehop-cell"
COMMAND = re.compile(r"%{1,2}(kubectl|sh)\b")


class CommandLexer(RegexLexer):  # type: ignore[misc]  # pygments ships no types
    """One `%kubectl …` line: the command, its flags, strings and values."""

    name = "kubectl command"
    tokens: ClassVar[Any] = {
        "root": [
            (r"^(%{1,2})(kubectl|sh)\b", bygroups(Comment, Keyword)),
            (r"'[^']*'|\"[^\"]*\"", String),
            (r"(?<=\s)--?[A-Za-z][\w-]*", Name.Attribute),
            (r"[|<>;&\\]", Punctuation),
            (r"\b\d+\b", Number),
            (r"\s+", Text),
            (r"[^\s'\"|<>;&\\]+", Text),
            (r".", Text),
        ]
    }


class CellLexer(Lexer):  # type: ignore[misc]  # pygments ships no types
    """A notebook cell: `%%kubectl` and `%%sh` whole, `%kubectl` line by line, the rest Python."""

    name = NAME

    def get_tokens_unprocessed(self, text: str) -> Iterator[tuple[int, _TokenType, str]]:
        """Yield (index, token, text); the texts joined give the input back."""
        offset = 0
        for lexer, part in _parts(text):
            for index, token, value in lexer.get_tokens_unprocessed(part):
                yield offset + index, token, value
            offset += len(part)


def is_command(source: str) -> bool:
    """Tell whether a cell holds at least one command line."""
    return any(COMMAND.match(line) for line in source.splitlines())


def _parts(text: str) -> Iterator[tuple[Lexer, str]]:
    lines = text.splitlines(keepends=True)
    if lines and lines[0].startswith("%%"):
        yield CommandLexer(), lines[0]
        body = BashLexer() if lines[0].startswith("%%sh") else YamlLexer()
        yield body, "".join(lines[1:])
        return
    for line in lines:
        yield (CommandLexer() if COMMAND.match(line) else PythonLexer()), line
