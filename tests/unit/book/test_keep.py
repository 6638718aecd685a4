"""JupyterLab's own contents manager saves pages of the book; the files are what counts."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
from jupyter_server.services.contents.filemanager import FileContentsManager
from traitlets.config import Config

ROOT = Path(__file__).parents[3]
PAGE = "chapters/start/index.ipynb"


@pytest.fixture
def manager(tmp_path: Path) -> FileContentsManager:
    """Return a contents manager on a clone, with the hook as `kubehop lab` names it."""
    (tmp_path / PAGE).parent.mkdir(parents=True)
    shutil.copy(ROOT / PAGE, tmp_path / PAGE)
    settings = Config()
    settings.FileContentsManager.pre_save_hook = "kubehop.book.keep.keep_recorded"
    return FileContentsManager(root_dir=str(tmp_path), config=settings)


def ran(manager: FileContentsManager) -> dict[str, Any]:
    """Return the page as JupyterLab holds it after a run: other outputs, other metadata."""
    model: dict[str, Any] = manager.get(PAGE)
    code = [cell for cell in model["content"]["cells"] if cell["cell_type"] == "code"]
    code[0]["outputs"], code[0]["execution_count"] = [], 7
    code[1]["metadata"]["trusted"] = True
    model["content"]["metadata"]["language_info"] = {"name": "python", "version": "3.11.99"}
    return model


def test_a_run_leaves_a_page_as_it_was_recorded(manager: FileContentsManager) -> None:
    """To the byte."""
    manager.save(ran(manager), PAGE)
    assert (Path(manager.root_dir) / PAGE).read_bytes() == (ROOT / PAGE).read_bytes()


def test_an_edited_page_is_saved_as_it_is(manager: FileContentsManager) -> None:
    """Whoever changes a cell wants to keep it, and what it printed."""
    model = ran(manager)
    model["content"]["cells"][0]["source"] += "\nMine."
    manager.save(model, PAGE)
    saved = manager.get(PAGE)["content"]
    assert saved["cells"][0]["source"].endswith("Mine.")
    assert next(cell for cell in saved["cells"] if cell["cell_type"] == "code")["outputs"] == []


@pytest.mark.parametrize("name", ["chapters/start/mine.ipynb", "index.ipynb"])
def test_under_another_name_all_is_saved(name: str, manager: FileContentsManager) -> None:
    """A copy is the reader's, and so is what is not in the book."""
    shutil.copy(ROOT / PAGE, Path(manager.root_dir) / "index.ipynb")
    manager.save(ran(manager), name)
    saved = manager.get(name)["content"]
    assert next(cell for cell in saved["cells"] if cell["cell_type"] == "code")["execution_count"] == 7
