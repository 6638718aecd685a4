"""The stored form of a notebook."""

from __future__ import annotations

import copy

import nbformat
from notebooks import book, code, html, prose, stream

from kubehop.book.normal import clean, normalize


def test_strips_the_suffix_of_the_namespace() -> None:
    """Readers see `pods`, also inside a host name; other words with -kh stay."""
    assert clean("pods-kh7f3a") == "pods"
    assert clean("http://pods-kh7f3a.localhost/") == "http://pods.localhost/"
    assert clean("web-khaki x-kh7f3ab") == "web-khaki x-kh7f3ab"


def test_columns_stay_aligned() -> None:
    """What a table's column loses in letters it gains in blanks."""
    table = "NAME          STATUS\npods-kh7f3a   Active\n"
    assert clean(table) == "NAME          STATUS\npods          Active\n"


def test_python_addresses_go() -> None:
    """The address of an object differs in every run; a short hexadecimal number does not."""
    assert clean("<object at 0x7f3a9c0b1d00> 0xff") == "<object at 0x…> 0xff"


def test_what_differs_between_equal_runs_goes() -> None:
    """Times, random ids and notebook metadata do not reach the file."""
    first = book(prose("# Hello"), code("1 + 1", stream("2\n"), tags=("remove-cell",)))
    second = copy.deepcopy(first)
    for number, cell in enumerate(second.cells):
        cell["id"] = f"random-{number}"
        cell.metadata["execution"] = {"iopub.status.busy": f"2026-01-0{number + 1}"}
    second.metadata["widgets"] = {"state": {"a": 1}}
    assert nbformat.writes(normalize(first)) == nbformat.writes(normalize(second))
    assert normalize(first).cells[1].metadata == {"tags": ["remove-cell"]}
    assert normalize(first).metadata["language_info"]["pygments_lexer"] == "ipython3"


def test_a_cell_keeps_its_id_when_another_is_inserted() -> None:
    """Ids come from the text, and equal cells get different ones."""
    before = normalize(book(code("a"), code("a")))
    after = normalize(book(prose("new"), code("a"), code("a")))
    assert [cell.id for cell in before.cells] == [cell.id for cell in after.cells[1:]]
    assert before.cells[0].id != before.cells[1].id
    nbformat.validate(after)


def test_is_idempotent() -> None:
    """The stored form of the stored form is itself."""
    once = normalize(book(code("x", stream("pods-kh7f3a   a\n"), html("<p>services-kh2222</p>"))))
    assert nbformat.writes(normalize(once)) == nbformat.writes(once)
    assert "-kh" not in nbformat.writes(once)


def test_streams_become_one() -> None:
    """However the kernel cut the text into messages, one stream output is stored."""
    parts = normalize(book(code("x", stream("a\n"), stream("b\n"))))
    assert [output.text for output in parts.cells[0].outputs] == ["a\nb\n"]
