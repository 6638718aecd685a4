"""Bring a freshly executed notebook into the one form that is stored.

What differs between two equal runs goes: times, random ids, widget state, the namespace's suffix.
"""

from __future__ import annotations

import copy
import hashlib
import re
from collections import Counter
from typing import Any

from nbval.plugin import coalesce_streams

# A chapter's namespace is `<name>-kh<4 random>`; readers see `<name>`.
SUFFIX = re.compile(r"(?<=[a-z0-9])-kh[a-z0-9]{4}\b")
_PADDED_SUFFIX = re.compile(r"(?<=[a-z0-9])(-kh[a-z0-9]{4})(?=( {2,}|\t))")
_OBJECT_ADDRESS = re.compile(r"\b0x[0-9a-f]{6,}\b")
_KERNELSPEC = {"display_name": "Python 3", "language": "python", "name": "python3"}
# Without pygments_lexer the site build warns, and warnings are errors.
_LANGUAGE = {"name": "python", "pygments_lexer": "ipython3"}
_WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"


def normalize(notebook: Any) -> Any:
    """Return a copy of an executed notebook in its stored form."""
    stored = copy.deepcopy(notebook)
    stored.metadata = {"kernelspec": dict(_KERNELSPEC), "language_info": dict(_LANGUAGE)}
    stored.nbformat, stored.nbformat_minor = 4, 5
    seen: Counter[str] = Counter()
    for cell in stored.cells:
        cell["id"] = _cell_id(cell, seen)
        tags = cell.metadata.get("tags")
        cell.metadata = {"tags": tags} if tags else {}
        cell.pop("attachments", None)
        if cell.cell_type == "code":
            cell.outputs = [_output(output) for output in coalesce_streams(cell.outputs)]
    return stored


def _cell_id(cell: Any, seen: Counter[str]) -> str:
    """Derive the id from the text, so that it survives a move and every tool that makes up new ones."""
    digest = hashlib.sha256(f"{cell.cell_type}\n{cell.source}".encode()).hexdigest()[:12]
    seen[digest] += 1
    return digest if seen[digest] == 1 else f"{digest}-{seen[digest]}"


def _output(output: Any) -> Any:
    if output.output_type == "stream":
        output.text = clean(output.text)
    elif output.output_type == "error":
        output.evalue = clean(output.evalue)
        output.traceback = [clean(line) for line in output.traceback]
    else:
        output.metadata = {}
        output.data.pop(_WIDGET_VIEW, None)
        for kind, value in output.data.items():
            if isinstance(value, str):
                output.data[kind] = clean(value)
    return output


def clean(text: str) -> str:
    """Strip the namespace suffix (columns stay aligned) and the addresses of Python objects."""
    text = _PADDED_SUFFIX.sub(lambda match: " " * len(match[1]), text)
    return _OBJECT_ADDRESS.sub("0x…", SUFFIX.sub("", text))
