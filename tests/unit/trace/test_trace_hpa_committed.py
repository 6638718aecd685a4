"""The model against every HPA decision of the book: each tick of each trace in traces/, recomputed."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest

from kubehop.errors import TraceError
from kubehop.trace.hpa.verify import verify

FILES = sorted((Path(__file__).parents[3] / "traces").glob("*.json"))
CONTENTS = [json.loads(path.read_text("utf-8")) for path in FILES]
# Files without events are no traces: what was recorded when, results of labs and checks.
DECIDED = [one for one in CONTENTS if any(event["e"] == "hpa" for event in one.get("events", ()))]


def ticks(trace: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the decisions in a trace."""
    return [event for event in trace["events"] if event["e"] == "hpa"]


@pytest.mark.parametrize("trace", DECIDED, ids=lambda trace: str(trace["meta"]["id"]))
def test_the_model_gives_every_committed_decision(trace: dict[str, Any]) -> None:
    """No tick is left out: each has the controller's log, and the model gives its proposal and its result."""
    proposed = [event for event in ticks(trace) if event["recommendation"] is not None]
    checked = verify(trace)
    assert checked.ticks == checked.decisions == len(proposed) >= 4
    assert all(event["log"] for event in ticks(trace))
    for field in ("recommendation", "desired"):
        wrong = copy.deepcopy(trace)
        ticks(wrong)[-1][field] += 1
        with pytest.raises(TraceError, match=f"the controller's {field} is"):
            verify(wrong)


def test_there_are_recordings_of_growth_of_shrinking_and_of_unready_pods() -> None:
    """Three runs, each with what it is named after; the unready Pods were so for several ticks."""
    named = {trace["meta"]["id"]: ticks(trace) for trace in DECIDED}
    assert any(event["desired"] > event["current"] for event in named["hpa-up"])
    assert any(event["desired"] < event["current"] for event in named["hpa-down"])
    unready = [event for event in named["hpa-unready"] if not all(pod["ready"] for pod in event["pods"])]
    reasons = {pod["unready_reason"] for event in unready for pod in event["pods"] if not pod["ready"]}
    assert len(unready) >= 4
    assert {"not ready", "never ready"} <= reasons


def test_the_committed_decisions_go_up_and_down_and_count_unready_pods() -> None:
    """What the model is checked against has every kind of tick that it distinguishes."""
    every = [event for trace in DECIDED for event in ticks(trace)]
    changes = [event["desired"] - event["current"] for event in every if event["desired"] is not None]
    assert max(changes) > 0 > min(changes)
    assert any(not pod["ready"] for event in every for pod in event["pods"])
    assert any(pod["ready"] and pod["usage_m"] is None for event in every for pod in event["pods"])
    assert any(event["recommendation"] != event["desired"] for event in every)
