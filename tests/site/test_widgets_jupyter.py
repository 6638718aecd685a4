"""A growing trace in a real JupyterLab: the widget draws what the kernel's thread tells it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest
from playwright.sync_api import Browser, Page
from standalone import opened

pytestmark = pytest.mark.browser
CELLS = (
    """import time
from kubehop.trace import About, Trace
from kubehop.trace.request import Row
import kubehop as kh
trace = Trace(About(id="grows", title="It grows.", summary="A trace that a thread of the kernel feeds."))
trace.entity("client:pod", "Client")
trace.entity("svc:web", "Service")
for name in "ab":
    trace.entity(f"pod:{name}", "Pod")
kh.LoadBalancing(trace)""",
    """for number in range(20):
    trace.put(number + 1, Row(t=trace.now(), source="client:pod", via="svc:web", to=f"pod:{'ab'[number % 2]}",
                              us=900, status=200, connection=number))
    time.sleep(0.05)
trace.end()
trace.note("over")""",
    "kh.LoadBalancing(trace)",
)


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[str]:
    """Start JupyterLab on a free port, with nothing of the user's, and return the notebook's address."""
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in CELLS])
    notebook.metadata.kernelspec = {"name": "python3", "display_name": "Python 3", "language": "python"}
    (tmp_path / "work").mkdir()
    nbformat.write(notebook, tmp_path / "work" / "grows.ipynb")
    folders = {f"JUPYTER_{name}_DIR": str(tmp_path / name) for name in ("CONFIG", "DATA", "RUNTIME")}
    argv = [str(Path(sys.executable).with_name("jupyter-lab")), "--allow-root", "--no-browser"]
    argv += ["--ServerApp.port=0", "--ServerApp.token=t", f"--ServerApp.root_dir={tmp_path / 'work'}"]
    with (tmp_path / "lab.log").open("w") as log:
        server = subprocess.Popen(argv, env={**os.environ, **folders}, stdout=log, stderr=log)
        yield f"{address(tmp_path / 'RUNTIME')}lab/tree/grows.ipynb?token=t"
        server.terminate()
        server.wait(30)


def address(runtime: Path) -> str:
    """Return where the server listens, once it says so."""
    end = time.monotonic() + 120
    while not (found := list(runtime.glob("jpserver-*.json"))) or not found[0].read_text("utf-8"):
        assert time.monotonic() < end, "JupyterLab did not start"
        time.sleep(0.2)
    return f"http://127.0.0.1:{json.loads(found[0].read_text('utf-8'))['port']}/"


def test_growing_trace_is_drawn_and_ends_as_replay_does(browser: Browser, lab: str) -> None:
    """Twenty requests told by messages end in the same picture as the finished trace shown at once."""
    with opened(browser, viewport={"width": 1280, "height": 1800}) as (page, _):
        page.goto(lab, timeout=120_000)
        run_all(page)
        page.wait_for_function("document.querySelectorAll('figure.kh').length === 2", timeout=120_000)
        tags = (
            "[...document.querySelectorAll('figure.kh .kh-tag')].every(tag => tag.textContent === 'recorded')"
        )
        page.wait_for_function(tags, timeout=30_000)
        pictures = page.locator("figure.kh .kh-stage svg")
        labels = [pictures.nth(n).get_attribute("aria-label") for n in range(2)]
        assert labels[0] == labels[1]
        assert "a 10, b 10" in str(labels[0])
        assert pictures.first.locator("[data-req]").count() == 20


def run_all(page: Page) -> None:
    """Run every cell, when the kernel is there."""
    page.wait_for_selector(".jp-Notebook .jp-Cell", timeout=120_000)
    page.get_by_text("Python 3 (ipykernel) | Idle").wait_for(timeout=120_000)
    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.get_by_text("Run All Cells", exact=True).first.click()
