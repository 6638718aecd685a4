"""The panel: story, objectives, Check · Hint · Reset · Solution, progress. The room's only widgets.

Each button does what the plain call of the same name does and shows what it returns.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from html import escape
from typing import TYPE_CHECKING, Any

from kubehop.labs.note import Note, Verdict, rendered
from kubehop.labs.report import code, counted
from kubehop.labs.style import static, style

if TYPE_CHECKING:
    from kubehop.labs.lab import Lab



def show(lab: Lab) -> None:
    """Show a lab's panel when this is a notebook; elsewhere do nothing."""
    shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    if shell is None or not hasattr(shell, "kernel"):
        return
    from IPython.display import display  # only a notebook needs it, and has it

    display(lab)  # type: ignore[no-untyped-call]  # IPython ships no types


def bundle(lab: Lab, **options: object) -> Any:
    """Return what a notebook shows for a lab: the live panel, or fixed HTML when recording."""
    if static():
        page = f'<section class="kh-lab">{_head(lab)}</section>'
        return {"text/plain": repr(lab), "text/html": page}
    return Panel(lab).box._repr_mimebundle_(**options)


class Panel:
    """A lab's panel of ipywidgets; `box` is what is shown."""

    def __init__(self, lab: Lab) -> None:
        import ipywidgets  # slow to import, and only a notebook needs it

        self.lab = lab
        self._head = ipywidgets.HTML(f"{style()}{_head(lab)}")
        self._progress = ipywidgets.HTML(_progress(lab))
        self._answer = ipywidgets.HTML("")
        self._buttons = [
            self._button(ipywidgets, "Check", "Run the checks", self._on(lab.check), main=True),
            self._button(ipywidgets, "Hint", "Show one more hint", self._on(lab.hint)),
            self._button(ipywidgets, "Reset", "Put the world back to its start", self._on(lab.reset)),
            self._button(ipywidgets, "Solution", "Show one solution", self._on(lab.solution)),
        ]
        row = ipywidgets.HBox(self._buttons)
        row.add_class("kh-buttons")
        self.box = ipywidgets.VBox([self._head, self._progress, row, self._answer])
        for name in ("kh-lab", "kh-panel"):
            self.box.add_class(name)

    def _button(
        self, widgets: Any, name: str, tip: str, action: Callable[[Any], None], *, main: bool = False
    ) -> Any:
        button = widgets.Button(description=name, tooltip=tip)
        if main:
            button.add_class("kh-main")
        button.on_click(action)
        return button

    def _on(self, call: Callable[[], Note | Verdict]) -> Callable[[Any], None]:
        """Return a button's handler: it shows what the call returns, or the error it raises."""

        def clicked(_button: Any) -> None:
            self._busy(True)
            try:
                self._answer.value = call().html()
            except Exception as error:  # noqa: BLE001 - shown to the reader; a callback's traceback is lost
                self._answer.value = Note(f"{type(error).__name__}: {error}").html()
            finally:
                self._busy(False)
            self._progress.value = _progress(self.lab)

        return clicked

    def _busy(self, busy: bool) -> None:
        for button in self._buttons:
            button.disabled = busy
        if busy:
            self._answer.value = '<p class="kh-soft" role="status">Looking at your cluster …</p>'


def _head(lab: Lab) -> str:
    folder = lab.folder
    namespace = "a namespace of your own" if static() else f"namespace <code>{escape(lab.namespace)}</code>"
    objectives = "".join(f"<li>{code(text)}</li>" for text in folder.objectives)
    return (
        f"<h2>{escape(folder.title)}</h2>{rendered(folder.story)}"
        f"<h3>You will learn to</h3><ul>{objectives}</ul>"
        f'<p class="kh-soft">About {folder.minutes} minutes · {namespace}</p>'
    )


def _progress(lab: Lab) -> str:
    """Draw one segment for each check, filled once it has passed."""
    stored = lab.progress
    names = [check.name for check in lab.folder.checks]
    done = sum(name in stored.passed for name in names)
    segments = "".join(f'<i class="{"kh-on" if name in stored.passed else ""}"></i>' for name in names)
    hints = f"{stored.hints} of {len(lab.folder.hints)} hints"
    tries = counted(stored.attempts, "run")
    state = "Finished. " if stored.finished else ""
    words = f"{state}{done} of {len(names)} checks passed · {hints} · {tries}"
    return (
        f'<div class="kh-bar" role="img" aria-label="{escape(words)}">{segments}</div>'
        f'<p class="kh-soft">{escape(words)}</p>'
    )
