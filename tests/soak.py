"""Run the whole book again and again, and keep count: `python -m tests.soak --rounds 10`.

A round is two full strict runs at the same time, one through the chapters forwards and one backwards, on the
running cluster. Each run adds a row to docs/strict-runs.csv; a red run is kept in the count, with its cells.
"""

from __future__ import annotations

import argparse
import csv
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import astuple, dataclass, fields
from datetime import UTC, datetime
from pathlib import Path
from xml.etree import ElementTree
from xml.etree.ElementTree import Element, SubElement

from kubehop.client import handover

ROOT = Path(__file__).resolve().parents[1]
TABLE = ROOT / "docs" / "strict-runs.csv"


@dataclass(frozen=True)
class Run:
    """One strict run of everything, as one row of the table.

    Attributes:
        date: When it ended, UTC.
        commit: What was run.
        order: `forwards` or `backwards`.
        passed: Number of cells.
        failed: Number of cells, those without a result included.
        seconds: Time it took.
        load: Load average of the minute before its end.
        red: The first failed cell of each notebook.
    """

    date: str
    commit: str
    order: str
    passed: int
    failed: int
    seconds: int
    load: float
    red: str


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the rounds; return 1 if a cell failed in any of them."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--rounds", type=int, default=1, help="how many times two runs at once")
    rounds = parser.parse_args(arguments).rounds
    os.environ.setdefault(
        "KUBEHOP_NAME", handover.current().name
    )  # also when another one is started meanwhile
    runs = [run for number in range(rounds) for run in _round(number + 1)]
    return int(any(run.failed for run in runs))


def _round(number: int) -> list[Run]:
    orders = {"forwards": 1, "backwards": -1}
    with ThreadPoolExecutor() as pool:
        runs = [run.result() for run in as_completed(pool.submit(_run, *order) for order in orders.items())]
    for run in runs:
        sys.stdout.write(f"round {number}: {run}\n")
        sys.stdout.flush()
    return runs


def _run(order: str, step: int) -> Run:
    began = time.monotonic()
    chapters, solutions = (
        sorted(str(path.relative_to(ROOT)) for path in ROOT.glob(pattern))[::step]
        for pattern in ("chapters/*/*.ipynb", "labs/*/solution.ipynb")
    )
    cases = _cases(order, "--nbval", *chapters) + _cases(order, "--nbval-lax", *solutions)
    red = [case for case in cases if _why(case)]
    sys.stdout.write("".join(f"{_name(case)}: {_why(case)}\n" for case in red))
    git = ("git", "rev-parse", "--short", "HEAD")
    commit = subprocess.run(git, cwd=ROOT, check=True, capture_output=True, text=True).stdout.strip()
    run = Run(
        date=datetime.now(UTC).strftime("%Y-%m-%d %H:%M"),
        commit=commit,
        order=order,
        passed=len(cases) - len(red),
        failed=len(red),
        seconds=round(time.monotonic() - began),
        load=round(os.getloadavg()[0], 1),
        red=_first_of_each(red),
    )
    _keep(run)
    return run


def _cases(learner: str, *arguments: str) -> list[Element]:
    """Run pytest and return what it says of each cell; a run that dies is one red cell of its own."""
    # A learner's lab has one namespace, and there may be a second soak.
    own = os.environ | {"KUBEHOP_LEARNER": f"{learner}-{os.getpid()}"}
    with tempfile.TemporaryDirectory(prefix="kubehop-soak-") as folder:
        file = Path(folder) / "cells.xml"
        command = (sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", f"--junitxml={file}")
        done = subprocess.run(
            (*command, *arguments), cwd=ROOT, env=own, capture_output=True, text=True, check=False
        )
        if file.exists():
            return list(ElementTree.parse(file).iter("testcase"))
        died = Element("testcase", classname=arguments[0], name="no result")
        SubElement(died, "error").text = (done.stdout + done.stderr)[-2000:]
        return [died]


def _first_of_each(red: Sequence[Element]) -> str:
    """Name the first red cell of each notebook: those after it fail for want of it."""
    firsts: dict[str, str] = {}
    for case in red:
        firsts.setdefault(str(case.get("classname")), _name(case))
    return " ".join(firsts.values())


def _name(case: Element) -> str:
    return f"{case.get('classname')}:{case.get('name')}"


def _why(case: Element) -> str:
    found = next(iter(case.findall("failure") + case.findall("error")), None)
    return "" if found is None else found.text or found.get("message") or "failed"


def _keep(run: Run) -> None:
    new = not TABLE.exists()
    with TABLE.open("a", encoding="utf-8", newline="") as file:
        table = csv.writer(file, lineterminator="\n")
        if new:
            table.writerow(field.name for field in fields(Run))
        table.writerow(astuple(run))


if __name__ == "__main__":
    sys.exit(main())
