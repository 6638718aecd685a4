"""Plain `pytest --nbval` has the project's settings, and writes what the status page shows when asked."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from chapter_files import ROOT
from nbformat import v4

GOOD = "import os\nprint(os.environ['KUBEHOP_STATIC'], '10.244.1.7', '3s')"


@pytest.fixture
def book(tmp_path: Path) -> Path:
    """Return a book with one notebook: one cell that holds, one that does not. No cluster is needed."""
    for folder in ("tests", "traces"):
        (tmp_path / folder).mkdir()
    shutil.copy(ROOT / "tests" / "nbval.cfg", tmp_path / "tests")
    shutil.copy(ROOT / "conftest.py", tmp_path)
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    outputs = [v4.new_output("stream", text=text) for text in ("1 10.244.2.99 3s\n", "2\n")]
    cells = [
        v4.new_code_cell(source, outputs=[output], execution_count=number)
        for number, (source, output) in enumerate(zip((GOOD, "print(1)"), outputs, strict=True), 1)
    ]
    nbformat.write(v4.new_notebook(cells=cells), tmp_path / "a.ipynb")
    return tmp_path


def test_settings_come_from_the_project(book: Path) -> None:
    """Rules, the static environment and this environment's kernel apply; the wrong cell alone is red."""
    (book / "traces" / "checks.json").write_text(
        '{"checks": [{"name": "b", "result": "passed", "note": ""}]}'
    )
    variables = {name: value for name, value in os.environ.items() if name != "KUBEHOP_STATIC"}
    command = [sys.executable, "-m", "pytest", "--nbval", "--write-checks", "-q", "--color=no", "a.ipynb"]
    done = subprocess.run(command, cwd=book, env=variables, capture_output=True, text=True, timeout=120)
    assert "FAILED a.ipynb::Cell 1" in done.stdout, done.stdout + done.stderr
    assert "1 failed, 1 passed" in done.stdout
    first, second = json.loads((book / "traces" / "checks.json").read_text())["checks"]
    assert (first["name"], first["result"]) == ("a.ipynb", "1 of 2 cells differ")
    assert first["note"].startswith("2 cells compared strictly in ")
    assert second["name"] == "b"
