"""The widgets in a real browser: they mount, move, answer the keyboard, ask and link."""

from __future__ import annotations

from pathlib import Path

import pytest
import standalone
from playwright.sync_api import Browser
from standalone import opened, page_of

pytestmark = pytest.mark.browser
COUNT_FRAMES = """() => { window.frames_asked = 0; const ask = window.requestAnimationFrame;
  window.requestAnimationFrame = f => { window.frames_asked += 1; return ask(f); }; }"""


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


def test_a_permalink_opens_at_its_moment(browser: Browser, folder: Path) -> None:
    """The address of a moment, opened afresh, shows that moment."""
    with page_of(browser, folder, where="#kh-hpa-story@37000") as page:
        assert page.locator("#kh-hpa-story .kh-time").inner_text().startswith("37.000 s")
        page.locator("#kh-hpa-story").get_by_label("Next event").click()
        page.locator("#kh-hpa-story .kh-link").click()
        assert page.evaluate("location.hash") == "#kh-hpa-story@37040"


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
