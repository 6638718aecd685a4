"""The model against the controller: every tick of a trace, recomputed from the numbers it recorded."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from kubehop.errors import TraceError
from kubehop.trace.hpa import limit, model, past


@dataclass(frozen=True)
class Checked:
    """How much of a trace was checked.

    Attributes:
        ticks: Ticks whose proposal was recomputed.
        decisions: Ticks whose final number was recomputed, too: those with a whole history before them.
    """

    ticks: int
    decisions: int


def verify(trace: dict[str, Any]) -> Checked:
    """Recompute every decision of the HPA controller in a trace.

    The final number depends on earlier proposals. It is checked when all of them are known (entity fact
    `whole`: the HPA was made during the trace, or what was before it is in the entity fact `past`), and
    otherwise from the first tick on that has a whole window before it.

    Raises:
        TraceError: The model and the controller differ at a tick.
    """
    facts = {entity["id"]: entity.get("p", {}) for entity in trace["entities"]}
    histories: dict[str, limit.History] = {}
    firsts: dict[str, int] = {}
    ticks = decisions = 0
    for event in trace["events"]:
        if event["e"] != "hpa":
            continue
        known = facts[event["id"]]
        history = histories.setdefault(event["id"], past.history(known.get("past")))
        first = firsts.setdefault(event["id"], event["t"])
        proposal = proposed(event)
        if event["recommendation"] is not None:
            ticks += 1
            _equal(trace, event, "recommendation", proposal.replicas)
        complete = bool(known.get("whole")) or event["t"] - first > window_ms(event)
        decision = decided(event, history)
        if complete and event["desired"] is not None and decision is not None:
            decisions += 1
            _equal(trace, event, "desired", decision.desired)
    return Checked(ticks, decisions)


def proposed(event: dict[str, Any]) -> model.Proposal:
    """Return what the model proposes from the numbers of one tick."""
    rules = limit.behavior(event.get("behavior"))
    up, down = (rules.up.tolerance, rules.down.tolerance) if rules else (None, None)
    return model.propose(
        [model.Pod(**pod) for pod in event["pods"]],
        current=event["current"],
        target=event["target"],
        tolerance_up=model.TOLERANCE if up is None else up,
        tolerance_down=model.TOLERANCE if down is None else down,
    )


def decided(event: dict[str, Any], history: limit.History) -> limit.Decision | None:
    """Return what the model makes of a tick's proposal, and remember it; None when there is no proposal."""
    when = seconds(event)
    if not history.proposals:
        history.proposals.append((when, event["current"]))
    if event["recommendation"] is None:
        if event["desired"] is not None:
            history.scaled(when, event["current"], event["desired"])
        return None
    decision = limit.decide(
        event["recommendation"],
        current=event["current"],
        minimum=event["min"],
        maximum=event["max"],
        history=history,
        when=when,
        rules=limit.behavior(event.get("behavior")),
        window_seconds=event.get("window_ms", limit.STABILIZATION_SECONDS * 1000) / 1000,
    )
    if event["desired"] is not None:
        history.scaled(when, event["current"], event["desired"])
    return decision


def seconds(event: dict[str, Any]) -> float:
    """Return the time of a tick by the controller's clock, in seconds since the start of the trace."""
    return float(event.get("src_t", event["t"])) / 1000


def window_ms(event: dict[str, Any]) -> float:
    """Return for how long earlier proposals count."""
    window_seconds = event.get("window_ms", limit.STABILIZATION_SECONDS * 1000) / 1000
    return past.horizon_seconds(event.get("behavior"), window_seconds=window_seconds) * 1000


def _equal(trace: dict[str, Any], event: dict[str, Any], name: str, modeled: int | None) -> None:
    if event[name] == modeled:
        return
    place = f"Trace {trace['meta']['id']!r}, {event['id']} at {event['t']} ms"
    what = f"{place}: the controller's {name} is {event[name]}, the model says {modeled}."
    pods = ", ".join(
        f"{pod['name']} {pod['usage_m']}/{pod['request_m']} {pod['unready_reason'] or ''}".strip()
        for pod in event["pods"]
    )
    why = f"current {event['current']}, target {event['target']} %, Pods: {pods}."
    raise TraceError(
        what,
        why=f"{why} Log: {event.get('log', '')!r}.",
        next_command="Compare src/kubehop/trace/hpa/model.py with upstream's replica_calculator.go.",
    )
