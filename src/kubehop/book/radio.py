"""A prediction question as an ipywidgets form, for a notebook with a live kernel."""

from __future__ import annotations

from typing import Any

import ipywidgets

from kubehop.book.question import Question, code

# ipywidgets gives an option one line of fixed height; ours are sentences.
_STYLE = """<style>
.kh-radio, .kh-radio .widget-radio-box { height: auto; max-height: none; width: 100%; }
.kh-radio label { display: flex; flex-direction: row-reverse; justify-content: flex-end; gap: .5em; }
.kh-radio label { height: auto; line-height: 1.4; margin: 0 0 .4em; white-space: normal; }
.kh-radio label input { flex: none; float: none; position: static; margin: .25em 0 0; }
</style>"""


def radio_form(question: Question) -> Any:
    """Return the form: choose, press Check, read why; choosing again starts over."""
    names = [(option.text.replace("`", ""), number) for number, option in enumerate(question.options)]
    choice = ipywidgets.RadioButtons(options=names, value=None, layout={"width": "100%"})
    choice.add_class("kh-radio")
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
    prompt = ipywidgets.HTML(f"{_STYLE}<p><strong>{code(question.prompt)}</strong></p>")
    return ipywidgets.VBox([prompt, choice, button, answer])
