"""A lab's page borrows the recorded outputs of the same cells."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import nbformat

from kubehop.book import sphinx_lab
from kubehop.labs import folder, notebook

ROOT = Path(__file__).parents[3]
LAB = ROOT / "labs" / "broken-selector"


def app_of(noted: list[str]) -> Any:
    """Return what a page's source needs of Sphinx."""
    return SimpleNamespace(srcdir=ROOT, env=SimpleNamespace(note_dependency=noted.append))


def test_a_page_shows_what_was_recorded_and_nothing_else() -> None:
    """The cells before the first one to solve have outputs, the others have none."""
    noted: list[str] = []
    source = [(LAB / notebook.LEARNER).read_text("utf-8")]
    sphinx_lab.show(app_of(noted), "labs/broken-selector/lab", source)
    cells = nbformat.reads(source[0], as_version=4).cells
    shown = [cell.source for cell in cells if cell.cell_type == "code" and cell.outputs]
    sight = notebook.read(LAB, notebook.FIRST_SIGHT)
    assert shown == [cell.source for cell in sight.cells if cell.cell_type == "code"][:-1]
    assert sum("{dropdown}" in cell.source for cell in cells) == len(folder.read(LAB).hints) + 1
    assert str(LAB / notebook.FIRST_SIGHT) in noted


def test_other_pages_stay_as_they_are() -> None:
    """Only the page of a lab is completed."""
    source = ["# A page"]
    sphinx_lab.show(app_of([]), "chapters/start/symptoms", source)
    assert source == ["# A page"]
    assert sphinx_lab.minutes(app_of([]), "chapters/start/symptoms") is None


def test_a_fold_has_no_heading() -> None:
    """Headings of the debrief become bold lines."""
    text = sphinx_lab.folds(folder.read(LAB))[-1].source
    assert "**What happened**" in text and "\n## " not in text
