"""Prediction questions: read, checked, drawn."""

from __future__ import annotations

from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from kubehop.book import question
from kubehop.book.question import Option, Prediction, Question
from kubehop.book.radio import radio_form
from kubehop.errors import BookError

GOOD = """
[pods.ip]
prompt = "Does `web` keep its IP & name?"
options = [
  { text = "Yes", correct = false, why = "No: <b>the Pod</b> is new." },
  { text = "No", correct = true, why = "A new Pod, a new `podIP`." },
]
"""


def ask(text: str, folder: Path) -> dict[tuple[str, str], Question]:
    """Load `text` as a question file."""
    (folder / "questions.toml").write_text(text)
    return question.load(folder / "questions.toml")


def test_reads_a_question(tmp_path: Path) -> None:
    """A well-formed table becomes a question."""
    found = ask(GOOD, tmp_path)["pods", "ip"]
    assert found.prompt.startswith("Does `web`")
    assert [option.correct for option in found.options] == [False, True]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (("correct = true", "correct = false"), "0 options are correct"),
        (("correct = false", "correct = true"), "2 options are correct"),
        (('text = "No"', 'text = "Yes"'), "same text"),
        (('why = "A new Pod, a new `podIP`."', 'why = " "'), "'No' has no why"),
        (("why = ", "reason = "), "malformed"),
        (("prompt = ", "question = "), "malformed"),
        (("[pods.ip]", "[pods.ip"), "not valid TOML"),
        (('"Does `web` keep its IP & name?"', '""'), "prompt is empty"),
    ],
)
def test_refuses_what_breaks_a_rule(change: tuple[str, str], says: str, tmp_path: Path) -> None:
    """Each rule of a question has a message of its own."""
    with pytest.raises(BookError, match=says):
        ask(GOOD.replace(*change), tmp_path)


def test_names_the_missing_file(tmp_path: Path) -> None:
    """Without a file, the error names the folder."""
    with pytest.raises(BookError, match=r"no 'questions\.toml' in"):
        question.load(tmp_path / "questions.toml")


class _Inputs(HTMLParser):
    """Collects the tags of the form, and what is hidden."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.inputs: list[dict[str, str | None]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note one tag."""
        self.tags.append(tag)
        if tag == "input":
            self.inputs.append(dict(attrs))


def test_the_page_gets_a_form_that_a_script_can_grade(tmp_path: Path) -> None:
    """One radio an option, its truth in data-correct, its reason hidden beside it, and all in noscript."""
    text = question.to_html(ask(GOOD, tmp_path)["pods", "ip"])
    seen = _Inputs()
    seen.feed(text)
    assert [(one["value"], one["data-correct"]) for one in seen.inputs] == [("0", "false"), ("1", "true")]
    assert len({one["name"] for one in seen.inputs}) == 1
    assert {"form", "fieldset", "legend", "label", "button", "output", "noscript"} <= set(seen.tags)
    assert "<b>" not in text and "&lt;b&gt;the Pod" in text
    assert "<code>web</code> keep its IP &amp; name" in text
    assert text.count("A new Pod, a new <code>podIP</code>.") == 2


def test_a_static_notebook_shows_the_form(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """While recording, a prediction is plain HTML and a stable text."""
    monkeypatch.setenv("KUBEHOP_STATIC", "1")
    shown = Prediction(ask(GOOD, tmp_path)["pods", "ip"])._repr_mimebundle_()
    assert shown["text/html"].startswith('<form class="kh-predict" data-question="ip">')
    assert shown["text/plain"] == "Prediction: Does `web` keep its IP & name? [Yes / No]"


def test_a_live_notebook_grades_the_choice() -> None:
    """The widget cannot be checked before a choice, says why after it, and forgets when you choose again."""
    asked = Question(
        "pods", "ip", "Same?", (Option("Yes", False, "It is new."), Option("No", True, "Right so."))
    )
    form: Any = radio_form(asked)
    _, choice, button, answer = form.children
    assert button.disabled
    choice.value = 0
    assert not button.disabled
    button.click()
    assert "Not so" in answer.value and "It is new." in answer.value
    choice.value = 1
    assert answer.value == ""
    button.click()
    assert "Right." in answer.value


def test_finds_the_ids_a_cell_asks() -> None:
    """Both quotes are read, and other calls are not."""
    assert question.ids_in("kh.predict(\"a-b\")\nkh.predict('c')\nkh.settle()") == ["a-b", "c"]
