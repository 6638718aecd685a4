"""The book's notebooks, found on disk: chapters, and what is recorded of each lab."""

from __future__ import annotations

from pathlib import Path

from kubehop.book import structure
from kubehop.labs.notebook import FIRST_SIGHT

ROOT = Path(__file__).resolve().parents[2]
NOTEBOOKS = sorted(p for p in (ROOT / "chapters").rglob("*.ipynb") if ".ipynb_checkpoints" not in p.parts)
SIGHTS = sorted((ROOT / "labs").glob(f"*/{FIRST_SIGHT}"))
RECORDED = [
    path for path in (*NOTEBOOKS, *SIGHTS) if any(cell.execution_count for cell in structure.read(path).code)
]

# Notebooks that are no chapters, or not yet whole ones, and why the chapter's form does not fit them.
NO_CHAPTER = {
    "chapters/start/index.ipynb": "the landing page: one request told in five steps",
}


def name_of(path: Path) -> str:
    """Return a notebook's path inside the repository, for messages and parameters."""
    return path.relative_to(ROOT).as_posix()
