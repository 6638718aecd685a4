"""Writes `widgets/test/data/hpa-*.json`: decisions by the Python model, for the TypeScript one to reproduce.

Run it after a change of `kubehop.trace.hpa`: `python tests/unit/widgets/hpa_fixture.py`.
"""

from __future__ import annotations

import json
import random
from dataclasses import asdict
from pathlib import Path
from typing import Any

from kubehop.trace.hpa import limit, model, verify

DATA = Path(__file__).parents[3] / "widgets" / "test" / "data"
SEED = 7
SYNC_MS = 5_000
WINDOW_MS = 30_000

Event = dict[str, Any]


def cases(count: int = 120) -> list[Event]:
    """Return ticks with random Pods, and what the model proposes for each."""
    chance = random.Random(SEED)
    found = []
    for _ in range(count):
        event: Event = {
            "current": chance.randint(1, 10),
            "target": chance.choice([30, 50, 60, 80, 100, 120]),
            "behavior": chance.choice([None, None, {"scaleUp": {"tolerance": "50m"}}]),
            "pods": [_random_pod(chance, number) for number in range(chance.randint(0, 8))],
        }
        proposal = verify.proposed(event)
        found.append(
            event
            | {
                "recommendation": proposal.replicas,
                "utilization": proposal.utilization,
                "steps": [step.name for step in proposal.steps],
            }
        )
    return found


def _random_pod(chance: random.Random, number: int) -> Event:
    ready = chance.random() > 0.2
    usage = None if chance.random() < 0.15 else chance.randint(0, 300)
    request = chance.choice([100, 100, 200, 250])
    return asdict(model.Pod(f"web-{number}", request, usage, ready, None if ready else "not ready"))


def runs(count: int = 30, length: int = 24) -> list[list[Event]]:
    """Return runs of ticks with random recommendations, and what the model makes of each."""
    chance = random.Random(SEED)
    return [_random_run(chance, length) for _ in range(count)]


def _random_run(chance: random.Random, length: int) -> list[Event]:
    behavior = chance.choice([None, _random_behavior(chance)])
    minimum = chance.randint(1, 3)
    maximum = minimum + chance.randint(1, 12)
    current, history, events = minimum, limit.History(), []
    for number in range(length):
        event: Event = {
            "t": number * SYNC_MS,
            "current": current,
            "recommendation": chance.randint(1, 16),
            "min": minimum,
            "max": maximum,
            "behavior": behavior,
            "window_ms": WINDOW_MS,
            "desired": None,
        }
        decision = verify.decided(event, history)
        assert decision is not None
        history.scaled(verify.seconds(event), current, decision.desired)
        events.append(event | {"stabilized": decision.stabilized, "desired": decision.desired})
        current = decision.desired
    return events


def _random_behavior(chance: random.Random) -> Event:
    def side() -> Event | None:
        if chance.random() < 0.2:
            return None
        policies = [
            {
                "type": chance.choice(["Pods", "Percent"]),
                "value": chance.choice([1, 2, 10, 33, 50, 100]),
                "periodSeconds": chance.choice([5, 15, 60]),
            }
            for _ in range(chance.randint(0, 2))
        ]
        return {
            "stabilizationWindowSeconds": chance.choice([None, 0, 10, 60]),
            "selectPolicy": chance.choice([None, "Max", "Min", "Disabled"]),
            "policies": policies or None,
        }

    return {"scaleUp": side(), "scaleDown": side()}


def story() -> Event:
    """Return a trace of one load that comes and goes: 1 to 10 replicas and back, with every rule at work."""
    pods: list[Event] = []
    events: list[Event] = [
        {"t": 0, "e": "cmd", "text": "kubectl apply -f storefront-hpa.yaml"},
        {"t": 15_000, "e": "load", "rate": 120, "text": "load begins: 120 requests/s"},
        {"t": 95_000, "e": "load", "rate": 0, "text": "load ends"},
    ]
    history = limit.History()
    current, serial = 1, 1
    pods.append({"name": "storefront-0001", "born": -60_000})
    for t in range(2_000, 180_000, SYNC_MS):
        work = 640.0 if 21_000 <= t < 101_000 else 4.0
        event = _story_tick(t, work, pods, current)
        decision = verify.decided(event, history)
        desired = decision.desired if decision else current
        event |= {"desired": desired, "stabilized": decision.stabilized if decision else None}
        event["log"] = _log_line(event)
        history.scaled(verify.seconds(event), current, desired)
        events.append(event)
        if desired != current:
            events.append(
                {"t": t + 40, "e": "scale", "id": "deploy:storefront", "from": current, "to": desired}
            )
        while len(pods) < desired:
            serial += 1
            pods.append({"name": f"storefront-{serial:04d}", "born": t})
        del pods[desired:]
        current = desired
    return _trace(events)


def _story_tick(t: int, work: float, pods: list[Event], current: int) -> Event:
    counted = []
    serving = [pod for pod in pods if t - pod["born"] > 4_000]
    for number, pod in enumerate(pods):
        age = t - pod["born"]
        ready = age > 14_000
        share = min(180.0, work / max(1, len(serving))) * (0.94 + 0.04 * (number % 4))
        usage = None if age < 9_000 else round(share)
        reason = None if ready else "started: no full window of usage since it became ready"
        # One sample is missed once the Pods are many.
        if ready and number == 2 and 62_000 < t < 66_000:
            usage = None
        counted.append(asdict(model.Pod(pod["name"], 100, usage, ready, reason)))
    event: Event = {
        "t": t,
        "e": "hpa",
        "id": "hpa:storefront",
        "current": current,
        "target": 50,
        "pods": counted,
    }
    proposal = verify.proposed(event)
    return event | {
        "min": 1,
        "max": 10,
        "behavior": None,
        "window_ms": WINDOW_MS,
        "desired": None,
        "utilization": proposal.utilization,
        "ratio": None if proposal.ratio is None else round(proposal.ratio, 6),
        "recommendation": proposal.replicas,
        "reason": proposal.steps[-1].text,
        "src": "kube-controller-manager",
    }


def _log_line(event: Event) -> str:
    return (
        f'"Proposing desired replicas" desiredReplicas={event["recommendation"]} '
        f'metric="cpu resource utilization (percentage of request)" '
        f'scaleTarget="Deployment/shop/storefront"'
    )


def _trace(events: list[Event]) -> Event:
    entities = [
        {"id": "deploy:storefront", "kind": "Deployment", "name": "storefront"},
        {"id": "hpa:storefront", "kind": "HPA", "name": "storefront", "parent": "deploy:storefront"},
    ]
    entities[1]["p"] = {"min": 1, "max": 10, "whole": True}  # type: ignore[assignment]  # a fact is no string
    meta = {
        "id": "hpa-story",
        "title": "The controller is not the formula: new Pods count as idle, and one step at most doubles.",
        "summary": "A load comes and goes; each decision of the autoscaler beside the textbook formula.",
        "origin": "model",
        "seed": SEED,
        "params": {"target": 50, "min": 1, "max": 10},
        "duration_ms": 180_000,
        "chapters": [
            {"t": 0, "label": "calm"},
            {"t": 15_000, "label": "load"},
            {"t": 95_000, "label": "load ends"},
        ],
    }
    ordered = sorted(events, key=lambda event: event["t"])
    return {"schema": "kubehop-trace/1", "meta": meta, "entities": entities, "events": ordered}


def files() -> dict[str, str]:
    """Return the text of each fixture by its name."""
    made = {"hpa-cases": {"cases": cases(), "runs": runs()}, "hpa-story": story()}
    return {f"{name}.json": json.dumps(data, separators=(",", ":")) + "\n" for name, data in made.items()}


if __name__ == "__main__":
    for name, text in files().items():
        (DATA / name).write_text(text, encoding="utf-8")
