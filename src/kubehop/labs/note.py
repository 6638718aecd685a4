"""What a lab says back: a sentence, sometimes with Markdown or a command and its output."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape

from markdown_it import MarkdownIt

from kubehop.labs import report as reports
from kubehop.labs.check import Report
from kubehop.labs.progress import Progress
from kubehop.labs.style import style


@dataclass(frozen=True)
class Note:
    """A sentence and what belongs to it.

    Args:
        lead: The sentence.
        markdown: Text in Markdown.
        code: Commands and outputs, verbatim.
    """

    lead: str
    markdown: str = ""
    code: str = ""

    def html(self) -> str:
        """Return the note as a notebook shows it, without the style."""
        parts = [f"<p><b>{escape(self.lead)}</b></p>"]
        if self.markdown:
            parts.append(rendered(self.markdown))
        if self.code:
            parts.append(f'<pre tabindex="0"><code>{escape(self.code.rstrip())}</code></pre>')
        return f'<section class="kh-lab">{"".join(parts)}</section>'

    def _repr_html_(self) -> str:
        return style() + self.html()

    def __repr__(self) -> str:
        return "\n".join(part.rstrip() for part in (self.lead, self.markdown, self.code) if part)


@dataclass(frozen=True)
class Verdict:
    """One run of the checks, and the debrief after success.

    Args:
        report: What was found.
        debrief: Markdown; "" until all checks pass.
        progress: What is stored now.
    """

    report: Report
    debrief: str
    progress: Progress

    @property
    def passed(self) -> bool:
        """Whether every check passed."""
        return self.report.passed

    def html(self) -> str:
        """Return the verdict as a notebook shows it."""
        after = f'<section class="kh-lab">{rendered(self.debrief)}</section>' if self.debrief else ""
        return reports.html(self.report) + after

    def _repr_html_(self) -> str:
        return self.html()

    def __repr__(self) -> str:
        return "\n\n".join(part for part in (reports.text(self.report), self.debrief.rstrip()) if part)


def rendered(markdown: str) -> str:
    """Return Markdown as HTML; HTML inside it is shown, not run."""
    html: str = MarkdownIt("js-default").render(markdown)
    return html.replace("<h2>", "<h3>").replace("</h2>", "</h3>")
