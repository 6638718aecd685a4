"""On a real cluster: recorded outputs are green in nbval, a wrong one is red in its cell alone."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from chapter_files import ROOT
from nbformat import v4
from rich.progress import Progress

from kubehop.book import mutation, record

pytestmark = pytest.mark.cluster

CELLS = (
    '%load_ext kubehop\nimport kubehop as kh\nkh.chapter("proof", client=True)',
    "%kubectl create deployment web --image=storefront:v1 --replicas=2",
    "%kubectl expose deployment web --port=80 --target-port=8080\n"
    "kh.settle()\n%kubectl get pods,services -o wide",
    'print(kh.from_pod("http://web/", count=5))',
    "%kubectl get endpointslices -l kubernetes.io/service-name=web",
    "%kubectl get pod nobody",
    "%%sh\nkubectl exec client -- curl -s --max-time 5 http://web/healthz\necho done >&2",
    "kh.finish()",
)


@pytest.fixture(scope="module")
def book(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a small book with the project's own settings and one notebook, recorded on the cluster."""
    folder = tmp_path_factory.mktemp("book")
    (folder / "tests").mkdir()
    shutil.copy(ROOT / "tests" / "nbval.cfg", folder / "tests")
    shutil.copy(ROOT / "conftest.py", folder)
    (folder / "pytest.ini").write_text("[pytest]\n")
    tags = {"%kubectl get pod nobody": {"tags": ["raises-exception"]}}
    cells = [v4.new_code_cell(source, metadata=tags.get(source, {})) for source in CELLS]
    nbformat.write(v4.new_notebook(cells=cells), folder / "proof.ipynb")
    record.record([folder / "proof.ipynb"], progress=Progress(disable=True))
    return folder


def red_cells(book: Path, name: str) -> list[int]:
    """Run plain `pytest --nbval` on one notebook and return the numbers of the red cells, from 1."""
    command = [sys.executable, "-m", "pytest", "--nbval", "-q", "--color=no", "-p", "no:cacheprovider", name]
    done = subprocess.run(
        command, cwd=book, capture_output=True, text=True, env=dict(os.environ), timeout=280
    )
    assert f"{len(CELLS)} passed" in done.stdout or "failed" in done.stdout, done.stdout + done.stderr
    return sorted({int(number) + 1 for number in re.findall(r"FAILED \S*::Cell (\d+)", done.stdout)})


def test_a_recorded_notebook_is_green(book: Path) -> None:
    """Run again in another namespace, with other addresses, names, ages: nothing is red."""
    assert red_cells(book, "proof.ipynb") == []


def test_wrong_outputs_are_red(book: Path) -> None:
    """One mutation in each cell that has a place for one: exactly these cells are red."""
    notebook = nbformat.read(book / "proof.ipynb", 4)
    seeded = {
        one.cell: one
        for one in mutation.mutations(notebook, seed=mutation.SEED)
        if one.kind != "warning besides"
    }
    assert len(seeded) >= 6
    for number, one in seeded.items():
        notebook.cells[number - 1].outputs = one.outputs
    nbformat.write(notebook, book / "wrong.ipynb")
    assert red_cells(book, "wrong.ipynb") == sorted(seeded)


def test_a_second_recording_changes_nothing(book: Path) -> None:
    """Byte for byte the same file, although every address differs."""
    before = (book / "proof.ipynb").read_bytes()
    [one] = record.record([book / "proof.ipynb"], progress=Progress(disable=True))
    assert not one.changed
    assert (book / "proof.ipynb").read_bytes() == before
