"""Every notebook keeps the rules of its form; no cluster is needed."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from chapter_files import NO_CHAPTER, NOTEBOOKS, ROOT, name_of

from kubehop.book import question, structure
from kubehop.book.chapter_form import CHAPTER
from kubehop.book.structure import EVERY_NOTEBOOK


def problems(path: Path, rules: tuple[structure.Rule, ...]) -> str:
    """What the rules find, a line each: a list in an assert would be cut."""
    return "\n".join(structure.check(structure.read(path), rules))


@pytest.mark.parametrize("path", NOTEBOOKS, ids=name_of)
def test_keeps_the_rules_of_every_notebook(path: Path) -> None:
    """First and last cell, honest commands, short cells, plain prose, figures, questions, tags."""
    assert problems(path, EVERY_NOTEBOOK) == ""


@pytest.mark.parametrize("path", [p for p in NOTEBOOKS if name_of(p) not in NO_CHAPTER], ids=name_of)
def test_has_the_form_of_a_chapter(path: Path) -> None:
    """Title as a question, hop map, objectives with asserts, pitfalls, summary, sources, size."""
    assert problems(path, CHAPTER) == ""


@pytest.mark.parametrize("path", NOTEBOOKS, ids=name_of)
def test_is_recorded_from_top_to_bottom(path: Path) -> None:
    """Outputs on the page come from one run."""
    assert problems(path, (structure.recorded,)) == ""


def test_names_are_unique() -> None:
    """A chapter is called by its file's name, in namespaces, questions and links."""
    assert [name for name, times in Counter(path.stem for path in NOTEBOOKS).items() if times > 1] == []


def test_every_question_belongs_to_a_chapter() -> None:
    """A question whose chapter is gone, or was renamed, would never be asked again."""
    asked_in = {
        (file.parent, chapter)
        for file in (ROOT / "chapters").rglob(question.FILE)
        for chapter, _ in question.load(file)
    }
    assert [where for where in asked_in if not where[0].joinpath(f"{where[1]}.ipynb").is_file()] == []


def test_the_exceptions_are_needed() -> None:
    """An exception whose notebook is gone, or has the form by now, goes too."""
    for name, reason in NO_CHAPTER.items():
        assert reason and structure.check(structure.read(ROOT / name), CHAPTER), name
