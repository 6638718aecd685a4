"""Where the book's files are, seen from a notebook or from the command line."""

from __future__ import annotations

from pathlib import Path

from kubehop.errors import BookError

SANITIZE_FILE = Path("tests/nbval.cfg")
TRACES = Path("traces")


def holding(path: Path) -> Path | None:
    """Return the repository that `path` is in, or None."""
    start = path.resolve()
    return next((one for one in (start, *start.parents) if (one / SANITIZE_FILE).is_file()), None)


def find_root(path: Path) -> Path:
    """Return the repository that `path` is in, else the one that the working folder is in.

    Raises:
        BookError: Neither is in one.
    """
    root = holding(path) or holding(Path.cwd())
    if root is None:
        message = f"{str(path)!r} is in no kubehop repository: no folder above it has {SANITIZE_FILE}."
        raise BookError(message, next_command="Run this from the repository.")
    return root
