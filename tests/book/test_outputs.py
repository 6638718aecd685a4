"""What is stored as output: current APIs, nothing of this machine, nothing that only one run can print."""

from __future__ import annotations

import getpass
import re
import socket
from pathlib import Path

import nbformat
import pytest
from chapter_files import RECORDED, ROOT, name_of

from kubehop.book import record
from kubehop.book.normal import normalize

_ABSOLUTE = re.compile(r"(?<![\w:/.])/(?:home|root|tmp|work|Users)/[\w./-]+")


@pytest.mark.parametrize("path", RECORDED, ids=name_of)
def test_no_output_warns_of_something_deprecated(path: Path) -> None:
    """The book teaches what lasts."""
    assert record.deprecations(nbformat.read(path, 4)) == []


@pytest.mark.parametrize("path", RECORDED, ids=name_of)
def test_is_stored_in_the_one_form(path: Path) -> None:
    """No widget state, no times, no random ids, no namespace suffix: what the recorder would write."""
    written = nbformat.writes(normalize(nbformat.read(path, 4))).rstrip("\n") + "\n"
    assert path.read_text("utf-8") == written, f"Run `kubehop record {name_of(path)}`."


@pytest.mark.parametrize("path", RECORDED, ids=name_of)
def test_tells_nothing_of_the_machine(path: Path) -> None:
    """No path of a home or work folder, no host name, no user name in an output."""
    outputs = [cell.outputs for cell in nbformat.read(path, 4).cells if cell.cell_type == "code"]
    text = str(outputs)
    assert _ABSOLUTE.findall(text) == []
    assert not re.search(rf"\b{re.escape(socket.gethostname())}\b", text)
    assert str(Path.home()) not in text and str(ROOT) not in text
    assert getpass.getuser() in ("root", "user") or getpass.getuser() not in text


@pytest.mark.parametrize("path", RECORDED, ids=name_of)
def test_lines_fit_the_page(path: Path) -> None:
    """Text wider than 120 characters scrolls sideways: choose columns."""
    wide = [
        line
        for cell in nbformat.read(path, 4).cells
        if cell.cell_type == "code"
        for output in cell.outputs
        for line in output.get("text", "").splitlines()
        if len(line) > 120
    ]
    assert wide == []
