"""`lab.ipynb` and `first-sight.ipynb` from `solution.ipynb`: one source, so that they never differ.

In the learner's notebook, a cell with the tag `solution` becomes a cell with the tag `todo` that holds its
`todo` sentence (cell metadata) as a comment. A cell with the tag `solution-only` goes. Everything else stays
as it is, without outputs.

The first sight is what comes before the first of these cells. It is recorded like a chapter, and the
published page shows its outputs: the failing request and the objects, and nothing a learner has to find.
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
LEARNER = "lab.ipynb"
FIRST_SIGHT = "first-sight.ipynb"
# Recorded last: the namespace goes, and the sentence about it is no output.
LEAVE = "_ = lab.finish()"


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


def first_sight(solution: Any) -> Any:
    """Return the notebook of what a learner sees before there is something to do, without outputs."""
    made = copy.deepcopy(solution)
    begins = next((n for n, cell in enumerate(made.cells) if SOLUTION in _tags(cell)), len(made.cells))
    seen = made.cells[:begins]
    while seen and seen[-1].cell_type != "code":
        seen.pop()
    leave = nbformat.v4.new_code_cell(LEAVE, id="leave")  # type: ignore[no-untyped-call]  # nbformat ships no types
    made.cells = [*map(_learner_cell, seen), leave]
    return made


def generate(folder: Path) -> tuple[Path, ...]:
    """Write a lab's generated notebooks and return their paths; a first sight that holds keeps its outputs."""
    learner, sight = folder / LEARNER, folder / FIRST_SIGHT
    learner.write_text(_text(learner_notebook(read(folder))), encoding="utf-8")
    if not first_sight_current(folder):
        sight.write_text(_text(first_sight(read(folder))), encoding="utf-8")
    return learner, sight


def current(folder: Path) -> bool:
    """Whether `lab.ipynb` is what its source makes."""
    path = folder / LEARNER
    return path.is_file() and path.read_text(encoding="utf-8") == _text(learner_notebook(read(folder)))


def first_sight_current(folder: Path) -> bool:
    """Whether the cells of `first-sight.ipynb` are what its source makes; their outputs are recorded."""
    if not (folder / FIRST_SIGHT).is_file():
        return False
    stored, made = read(folder, FIRST_SIGHT), first_sight(read(folder))
    return [(cell.cell_type, cell.source) for cell in stored.cells] == [
        (cell.cell_type, cell.source) for cell in made.cells
    ]


def solution_cells(folder: Path) -> list[str]:
    """Return the source of the cells that repair the world."""
    return [cell.source for cell in read(folder).cells if SOLUTION in _tags(cell)]


def read(folder: Path, name: str = "solution.ipynb") -> Any:
    """Return one of a lab's notebooks.

    Raises:
        LabError: It is not there, or no notebook.
    """
    path = folder / name
    try:
        return nbformat.read(path, as_version=4)  # type: ignore[no-untyped-call]  # nbformat ships no types
    except FileNotFoundError as error:
        message = f"{path} is missing."
        raise LabError(message, next_command="Write it, or restore it with git.") from error
    except Exception as error:  # nbformat raises many kinds for a damaged file
        message = f"{path} is no notebook: {error}."
        raise LabError(message, next_command="Open it in JupyterLab and save it again.") from error


def _text(made: Any) -> str:
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
