"""Small notebooks for tests, made in memory."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import nbformat
from nbformat import v4

from kubehop.book import structure


def stream(text: str, *, name: str = "stdout") -> Any:
    """Return an output as `print` makes it."""
    return v4.new_output("stream", name=name, text=text)


def error(message: str, *, name: str = "CommandError") -> Any:
    """Return the output of a cell that failed."""
    return v4.new_output("error", ename=name, evalue=message, traceback=[f"{name}: {message}"])


def html(text: str) -> Any:
    """Return a displayed object that has HTML and a repr."""
    return v4.new_output("display_data", data={"text/plain": "<object>", "text/html": text})


def code(source: str, *outputs: Any, count: int | None = 1, tags: tuple[str, ...] = ()) -> Any:
    """Return an executed code cell."""
    metadata = {"tags": list(tags)} if tags else {}
    return v4.new_code_cell(source, outputs=list(outputs), execution_count=count, metadata=metadata)


def prose(source: str) -> Any:
    """Return a Markdown cell."""
    return v4.new_markdown_cell(source)


def book(*cells: Any) -> Any:
    """Return a notebook of these cells."""
    return v4.new_notebook(cells=list(cells))


def read(*cells: Any, path: Path = Path("pods.ipynb")) -> structure.Notebook:
    """Return these cells as `structure.read` would."""
    return structure.Notebook(path, tuple(cells), {})


def write(path: Path, *cells: Any) -> Path:
    """Write a notebook of these cells."""
    path.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(book(*cells), path)
    return path
