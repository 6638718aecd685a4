"""Every page, over http and from disk, in both themes, on a desk and on a phone."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import unquote, urldefrag

import pytest
import yaml
from playwright.sync_api import Browser
from published import ROOT, Site
from visit import Tourist, Visit

from kubehop.book import provenance
from kubehop.book.sphinx_provenance import spell

pytestmark = pytest.mark.timeout(900)  # the one pass over all pages is counted to the first test

THEME_PAGES = ("search", "genindex")
LONGEST_LINE = 75
PAGE_SUFFIXES = (".ipynb", ".md")
UNWRITTEN = re.compile(r'class="kh-unwritten">([\w-]+)<')
SMALLEST_TEXT = 12


@pytest.fixture(scope="session")
def visits(site: Site, browser: Browser, axe: str) -> list[Visit]:
    """Visit every page over http and look closely."""
    tourist = Tourist(browser, color_scheme="light")
    seen = []
    for name in (*site.pages, *THEME_PAGES):
        seen.append(tourist.open(site.url, name))
        tourist.inspect(axe)
    tourist.context.close()
    return seen


@pytest.fixture(scope="session")
def disk(site: Site, browser: Browser) -> list[Visit]:
    """Visit every page from disk, in the dark theme."""
    tourist = Tourist(browser, color_scheme="dark")
    seen = [tourist.open(site.html.as_uri(), name) for name in (*site.pages, *THEME_PAGES)]
    tourist.context.close()
    return seen


def test_no_request_leaves_the_site(visits: list[Visit], disk: list[Visit]) -> None:
    """No page asks for anything that is not on this machine."""
    assert {visit.page: visit.blocked for visit in (*visits, *disk) if visit.blocked} == {}


def test_no_error_in_the_console(visits: list[Visit], disk: list[Visit]) -> None:
    """No page writes an error or throws, over http or from disk."""
    assert {visit.page: visit.errors for visit in (*visits, *disk) if visit.errors} == {}


def test_axe_finds_nothing(visits: list[Visit]) -> None:
    """No page breaks a rule of accessibility: in light, in dark, on a phone; the theme's pages included."""
    assert {visit.page: visit.violations for visit in visits if visit.violations} == {}


def test_every_internal_link_resolves(site: Site, visits: list[Visit]) -> None:
    """Each link to this site names a file that exists and, if it has one, an anchor in it."""
    ids = {f"{site.url}/{visit.page}.html": visit.ids for visit in visits}
    broken = []
    for visit in visits:
        for link in visit.links:
            url, anchor = urldefrag(link)
            if not url.startswith(site.url):
                continue
            path = site.html / unquote(url.removeprefix(site.url + "/"))
            lost = anchor and url in ids and unquote(anchor) not in ids[url]
            if not path.is_file() or lost:
                broken.append(f"{visit.page}: {link}")
    assert broken == []


def test_external_links_are_encrypted(site: Site, visits: list[Visit]) -> None:
    """Links that leave the site use https."""
    plain = {link for visit in visits for link in visit.links if link.startswith("http:")}
    assert {link for link in plain if not link.startswith(site.url)} == set()


def test_a_phone_does_not_scroll_sideways(visits: list[Visit]) -> None:
    """At 360 pixels no page is wider than the window."""
    assert {visit.page: visit.overflow for visit in visits if visit.overflow} == {}


def test_lines_keep_their_measure(visits: list[Visit]) -> None:
    """No line of a paragraph is longer than 75 characters; a page with prose has lines longer than 40."""
    lines = {visit.page: visit.longest_line for visit in visits if visit.longest_line}
    assert {page: length for page, length in lines.items() if length > LONGEST_LINE} == {}
    assert max(lines.values()) > LONGEST_LINE // 2


def test_no_text_is_smaller_than_twelve_pixels(visits: list[Visit]) -> None:
    """On a phone, too, and inside drawings."""
    small = {v.page: v.smallest_text for v in visits if round(v.smallest_text[0], 1) < SMALLEST_TEXT}
    assert small == {}


def test_every_command_has_a_copy_button(visits: list[Visit]) -> None:
    """In each cell and each block of shell."""
    assert {visit.page: visit.bare for visit in visits if visit.bare} == {}


def test_next_leads_through_the_book(site: Site, visits: list[Visit]) -> None:
    """The links "next" follow `_toc.yml` from the first page to the last."""
    book = visits[: len(site.pages)]
    walked = [visit.following.removeprefix(site.url + "/").removesuffix(".html") for visit in book]
    assert walked == [*site.pages[1:], ""]


def test_every_chapter_and_lab_is_in_the_order(site: Site) -> None:
    """A notebook or page that nobody can reach is not published."""
    folders = {
        path.with_suffix("") for path in (ROOT / "chapters").glob("*/*") if path.suffix in PAGE_SUFFIXES
    }
    labs = {path.with_suffix("") for path in (ROOT / "labs").glob("*/lab.ipynb")}
    labs |= {ROOT / "labs" / "part"}
    assert {path.relative_to(ROOT).as_posix() for path in folders | labs} == set(site.pages)


def test_a_part_page_leads_to_all_of_its_part(site: Site) -> None:
    """Each page of the part is linked with the time that was measured, and so are labs of its chapters."""
    toc = yaml.safe_load((ROOT / "_toc.yml").read_text("utf-8"))
    record = provenance.read(ROOT)["notebooks"]
    for first, *rest in ([entry["file"] for entry in part["chapters"]] for part in toc["parts"]):
        text = (site.html / f"{first}.html").read_text("utf-8")
        listed = text[text.index("kh-chapters--part") :].partition("</ul>")[0]
        for name in rest:
            assert f"{Path(name).name}.html" in listed, (first, name)
            run = record.get(f"{name}.ipynb")
            assert run is None or f"runs in {spell(run['run_seconds'])}<" in listed, (first, name)
    services = (site.html / "chapters/services/part.html").read_text("utf-8")
    assert "lab, about 15 min" in services


def test_a_chapter_that_exists_is_linked(site: Site) -> None:
    """Only a chapter that is not written yet may stand as a bare word."""
    written = {Path(name).name for name in site.pages}
    texts = {name: (site.html / f"{name}.html").read_text("utf-8") for name in site.pages}
    bare = {name: set(UNWRITTEN.findall(text)) & written for name, text in texts.items()}
    assert {name: words for name, words in bare.items() if words} == {}
