"""Compare a cell's outputs the way nbval does, with the same sanitize rules and nbval's own code.

The recorder asks whether anything really changed, the mutation test whether a wrong output would be seen.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from nbval.plugin import IPyNbCell, coalesce_streams, get_sanitize_patterns, nocolors

from kubehop.errors import BookError

# nbval's own list (`IPyNbFile.skip_compare`); a unit test holds the two together.
SKIPPED_KEYS = (
    "metadata",
    "traceback",
    "prompt_number",
    "output_type",
    "name",
    "execution_count",
    "application/vnd.jupyter.widget-view+json",
    "image/png",
    "image/jpeg",
)
IGNORE_TAGS = frozenset({"nbval-ignore-output", "nbval-skip"})


class Comparer:
    """nbval's comparison, without a pytest session around it."""

    def __init__(self, patterns: dict[str, str]) -> None:
        # compare_outputs is a method of a pytest item; it reads these attributes and nothing else.
        self._file = SimpleNamespace(sanitize_patterns=patterns, skip_compare=SKIPPED_KEYS)
        self._cell = SimpleNamespace(parent=self._file, colors=nocolors, comparison_traceback=[])
        self._cell.sanitize = self.sanitize
        self._cell.format_output_compare = lambda *_: None

    @classmethod
    def from_file(cls, path: Path) -> Comparer:
        """Read nbval's sanitize file.

        Raises:
            BookError: The file is missing.
        """
        if not path.is_file():
            message = f"There is no sanitize file {str(path)!r}."
            raise BookError(message, next_command="Run this from the repository, which has tests/nbval.cfg.")
        return cls(dict(get_sanitize_patterns(path.read_text(encoding="utf-8"))))

    def sanitize(self, text: Any) -> Any:
        """Apply every rule to `text` (what is no string passes unchanged)."""
        return IPyNbCell.sanitize(self._cell, text) if isinstance(text, str) else text

    def same(self, outputs: Sequence[Any], reference: Sequence[Any]) -> bool:
        """Tell whether nbval would call these outputs equal to the reference."""
        both = [coalesce_streams(copy.deepcopy(list(side))) for side in (outputs, reference)]
        return bool(IPyNbCell.compare_outputs(self._cell, *both))


def checked(cell: Any) -> bool:
    """Tell whether nbval compares this code cell's outputs at all."""
    return not IGNORE_TAGS & set(cell.metadata.get("tags", []))
