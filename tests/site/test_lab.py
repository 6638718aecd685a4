"""A lab's page, read without a cluster: the symptom is there as recorded, what follows from it is folded."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect
from published import ROOT, Site

from kubehop.labs import folder, notebook
from kubehop.labs.folder import LabFolder

LABS = sorted(path.parent for path in (ROOT / "labs").glob("*/lab.toml"))


@pytest.fixture(params=LABS, ids=lambda path: path.name)
def lab(request: pytest.FixtureRequest) -> LabFolder:
    """Read one lab's folder."""
    return folder.read(request.param)


@pytest.fixture
def page(browser: Browser, site: Site, lab: LabFolder) -> Iterator[Page]:
    """Open the lab's page."""
    context = browser.new_context()
    opened = context.new_page()
    opened.goto(f"{site.url}/labs/{lab.slug}/lab.html")
    yield opened
    context.close()


def lines(text: str) -> set[str]:
    """Return the lines of a text that are long enough to be found by chance nowhere else."""
    return {line.strip() for line in text.splitlines() if len(line.strip()) > 20}


def opening(markdown: str) -> str:
    """Return how the first paragraph of a text begins, as a page shows it."""
    first = next(line for line in markdown.splitlines() if line and not line.startswith("#"))
    return first.replace("`", "").replace("*", "")[:40]


def test_the_recorded_symptom_is_on_the_page(page: Page, lab: LabFolder) -> None:
    """Each cell before the first one to solve shows what it printed, the failing request among it."""
    sight = notebook.read(lab.path, notebook.FIRST_SIGHT)
    cells = [cell for cell in sight.cells if cell.cell_type == "code"][:-1]
    seen = page.locator("article").inner_text()
    assert f"$ kubectl {lab.symptom}" in seen
    for cell in cells:
        shown = page.locator(".cell", has_text=cell.source.splitlines()[-1]).first.locator(".cell_output")
        expect(shown).to_be_visible()
        printed = "".join(output.get("text", "") for output in cell.outputs)
        assert lines(printed) <= lines(shown.inner_text())
    assert "exit code" in seen


def test_nothing_is_given_away_before_a_click(page: Page, lab: LabFolder) -> None:
    """No hint, no cause, no repair is visible; each fold shows its own text when it is opened."""
    folds = page.locator("details.sd-dropdown")
    assert folds.count() == len(lab.hints) + 1
    for n, text in enumerate((*lab.hints, lab.debrief)):
        assert opening(text) not in page.locator("article").inner_text()
        folds.nth(n).locator("summary").click()
        assert opening(text) in page.locator("article").inner_text()
        folds.nth(n).locator("summary").click()
    for cell in notebook.solution_cells(lab.path):
        assert lines(cell).isdisjoint(lines(page.locator("article").inner_text()))


def test_what_a_reader_downloads_is_theirs_to_run(site: Site, lab: LabFolder) -> None:
    """The notebook behind the download button has no outputs."""
    path = site.html / "_sources" / "labs" / lab.slug / Path(notebook.LEARNER)
    cells = json.loads(path.read_text("utf-8"))["cells"]
    assert [cell["outputs"] for cell in cells if cell.get("outputs")] == []
