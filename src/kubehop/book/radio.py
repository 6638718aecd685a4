"""A prediction question as an ipywidgets form, for a notebook with a live kernel."""

from __future__ import annotations

from typing import Any

import ipywidgets

from kubehop.book.question import Question, code


def radio_form(question: Question) -> Any:
    """Return the form: choose, press Check, read why; choosing again starts over."""
    names = [(option.text.replace("`", ""), number) for number, option in enumerate(question.options)]
    choice = ipywidgets.RadioButtons(options=names, value=None, layout={"width": "max-content"})
    button = ipywidgets.Button(description="Check", disabled=True)
    answer = ipywidgets.HTML()

    def choose(change: dict[str, Any]) -> None:
        button.disabled = change["new"] is None
        answer.value = ""

    def grade(_: object) -> None:
        option = question.options[choice.value]
        verdict = "Right." if option.correct else "Not so."
        answer.value = f'<p role="status"><strong>{verdict}</strong> {code(option.why)}</p>'

    choice.observe(choose, names="value")
    button.on_click(grade)
    prompt = ipywidgets.HTML(f"<p><strong>{code(question.prompt)}</strong></p>")
    return ipywidgets.VBox([prompt, choice, button, answer])
