"""Show on a lab's page what a learner sees first, and keep the rest folded.

The page is made from `lab.ipynb`, which has no outputs: it is the learner's to run.
This module lends it the recorded outputs of `first-sight.ipynb`, while the page is read, and appends hints
and debrief as closed folds for readers without a cluster. Neither file is changed.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import nbformat
from sphinx.application import Sphinx
from sphinx.util import logging

from kubehop.errors import LabError
from kubehop.labs import folder, notebook
from kubehop.labs.style import CSS

LOG = logging.getLogger(__name__)
STYLESHEET = "lab.css"
SHOWN = 'class="kh-lab"'
_HEADING = re.compile(r"^#+ (.+)$", re.M)
_WITHOUT = """## Without a cluster

What you see above was recorded; the cells below *Look* are yours to fill.
Before you unfold anything, say which command you would run next, and which output would tell you most."""


def folder_of(app: Sphinx, docname: str) -> Path | None:
    """Return the folder of the lab whose page `docname` is, or None for every other page."""
    page = Path(app.srcdir, docname)
    is_lab = page.name == Path(notebook.LEARNER).stem and (page.parent / folder.SETTINGS).is_file()
    return page.parent if is_lab else None


def show(app: Sphinx, docname: str, source: list[str]) -> None:
    """Complete a lab's notebook before it is parsed (event `source-read`)."""
    path = folder_of(app, docname)
    if path is None:
        return
    for name in (notebook.FIRST_SIGHT, folder.SETTINGS, folder.DEBRIEF):
        app.env.note_dependency(str(path / name))
    try:
        sight = notebook.read(path, notebook.FIRST_SIGHT)
    except LabError as error:
        LOG.warning("%s", error, location=docname)
        return
    page = nbformat.reads(source[0], as_version=4)  # type: ignore[no-untyped-call]  # nbformat ships no types
    lend(page, sight)
    page.cells += folds(folder.read(path))
    source[0] = nbformat.writes(page)  # type: ignore[no-untyped-call]


def chapter_of(app: Sphinx, docname: str) -> str:
    """Return the page of the chapter that a lab belongs to, "" where the page is no lab."""
    path = folder_of(app, docname)
    return f"chapters/{folder.settings(path)['chapter']}" if path else ""


def minutes(app: Sphinx, docname: str) -> int | None:
    """Return how long a learner needs for the lab of a page, None where the page is no lab."""
    path = folder_of(app, docname)
    return folder.settings(path)["minutes"] if path else None


def lend(page: Any, sight: Any) -> None:
    """Give each code cell of a page the outputs that the same cell has in the recording."""
    recorded = {cell.source: cell.outputs for cell in sight.cells if cell.cell_type == "code"}
    for cell in page.cells:
        if cell.cell_type == "code":
            cell.outputs = recorded.get(cell.source, [])


def folds(lab: folder.LabFolder) -> list[Any]:
    """Return the Markdown cells at a page's end: each hint, and what happened, behind a click."""
    hints = [
        _fold(f"Hint {number} of {len(lab.hints)}", text) for number, text in enumerate(lab.hints, start=1)
    ]
    # A heading cannot stand inside a fold.
    debrief = _fold("What happened, and how it is repaired", _HEADING.sub(r"**\1**", lab.debrief))
    texts = [_WITHOUT, *hints, debrief]
    return [nbformat.v4.new_markdown_cell(text, id=f"fold-{n}") for n, text in enumerate(texts)]  # type: ignore[no-untyped-call]


def copy_style(app: Sphinx, error: Exception | None) -> None:
    """Put the labs' own style into the site (event `build-finished`)."""
    if error is None and app.builder.format == "html":
        (Path(app.outdir) / "_static" / STYLESHEET).write_text(CSS, encoding="utf-8")


def _fold(title: str, text: str) -> str:
    return f"::::{{dropdown}} {title}\n{text.strip()}\n::::"
