"""Execute notebooks against a live cluster and store what came out, deterministically.

Recording an unchanged chapter twice gives a byte-identical file: when every cell's sanitized outputs
equal the stored ones, the stored outputs and traces stay whole, because their addresses belong together.
"""

from __future__ import annotations

import copy
import os
import shutil
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
from rich.progress import Progress

from kubehop.book import mutation, provenance
from kubehop.book.compare import Comparer, checked
from kubehop.book.normal import clean, normalize
from kubehop.book.repository import SANITIZE_FILE, TRACES, find_root
from kubehop.client import handover
from kubehop.errors import BookError

CELL_TIMEOUT_SECONDS = 180


@dataclass(frozen=True)
class Recording:
    """What recording one notebook gave; `changed` is False when the stored outputs still hold."""

    path: Path
    changed: bool
    run_seconds: float
    code_cells: int


def record(paths: list[Path], *, progress: Progress, force: bool = False) -> list[Recording]:
    """Execute each notebook on the current cluster and store its outputs and traces.

    Args:
        paths: Notebooks, or folders to search for them.
        progress: Gets one task a notebook, advanced cell by cell.
        force: Store the new outputs even where the old ones still hold.

    Raises:
        BookError: A cell failed, or printed a deprecation warning; that notebook's file is unchanged.
        NoClusterError: There is no cluster to record against.
    """
    versions = dict(handover.current().versions)
    found = [notebook for path in paths for notebook in notebooks_in(path)]
    return [_record_one(path, versions=versions, progress=progress, force=force) for path in found]


def notebooks_in(path: Path) -> list[Path]:
    """Return the notebooks `path` means: itself, or all below the folder, sorted.

    Raises:
        BookError: There is no such file, or no notebook in the folder.
    """
    if path.is_file():
        return [path]
    found = sorted(p for p in path.rglob("*.ipynb") if ".ipynb_checkpoints" not in p.parts)
    if not found:
        message = f"There is no notebook at {str(path)!r}."
        raise BookError(message, next_command="Name an .ipynb file, or a folder below chapters/.")
    return found


def _record_one(path: Path, *, versions: dict[str, str], progress: Progress, force: bool) -> Recording:
    root = find_root(path)
    comparer = Comparer.from_file(root / SANITIZE_FILE)
    before = path.read_text(encoding="utf-8")
    stored = nbformat.reads(before, as_version=4)  # type: ignore[no-untyped-call]  # nbformat is half typed
    code_cells = sum(cell.cell_type == "code" for cell in stored.cells)
    task = progress.add_task(path.stem, total=code_cells)
    with tempfile.TemporaryDirectory(prefix="kubehop-traces-") as folder:
        began = time.monotonic()
        fresh = execute(stored, path=path, traces=Path(folder), on_cell=lambda: progress.advance(task))
        run = provenance.Run(time.monotonic() - began, code_cells, versions)
        refuse_deprecations(fresh, path)
        changed = force or not still_holds(stored, fresh, comparer)
        kept = normalize(fresh if changed else stored)
        _write(path, kept, before=before)
        inside = path.resolve().is_relative_to(root)
        _install(Path(folder), (root if inside else path.parent) / TRACES, replace=changed)
    if inside:
        if changed:
            provenance.note(root, path, run)
        score = mutation.score(kept, comparer, seed=mutation.SEED)
        provenance.note_mutations(root, path, seeded=score.seeded, detected=score.detected)
    return Recording(path, changed, run.seconds, code_cells)


def _write(path: Path, notebook: Any, *, before: str) -> None:
    """Replace the file whole, only when a byte differs, and never what was edited meanwhile."""
    if path.read_text(encoding="utf-8") != before:
        message = f"{path.name} was edited while it was recorded, so nothing was written."
        raise BookError(message, next_command=f"Run `kubehop record {path}` again.")
    written: str = nbformat.writes(notebook)  # type: ignore[no-untyped-call]  # nbformat is half typed
    text = written.rstrip("\n") + "\n"
    if text != before:
        part = path.with_name(f".{path.name}.part")
        part.write_text(text, encoding="utf-8")
        part.replace(path)


def _install(made: Path, folder: Path, *, replace: bool) -> None:
    """Take over the traces of a run; where the stored outputs hold, only traces that are missing."""
    for trace in sorted(made.glob("*.json")):
        target = folder / trace.name
        if replace or not target.exists():
            folder.mkdir(exist_ok=True)
            shutil.copyfile(trace, target)


def execute(notebook: Any, *, path: Path, traces: Path, on_cell: Callable[[], None]) -> Any:
    """Run every cell in a new kernel whose folder is the notebook's, and return the executed copy.

    Traces that `kh.observe` makes go to the folder `traces`.

    Raises:
        BookError: A cell failed that is not tagged raises-exception.
    """
    fresh = copy.deepcopy(notebook)
    for cell in fresh.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    client = NotebookClient(
        fresh,
        timeout=CELL_TIMEOUT_SECONDS,
        kernel_name="python3",
        record_timing=False,
        coalesce_streams=True,
        resources={"metadata": {"path": str(path.resolve().parent)}},
        on_cell_executed=lambda **_: on_cell(),
    )
    # A lab's namespace and progress belong to a learner: recording one must not touch the reader's own.
    env = {"KUBEHOP_LEARNER": "recorder", **os.environ}
    env |= {"KUBEHOP_STATIC": "1", "KUBEHOP_RECORD": "1", "KUBEHOP_TRACES": str(traces)}
    try:
        # As nbval does: what the kernel itself writes to its stderr is no output of a cell.
        with Path(os.devnull).open("w") as nowhere:
            client.execute(env=env, stderr=nowhere)
    except (CellExecutionError, CellTimeoutError, DeadKernelError) as error:
        raise _cell_failed(path, fresh, error) from error
    return fresh


def _cell_failed(path: Path, notebook: Any, error: Exception) -> BookError:
    ran = [cell for cell in notebook.cells if cell.cell_type == "code" and cell.execution_count is not None]
    cell = ran[-1] if ran else None
    where = f"cell {len(ran)} ({cell.source.strip().splitlines()[0]!r})" if cell else "its first cell"
    said = f"{error.ename}: {error.evalue}" if isinstance(error, CellExecutionError) else str(error).strip()
    printed = "".join(output.get("text", "") for output in cell.outputs).strip() if cell else ""
    why = f"It said: {said}" + (f"\nIt printed:\n{printed}" if printed else "")
    hint = "Run it cell by cell in JupyterLab; the file is unchanged."
    return BookError(f"{path.name} stopped at {where}.", why=why, next_command=hint)


def refuse_deprecations(notebook: Any, path: Path) -> None:
    """Raise when an output warns of something deprecated: the book teaches what lasts.

    Raises:
        BookError: Names the cell and the line.
    """
    for number, line in deprecations(notebook):
        message = f"{path.name}, code cell {number} printed a deprecation warning: {line!r}."
        raise BookError(message, next_command="Use the API or flag that the warning names instead.")


def deprecations(notebook: Any) -> list[tuple[int, str]]:
    """Return (number of the code cell, line) of each output line that warns of something deprecated."""
    found = []
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    for number, cell in enumerate(code, 1):
        for output in cell.outputs:
            text = output.get("text") or "\n".join(map(str, output.get("data", {}).values()))
            found += [
                (number, ln) for ln in text.splitlines() if "Warning:" in ln and "deprecated" in ln.lower()
            ]
    return found


def still_holds(stored: Any, fresh: Any, comparer: Comparer) -> bool:
    """Tell whether nbval would accept the fresh outputs of every cell against the stored ones."""
    pairs = zip(stored.cells, fresh.cells, strict=True)
    return all(_cell_holds(old, new, comparer) for old, new in pairs if new.cell_type == "code")


def _cell_holds(old: Any, new: Any, comparer: Comparer) -> bool:
    if old.execution_count != new.execution_count:
        return False
    if not checked(new):
        return bool(old.outputs) == bool(new.outputs)
    return comparer.same(_cleaned(new.outputs), _cleaned(old.outputs))


def _cleaned(outputs: list[Any]) -> list[Any]:
    """Return copies without namespace suffixes: the stored side has none."""
    copies = copy.deepcopy(outputs)
    for output in copies:
        for key in ("text", "evalue"):
            if key in output:
                output[key] = clean(output[key])
        for kind, value in output.get("data", {}).items():
            output["data"][kind] = clean(value) if isinstance(value, str) else value
    return copies
