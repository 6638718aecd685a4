"""A report as text and as HTML: the same words, state as icon and stroke first, color last."""

from __future__ import annotations

from html import escape

from kubehop.labs.check import Outcome, Report, Result
from kubehop.labs.style import style

_WORDS: dict[Outcome, str] = {"pass": "pass", "fail": "fail", "error": "error", "skipped": "skipped"}
_ICONS: dict[Outcome, str] = {
    "pass": '<path d="M3 9l4 4 8-9"/>',
    "fail": '<path d="M4 4l10 10M14 4L4 14"/>',
    "error": '<path d="M9 3v7M9 14v.5"/>',
    "skipped": '<path d="M4 9h10" stroke-dasharray="2 3"/>',
}


def text(report: Report) -> str:
    """Return the report as a terminal shows it."""
    lines = [line for result in report.results for line in _text(result)]
    return "\n".join([*lines, summary(report)])


def summary(report: Report) -> str:
    """Return the last line: how many passed, how long it took, and what still moved."""
    passed = sum(result.outcome == "pass" for result in report.results)
    counted = f"{passed} of {len(report.results)} checks pass."
    looked = f"Looked for {report.seconds:.1f} s of at most {report.deadline_seconds:g} s."
    late = f" The deadline passed while the cluster still moved: {report.moving}" if report.moving else ""
    return f"{counted} {looked}{late}"


def html(report: Report) -> str:
    """Return the report as a notebook shows it."""
    items = "".join(_html(result) for result in report.results)
    return (
        f'{style()}<section class="kh-lab" aria-label="Result of the checks">'
        f'<ol class="kh-checks">{items}</ol><p class="kh-soft">{escape(summary(report))}</p></section>'
    )


def icon(outcome: Outcome) -> str:
    """Return an outcome's icon; the word beside it says the same."""
    return f'<svg class="kh-icon" viewBox="0 0 18 18" aria-hidden="true">{_ICONS[outcome]}</svg>'


def _text(result: Result) -> list[str]:
    lines = [f"{_WORDS[result.outcome]:7}  {result.sentence}"]
    details = [result.what, result.hint, f"Run: {result.run}" if result.run else ""]
    return lines + [f"         {line}" for line in details if line]


def _html(result: Result) -> str:
    details = f'<p class="kh-what">{code(result.what)}</p>' if result.what else ""
    details += f'<p class="kh-soft">{code(result.hint)}</p>' if result.hint else ""
    details += f'<p class="kh-run">Run <code>{escape(result.run)}</code></p>' if result.run else ""
    word = f'<b class="kh-word">{_WORDS[result.outcome]}</b>'
    return (
        f'<li class="kh-{result.outcome}">{icon(result.outcome)}<div><p>{word} {code(result.sentence)}</p>'
        f"{details}</div></li>"
    )


def code(sentence: str) -> str:
    """Return a sentence as HTML, with `words in backticks` as code."""
    parts = escape(sentence).split("`")
    return "".join(f"<code>{part}</code>" if i % 2 else part for i, part in enumerate(parts))


def counted(number: int, noun: str) -> str:
    """Return a number with its noun: "1 hint", "2 hints"."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
