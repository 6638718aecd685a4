"""How the widgets look to every reader: in both themes, three widths, still, on paper, without a script."""

from __future__ import annotations

from pathlib import Path

import pytest
import standalone
from playwright.sync_api import Browser
from standalone import page_of

pytestmark = pytest.mark.browser
WIDTHS = (1280, 820, 360)
RUN_AXE = """async () => (await axe.run(document, {resultTypes: ['violations']})).violations.map(
  v => v.id + ': ' + v.nodes.map(n => n.target.join(' ')).join(', '))"""


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing(browser: Browser, folder: Path, axe: str, theme: str) -> None:
    """No accessibility violation, at rest and with everything opened."""
    with page_of(browser, folder, theme=theme) as page:
        page.evaluate(axe)
        assert page.evaluate(RUN_AXE) == []
        for summary in page.locator("figure.kh summary").all():
            summary.click()
        assert page.evaluate(RUN_AXE) == []


@pytest.mark.parametrize("width", WIDTHS)
def test_text_is_large_enough_and_nothing_overflows(browser: Browser, folder: Path, width: int) -> None:
    """No text under 12 px, and no widget wider than the window."""
    with page_of(browser, folder, viewport={"width": width, "height": 900}) as page:
        small = page.evaluate("""() => [...document.querySelectorAll('figure.kh *')].filter(e =>
            [...e.childNodes].some(n => n.nodeType === 3 && n.textContent.trim()) &&
            !e.closest('style') && parseFloat(getComputedStyle(e).fontSize) < 12).map(e => e.outerHTML)""")
        assert small == []
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        scaled = page.evaluate("""() => [...document.querySelectorAll('figure.kh svg')].map(
            s => s.getBoundingClientRect().width / s.viewBox.baseVal.width)""")
        assert all(0.995 <= scale <= 1.005 for scale in scaled), scaled


def test_reduced_motion_shows_no_travelling_mark_and_the_same_numbers(browser: Browser, folder: Path) -> None:
    """With reduced motion a request under way is shown by what it reached, not by a moving mark."""
    where = "#kh-journey-ingress@181.2"
    said = []
    for motion in ("no-preference", "reduce"):
        with page_of(browser, folder, where=where, reduced_motion=motion) as page:
            figure = page.locator("#kh-journey-ingress")
            assert figure.locator("[data-travel]").count() == (motion == "no-preference")
            said.append(figure.locator(".kh-time").inner_text() + figure.locator(".kh-reason").inner_text())
    assert said[0] == said[1]


def test_four_states_differ_without_color(browser: Browser, tmp_path: Path) -> None:
    """Ready, not ready, terminating and failed differ in stroke and icon, not only in hue."""
    standalone.write(tmp_path, theme="light", traces={"all-states": standalone.all_states()})
    with page_of(browser, tmp_path) as page:
        looks = page.evaluate("""() => ['ready', 'not-ready', 'terminating', 'failed'].map(state => {
            const box = document.querySelector('rect.kh-is-' + state);
            const icon = document.querySelector('path.kh-is-' + state);
            const style = getComputedStyle(box);
            return [style.strokeDasharray + ' ' + style.strokeWidth, icon.getAttribute('d')]; })""")
    strokes, icons = zip(*looks, strict=True)
    assert len(set(icons)) == 4
    assert len(set(strokes)) == 4, strokes


def test_a_failed_request_differs_in_shape(browser: Browser, folder: Path) -> None:
    """A failed request is a diamond with a dark ring, and stops where it stopped."""
    with page_of(browser, folder) as page:
        figure = page.locator("#kh-journey-ingress")
        stops = []
        for number in (4, 5, 6):
            figure.locator(f"[id$='-r{number}']").click()
            assert figure.locator("path.kh-mark.kh-failed").count() == 1
            stops.append(figure.locator(".kh-barrier").get_attribute("transform"))
            assert figure.locator(".kh-inner.kh-on").count() == 0
        assert len(set(stops)) == 3


def test_without_javascript_the_twin_reads(browser: Browser, folder: Path) -> None:
    """With scripts off, each figure says its claim and its summary."""
    with page_of(browser, folder, java_script_enabled=False) as page:
        text = page.inner_text("main")
        for name in standalone.SHOWN:
            meta = standalone.trace(name)["meta"]
            assert meta["title"] in text
            assert meta["summary"] in text


def test_print_shows_the_table_and_no_player(browser: Browser, folder: Path) -> None:
    """On paper: the picture in light colors, the table, no buttons."""
    with page_of(browser, folder, theme="dark") as page:
        page.evaluate("window.dispatchEvent(new Event('beforeprint'))")
        page.emulate_media(media="print")
        figure = page.locator("#kh-balance-three")
        assert not figure.locator(".kh-bar").is_visible()
        assert figure.locator("table").is_visible()
        assert figure.locator("tbody tr").count() == 9
        color = figure.evaluate("e => getComputedStyle(e).backgroundColor")
        assert color == "rgb(255, 255, 255)"
