"""`lab.ipynb` from `solution.ipynb`: one source, so that the two never differ.

A cell with the tag `solution` becomes a cell with the tag `todo` that holds its `todo` sentence (cell
metadata) as a comment. A cell with the tag `solution-only` goes. Everything else stays as it is, without
outputs.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat

from kubehop.errors import LabError

SOLUTION = "solution"
SOLUTION_ONLY = "solution-only"
TODO = "todo"


def learner_notebook(solution: Any) -> Any:
    """Return the learner's notebook made from a solution notebook; the argument stays as it is.

    Raises:
        LabError: A solution cell has no `todo` sentence, or there is no solution cell.
    """
    made = copy.deepcopy(solution)
    made.cells = [_learner_cell(cell) for cell in solution.cells if SOLUTION_ONLY not in _tags(cell)]
    if not any(TODO in _tags(cell) for cell in made.cells):
        message = "No cell of the solution has the tag `solution`."
        raise LabError(message, next_command="Tag the cells that the learner has to write.")
    return made


def generate(folder: Path) -> Path:
    """Write a lab's `lab.ipynb` and return its path."""
    path = folder / "lab.ipynb"
    path.write_text(_generated(folder), encoding="utf-8")
    return path


def current(folder: Path) -> bool:
    """Whether `lab.ipynb` is what its source makes."""
    path = folder / "lab.ipynb"
    return path.is_file() and path.read_text(encoding="utf-8") == _generated(folder)


def solution_cells(folder: Path) -> list[str]:
    """Return the source of the cells that repair the world."""
    return [cell.source for cell in read(folder).cells if SOLUTION in _tags(cell)]


def read(folder: Path) -> Any:
    """Return a lab's solution notebook.

    Raises:
        LabError: It is not there, or no notebook.
    """
    path = folder / "solution.ipynb"
    try:
        return nbformat.read(path, as_version=4)  # type: ignore[no-untyped-call]  # nbformat ships no types
    except FileNotFoundError as error:
        message = f"{path} is missing."
        raise LabError(message, next_command="Write it, or restore it with git.") from error
    except Exception as error:  # nbformat raises many kinds for a damaged file
        message = f"{path} is no notebook: {error}."
        raise LabError(message, next_command="Open it in JupyterLab and save it again.") from error


def code_lines(notebook: Any) -> Iterator[str]:
    """Yield every line of code."""
    for cell in notebook.cells:
        if cell.cell_type == "code":
            yield from cell.source.splitlines()


def _generated(folder: Path) -> str:
    made = learner_notebook(read(folder))
    text: str = nbformat.writes(made)  # type: ignore[no-untyped-call]  # nbformat ships no types
    return text + "\n"


def _learner_cell(cell: Any) -> Any:
    made = copy.deepcopy(cell)
    if cell.cell_type == "code":
        made.outputs, made.execution_count = [], None
    if SOLUTION not in _tags(cell):
        return made
    sentence = cell.metadata.get("todo")
    if not sentence:
        message = f"Solution cell {cell.source.splitlines()[0]!r} has no `todo` in its metadata."
        raise LabError(message, next_command="Write what the learner has to do there, as a sentence.")
    made.source = f"# TODO: {sentence}"
    made.metadata = {"tags": [TODO]}
    return made


def _tags(cell: Any) -> list[str]:
    return list(cell.metadata.get("tags", []))
