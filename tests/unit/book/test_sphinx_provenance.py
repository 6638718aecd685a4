"""Footer, title line and status page."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from kubehop.book import sphinx_provenance
from kubehop.errors import BookError

RECORD: dict[str, Any] = {
    "versions": {"kubernetes": "v1.37.2", "traefik": "v3.7.15"},
    "machine": {"cpus": 2, "memory_gib": 24},
    "notebooks": {
        "chapters/pods/pods.ipynb": {
            "run_seconds": 31.2,
            "code_cells": 24,
            "mutations": {"seeded": 152, "detected": 151},
            "commit": "0123456789abcdef",
            "recorded_at": "2026-11-24T10:00:00Z",
            "versions": {"kubernetes": "v1.37.2"},
        }
    },
}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Return a book with one recorded chapter and one check."""
    (tmp_path / "traces").mkdir()
    (tmp_path / "traces/provenance.json").write_text(json.dumps(RECORD), "utf-8")
    checks = {"checks": [{"name": "pods", "result": "passed", "note": "24 cells & counting"}]}
    (tmp_path / "traces/checks.json").write_text(json.dumps(checks), "utf-8")
    lab = {
        "title": "The shop answers nobody",
        "start": "fail",
        "solution": "pass",
        "wrong_answers": {"rejected": 28, "seeded": 28},
        "mutations": {"rejected": 19, "seeded": 20},
        "score_percent": 97.9,
    }
    (tmp_path / "traces/lab-results.json").write_text(json.dumps({"labs": [lab]}), "utf-8")
    return tmp_path


def test_the_footer_names_version_commit_and_date(root: Path) -> None:
    """A recorded page says where its outputs come from; a page that was not recorded says nothing."""
    record = sphinx_provenance.read(root)
    sentence = "Outputs recorded on Kubernetes v1.37.2 from commit 0123456789 on 2026-11-24."
    assert sphinx_provenance.footer(record, "chapters/pods/pods") == sentence
    assert sphinx_provenance.footer(record, "chapters/back/glossary") == ""


def test_the_title_line_counts_words_and_tells_the_measured_time(root: Path) -> None:
    """600 words of prose are three minutes; code and tables do not count."""
    body = "<p>" + "word " * 600 + "</p><pre>" + "code " * 5000 + "</pre>"
    line = sphinx_provenance.facts(sphinx_provenance.read(root), "chapters/pods/pods", body)
    assert line == "About 3 min to read · runs in 31 s, measured"


@pytest.mark.parametrize(
    ("seconds", "words"), [(0.6, "1 s"), (99, "99 s"), (100, "1 min 40 s"), (250.4, "4 min 10 s")]
)
def test_durations_are_spelled(seconds: float, words: str) -> None:
    """Seconds up to 99, then minutes and seconds."""
    assert sphinx_provenance.spell(seconds) == words


def test_the_status_page_shows_what_was_recorded(root: Path) -> None:
    """Versions, machine, runs of pages in the book, checks, labs; text is escaped."""
    html = sphinx_provenance.status(root, {"chapters/pods/pods": "What is a <Pod>?"})
    assert "<td>kubernetes</td><td>v1.37.2</td>" in html
    assert "<td>memory, GiB</td><td>24</td>" in html
    cells = ["What is a &lt;Pod&gt;?", "31 s", "24", "151 of 152", "2026-11-24", "0123456789"]
    assert "".join(f"<td>{cell}</td>" for cell in cells) in html
    assert "<td>pods</td><td>passed</td><td>24 cells &amp; counting</td>" in html
    assert "<td>fails</td><td>passes</td><td>28 of 28 rejected</td><td>19 of 20 rejected</td>" in html
    assert "<td>97.9 %</td>" in html


def test_pages_outside_the_book_are_left_out(root: Path) -> None:
    """A recording of a page that is not in the book is not listed."""
    assert "31 s" not in sphinx_provenance.status(root, {})


def test_without_a_recording_nothing_is_claimed(tmp_path: Path) -> None:
    """The status page says so, and names the command."""
    html = sphinx_provenance.status(tmp_path, {})
    assert "make record" in html
    assert "<table" not in html


@pytest.mark.parametrize("name", ["provenance.json", "checks.json", "lab-results.json"])
def test_a_damaged_file_is_an_error_with_its_name(root: Path, name: str) -> None:
    """A file that is not JSON stops the build and says which one it is."""
    (root / "traces" / name).write_text("<<<<<<< ours", "utf-8")
    with pytest.raises(BookError, match=name.replace(".", r"\.")):
        sphinx_provenance.status(root, {"chapters/pods/pods": "Pods"})
