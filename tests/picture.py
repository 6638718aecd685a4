"""Take the pictures of real pages that chapters show: `python -m tests.picture`, with a cluster up.

`chapters/ingress/two-shops.png`: one host, two paths, two versions of the shop, each in a window of its own.
Its text alternative stands where the chapter shows it; read it again when the picture changes.
"""

from __future__ import annotations

import base64
from pathlib import Path
from urllib.parse import urlsplit

from playwright.sync_api import Browser, sync_playwright

from kubehop.book import chapter, session
from kubehop.client import handover

ROOT = Path(__file__).resolve().parents[1]
PICTURE = ROOT / "chapters" / "ingress" / "two-shops.png"
MANIFESTS = ROOT / "manifests" / "ingress"
OBJECTS = (
    "stable-deployment",
    "stable-svc-service",
    "canary-deployment",
    "canary-svc-service",
    "app-ingress",
)
CHROMIUM = "/usr/bin/chromium"
USUAL_PORT = 8080
"""The door of a reader's first cluster, which the page shows; this one may have another."""
WINDOW = {"width": 664, "height": 570}
SHEET = """<body style="margin:0;display:flex;gap:24px;padding:6px;background:#fff;font:15px monospace">
{windows}</body>"""
FRAME = """<div style="border:1px solid #b9c2cd;border-radius:8px;overflow:hidden">
<div style="padding:10px 16px;background:#eef1f5;color:#1b2430">{address}</div>
<img style="display:block;width:{width}px" src="data:image/png;base64,{image}"></div>"""


def main() -> None:
    """Make the shops, photograph them side by side, and leave nothing behind."""
    chapter.chapter("ingress")
    try:
        kubectl, namespace = session.current().kubectl, session.current().namespace
        for name in OBJECTS:
            text = (MANIFESTS / f"{name}.yaml").read_text("utf-8").replace("NAMESPACE", namespace)
            kubectl.run(["apply", "--filename=-"], stdin=text, check=True)
        chapter.settle()
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(
                executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"]
            )
            PICTURE.write_bytes(side_by_side(browser, f"{namespace}.localhost"))
            browser.close()
    finally:
        chapter.finish()


def side_by_side(browser: Browser, host: str) -> bytes:
    """Return a picture of both pages, each under the address that a reader types."""
    port = urlsplit(handover.current().ingress_http or "").port
    windows = ""
    for path in ("/", "/canary"):
        page = browser.new_page(viewport=WINDOW, color_scheme="light")
        page.goto(f"http://{host}:{port}{path}")
        image = base64.b64encode(page.screenshot()).decode()
        windows += FRAME.format(
            address=f"http://ingress.localhost:{USUAL_PORT}{path}", width=WINDOW["width"], image=image
        )
    sheet = browser.new_page(viewport={"width": 2 * WINDOW["width"] + 40, "height": WINDOW["height"] + 52})
    sheet.set_content(SHEET.format(windows=windows))
    return sheet.screenshot(full_page=True)


if __name__ == "__main__":
    main()
