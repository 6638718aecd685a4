"""The controller's log becomes ticks, Pods are counted as it counts them, a wrong tick is found."""

from __future__ import annotations

import copy
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from kubehop.errors import TraceError
from kubehop.trace.hpa import log, past
from kubehop.trace.hpa.verify import Checked, verify

HEAD = "I1124 10:35:35.749551      61 horizontal.go:958]"
PROPOSING = (
    f'{HEAD} "Proposing desired replicas" desiredReplicas=12'
    ' metric="cpu resource utilization (percentage of request)"'
    ' tolerances="[down:10.0%, up:10.0%]" timestamp="2026-11-24 10:35:29 +0000 UTC"'
    ' scaleTarget="Deployment/hpa-kh7f3a/shop"'
)
STAYED = (
    'I1124 10:35:35.749640      61 horizontal.go:1059] "Decided not to scale"'
    ' scaleTarget="Deployment/hpa-kh7f3a/shop" desiredReplicas=6 lastScaleTime=""'
)
RESCALED = (
    'I1124 10:35:35.802013      61 horizontal.go:1032] "Successfully rescaled" HPA="hpa-kh7f3a/web-hpa"'
    " currentReplicas=1 desiredReplicas=4"
    ' reason="cpu resource utilization (percentage of request) above target"'
)
FAILED = (
    'E1124 10:35:35.802013      61 horizontal.go:275] "Unhandled Error" err="failed to compute desired'
    " number of replicas based on listed metrics for Deployment/hpa-kh7f3a/shop: invalid metrics (1 invalid"
    " out of 1), first error is: failed to get cpu resource metric value: missing request for cpu in"
    ' container shop of Pod shop-1"'
)
OTHER = 'I1124 10:35:35.749640      61 replica_set.go:10] "Too many replicas" need=1'


def ticks(*lines: str) -> list[log.Tick]:
    """Return the ticks of some lines."""
    reader = log.Reader()
    entries = [log.parse(line, year=2026) for line in lines]
    return [tick for entry in entries if entry is not None and (tick := reader.read(entry)) is not None]


def test_proposal_and_no_change_are_one_tick() -> None:
    """Two lines are one tick, with the local time of the first."""
    (tick,) = ticks(PROPOSING, OTHER, STAYED)
    assert (tick.target, tick.proposal, tick.desired) == ("Deployment/hpa-kh7f3a/shop", 12, 6)
    assert tick.time == datetime(2026, 11, 24, 10, 35, 35, 749551).timestamp()
    assert tick.metrics_time == "2026-11-24 10:35:29 +0000 UTC"
    assert tick.lines == [PROPOSING, STAYED]


def test_rescale_names_the_hpa_and_is_the_same_tick() -> None:
    """A rescale says the replicas before and the reason."""
    (tick,) = ticks(PROPOSING, RESCALED)
    assert (tick.target, tick.current, tick.proposal, tick.desired) == (
        "Deployment/hpa-kh7f3a/shop",
        1,
        12,
        4,
    )
    assert "above target" in tick.reason


def test_lines_about_several_hpas_may_stand_between_each_other() -> None:
    """The controller has five workers, each about another HPA."""
    elsewhere = [line.replace("hpa-kh7f3a", "hpa-kh1b2c") for line in (PROPOSING, STAYED)]
    beside = PROPOSING.replace("/shop", "/web-hpa").replace("Replicas=12", "Replicas=3")
    found = ticks(PROPOSING, beside, elsewhere[0], STAYED, elsewhere[1], RESCALED)
    assert [(tick.target, tick.proposal, tick.desired) for tick in found] == [
        ("Deployment/hpa-kh7f3a/shop", 12, 6),
        ("Deployment/hpa-kh1b2c/shop", 12, 6),
        ("Deployment/hpa-kh7f3a/web-hpa", 3, 4),
    ]
    rescaled, _ = ticks(beside, PROPOSING, RESCALED, STAYED)
    assert (rescaled.target, rescaled.proposal) == ("Deployment/hpa-kh7f3a/web-hpa", 3)
    rescaled, _ = ticks(beside.replace("web-hpa", "web"), PROPOSING, RESCALED, STAYED)
    assert rescaled.target == "Deployment/hpa-kh7f3a/shop", "the last one, where no name tells"


def test_rescale_alone_is_a_tick_without_metrics() -> None:
    """Outside of minimum and maximum the controller does not look at metrics."""
    (tick,) = ticks(RESCALED)
    assert (tick.target, tick.proposal, tick.desired) == ("hpa-kh7f3a/web-hpa", None, 4)


def test_failure_is_a_tick_with_its_error() -> None:
    """Without numbers there is a tick, too: the one everybody meets first."""
    (tick,) = ticks(FAILED)
    assert tick.target == "Deployment/hpa-kh7f3a/shop"
    assert tick.proposal is None
    assert "missing request for cpu" in tick.error


def test_other_lines_are_none() -> None:
    """Lines of other controllers, and lines that are no log, are not entries."""
    assert log.parse(OTHER, year=2026) is None
    assert log.parse("panic: not a log line", year=2026) is None
    assert log.parse("", year=2026) is None


def event(t: int, current: int, desired: int, recommendation: int, usage: int) -> dict[str, Any]:
    """Return an hpa event of Pods that each use the same."""
    counted = [
        {"name": f"shop-{n}", "request_m": 100, "usage_m": usage, "ready": True, "unready_reason": None}
        for n in range(current)
    ]
    limits = {"target": 50, "min": 1, "max": 6, "behavior": None, "window_ms": 30_000}
    return (
        {"t": t, "src_t": t, "e": "hpa", "id": "hpa:shop", "current": current, "desired": desired}
        | limits
        | {
            "recommendation": recommendation,
            "pods": counted,
        }
    )


@pytest.fixture
def recorded() -> dict[str, Any]:
    """A trace of an HPA that grows by the step cap, is limited, and shrinks after its window."""
    events = [
        event(0, 1, 1, 1, 50),
        event(5_000, 1, 4, 6, 300),
        event(10_000, 4, 6, 7, 80),
        event(15_000, 6, 6, 1, 1),
        event(40_000, 6, 6, 1, 1),
        event(46_000, 6, 1, 1, 1),
    ]
    return {
        "meta": {"id": "hpa"},
        "entities": [{"id": "hpa:shop", "kind": "HPA", "p": {"whole": True}}],
        "events": events,
    }


def test_model_equals_the_recording(recorded: dict[str, Any]) -> None:
    """Every tick is recomputed."""
    assert verify(recorded) == Checked(ticks=6, decisions=6)


@pytest.mark.parametrize(
    ("number", "key", "value", "message"),
    [
        (1, "recommendation", 5, "recommendation is 5, the model says 6"),
        (1, "desired", 6, "desired is 6, the model says 4"),
        (4, "desired", 1, "desired is 1, the model says 6"),
        (2, "max", 10, "desired is 6, the model says 7"),
    ],
)
def test_a_tick_that_differs_is_found(
    recorded: dict[str, Any], number: int, key: str, value: int, message: str
) -> None:
    """A number that the model does not give is named with its Pods."""
    changed = copy.deepcopy(recorded)
    changed["events"][number][key] = value
    with pytest.raises(TraceError, match="hpa:shop at") as caught:
        verify(changed)
    assert message in str(caught.value)
    assert "shop-0 " in str(caught.value)


def test_what_was_before_the_trace_is_kept_with_its_hpa(recorded: dict[str, Any]) -> None:
    """A trace that begins late is checked from its first tick on when it carries what was before."""
    late = recorded["events"][3:]
    before = {
        "proposals": [[0, 1], [0, 1], [5_000, 6], [10_000, 7]],
        "scaled": [[5_000, 1, 4], [10_000, 4, 6]],
    }
    recorded["events"] = late
    recorded["entities"][0]["p"] = {"whole": True, "past": before}
    assert verify(recorded) == Checked(ticks=3, decisions=3)
    recorded["entities"][0]["p"] = {"whole": True, "past": {"proposals": [[0, 1]], "scaled": []}}
    with pytest.raises(TraceError, match="desired is 6, the model says 1"):
        verify(recorded)


def test_the_end_of_a_log_is_the_past(tmp_path: Path) -> None:
    """Earlier ticks are read from the log; the replicas that the first one found count as a proposal, too."""
    path = tmp_path / "kube-controller-manager.log"
    path.write_text("\n".join([OTHER, PROPOSING, STAYED, PROPOSING, RESCALED]) + "\n")
    tail = past.tail(path)
    assert tail.begins == 0
    start = tail.ticks[0].time
    known = past.facts(tail.ticks, lambda when: round((when - start) * 1000), from_birth=True)
    assert known == {"proposals": [[0, 6], [0, 12], [0, 12]], "scaled": [[0, 1, 4]]}
    assert past.facts(tail.ticks, lambda _: 0, from_birth=False)["proposals"] == [[0, 12], [0, 12]]
    found = past.history(known)
    assert (found.proposals[0], found.added) == ((0.0, 6), [(0.0, 3)])
    assert past.history(None).proposals == []
    scale_down = {"scaleDown": {"stabilizationWindowSeconds": 400}}
    assert past.horizon_seconds(scale_down, window_seconds=30) == 400


def test_without_a_whole_history_decisions_are_checked_after_a_window(recorded: dict[str, Any]) -> None:
    """What happened before the recording can only be guessed for one window."""
    recorded["entities"][0]["p"] = {}
    assert verify(recorded) == Checked(ticks=6, decisions=2)
