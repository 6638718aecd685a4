"""The book's Sphinx extension: what the published page needs beyond MyST-NB.

- directives `{hop-map}`, `{chapter-list}`, `{part-list}`, `{book-status}` (`sphinx_node`)
- recorded widgets become static twins, and their traces are inlined (`sphinx_twin`)
- one deferred classic script is loaded, only on pages that need it
- title line with the measured run time, footer with the provenance (`sphinx_provenance`)
- a lab's page shows the recorded first sight, with hints and debrief folded (`sphinx_lab`)
- cells of commands are highlighted as commands (`sphinx_lexer`)

It reads files only: no cluster, no network.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from docutils import nodes  # type: ignore[import-untyped]  # docutils ships no types
from sphinx.application import Sphinx
from sphinx.util import logging

import kubehop.widgets
from kubehop.book import sphinx_lab, sphinx_lexer, sphinx_node, sphinx_provenance, sphinx_twin

LOG = logging.getLogger(__name__)
STATIC = Path(kubehop.widgets.__path__[0]) / "static"
SCRIPT = "kubehop.iife.js"
NEEDS_SCRIPT = ('class="kh-widget"', 'class="kh-predict"')
SHOWN_WIDGET = re.compile(r'data-widget="(\w+)"')
HEADING_END = "</h1>"
EMPTY_HEADING = re.compile(r'<th class="head"[^>]*><p></p></th>')


def note_traces(app: Sphinx, docname: str, source: list[str]) -> None:
    """Make a page outdated when a trace it shows changes (event `source-read`)."""
    for trace_id in sphinx_twin.trace_ids(source[0]):
        app.env.note_dependency(str(sphinx_twin.path_of(_traces(app), trace_id)))


def mark_commands(app: Sphinx, doctree: nodes.document) -> None:
    """Highlight cells of `%kubectl` and `%%sh` as commands (event `doctree-read`)."""
    for block in doctree.findall(nodes.literal_block):
        if sphinx_lexer.is_command(block.astext()):
            block["language"] = sphinx_lexer.NAME


def finish_page(app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: object) -> None:
    """Complete a page's HTML (event `html-page-context`)."""
    body = context.get("body")
    if not body or doctree is None:  # search and index pages
        return
    record = sphinx_provenance.read(Path(app.confdir))
    context["kh_footer"] = sphinx_provenance.footer(record, page)
    if record.page(page):
        solve = sphinx_lab.minutes(app, page)
        line = f'<p class="kh-facts">{sphinx_provenance.facts(record, page, body, solve_minutes=solve)}</p>'
        body = body.replace(HEADING_END, HEADING_END + line, 1)
    body = EMPTY_HEADING.sub("<td></td>", body)  # a heading without words is none: axe, empty-table-header
    body, problems = sphinx_twin.fill(body, _traces(app))
    for problem in problems:
        LOG.warning(problem, location=page)
    context["body"] = body
    if any(name in body for name in NEEDS_SCRIPT):
        widgets = sorted({*SHOWN_WIDGET.findall(body)})
        _load_scripts(app, page, [SCRIPT, *(f"{name}.iife.js" for name in widgets)])
    if sphinx_lab.SHOWN in body:
        app.add_css_file(sphinx_lab.STYLESHEET)


def copy_scripts(app: Sphinx) -> None:
    """Put the widgets' scripts into the site, before pages ask for checksums (event `builder-inited`)."""
    if app.builder.format == "html":
        target = Path(app.outdir) / "_static"
        target.mkdir(parents=True, exist_ok=True)
        for script in STATIC.glob("*.iife.js"):
            (target / script.name).write_bytes(script.read_bytes())


def setup(app: Sphinx) -> dict[str, Any]:
    """Connect everything; called by Sphinx."""
    sphinx_node.register(app)
    app.add_lexer(sphinx_lexer.NAME, sphinx_lexer.CellLexer)
    app.connect("source-read", note_traces)
    app.connect("source-read", sphinx_lab.show)
    app.connect("doctree-read", mark_commands)
    app.connect("html-page-context", finish_page)
    app.connect("builder-inited", copy_scripts)
    app.connect("build-finished", sphinx_lab.copy_style)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def _load_scripts(app: Sphinx, page: str, names: list[str]) -> None:
    """Load the platform's script, then those of the widgets that the page shows."""
    for name in names:
        if (STATIC / name).exists():
            app.add_js_file(name, loading_method="defer")
        else:
            what = "%s is missing, so widgets stay still. Run `npm run build` in widgets/."
            LOG.warning(what, name, location=page)


def _traces(app: Sphinx) -> Path:
    return Path(app.confdir) / "traces"
