"""JupyterLab on a free port with one notebook, and nothing of the user's in it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import nbformat
from playwright.sync_api import Page


@contextmanager
def running_lab(folder: Path, cells: tuple[str, ...], env: Mapping[str, str] | None = None) -> Iterator[str]:
    """Start JupyterLab on a notebook of these cells, and give the address that opens it.

    Args:
        folder: An empty folder, for the notebook, Jupyter's settings and its log.
        cells: Sources of the code cells.
        env: Variables that its kernels get besides this process's own.
    """
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in cells])
    notebook.metadata.kernelspec = {"name": "python3", "display_name": "Python 3", "language": "python"}
    (folder / "work").mkdir()
    nbformat.write(notebook, folder / "work" / "live.ipynb")
    folders = {f"JUPYTER_{name}_DIR": str(folder / name) for name in ("CONFIG", "DATA", "RUNTIME")}
    argv = [str(Path(sys.executable).with_name("jupyter-lab")), "--allow-root", "--no-browser"]
    argv += ["--ServerApp.port=0", "--ServerApp.token=t", f"--ServerApp.root_dir={folder / 'work'}"]
    with (folder / "lab.log").open("w") as log:
        server = subprocess.Popen(argv, env={**os.environ, **(env or {}), **folders}, stdout=log, stderr=log)
        try:
            yield f"{_address(folder / 'RUNTIME')}lab/tree/live.ipynb?token=t"
        finally:
            server.terminate()
            server.wait(30)


def run_all(page: Page) -> None:
    """Run every cell, when the kernel is there."""
    page.wait_for_selector(".jp-Notebook .jp-Cell", timeout=120_000)
    page.get_by_text("Python 3 (ipykernel) | Idle").wait_for(timeout=120_000)
    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.get_by_text("Run All Cells", exact=True).first.click()


def _address(runtime: Path) -> str:
    """Return where the server listens, once it says so."""
    end = time.monotonic() + 120
    while not (found := list(runtime.glob("jpserver-*.json"))) or not found[0].read_text("utf-8"):
        assert time.monotonic() < end, "JupyterLab did not start"
        time.sleep(0.2)
    return f"http://127.0.0.1:{json.loads(found[0].read_text('utf-8'))['port']}/"
