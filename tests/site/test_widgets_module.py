"""The anywidget module alone: what a notebook's page does with a trait and its messages."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import standalone
from playwright.sync_api import Browser
from standalone import opened

pytestmark = pytest.mark.browser


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
