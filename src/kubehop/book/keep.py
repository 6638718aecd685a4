"""What JupyterLab writes when it saves a page of this book: nothing, as long as only outputs changed.

`kubehop lab` names `keep_recorded` as its contents manager's `pre_save_hook`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import nbformat
from jupyter_server.services.contents.filemanager import FileContentsManager

FOLDERS = ("chapters", "labs")


def keep_recorded(*, model: dict[str, Any], path: str, contents_manager: FileContentsManager) -> None:
    """Save a page that was run as it was recorded; one whose cells were edited is saved as it is.

    The recorded outputs are what the site shows and what every test run compares with, and JupyterLab saves
    by itself. So a clone stays as it was when its pages are run; under another name, all is saved.

    Args:
        model: What is about to be saved; changed in place.
        path: Where, from the server's root.
        contents_manager: The server's.
    """
    file = Path(contents_manager.root_dir) / path
    if model["type"] != "notebook" or Path(path).parts[0] not in FOLDERS or not file.exists():
        return
    stored = nbformat.read(file, as_version=4)  # type: ignore[no-untyped-call]  # nbformat is half typed
    shown = nbformat.from_dict(model["content"])  # type: ignore[no-untyped-call]
    if _cells(stored) == _cells(shown):
        model["content"] = stored


def _cells(notebook: nbformat.NotebookNode) -> list[tuple[str, str, Any]]:
    return [(cell.cell_type, cell.source, cell.metadata.get("tags")) for cell in notebook.cells]
