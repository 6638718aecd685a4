"""A growing trace in a real JupyterLab: the widget draws what the kernel's thread tells it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser
from running_lab import run_all, running_lab
from standalone import opened

pytestmark = pytest.mark.browser
CELLS = (
    """import time
from kubehop.trace import About, Trace
from kubehop.trace.request import Row
import kubehop as kh
trace = Trace(About(id="grows", title="It grows.", summary="A trace that a thread of the kernel feeds."))
trace.entity("client:pod", "Client")
trace.entity("svc:web", "Service")
for name in "ab":
    trace.entity(f"pod:{name}", "Pod")
kh.LoadBalancing(trace)""",
    """for number in range(20):
    trace.put(number + 1, Row(t=trace.now(), source="client:pod", via="svc:web", to=f"pod:{'ab'[number % 2]}",
                              us=900, status=200, connection=number))
    time.sleep(0.05)
trace.end()
trace.note("over")""",
    "kh.LoadBalancing(trace)",
)


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[str]:
    """Start JupyterLab on the notebook, and return its address."""
    with running_lab(tmp_path, CELLS) as address:
        yield address


def test_growing_trace_is_drawn_and_ends_as_replay_does(browser: Browser, lab: str) -> None:
    """Twenty requests told by messages end in the same picture as the finished trace shown at once."""
    with opened(browser, viewport={"width": 1280, "height": 1800}) as (page, _):
        page.goto(lab, timeout=120_000)
        run_all(page)
        page.wait_for_function("document.querySelectorAll('figure.kh').length === 2", timeout=120_000)
        tags = (
            "[...document.querySelectorAll('figure.kh .kh-tag')].every(tag => tag.textContent === 'recorded')"
        )
        page.wait_for_function(tags, timeout=30_000)
        told = page.locator("figure.kh [id$=-picture]").all_text_contents()
        assert told[0] == told[1]
        assert "a 10, b 10" in told[0]
        assert page.locator("figure.kh .kh-stage svg").first.locator("[data-req]").count() == 20
