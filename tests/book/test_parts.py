"""Each part of the book begins with a page that says what the part is for."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from chapter_files import ROOT

PARTS: list[dict[str, Any]] = yaml.safe_load((ROOT / "_toc.yml").read_text("utf-8"))["parts"]
FIRST = [ROOT / f"{part['chapters'][0]['file']}.md" for part in PARTS]
FEWEST_OBJECTIVES = 3
MOST_WORDS = 250


def test_every_part_begins_with_its_page() -> None:
    """And no part has two."""
    assert [path.stem for path in FIRST] == ["part"] * len(PARTS)
    files = [entry["file"] for part in PARTS for entry in part["chapters"]]
    assert sum(Path(file).name == "part" for file in files) == len(PARTS)


@pytest.mark.parametrize("path", FIRST, ids=lambda path: path.parent.name)
def test_a_part_page_has_its_form(path: Path) -> None:
    """A question, the hop map, the list of pages, what the reader can do after it; short."""
    text = path.read_text("utf-8")
    assert re.match(r"# [^\n]+\?\n\n```\{hop-map\} [a-z-]+\n```\n", text)
    assert "\n```{part-list}\n```\n" in text
    can = re.search(r"\*\*(?:After|With) th\w+ \w+ you can\*\*\n\n((?:- [^\n]+[;.]\n)+)", text)
    assert can and can[1].count("\n") >= FEWEST_OBJECTIVES
    assert len(text.split()) <= MOST_WORDS
