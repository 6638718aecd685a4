"""Scores of the self-test: deterministic, current, and able to be bad."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from conftest import ROOT

from kubehop.labs import folder, result
from kubehop.labs.answer import wrong_answers
from kubehop.labs.folder import LabFolder
from kubehop.labs.selftest import Case, _told_apart

RESULTS = ROOT / "traces" / "lab-results.json"


def case(name: str, *, kind: str = "wrong", rejected: bool = True, message: str = "") -> Case:
    """Return a case that went well unless told otherwise."""
    return Case(kind, name, rejected, message or name, "", 1.0, 1.0)  # type: ignore[arg-type]  # a Kind


GOOD = [
    case("untouched", kind="start"),
    case("solution.ipynb", kind="solution", rejected=False),
    case("a"),
    case("b"),
    case("c", kind="mutation"),
    case("d", kind="mutation"),
]


def test_score_counts_each_answer_once(lab: LabFolder) -> None:
    """Two rounds of the same answers score as one; times do not show."""
    slow = [replace(item, check_seconds=9.0, reset_seconds=9.0) for item in GOOD]
    found = result.record(lab, GOOD, rounds=2)
    assert found == result.record(lab, [*slow, *slow], rounds=2)
    assert found["wrong_answers"] == found["mutations"] == {"seeded": 2, "rejected": 2}
    assert (found["score_percent"], found["start"], found["solution"]) == (100.0, "fail", "pass")


def test_survivor_lowers_the_score(lab: LabFolder) -> None:
    """An answer that passed once, in any round, is a survivor."""
    cases = [
        *GOOD,
        case("d", kind="mutation", rejected=False),
        case("untouched", kind="start", rejected=False),
    ]
    found = result.record(lab, cases, rounds=2)
    assert (found["score_percent"], found["survivors"], found["start"]) == (75.0, ["d"], "pass")


def test_one_message_for_two_mistakes_is_a_problem() -> None:
    """Generated names do not tell messages apart, and a second round of the same answer may repeat it."""
    first = case("a", message="Pod web-68987578c4-4m88g: not ready")
    cases = _told_apart([first, first, case("b", message="Pod web-576cfb5f67-qlmlc: not ready"), case("c")])
    assert [bool(item.problem) for item in cases] == [False, False, True, False]
    assert "is that of a" in cases[2].problem


def test_file_is_written_once(lab: LabFolder, tmp_path: Path) -> None:
    """The same results leave the file untouched."""
    path = tmp_path / "traces" / "lab-results.json"
    result.write([result.record(lab, GOOD, rounds=1)], path=path)
    before = path.stat().st_mtime_ns
    result.write([result.record(lab, GOOD, rounds=1)], path=path)
    assert path.stat().st_mtime_ns == before
    assert json.loads(path.read_text())["schema"] == result.SCHEMA


@pytest.mark.parametrize("slug", [path.parent.name for path in sorted((ROOT / "labs").glob("*/lab.toml"))])
def test_published_score_is_of_these_labs(slug: str) -> None:
    """The status page's file has every lab, with the wrong answers it has now, all rejected."""
    lab = folder.read(ROOT / "labs" / slug)
    stored = {item["lab"]: item for item in json.loads(RESULTS.read_text())["labs"]}
    answers = wrong_answers(lab.path)
    assert [item["name"] for item in stored[slug]["answers"]] == [answer.name for answer in answers]
    assert stored[slug]["wrong_answers"] == {"seeded": len(answers), "rejected": len(answers)}
    assert (stored[slug]["score_percent"], stored[slug]["problems"]) == (100.0, [])
