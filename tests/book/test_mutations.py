"""The comparison of outputs can fail: seeded wrong ones are noticed, survivors are explained."""

from __future__ import annotations

import tomllib
from functools import cache
from pathlib import Path
from typing import Any

import nbformat
import pytest
from chapter_files import NO_CHAPTER, RECORDED, ROOT, SIGHTS, name_of

from kubehop.book import mutation, provenance
from kubehop.book.compare import Comparer
from kubehop.book.mutation import Mutation, Score

FEWEST = 20
FEWEST_IN_SHORT = 5
EXPLAINED: list[dict[str, Any]] = tomllib.loads((Path(__file__).with_name("survivors.toml")).read_text()).get(
    "survivor", []
)


@cache
def score_of(path: Path) -> Score:
    """Seed the mutations of one notebook and judge them as nbval does."""
    comparer = Comparer.from_file(ROOT / "tests" / "nbval.cfg")
    return mutation.score(nbformat.read(path, 4), comparer, seed=mutation.SEED)


def explains(entry: dict[str, Any], path: Path, one: Mutation) -> bool:
    """Tell whether an entry of survivors.toml is about this survivor."""
    return entry["notebook"] == name_of(path) and entry["kind"] == one.kind and entry["before"] in one.before


@pytest.mark.parametrize("path", RECORDED, ids=name_of)
def test_wrong_outputs_are_noticed(
    path: Path, record_property: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    """At least 20 mutations a chapter, 5 in what is shorter; each is detected, or listed with its reason."""
    score = score_of(path)
    with capsys.disabled():
        print(f"\n{name_of(path)}: {score.detected} of {score.seeded} wrong outputs noticed", end="")  # noqa: T201  # the count is to be seen
    record_property("mutations", f"{score.detected}/{score.seeded}")
    assert score.seeded >= (FEWEST_IN_SHORT if path in SIGHTS or name_of(path) in NO_CHAPTER else FEWEST)
    unexplained = [
        f"cell {one.cell} ({one.source!r}), {one.kind}: {one.before!r} -> {one.after!r}"
        for one in score.survivors
        if not any(explains(entry, path, one) for entry in EXPLAINED)
    ]
    assert unexplained == []


@pytest.mark.parametrize("path", RECORDED, ids=name_of)
def test_the_published_count_is_this_count(path: Path) -> None:
    """The status page reads the score from the provenance, so it must be today's."""
    entry = provenance.read(ROOT)["notebooks"].get(name_of(path))
    assert entry is not None, f"Run `kubehop record {name_of(path)}`: it has outputs, but no provenance."
    score = score_of(path)
    assert entry.get("mutations") == {"seeded": score.seeded, "detected": score.detected}, (
        f"The rules or the outputs changed: run `kubehop record {name_of(path)}`."
    )


def test_every_explanation_is_needed() -> None:
    """An entry of survivors.toml has a reason, and a mutation it explains."""
    for entry in EXPLAINED:
        path = ROOT / entry["notebook"]
        assert entry["why"].strip(), entry
        assert any(explains(entry, path, one) for one in score_of(path).survivors), entry
