"""The extension in a real, small Sphinx build."""

from __future__ import annotations

import io
import json
import re
from pathlib import Path

import pytest
from sphinx.application import Sphinx
from sphinx.util.docutils import docutils_namespace, patch_docutils

from kubehop.book import sphinx_ext

FIGURE = (
    '<figure class="kh-widget" data-widget="LoadBalancing" data-trace="demo">'
    "<figcaption>A</figcaption></figure>"
)
TRACE = {
    "meta": {"id": "demo", "summary": "One request is answered by one Pod.", "origin": "recorded"},
    "entities": [{"id": "client"}, {"id": "pod:a"}],
    "events": [],
    "req": {"cols": ["t", "to", "st"], "rows": [[0, 1, 200]]},
}
PAGES = {
    "index.md": "# Start\n\n```{hop-map} index\n```\n\n```{chapter-list}\n```\n",
    "pods.md": f"# Pods\n\n```{{hop-map}} pods\n```\n\n{FIGURE}\n\nThen {{chapter}}`services`.\n",
    "services.md": "# Services\n\nBack to {chapter}`pods`, {hop}`pod`; {chapter}`dns` comes later.\n",
}
TOC = (
    "format: jb-book\nroot: index\nparts:\n  - caption: All\n    chapters: [{file: pods}, {file: services}]\n"
)


def write(folder: Path) -> Path:
    """Write a book of three pages with one trace."""
    for name, text in PAGES.items():
        (folder / name).write_text(text, "utf-8")
    (folder / "_toc.yml").write_text(TOC, "utf-8")
    (folder / "traces").mkdir()
    (folder / "traces/demo.json").write_text(json.dumps(TRACE), "utf-8")
    return folder


@pytest.fixture
def book(tmp_path: Path) -> Path:
    """Return a book to change."""
    return write(tmp_path)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a book that was built without a warning."""
    folder = write(tmp_path_factory.mktemp("built"))
    assert build(folder)[1] == ""
    return folder


def build(book: Path) -> tuple[list[str], str]:
    """Build what is outdated; return the pages that were read and the warnings."""
    read: list[str] = []
    warnings = io.StringIO()
    settings = {
        "extensions": ["myst_nb", "sphinx_external_toc", "kubehop.book.sphinx_ext"],
        "html_theme": "basic",
        "nb_execution_mode": "off",
    }
    with patch_docutils(), docutils_namespace():
        app = Sphinx(
            str(book), None, str(book / "out"), str(book / "tree"), "html",
            confoverrides=settings, status=None, warning=warnings,
        )  # fmt: skip
        app.connect("source-read", lambda _app, name, _source: read.append(name))
        app.build()
    return read, warnings.getvalue()


def page(book: Path, name: str) -> str:
    """Return a built page."""
    return (book / "out" / f"{name}.html").read_text("utf-8")


def test_a_page_with_a_widget_is_complete(built: Path) -> None:
    """Its trace, its table and two deferred classic scripts are on it: the platform's, then the widget's."""
    html = page(built, "pods")
    assert 'id="kh-trace-demo"' in html
    assert "<td>pod:a</td>" in html
    scripts = [tag for tag in re.findall(r"<script[^>]*>", html) if ".iife.js" in tag]
    names = [sphinx_ext.SCRIPT, "LoadBalancing.iife.js"]
    assert [name in tag and "defer" in tag for name, tag in zip(names, scripts, strict=True)] == [True, True]
    assert all("?v=" in tag for tag in scripts)  # a browser does not show a new page with an old script
    assert 'type="module"' not in html
    assert all((built / "out/_static" / name).stat().st_size > 0 for name in names)


def test_other_pages_load_no_script(built: Path) -> None:
    """A page without a widget or a question does not load the script."""
    assert ".iife.js" not in page(built, "services")


def test_a_missing_trace_warns(book: Path) -> None:
    """So that a strict build fails."""
    (book / "traces/demo.json").unlink()
    assert "Trace 'demo' cannot be read" in build(book)[1]


def test_a_missing_script_warns(book: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A site whose figures would stay still does not pass a strict build."""
    monkeypatch.setattr(sphinx_ext, "SCRIPT", "absent.js")
    assert "absent.js is missing" in build(book)[1]


def test_a_changed_trace_rebuilds_its_page_only(book: Path) -> None:
    """Nothing is read again without a change; a new trace reads the page that shows it."""
    build(book)
    assert build(book)[0] == []
    (book / "traces/demo.json").write_text(
        json.dumps(TRACE | {"entities": [{"id": "client"}, {"id": "pod:b"}]}), "utf-8"
    )
    assert build(book)[0] == ["pods"]
    assert "<td>pod:b</td>" in page(book, "pods")


def test_chapters_are_linked_when_they_exist(built: Path) -> None:
    """A role names a page that exists as a link, and one that does not as a word."""
    html = page(built, "services")
    assert '<a class="reference internal" href="pods.html">pods</a>' in html
    assert '<span class="kh-unwritten">dns</span>' in html


def test_the_list_of_chapters_follows_the_toc(book: Path) -> None:
    """Titles in the order of `_toc.yml`, with the measured time of those that were recorded."""
    record = {
        "notebooks": {"services.ipynb": {"run_seconds": 12, "code_cells": 3, "recorded_at": "2026-11-24"}}
    }
    (book / "traces/provenance.json").write_text(json.dumps(record), "utf-8")
    build(book)
    html = page(book, "index")
    assert html.index(">Pods</a>") < html.index(">Services</a>")
    assert html.count('<span class="kh-time">12 s</span>') == 1
    assert "runs in 12 s, measured" in page(book, "services")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("```{hop-map} pood\n```", "hop-map knows no 'pood'"),
        ("{chapter}`pood`", "'chapter' knows no 'pood'"),
        ("{hop}`pood`", "'hop' knows no 'pood'"),
    ],
)
def test_unknown_names_are_errors(book: Path, text: str, message: str) -> None:
    """A typing error fails a strict build and the message lists what is known."""
    (book / "services.md").write_text(f"# Services\n\n{text}\n", "utf-8")
    assert message in build(book)[1]
