"""Make plain `pytest --nbval chapters/` work: rules, kernel and time limit come from here.

nbval has no settings of its own in pyproject.toml, only options; an option given by hand wins.
"""

from __future__ import annotations

import json
import os
from collections import defaultdict
from datetime import UTC, datetime
from pathlib import Path

import pytest

ROOT = Path(__file__).parent
CHECKS = ROOT / "traces" / "checks.json"
CELL_TIMEOUT_SECONDS = 180.0
NBVAL_DEFAULT_TIMEOUT_SECONDS = 2000.0


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the one option of the book's own."""
    parser.addoption(
        "--write-checks",
        action="store_true",
        help="Write each notebook's nbval result to traces/checks.json, which the status page shows.",
    )


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Fill in nbval's options and let widgets emit what was recorded: their static twin."""
    option = config.option
    if not (getattr(option, "nbval", False) or getattr(option, "nbval_lax", False)):
        return
    os.environ["KUBEHOP_STATIC"] = "1"
    os.environ.setdefault("KUBEHOP_LEARNER", "recorder")  # a reader's own progress in a lab is not touched
    option.nbval_sanitize_with = option.nbval_sanitize_with or str(ROOT / "tests" / "nbval.cfg")
    option.nbval_current_env = option.nbval_current_env or not option.nbval_kernel_name
    if option.nbval_cell_timeout == NBVAL_DEFAULT_TIMEOUT_SECONDS:
        option.nbval_cell_timeout = CELL_TIMEOUT_SECONDS
    if option.write_checks and not hasattr(config, "workerinput"):  # a worker of xdist reports to its master
        config.pluginmanager.register(_Checks(), "kubehop-checks")


class _Checks:
    """Collects the cells' results by notebook and writes them when all have run."""

    def __init__(self) -> None:
        self._cells: dict[str, list[pytest.TestReport]] = defaultdict(list)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Keep what each cell's run said; setup and teardown only when they failed."""
        if report.when == "call" or report.failed:
            self._cells[report.nodeid.partition("::")[0]].append(report)

    def pytest_sessionfinish(self) -> None:
        """Replace the results of the notebooks that ran; the others keep theirs."""
        stored = json.loads(CHECKS.read_text("utf-8"))["checks"] if CHECKS.is_file() else []
        rows = {row["name"]: row for row in stored} | {name: self._row(name) for name in self._cells}
        text = json.dumps({"checks": [rows[name] for name in sorted(rows)]}, indent=1)
        CHECKS.write_text(text + "\n", "utf-8")

    def _row(self, name: str) -> dict[str, str]:
        cells = self._cells[name]
        red = sum(cell.failed for cell in cells)
        seconds = sum(cell.duration for cell in cells)
        note = f"{len(cells)} cells compared strictly in {seconds:.0f} s on {datetime.now(UTC):%Y-%m-%d}"
        return {
            "name": name,
            "result": f"{red} of {len(cells)} cells differ" if red else "passed",
            "note": note,
        }
