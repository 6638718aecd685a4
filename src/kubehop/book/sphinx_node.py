"""Directives `{hop-map}`, `{chapter-list}`, `{part-list}`, `{book-status}`, roles `{chapter}`, `{hop}`.

Each makes a node that is drawn when its page is written, because links and titles are known only then.
"""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from pathlib import Path
from typing import Any

from docutils import nodes  # type: ignore[import-untyped]  # docutils ships no types
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.util.docutils import SphinxDirective, SphinxRole

from kubehop.book import provenance, sphinx_hop_map, sphinx_lab, sphinx_provenance

PART = "part"
"""Name of the page that a part begins with."""


class HopMap(nodes.General, nodes.Element):  # type: ignore[misc]  # docutils ships no types
    """The five hops."""


class ChapterList(nodes.General, nodes.Element):  # type: ignore[misc]  # docutils ships no types
    """Parts and chapters."""


class PartList(nodes.General, nodes.Element):  # type: ignore[misc]  # docutils ships no types
    """Chapters and labs of one part."""


class BookStatus(nodes.General, nodes.Element):  # type: ignore[misc]  # docutils ships no types
    """Versions, runs and checks."""


class ChapterLink(nodes.Inline, nodes.Element):  # type: ignore[misc]  # docutils ships no types
    """A chapter's name; a link once the chapter exists."""


class HopMark(nodes.Inline, nodes.Element):  # type: ignore[misc]  # docutils ships no types
    """A hop's name beside a hop map of the height of a letter."""


class HopMapDirective(SphinxDirective):
    """`{hop-map} NAME`, NAME a hop, a chapter, or `index` for the large map of the landing page."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """Return the node, or report an unknown name."""
        name = self.arguments[0]
        try:
            current = sphinx_hop_map.hop_of(name)
        except KeyError:
            hops = ", ".join(hop.name for hop in sphinx_hop_map.HOPS)
            chapters = ", ".join(sphinx_hop_map.CHAPTER_HOPS)
            message = f"hop-map knows no {name!r}. Hops: {hops}. Chapters: {chapters}."
            raise self.error(message) from None
        return [HopMap(current=current, hero=name == "index")]


class ChapterListDirective(SphinxDirective):
    """`{chapter-list}`."""

    def run(self) -> list[nodes.Node]:
        """Return the node; the page depends on the provenance file."""
        _depend(self.env, provenance.FILE)
        return [ChapterList()]


class PartListDirective(SphinxDirective):
    """`{part-list}`, on the first page of a part."""

    def run(self) -> list[nodes.Node]:
        """Return the node; the page depends on the provenance file."""
        _depend(self.env, provenance.FILE)
        return [PartList()]


class BookStatusDirective(SphinxDirective):
    """`{book-status}`."""

    def run(self) -> list[nodes.Node]:
        """Return the node; the page depends on both result files."""
        _depend(self.env, provenance.FILE)
        _depend(self.env, sphinx_provenance.CHECKS)
        _depend(self.env, sphinx_provenance.LABS)
        return [BookStatus()]


def _depend(env: BuildEnvironment, file: Path) -> None:
    path = Path(env.app.confdir) / file
    if path.exists():  # Sphinx reads a page again at every build while one of its dependencies is missing
        env.note_dependency(str(path))


class ChapterRole(SphinxRole):
    """`` {chapter}`services` ``: a link that does not break while the chapter is not written yet."""

    def run(self) -> tuple[list[nodes.Node], list[nodes.system_message]]:
        """Return the node, or report a name that no chapter has."""
        if self.text not in sphinx_hop_map.CHAPTER_HOPS:
            return _unknown(self, sphinx_hop_map.CHAPTER_HOPS)
        return [ChapterLink(name=self.text)], []


class HopRole(SphinxRole):
    """`` {hop}`service` ``."""

    def run(self) -> tuple[list[nodes.Node], list[nodes.system_message]]:
        """Return the node, or report a name that no hop has."""
        names = [hop.name for hop in sphinx_hop_map.HOPS]
        return ([HopMark(name=self.text)], []) if self.text in names else _unknown(self, names)


def _unknown(role: SphinxRole, names: Iterable[str]) -> tuple[list[nodes.Node], list[nodes.system_message]]:
    message = role.inliner.reporter.error(
        f"The role {role.name!r} knows no {role.text!r}. It knows {', '.join(names)}.", line=role.lineno
    )
    return [nodes.problematic(role.rawtext, role.rawtext)], [message]


def visit_chapter_link(translator: Any, node: ChapterLink) -> None:
    """Write a link to the chapter, or its name alone."""
    builder = translator.builder
    found = sorted(name for name in builder.env.titles if Path(name).name == node["name"])
    if not found:
        translator.body.append(f'<span class="kh-unwritten">{escape(node["name"])}</span>')
        raise nodes.SkipNode
    url = builder.get_relative_uri(builder.current_docname, found[0])
    translator.body.append(f'<a class="reference internal" href="{url}">{escape(node["name"])}</a>')
    raise nodes.SkipNode


def visit_hop_mark(translator: Any, node: HopMark) -> None:
    """Write the small map; the word beside it says the same."""
    translator.body.append(sphinx_hop_map.draw_mark(node["name"]))
    raise nodes.SkipNode


def visit_hop_map(translator: Any, node: HopMap) -> None:
    """Write the map with links relative to the page."""
    builder, here = translator.builder, translator.builder.current_docname
    links = {
        hop.name: builder.get_relative_uri(here, hop.chapter)
        for hop in sphinx_hop_map.HOPS
        if hop.chapter in builder.env.found_docs and hop.chapter != here
    }
    translator.body.append(sphinx_hop_map.draw(node["current"], links, hero=node["hero"]))
    raise nodes.SkipNode


def visit_chapter_list(translator: Any, node: ChapterList) -> None:
    """Write the parts and their chapters in the order of `_toc.yml`."""
    builder = translator.builder
    record = sphinx_provenance.read(Path(builder.app.confdir))
    parts = []
    for subtree in builder.env.external_site_map.root.subtrees:
        names = [_docname(file) for file in subtree.files() if _docname(file) in builder.env.titles]
        lines = "".join(_chapter(builder, record, name) for name in names if not _opens_part(name))
        caption = escape(subtree.caption or "")
        if names and _opens_part(names[0]):
            url = builder.get_relative_uri(builder.current_docname, names[0])
            caption = f'<a class="reference internal" href="{url}">{caption}</a>'
        parts.append(f'<li><p class="kh-part">{caption}</p><ul>{lines}</ul></li>')
    translator.body.append(f'<ul class="kh-chapters">{"".join(parts)}</ul>')
    raise nodes.SkipNode


def visit_part_list(translator: Any, node: PartList) -> None:
    """Write the pages of the part that this page opens, then the labs that belong to its chapters."""
    builder, here = translator.builder, translator.builder.current_docname
    record = sphinx_provenance.read(Path(builder.app.confdir))
    subtrees = builder.env.external_site_map.root.subtrees
    parts = [[_docname(file) for file in subtree.files()] for subtree in subtrees]
    names = next(part for part in parts if here in part)
    labs = [name for part in parts for name in part if sphinx_lab.chapter_of(builder.app, name) in names]
    shown = dict.fromkeys(name for name in (*names, *labs) if name != here)
    lines = "".join(_chapter(builder, record, name, spoken=True) for name in shown)
    translator.body.append(f'<ul class="kh-chapters kh-chapters--part">{lines}</ul>')
    raise nodes.SkipNode


def _opens_part(name: str) -> bool:
    return Path(name).name == PART


def _docname(file: str) -> str:
    return Path(file).with_suffix("").as_posix()


def _in_order(builder: Any) -> list[str]:
    return [_docname(name) for name in builder.env.external_site_map.root.child_files()]


def _chapter(builder: Any, record: sphinx_provenance.Provenance, name: str, *, spoken: bool = False) -> str:
    """Return a line with a page's title and its time; `spoken` says what kind of time it is."""
    url, title = builder.get_relative_uri(builder.current_docname, name), builder.env.titles[name].astext()
    solve, page = sphinx_lab.minutes(builder.app, name), record.page(name)
    if solve:
        time = f"lab, about {solve} min" if spoken else f"{solve} min"
    elif page:
        time = f"{'runs in ' * spoken}{sphinx_provenance.spell(page['run_seconds'])}"
    else:
        time = ""
    return f'<li><a href="{url}">{escape(title)}</a> <span class="kh-time">{time}</span></li>'


def visit_book_status(translator: Any, node: BookStatus) -> None:
    """Write the tables of the status page."""
    builder = translator.builder
    names = [builder.env.external_site_map.root.docname, *_in_order(builder)]
    titles = {name: builder.env.titles[name].astext() for name in names if name in builder.env.titles}
    translator.body.append(sphinx_provenance.status(Path(builder.app.confdir), titles))
    raise nodes.SkipNode


def register(app: Sphinx) -> None:
    """Tell Sphinx the directives and roles, and how their nodes are written."""
    app.add_directive("hop-map", HopMapDirective)
    app.add_directive("chapter-list", ChapterListDirective)
    app.add_directive("part-list", PartListDirective)
    app.add_directive("book-status", BookStatusDirective)
    app.add_role("chapter", ChapterRole())
    app.add_role("hop", HopRole())
    app.add_node(ChapterLink, html=(visit_chapter_link, None))
    app.add_node(HopMark, html=(visit_hop_mark, None))
    app.add_node(HopMap, html=(visit_hop_map, None))
    app.add_node(ChapterList, html=(visit_chapter_list, None))
    app.add_node(PartList, html=(visit_part_list, None))
    app.add_node(BookStatus, html=(visit_book_status, None))
