"""Prediction questions: `kh.predict("id")` asks before the answer is shown.

A part's questions stand in `questions.toml` beside its notebooks, one table a question:

```toml
[pods.ip-after-crash]
prompt = "The container crashes. Does the Pod's IP change?"
options = [
    { text = "Yes", correct = false, why = "The sandbox holds the address, and it stays." },
    { text = "No", correct = true, why = "Only a new Pod gets a new address." },
]
```
"""

from __future__ import annotations

import os
import re
import tomllib
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

from kubehop.errors import BookError

FILE = "questions.toml"
_FEWEST_OPTIONS = 2


@dataclass(frozen=True)
class Option:
    """One answer to choose from; `why` explains it, right or wrong."""

    text: str
    correct: bool
    why: str


@dataclass(frozen=True)
class Question:
    """One prediction question of a chapter."""

    chapter: str
    id: str
    prompt: str
    options: tuple[Option, ...]


def load(path: Path) -> dict[tuple[str, str], Question]:
    """Read a question file into `{(chapter, id): Question}`.

    Raises:
        BookError: The file is missing or not TOML, or a question breaks a rule (see `check`).
    """
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        message = f"There is no {path.name!r} in {str(path.parent)!r}."
        raise BookError(message, why="kh.predict() reads it from the notebook's own folder.") from error
    except tomllib.TOMLDecodeError as error:
        message = f"{path.name!r} is not valid TOML: {error}."
        raise BookError(
            message, next_command="Compare it with the example in kubehop/book/question.py."
        ) from error
    questions = {}
    for chapter, table in tables.items():
        for name, fields in table.items():
            questions[chapter, name] = _read(chapter, name, fields)
    return questions


def _read(chapter: str, name: str, fields: Any) -> Question:
    where = f"Question [{chapter}.{name}]"
    try:
        options = tuple(Option(**option) for option in fields["options"])
        question = Question(chapter=chapter, id=name, prompt=fields["prompt"], options=options)
    except (KeyError, TypeError) as error:
        message = f"{where} is malformed: {error}."
        raise BookError(message, why="It needs prompt, and options with text, correct and why.") from error
    problems = check(question)
    if problems:
        message = f"{where}: {' '.join(problems)}"
        raise BookError(message, next_command=f"Mend it in {FILE}.")
    return question


def check(question: Question) -> list[str]:
    """Say what is wrong with a question: sentences, or an empty list."""
    right = sum(option.correct for option in question.options)
    texts = [option.text for option in question.options]
    rules = [
        (bool(question.prompt.strip()), "The prompt is empty."),
        (len(texts) >= _FEWEST_OPTIONS, f"It has {len(texts)} options, at least 2 are needed."),
        (right == 1, f"{right} options are correct, exactly one must be."),
        (len(set(texts)) == len(texts), "Two options have the same text."),
    ]
    missing = [option.text for option in question.options if not option.why.strip()]
    return [says for holds, says in rules if not holds] + [f"Option {text!r} has no why." for text in missing]


class Prediction:
    """What `kh.predict()` returns: a notebook shows it as one radio form."""

    def __init__(self, question: Question) -> None:
        self.question = question

    def __repr__(self) -> str:
        options = " / ".join(option.text for option in self.question.options)
        return f"Prediction: {self.question.prompt} [{options}]"

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        if os.environ.get("KUBEHOP_STATIC") == "1":
            return {"text/plain": repr(self), "text/html": to_html(self.question)}
        from kubehop.book.radio import radio_form  # ipywidgets is only needed in a live notebook

        bundle: dict[str, Any] = radio_form(self.question)._repr_mimebundle_()
        return {**bundle, "text/plain": repr(self)}


def to_html(question: Question) -> str:
    """Draw a question as the plain form that the page's script grades; it reads without a script, too."""
    group = escape(f"kh-{question.chapter}-{question.id}")
    rows = "".join(_row(number, option, group) for number, option in enumerate(question.options))
    reasons = "".join(_reason(option) for option in question.options)
    return (
        f'<form class="kh-predict" data-question="{escape(question.id)}">'
        f"<fieldset><legend>{code(question.prompt)}</legend>{rows}</fieldset>"
        '<button type="submit">Check</button><output></output>'
        f"<noscript><details><summary>The answer, and why</summary><ul>{reasons}</ul></details></noscript>"
        "</form>"
    )


def _row(number: int, option: Option, group: str) -> str:
    correct = str(option.correct).lower()
    return (
        f'<label><input type="radio" name="{group}" value="{number}" data-correct="{correct}"> '
        f'{code(option.text)}</label><p class="kh-why" hidden>{code(option.why)}</p>'
    )


def _reason(option: Option) -> str:
    verdict = " (correct)" if option.correct else ""
    return f"<li><strong>{code(option.text)}</strong>{verdict}: {code(option.why)}</li>"


def code(text: str) -> str:
    """Escape text for HTML and turn `` `x` `` into a code element."""
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", escape(text))


def ids_in(source: str) -> list[str]:
    """Return the ids a cell's source asks by `kh.predict("id")`."""
    return re.findall(r"\bkh\.predict\(\s*[\"']([^\"']+)[\"']\s*\)", source)
