"""The certificate: one page that lists the checks a learner has passed. It claims no more than that."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path

from kubehop.labs import progress
from kubehop.labs.progress import Progress
from kubehop.labs.report import code, counted, icon
from kubehop.labs.style import CSS, style

_PAGE = (
    "body{{margin:0;background:#fff}}@media(prefers-color-scheme:dark){{body{{background:#12161c}}}}"
    ".kh-lab{{margin:2rem auto;padding:0 1rem}}"
).format()


@dataclass(frozen=True)
class Certificate:
    """What one learner has passed.

    Args:
        learner: The learner's name, as the labs know it.
        labs: The labs that were started, in order of time.
    """

    learner: str
    labs: tuple[Progress, ...]

    def html(self) -> str:
        """Return the page's content."""
        done = sum(bool(item.finished) for item in self.labs)
        labs = "".join(_section(item) for item in self.labs) or "<p>No lab was started yet.</p>"
        return (
            f'<main class="kh-lab"><h1>Labs of {escape(self.learner)}</h1>'
            f"<p>{done} finished, {len(self.labs)} started. "
            f"Each line below is a check that ran against a real cluster and passed.</p>{labs}</main>"
        )

    def write(self, path: Path | None = None) -> Path:
        """Write the page as one HTML file and return its path.

        Args:
            path: The file; None writes `certificate.html` beside the learner's progress.
        """
        file = path or progress.folder(self.learner) / "certificate.html"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(
            '<!doctype html><html lang="en"><meta charset="utf-8">'
            '<meta name="viewport" content="width=device-width,initial-scale=1">'
            f"<title>Labs of {escape(self.learner)}</title><style>{CSS}{_PAGE}</style>"
            "<script>if(matchMedia('(prefers-color-scheme:dark)').matches)"
            f"document.documentElement.dataset.theme='dark'</script>{self.html()}</html>\n",
            encoding="utf-8",
        )
        return file

    def _repr_html_(self) -> str:
        return style() + self.html()

    def __repr__(self) -> str:
        return "\n".join([f"Labs of {self.learner}", *(line for item in self.labs for line in _lines(item))])


def _section(item: Progress) -> str:
    rows = "".join(
        f'<li class="kh-pass">{icon("pass")}<div><p>{code(sentence)}</p>'
        f'<p class="kh-soft">first passed {escape(_day(at))}</p></div></li>'
        for sentence, at in item.passed.values()
    )
    checks = f'<ol class="kh-checks">{rows}</ol>' if rows else ""
    state = f'<p class="kh-soft">{escape(_state(item))}</p>'
    return f"<section><h2>{escape(item.title)}</h2>{state}{checks}</section>"


def _lines(item: Progress) -> Sequence[str]:
    return [f"{item.title}: {_state(item)}", *(f"  pass  {text}" for text, _ in item.passed.values())]


def _state(item: Progress) -> str:
    """Say how the lab went, with the help that was taken."""
    end = f"Finished {_day(item.finished)}" if item.finished else "Not finished"
    help_taken = f"{counted(item.attempts, 'run')} of the checks, {counted(item.hints, 'hint')}"
    return f"{end}; {help_taken}, solution {'shown' if item.solution_seen else 'not shown'}."


def _day(at: str) -> str:
    """Return a stored time as people read it: "2026-11-24 11:23 UTC"."""
    return f"{at[:10]} {at[11:16]} UTC"
