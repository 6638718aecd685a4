"""What `kubehop status` draws, and the picture of a start."""

from __future__ import annotations

import inspect
import json
import re
from datetime import UTC, datetime, timedelta
from io import StringIO
from typing import Any

import pytest
from rich.console import Console
from tests.figure import DOCS, LEFT, draw, timed

from kubehop.cluster import cluster
from kubehop.cluster.overview import age, overview

NOW = datetime(2026, 5, 4, 12, tzinfo=UTC)


def row(name: str, node: str, state: str = "running", restarts: int = 0) -> dict[str, Any]:
    """Describe a component as the handover file does."""
    since = (NOW - timedelta(minutes=5)).isoformat().replace("+00:00", "Z")
    last = "listen tcp: address already in use" if state != "running" else ""
    return {
        "name": name,
        "node": node,
        "state": state,
        "restarts": restarts,
        "since": since,
        "last_line": last,
    }


def drawn(rows: list[dict[str, Any]]) -> str:
    """Return the picture of a cluster with these components as text."""
    doors = dict.fromkeys(("api", "ingress_http", "ingress_https", "outside_proxy"), "http://127.0.0.1:1")
    nodes = [{"name": f"node-{number}", "address": f"172.30.0.1{number}"} for number in (1, 2)]
    told = {
        "name": "demo",
        "versions": {"kubernetes": "v1.37.2", "kube-proxy-mode": "nftables"},
        "kubeconfig": "/k",
        "nodes": nodes,
    }
    paper = Console(file=StringIO(), width=110)
    paper.print(overview(told | doors | {"components": rows}, now=NOW))
    assert isinstance(paper.file, StringIO)
    return paper.file.getvalue()


def test_a_component_stands_below_its_node() -> None:
    """A component of one node has a dot where the other node has none."""
    text = drawn([row("etcd", "node-1"), row("kubelet", "node-1"), row("kubelet", "node-2")])
    lines = {line.split()[1]: line for line in text.splitlines() if "● 5 min" in line}
    assert lines["etcd"].count("● 5 min") == 1
    assert lines["kubelet"].count("● 5 min") == 2
    assert "demo ● ready" in text
    assert "172.30.0.12" in text


def test_what_does_not_run_is_seen_at_once() -> None:
    """The title, the cell and a line of its own say so, with the component's last words."""
    text = drawn([row("etcd", "node-1"), row("kubelet", "node-2", "restarting", 2)])
    assert "demo ● mending" in text
    assert "● restarting  ↻ 2" in text
    assert "kubelet on node-2: listen tcp: address already in use" in text


@pytest.mark.parametrize(
    ("seconds", "told"), [(0, "0 s"), (59, "59 s"), (60, "1 min"), (7199, "1 h"), (172800, "2 d")]
)
def test_ages_have_one_unit(seconds: int, told: str) -> None:
    """The largest unit that fits, rounded down."""
    assert age((NOW - timedelta(seconds=seconds)).isoformat(), NOW) == told


def test_a_bar_begins_where_its_step_began() -> None:
    """Bars are true to scale: twice the time, twice the width."""
    trace = [
        {"title": "certificates", "began": 0.0, "seconds": 2.0},
        {"title": "nodes & more", "began": 2.0, "seconds": 4.0},
    ]
    picture = draw(trace)
    bars = [
        tuple(map(float, bar)) for bar in re.findall(r'<rect x="([\d.]+)" y="\d+" width="([\d.]+)"', picture)
    ]
    assert bars[0][0] == LEFT
    assert bars[1][0] == pytest.approx(bars[0][0] + bars[0][1], abs=0.2)
    assert bars[1][1] == pytest.approx(2 * bars[0][1], abs=0.2)
    assert "nodes &amp; more" in picture


def test_the_page_tells_the_times_of_the_picture() -> None:
    """The table of steps in the architecture has the recorded times, and a row for each step there is."""
    kept = json.loads((DOCS / "up.json").read_text())
    trace = kept["trace"]
    page = (DOCS / "architecture.md").read_text()
    assert timed(page, trace) == page
    assert (DOCS / "up.svg").read_text() == draw(trace, kept["machine"])
    steps = re.findall(r'Step\("([^"]+)"', inspect.getsource(cluster.Cluster))
    assert len(steps) > 10
    timed(page, [{"title": title, "began": 1.0} for title in steps])
    with pytest.raises(ValueError, match="0 rows for the step 'unheard of'"):
        timed(page, [{"title": "unheard of", "began": 1.0}])
