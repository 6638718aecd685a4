"""The model against every HPA decision of the book: each tick of each trace in traces/, recomputed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from kubehop.trace.hpa.verify import verify

FILES = sorted((Path(__file__).parents[3] / "traces").glob("*.json"))
CONTENTS = [json.loads(path.read_text("utf-8")) for path in FILES]
# Files without events are no traces: what was recorded when, results of labs and checks.
DECIDED = [one for one in CONTENTS if any(event["e"] == "hpa" for event in one.get("events", ()))]


def ticks() -> list[dict[str, Any]]:
    """Return the decisions of all committed traces."""
    return [event for trace in DECIDED for event in trace["events"] if event["e"] == "hpa"]


def test_the_model_gives_every_committed_decision() -> None:
    """No tick is left out: each has the controller's log, and the model gives its proposal."""
    for trace in DECIDED:
        events = [event for event in trace["events"] if event["e"] == "hpa"]
        assert verify(trace).ticks == len([event for event in events if event["recommendation"] is not None])
        assert all(event["log"] for event in events), trace["meta"]["id"]


def test_the_committed_decisions_go_up_and_down_and_count_unready_pods() -> None:
    """What the model is checked against has every kind of tick that it distinguishes."""
    changes = [event["desired"] - event["current"] for event in ticks() if event["desired"] is not None]
    assert max(changes) > 0 > min(changes)
    assert any(not pod["ready"] for event in ticks() for pod in event["pods"])
    assert any(pod["ready"] and pod["usage_m"] is None for event in ticks() for pod in event["pods"])
    assert any(event["recommendation"] != event["desired"] for event in ticks())
