"""The hop map: which box is filled, what it links to, what it says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from kubehop.book import sphinx_hop_map as hop_map

ROOT = Path(__file__).parents[3]


def filled(html: str) -> list[str]:
    """Return the titles of the filled boxes, one for each drawing."""
    return re.findall(r'class="kh-hop kh-hop--on".*?<text[^>]*>(\w+)</text>', html)


@pytest.mark.parametrize(
    ("name", "title"),
    [
        ("pods", "Pod"),
        ("services", "Service"),
        ("ingress", "Ingress"),
        ("configmaps", "Container"),
        ("hpa", "Pod"),
    ],
)
def test_a_chapter_fills_its_hop(name: str, title: str) -> None:
    """The hop a chapter explains is filled in the wide and in the narrow drawing, and no other is."""
    html = hop_map.draw(hop_map.hop_of(name), {})
    assert filled(html) == [title, title]
    assert title in hop_map.describe(hop_map.hop_of(name))


def test_the_set_of_pods_is_a_stack() -> None:
    """The HPA's hop is drawn as several Pods, the chapter on Pods as one."""
    assert hop_map.draw("pods", {}).count("kh-hop-behind") == 4
    assert "kh-hop-behind" not in hop_map.draw("pod", {})


def test_start_pages_fill_nothing() -> None:
    """A page about the whole way marks no hop."""
    assert filled(hop_map.draw(hop_map.hop_of("index"), {})) == []
    assert filled(hop_map.draw(None, {}, hero=True)) == []


def test_an_unknown_name_is_refused() -> None:
    """A typing error is not drawn as "no hop"."""
    with pytest.raises(KeyError):
        hop_map.hop_of("pod-s")


def test_links_lead_to_chapters_that_exist() -> None:
    """A box is a link only if its chapter is there, and the current one never is."""
    html = hop_map.draw("pod", {"service": "../services/services.html", "pod": "pods.html"})
    assert set(re.findall(r'href="([^"]+)"', html)) == {"../services/services.html"}


def test_narrow_boxes_hold_their_words() -> None:
    """On a phone each word has room inside its box, and the row fits 328 pixels at full size."""
    narrow = hop_map.draw("pod", {}).split("kh-hop-map__narrow")[1]
    widths = [float(width) for width in re.findall(r'kh-hop-box"[^>]*width="([\d.]+)"', narrow)]
    assert all(width >= len(hop.title) * 7 for width, hop in zip(widths, hop_map.HOPS, strict=True))
    assert float(re.search(r'viewBox="0 0 ([\d.]+)', narrow)[1]) <= 328  # type: ignore[index]


def test_the_favicon_is_this_drawing() -> None:
    """The committed favicon is what `draw_icon` draws."""
    assert (ROOT / "assets/site/favicon.svg").read_text("utf-8") == hop_map.draw_icon()


def test_every_mark_fills_one_of_five() -> None:
    """The map of the height of a letter has five boxes, one of them filled, and the hop's name beside it."""
    for hop in hop_map.HOPS:
        html = hop_map.draw_mark(hop.name)
        assert (html.count("<rect"), html.count("kh-on")) == (5, 1)
        assert html.endswith(f"{hop.title}</span>")
