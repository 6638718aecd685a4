"""Say where a page's outputs come from: versions, commit, date, measured run times.

`traces/provenance.json` is written by the recorder, `traces/lab-results.json` by the labs' self-test, and
`traces/checks.json` by the test run that compared the recorded outputs with a fresh cluster:
`{"checks": [{"name": …, "result": …, "note": …}]}`. What is absent is left out, and nothing is claimed.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from typing import Any

from kubehop.book import provenance
from kubehop.errors import BookError
from kubehop.labs import notebook

CHECKS = Path("traces/checks.json")
LABS = Path("traces/lab-results.json")
WORDS_PER_MINUTE = 200
LONGEST_IN_SECONDS = 100
LAB_HEAD = ["Lab", "Untouched start", "Solution", "Wrong answers", "Mutations", "Score"]
# "Seeded errors noticed": see kubehop.book.mutation.
RUN_HEAD = ["Page", "Run time", "Code cells", "Seeded errors noticed", "Recorded on", "Commit"]
CODE = re.compile(r"<(pre|script|svg|table|form|style)\b.*?</\1>", re.S)
TAG = re.compile(r"<[^>]+>")


@dataclass(frozen=True)
class Provenance:
    """What `traces/provenance.json` says; see `kubehop.book.provenance` for its shape.

    Args:
        versions: Component to version, as the cluster reported them.
        machine: Facts about the machine that recorded, name to value.
        pages: Page without its suffix to its own record.
    """

    versions: Mapping[str, str] = field(default_factory=dict)
    machine: Mapping[str, Any] = field(default_factory=dict)
    pages: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    def page(self, docname: str) -> Mapping[str, Any]:
        """Return the record of one page, empty when it was never recorded."""
        return self.pages.get(docname, {})


def read(root: Path) -> Provenance:
    """Read the provenance of the book in `root`; a missing file gives an empty record.

    Raises:
        BookError: The file is not JSON.
    """
    try:
        data = provenance.read(root)
    except ValueError as error:
        raise _damaged(root / provenance.FILE, error) from error
    return Provenance(
        versions=data.get("versions", {}),
        machine=data.get("machine", {}),
        pages={_page_of(Path(name)): page for name, page in data.get("notebooks", {}).items()},
    )


def _page_of(file: Path) -> str:
    """Return the page that shows a recorded notebook: a lab's page shows its first sight."""
    if file.name == notebook.FIRST_SIGHT:
        file = file.with_name(notebook.LEARNER)
    return file.with_suffix("").as_posix()


def read_list(path: Path, key: str) -> list[dict[str, Any]]:
    """Read the list under `key` in a file of results; a missing file gives none.

    Raises:
        BookError: The file is not JSON.
    """
    if not path.exists():
        return []
    try:
        return list(json.loads(path.read_text("utf-8"))[key])
    except ValueError as error:
        raise _damaged(path, error) from error


def footer(record: Provenance, docname: str) -> str:
    """Return the sentence under a page."""
    page = record.page(docname)
    if not page:
        return ""
    version = page.get("versions", {}).get("kubernetes", "")
    commit, when = page.get("commit", ""), page.get("recorded_at", "")
    parts = [
        "Outputs recorded",
        f"on Kubernetes {version}" if version else "",
        f"from commit {str(commit)[:10]}" if commit else "",
        f"on {str(when)[:10]}" if when else "",
    ]
    return " ".join(part for part in parts if part) + "."


def facts(record: Provenance, docname: str, body: str, *, solve_minutes: int | None = None) -> str:
    """Return the line under a title: reading time and measured run time, or the minutes a lab takes."""
    page = record.page(docname)
    if solve_minutes is not None:
        began = spell(page["run_seconds"])
        return f"A lab of about {solve_minutes} min · its start runs in {began}, measured"
    minutes = max(1, round(len(TAG.sub(" ", CODE.sub(" ", body)).split()) / WORDS_PER_MINUTE))
    parts = [f"About {minutes} min to read"]
    if page:
        parts.append(f"runs in {spell(page['run_seconds'])}, measured")
    return " · ".join(parts)


def spell(seconds: float) -> str:
    """Return a duration as a person says it: `28 s`, `4 min 10 s`."""
    whole = round(seconds)
    return f"{whole} s" if whole < LONGEST_IN_SECONDS else f"{whole // 60} min {whole % 60} s"


def status(root: Path, titles: Mapping[str, str]) -> str:
    """Return the content of the status page as HTML.

    Args:
        root: The book's folder.
        titles: Page without its suffix to its title, in the order of the book.
    """
    record = read(root)
    if not record.pages:
        return "<p>No recording is stored with this copy of the book: run <code>make record</code>.</p>"
    versions = [[name, str(version)] for name, version in sorted(record.versions.items())]
    machine = [[name.replace("_gib", ", GiB"), str(value)] for name, value in sorted(record.machine.items())]
    runs = [[title, *_run(record.pages[name])] for name, title in titles.items() if name in record.pages]
    checks = [[one["name"], one["result"], one["note"]] for one in read_list(root / CHECKS, "checks")]
    labs = [_lab(lab) for lab in read_list(root / LABS, "labs")]
    return "".join(
        [
            _table("Versions", ["Component", "Version"], versions),
            _table("Machine", ["Fact", "Value"], machine),
            _table("Runs", RUN_HEAD, runs),
            _table("Checks", ["Check", "Result", "Note"], checks),
            _table("Labs", LAB_HEAD, labs),
        ]
    )


def _run(page: Mapping[str, Any]) -> list[str]:
    seconds, commit = spell(page["run_seconds"]), str(page.get("commit", ""))[:10]
    found = page.get("mutations")
    noticed = f"{found['detected']} of {found['seeded']}" if found else ""
    return [seconds, str(page["code_cells"]), noticed, str(page["recorded_at"])[:10], commit]


def _lab(lab: Mapping[str, Any]) -> list[str]:
    spoken = {"pass": "passes", "fail": "fails"}
    start, solution = spoken[lab["start"]], spoken[lab["solution"]]
    counts = [lab[key] for key in ("wrong_answers", "mutations")]
    scores = [f"{count['rejected']} of {count['seeded']} rejected" for count in counts]
    return [lab["title"], start, solution, *scores, f"{lab['score_percent']:g} %"]


def _table(caption: str, head: list[str], rows: list[list[str]]) -> str:
    if not rows:
        return ""
    heads = "".join(f'<th scope="col">{escape(text)}</th>' for text in head)
    lines = "".join(f"<tr>{''.join(f'<td>{escape(text)}</td>' for text in row)}</tr>" for row in rows)
    return (
        f'<div class="kh-scroll" tabindex="0" role="group" aria-label="{escape(caption)}">'
        f'<table class="table"><caption>{escape(caption)}</caption>'
        f"<thead><tr>{heads}</tr></thead><tbody>{lines}</tbody></table></div>"
    )


def _damaged(path: Path, error: ValueError) -> BookError:
    return BookError(
        f"{path} is not JSON: {error}.",
        why="It is written whole, so it was edited by hand or a merge left marks in it.",
        next_command="Run `make record` to write it again.",
    )
