"""Cells that need this book's own nodes say so, and the reader is told what to run on another cluster."""

from __future__ import annotations

import re

import nbformat
from chapter_files import NOTEBOOKS, ROOT

PAGE = ROOT / "chapters" / "start" / "run-it-yourself.md"
ROW = re.compile(r"^\| \{chapter\}`([\w-]+)` \| `([^`]+)` \| (\S[^|]+) \|$", re.M)
NEEDS = re.compile(r"node_exec|from_outside|controller_of|\[\"log\"\]|kubehop status|configz|node-[12]\b")
LISTED = [(chapter, words) for chapter, words, _ in ROW.findall(PAGE.read_text("utf-8"))]


def cells() -> list[tuple[str, str, bool]]:
    """Return (chapter, source, whether it is tagged native-only) of every code cell."""
    return [
        (path.stem, cell.source, "native-only" in cell.metadata.get("tags", []))
        for path in NOTEBOOKS
        for cell in nbformat.read(path, 4).cells
        if cell.cell_type == "code"
    ]


def test_a_cell_that_needs_our_nodes_is_tagged() -> None:
    """It reads a controller's log or flags, a node by its name, or asks from the machine beside the nodes."""
    bare = [(chapter, source) for chapter, source, tagged in cells() if NEEDS.search(source) and not tagged]
    assert bare == []


def test_every_tagged_cell_has_a_replacement() -> None:
    """The page lists each of them by words that stand in it."""
    lost = [
        (chapter, source)
        for chapter, source, tagged in cells()
        if tagged and not any(chapter == name and words in source for name, words in LISTED)
    ]
    assert lost == []


def test_every_replacement_has_its_cell() -> None:
    """A row whose cell is gone goes, too; and its words stand in tagged cells of the chapter alone."""
    for name, words in LISTED:
        found = [tagged for chapter, source, tagged in cells() if chapter == name and words in source]
        assert found and all(found), (name, words)
