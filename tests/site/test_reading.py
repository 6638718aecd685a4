"""What a reader does: read without JavaScript, copy, answer, play, switch the theme, search, print."""

from __future__ import annotations

import gzip
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, Response, expect
from published import ROOT, Build, Site, build_book
from visit import DESK, PHONE

HERE = Path(__file__).parent
KIB = 1024
PAGE_KIB = 800
OUR_KIB = 100
OUR_FILES = (
    "tokens.css",
    "page.css",
    "cell.css",
    "figure.css",
    "icon.css",
    "print.css",
    "kubehop.iife.js",
    "RequestJourney.iife.js",
    ".html",
)


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Build:
    """Build a book of one page with one of everything, from the repository's own settings."""
    folder = tmp_path_factory.mktemp("tiny")
    shutil.copytree(HERE / "data", folder, dirs_exist_ok=True)
    shutil.copy(ROOT / "_config.yml", folder)
    shutil.copytree(ROOT / "assets", folder / "assets")
    return build_book(folder, folder / "out")


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """Open an empty page."""
    context = browser.new_context(viewport=DESK, color_scheme="light")
    yield context.new_page()
    context.close()


@pytest.fixture
def first(tiny: Build, page: Page) -> Page:
    """Open the tiny book's page from disk."""
    page.goto((tiny.html / "chapters/start/index.html").as_uri())
    return page


def test_a_book_with_one_page_builds_strictly(tiny: Build) -> None:
    """The settings hold for a book of which most pages do not exist yet."""
    assert tiny.exit_code == 0, tiny.log[-2000:]


def test_a_figure_plays(first: Page) -> None:
    """The figure mounts from disk, does not start by itself, and moves when Play is pressed."""
    figure = first.locator("figure.kh-widget")
    expect(figure.locator("svg").first).to_be_visible()
    slider = figure.get_by_role("slider", name="Time")
    slider.focus()
    slider.press("Home")
    still = slider.input_value()
    first.wait_for_timeout(300)
    assert slider.input_value() == still
    figure.get_by_role("button", name="Play").click()
    first.wait_for_timeout(600)
    assert float(slider.input_value()) > float(still)


def test_a_wrong_answer_is_explained_by_keyboard(first: Page) -> None:
    """Choosing with the arrow keys and pressing Check shows why, and only the chosen option's why."""
    form = first.locator("form.kh-predict")
    form.get_by_role("radio").first.focus()
    first.keyboard.press("Space")
    form.get_by_role("button", name="Check").press("Enter")
    expect(form.get_by_text("The sandbox holds the address")).to_be_visible()
    expect(form.get_by_text("Only a new Pod").first).to_be_hidden()


def test_copy_gives_a_terminal_command(browser: Browser, tiny: Build) -> None:
    """`%kubectl …` is copied without its `%`, and `$ ` is left out; outputs have no button."""
    context = browser.new_context(permissions=["clipboard-read", "clipboard-write"])
    page = context.new_page()
    page.goto((tiny.html / "chapters/start/index.html").as_uri())
    copied = []
    for block in (".cell_input", ".highlight-bash"):
        page.locator(f"{block}:has-text('kubectl') .copybtn").first.click()
        copied.append(page.evaluate("navigator.clipboard.readText()").strip())
    assert copied == ["kubectl get pods -o wide", "kubectl version"]
    assert page.locator(".cell_output .copybtn").count() == 0
    context.close()


def test_without_javascript_the_page_reads(tiny: Build, browser: Browser) -> None:
    """Text, outputs, the figure's sentence and table, the question and its answer are there."""
    context = browser.new_context(java_script_enabled=False, viewport=DESK)
    page = context.new_page()
    page.goto((tiny.html / "chapters/start/index.html").as_uri())
    for text in ("A page with one of everything", "web    1/1", "Twelve requests through the Service"):
        expect(page.get_by_text(text)).to_be_visible()
    page.get_by_text("Requests as a table (12)").click()
    assert page.locator("figure.kh-widget table").first.locator("tbody tr").count() == 12
    page.locator("form noscript summary").click()
    expect(page.locator("form noscript li").last).to_be_visible()
    expect(page.get_by_role("button", name="Check")).to_be_hidden()
    context.close()


@pytest.mark.parametrize(("scheme", "paper"), [("light", "rgb(255, 255, 255)"), ("dark", "rgb(18, 22, 28)")])
def test_without_javascript_the_theme_follows_the_system(
    tiny: Build, browser: Browser, scheme: str, paper: str
) -> None:
    """A reader with JavaScript off and a dark system gets a dark page."""
    context = browser.new_context(java_script_enabled=False, color_scheme=scheme)
    page = context.new_page()
    page.goto((tiny.html / "chapters/start/index.html").as_uri())
    expect(page.locator("body")).to_have_css("background-color", paper)
    context.close()


def test_the_theme_can_be_switched(first: Page) -> None:
    """The button goes through its modes, and dark is dark."""
    button = first.get_by_role("button", name="Color mode")
    seen = set()
    for _ in range(3):
        button.click()
        first.wait_for_timeout(300)
        seen.add(first.locator("body").evaluate("e => getComputedStyle(e).backgroundColor"))
    assert seen == {"rgb(255, 255, 255)", "rgb(18, 22, 28)"}


@pytest.mark.parametrize("size", [DESK, PHONE])
def test_the_hop_map_is_above_the_fold(site: Site, page: Page, size: dict[str, int]) -> None:
    """On the landing page all five hops are seen without scrolling, on a desk and on a phone."""
    page.set_viewport_size(size)  # type: ignore[arg-type]
    page.goto(f"{site.url}/{site.pages[0]}.html")
    box = page.locator(".kh-hop-map svg:visible").bounding_box()
    assert box is not None
    assert box["y"] + box["height"] <= size["height"]


@pytest.mark.parametrize("place", ["http", "disk"])
def test_search_finds_a_word(site: Site, page: Page, place: str) -> None:
    """Search works from a server and from disk."""
    base = site.url if place == "http" else site.html.as_uri()
    page.goto(f"{base}/search.html?q=EndpointSlice")
    expect(page.locator("#search-results li").first).to_be_visible()


def test_the_first_page_is_light(site: Site, page: Page) -> None:
    """All that the first page loads, compressed: at most 800 KiB, at most 100 KiB of it ours."""
    answers: list[Response] = []
    page.on("response", lambda answer: answers.append(answer))
    page.goto(f"{site.url}/{site.pages[0]}.html", wait_until="networkidle")
    sizes = {answer.url.split("?")[0]: len(gzip.compress(answer.body())) for answer in answers if answer.ok}
    ours = {url: size for url, size in sizes.items() if url.endswith(OUR_FILES)}
    assert {name for name in OUR_FILES if not any(url.endswith(name) for url in ours)} == set()
    assert sum(sizes.values()) <= PAGE_KIB * KIB
    assert sum(ours.values()) <= OUR_KIB * KIB


def test_the_page_prints(first: Page) -> None:
    """On paper: no navigation, no buttons, black on white even from the dark theme; a PDF is made."""
    first.emulate_media(media="print", color_scheme="dark")
    for hidden in (".bd-sidebar-primary", ".bd-header-article", ".copybtn", ".prev-next-footer"):
        expect(first.locator(hidden).first).to_be_hidden()
    expect(first.locator("article h1")).to_be_visible()
    assert first.locator("article h1").evaluate("e => getComputedStyle(e).color") == "rgb(0, 0, 0)"
    document = first.pdf(format="A4")
    assert document.startswith(b"%PDF")
    assert len(document) > 20 * KIB
