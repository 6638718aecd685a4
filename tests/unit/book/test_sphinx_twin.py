"""Static twins: the table and the data that a recorded figure gets."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from kubehop.book import sphinx_twin

FIGURE = (
    '<figure class="kh-widget" data-widget="LoadBalancing" data-trace="split">'
    "<figcaption>Split</figcaption></figure>"
)


def trace(**changes: Any) -> dict[str, Any]:
    """Return a small recording of three requests."""
    meta = {
        "id": "split",
        "summary": "Three requests reach two Pods, one of them </script> twice over.",
        "origin": "recorded",
        "recorded_at": "2026-11-24T10:00:00Z",
        "cluster": {"kubernetes": "v1.37.2"},
    }
    return {
        "meta": meta,
        "entities": [{"id": "client"}, {"id": "pod:a"}, {"id": "pod:b"}],
        "events": [{"t": 1500, "e": "ep", "id": "pod:a", "op": "mod", "ready": False}],
        "req": {
            "cols": ["t", "to", "path", "us", "st"],
            "dict": {"path": ["/", "/cart"]},
            "rows": [[0, 1, 0, 1250, 200], [20, 2, 1, 900, 200], [1700, -1, 0, 40, 503]],
        },
    } | changes


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder with the trace `split`."""
    (tmp_path / "split.json").write_text(json.dumps(trace()), "utf-8")
    return tmp_path


def test_a_figure_gets_summary_table_and_origin(folder: Path) -> None:
    """A reader without JavaScript sees every request with its time, path, Pod, status and duration."""
    html, problems = sphinx_twin.fill(FIGURE, folder)
    assert problems == []
    assert "Three requests reach two Pods" in html
    assert "<td>0.020</td><td>/cart</td><td>pod:b</td><td>200</td><td>0.90</td>" in html
    assert "<td>nobody</td><td>503</td>" in html
    assert "Requests as a table (3)" in html
    assert "Kubernetes v1.37.2, 2026-11-24" in html


def test_the_data_cannot_end_its_element(folder: Path) -> None:
    """A `</script>` in a trace stays text, and the script still reads the same data."""
    html, _ = sphinx_twin.fill(FIGURE, folder)
    start = '<script type="application/json" id="kh-trace-split">'
    data = html.split(start)[1].removesuffix("</script>")
    assert "<" not in data
    assert json.loads(data) == trace()


def test_a_trace_shown_twice_is_stored_once(folder: Path) -> None:
    """Two figures of one trace share its data."""
    html, _ = sphinx_twin.fill(FIGURE + FIGURE, folder)
    assert (html.count("application/json"), html.count("kh-twin")) == (1, 4)


def test_a_missing_trace_is_a_problem(tmp_path: Path) -> None:
    """The message names the trace and the command that records it; the figure stays as it was."""
    html, problems = sphinx_twin.fill(FIGURE, tmp_path)
    assert html == FIGURE
    assert len(problems) == 1
    assert "'split'" in problems[0]
    assert "make record" in problems[0]


def test_long_tables_say_what_they_leave_out() -> None:
    """Past the limit the rest is counted, not dropped in silence."""
    rows = [[n, 1, 0, 100, 200] for n in range(sphinx_twin.MAX_ROWS + 7)]
    long = trace(req={"cols": ["t", "to", "path", "us", "st"], "dict": {"path": ["/"]}, "rows": rows})
    html = sphinx_twin.twin("", long)
    assert f"Requests as a table ({len(rows)})" in html
    assert "7 more rows" in html


def test_scaling_decisions_become_a_table() -> None:
    """Each tick of an HPA is a row; what the controller did not know is written out."""
    tick = {
        "t": 5000,
        "e": "hpa",
        "id": "hpa:web",
        "current": 1,
        "desired": 3,
        "target": 50,
        "utilization": None,
    }
    tables = sphinx_twin.tables(trace(events=[tick], req={"cols": [], "rows": []}))
    assert [table.caption for table in tables] == ["Decisions of the HorizontalPodAutoscaler"]
    assert tables[0].rows[0][:4] == ["5.0", "1", "unknown", "50"]


def test_ids_are_found_in_a_notebook_source() -> None:
    """Quotes are escaped in a notebook's JSON, and plain in Markdown."""
    assert sphinx_twin.trace_ids('data-trace=\\"b\\" data-trace="a" data-trace=\\"b\\"') == ["a", "b"]


def test_changes_are_told_in_words() -> None:
    """What was there is told apart from what appeared; nested facts are flat, unknown ones left out."""
    service = {
        "e": "svc",
        "id": "svc:web",
        "op": "add",
        "src_t": -5,
        "s": {"ports": [{"port": 80}, {"port": 443}]},
    }
    events = [{"t": 0, **service}, {"t": 1200, **service}, {"t": 2000, "e": "scale", "from": None, "to": 2}]
    rows = sphinx_twin.tables(trace(events=events, req={"cols": [], "rows": []}))[0].rows
    assert rows == [
        ["0.0", "svc:web", "was there", "ports port=80 and port=443"],
        ["1.2", "svc:web", "appeared", "ports port=80 and port=443"],
        ["2.0", "", "scale", "to 2"],
    ]


def test_a_model_is_labeled_a_model() -> None:
    """A trace that was computed says so, with its seed."""
    html = sphinx_twin.twin("", trace(meta={**trace()["meta"], "origin": "model", "seed": 7}))
    assert '<span class="kh-tag">model</span> seed 7' in html
