"""The widgets in a real browser: from disk and over http, by keyboard, still, printed, without a script."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import standalone
from playwright.sync_api import Browser, Page
from standalone import opened

pytestmark = pytest.mark.browser
WIDTHS = (1280, 820, 360)
RUN_AXE = """async () => (await axe.run(document, {resultTypes: ['violations']})).violations.map(
  v => v.id + ': ' + v.nodes.map(n => n.target.join(' ')).join(', '))"""
COUNT_FRAMES = """() => { window.frames_asked = 0; const ask = window.requestAnimationFrame;
  window.requestAnimationFrame = f => { window.frames_asked += 1; return ask(f); }; }"""


class Quiet(SimpleHTTPRequestHandler):
    """Serves without a line on stderr for each file."""

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write the standalone pages once."""
    made = tmp_path_factory.mktemp("widgets")
    for theme in ("light", "dark"):
        standalone.write(made, theme=theme)
    return made


@pytest.fixture(scope="module")
def http(folder: Path) -> Iterator[str]:
    """Serve the pages on a free port of the loopback address."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


@contextmanager
def page_of(
    browser: Browser, folder: Path, *, theme: str = "light", where: str = "", **options: Any
) -> Iterator[Page]:
    """Open a page from disk; it must not ask for anything outside, nor report an error."""
    with opened(browser, **options) as (page, visit):
        page.goto(f"file://{folder / theme}.html{where}")
        page.wait_for_selector("figure.kh .kh-stage svg, noscript, figure.kh-widget p")
        yield page
        assert visit.blocked == []
        assert visit.errors == []


@pytest.mark.parametrize("how", ["file", "http"])
def test_every_figure_mounts_and_nothing_is_fetched(
    browser: Browser, folder: Path, http: str, how: str
) -> None:
    """Each twin becomes a widget, from disk and from a server, without a request off the page."""
    with opened(browser) as (page, visit):
        page.goto(f"{http}/light.html" if how == "http" else f"file://{folder}/light.html")
        page.wait_for_selector("figure.kh svg")
        assert page.locator("figure.kh .kh-stage svg").count() == len(standalone.SHOWN)
        assert visit.blocked == []
        assert visit.errors == []


def test_nothing_moves_until_play_and_play_stops(browser: Browser, folder: Path) -> None:
    """No autoplay and no frame is asked for at rest; play moves, pause and leaving the screen stop it."""
    with page_of(browser, folder) as page:
        page.evaluate(COUNT_FRAMES)
        page.wait_for_timeout(300)
        assert page.evaluate("frames_asked") == 0
        figure = page.locator("figure.kh").first
        play = figure.get_by_role("button", name="Play", exact=True)
        play.click()
        before = figure.locator("[data-travel] .kh-mark").get_attribute("style")
        page.wait_for_timeout(700)
        assert figure.locator("[data-travel] .kh-mark").get_attribute("style") != before
        page.evaluate("window.scrollTo(0, document.body.scrollHeight)")
        page.wait_for_function(
            "[...document.querySelectorAll('figure.kh .kh-main')].every(b => b.textContent === 'Play')"
        )
        page.evaluate("frames_asked = 0")
        page.wait_for_timeout(300)
        assert page.evaluate("frames_asked") == 0


def test_everything_by_keyboard(browser: Browser, folder: Path) -> None:
    """Play is the first stop of Tab; every control of a widget is reached in order and works."""
    with page_of(browser, folder) as page:
        page.keyboard.press("Tab")
        focused = "document.activeElement"
        assert page.evaluate(f"{focused}.textContent") == "Play"
        names = []
        for _ in range(16):
            page.keyboard.press("Tab")
            names.append(
                page.evaluate(f"{focused}.getAttribute('aria-label') || {focused}.textContent.trim()")
            )
        for wanted in (
            "Previous event",
            "Next event",
            "Time",
            "Requests in order",
            "Log",
            "Table",
            "Predict",
        ):
            assert wanted in names, names
        figure = page.locator("figure.kh").first
        time = figure.locator(".kh-time")
        figure.get_by_label("Next event").focus()
        before = time.inner_text()
        page.keyboard.press("Enter")
        assert time.inner_text() != before
        figure.locator(".kh-dots").focus()
        page.keyboard.press("End")
        assert (
            figure.locator("[aria-selected=true]").get_attribute("aria-label")
            == "Request 6: GET /search, 503"
        )
        assert "search-svc" in figure.locator(".kh-reason").inner_text()
        figure.get_by_label("Time").focus()
        page.keyboard.press("Home")
        assert time.inner_text().startswith("0.000 s")


def test_decisions_and_orders_by_arrow_keys(browser: Browser, folder: Path) -> None:
    """The stages of the other two widgets are sliders over their requests and decisions."""
    with page_of(browser, folder) as page:
        for name, step in (("balance-three", "Request"), ("hpa-story", "Decision")):
            figure = page.locator(f"#kh-{name}")
            slider = figure.get_by_role("slider", name=step)
            slider.focus()
            page.keyboard.press("Home")
            first = slider.get_attribute("aria-valuetext")
            page.keyboard.press("ArrowRight")
            assert slider.get_attribute("aria-valuetext") != first
            assert slider.get_attribute("aria-valuenow") == "2"


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


def test_a_permalink_opens_at_its_moment(browser: Browser, folder: Path) -> None:
    """The address of a moment, opened afresh, shows that moment."""
    with page_of(browser, folder, where="#kh-hpa-story@37000") as page:
        assert page.locator("#kh-hpa-story .kh-time").inner_text().startswith("37.000 s")
        page.locator("#kh-hpa-story").get_by_label("Next event").click()
        page.locator("#kh-hpa-story .kh-link").click()
        assert page.evaluate("location.hash") == "#kh-hpa-story@37040"


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


def test_a_question_is_graded_with_its_reason(browser: Browser, folder: Path) -> None:
    """A wrong answer shows why it is wrong, a right one why it is right, by keyboard."""
    with page_of(browser, folder) as page:
        form = page.locator("form.kh-predict")
        form.get_by_role("button").click()
        assert form.locator("output").inner_text() == "Choose an answer first."
        form.get_by_label("Yes").check()
        page.keyboard.press("Enter")
        assert form.locator("output").inner_text().startswith("Not quite")
        assert form.locator(".kh-why:visible").all_inner_texts() == ["The sandbox keeps the address."]
        form.get_by_label("No").check()
        form.get_by_role("button").click()
        assert form.locator("output").inner_text() == "Right."
        assert form.locator(".kh-why:visible").all_inner_texts() == ["Only a new Pod gets a new one."]


def test_a_prediction_hides_the_answer_and_grades_it(browser: Browser, folder: Path) -> None:
    """Asked about the next decision, the widget covers what comes, and grades the guess from the trace."""
    with page_of(browser, folder) as page:
        figure = page.locator("#kh-hpa-story")
        assert (
            figure.locator(".kh-future").inner_html().count(" L") + figure.locator(".kh-future path").count()
            > 0
        )
        figure.get_by_text("Predict", exact=True).click()
        figure.locator("fieldset").wait_for()
        assert figure.locator(".kh-future .kh-track").first.get_attribute("d") == "M0 0"
        options = figure.locator("fieldset label")
        assert 2 <= options.count() <= 4
        options.first.click()
        assert figure.locator(".kh-verdict").inner_text().startswith(("Right.", "Not quite"))


def test_jupyter_module_draws_what_arrives(browser: Browser, http: str, folder: Path) -> None:
    """The anywidget module shows a trait's trace, and every batch that comes by message."""
    whole = standalone.trace("pod-replaced")
    start = {
        **whole,
        "events": [],
        "meta": {**whole["meta"], "origin": "live"},
        "req": {**whole["req"], "rows": []},
    }
    (folder / "live.html").write_text(LIVE.replace("TRACE", json.dumps(start)), encoding="utf-8")
    with opened(browser) as (page, visit):
        page.goto(f"{http}/live.html")
        page.wait_for_selector("#a figure.kh")
        rows = whole["req"]["rows"]
        batch = {"events": whole["events"], "req": {"cols": whole["req"]["cols"], "rows": rows}}
        page.evaluate("batch => model.tell({kind: 'append', seq: 1, batch})", batch)
        page.evaluate("batch => model.tell({kind: 'append', seq: 1, batch})", batch)  # once is enough
        assert page.locator("#a .kh-tag").inner_text() == "live"
        assert "Request 197 was answered by" in page.locator("#a .kh-reason").inner_text()
        page.evaluate("void open_view('b')")
        assert page.locator("#b .kh-reason").inner_text() == page.locator("#a .kh-reason").inner_text()
        page.locator("#a").get_by_role("button", name="Paused").click()
        more = {"req": {"cols": whole["req"]["cols"], "rows": [[9999, 500, *rows[-1][2:]]]}}
        page.evaluate("batch => model.tell({kind: 'append', seq: 2, batch})", more)
        assert page.locator("#a .kh-unseen").inner_text() == "1 new"
        assert "Request 500" in page.locator("#b .kh-reason").inner_text()
        assert visit.errors == []


LIVE = """<!doctype html><html lang="en"><meta charset="utf-8"><title>Live</title>
<link rel="icon" href="data:,">
<body data-jp-theme-light="true"><div id="a"></div><div id="b"></div><script type="module">
import widget from "./kubehop.mjs";
const state = {widget: "LoadBalancing", trace: TRACE}, acts = new Set();
// As anywidget does: initialize and each render get a model object of their own.
const model = () => ({get: key => state[key], on: (_, act) => acts.add(act), off: (_, a) => acts.delete(a)})
window.model = {tell: message => acts.forEach(act => act(message))};
widget.initialize({model: model()});
window.open_view = id => widget.render({model: model(), el: document.getElementById(id)});
open_view("a");
</script></body></html>"""
