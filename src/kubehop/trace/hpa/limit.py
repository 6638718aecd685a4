"""What becomes of a proposal: stabilization, policies or the step cap, minimum and maximum.

Source: https://github.com/kubernetes/kubernetes/blob/v1.37.2/pkg/controller/podautoscaler/horizontal.go
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

STABILIZATION_SECONDS = 300.0
"""--horizontal-pod-autoscaler-downscale-stabilization"""
_STEP_FACTOR, _STEP_MINIMUM = 2, 4


@dataclass(frozen=True)
class Policy:
    """A scaling policy: at most `value` Pods, or percent, in a period."""

    kind: str
    value: int
    period_seconds: float


@dataclass(frozen=True)
class Rules:
    """One direction of `spec.behavior`.

    Attributes:
        window_seconds: Stabilization window; None takes the controller's own.
        select: Max, Min or Disabled.
        tolerance: None takes the controller's own.
    """

    window_seconds: float | None
    select: str
    policies: tuple[Policy, ...]
    tolerance: float | None = None


@dataclass(frozen=True)
class Behavior:
    """`spec.behavior`, both directions."""

    up: Rules
    down: Rules


@dataclass(frozen=True)
class Decision:
    """What the controller does with a proposal.

    Attributes:
        stabilized: After the stabilization window.
        desired: After policies or the step cap, and minimum and maximum.
        limited: Reason of the ScalingLimited condition, or None when nothing was limited.
    """

    stabilized: int
    desired: int
    limited: str | None


@dataclass
class History:
    """What the controller remembers of one HPA: proposals and changes with their times in seconds."""

    proposals: list[tuple[float, int]] = field(default_factory=list)
    added: list[tuple[float, int]] = field(default_factory=list)
    removed: list[tuple[float, int]] = field(default_factory=list)

    def scaled(self, when: float, before: int, after: int) -> None:
        """Remember a change of the replica count."""
        if after > before:
            self.added.append((when, after - before))
        elif after < before:
            self.removed.append((when, before - after))


_UP = Rules(0.0, "Max", (Policy("Pods", 4, 15.0), Policy("Percent", 100, 15.0)))
_DOWN = Rules(None, "Max", (Policy("Percent", 100, 15.0),))


def behavior(spec: dict[str, Any] | None) -> Behavior | None:
    """Return `spec.behavior` of an HPA as the API prints it; None when it is not set.

    What the API server fills in for a direction that is not set is filled in here, too.
    """
    if not spec:
        return None
    return Behavior(_rules(spec.get("scaleUp"), _UP), _rules(spec.get("scaleDown"), _DOWN))


def decide(
    proposal: int,
    *,
    current: int,
    minimum: int,
    maximum: int,
    history: History,
    when: float,
    rules: Behavior | None = None,
    window_seconds: float = STABILIZATION_SECONDS,
) -> Decision:
    """Stabilize and limit a proposal, and remember it.

    Args:
        proposal: What the metrics ask for.
        current: Replicas now.
        minimum: spec.minReplicas.
        maximum: spec.maxReplicas.
        history: Of this HPA, before this tick; the first proposal is remembered as the replicas of that time.
        when: Time of this tick in seconds.
        rules: spec.behavior.
        window_seconds: The controller's own down-scale stabilization window.
    """
    if not history.proposals:
        history.proposals.append((when, current))
    if rules is None:
        recent = [replicas for then, replicas in history.proposals if then >= when - window_seconds]
        stabilized = max([proposal, *recent])
        desired, limited = _capped(stabilized, current, minimum, maximum)
    else:
        stabilized = _stabilized(proposal, current, history, when, rules, window_seconds)
        desired, limited = _rated(stabilized, current, minimum, maximum, history, when, rules)
    history.proposals.append((when, proposal))
    return Decision(stabilized, desired, None if desired == stabilized else limited)


def _capped(replicas: int, current: int, minimum: int, maximum: int) -> tuple[int, str]:
    """Limit without `behavior`: one sync at most doubles, or makes four."""
    cap = max(_STEP_FACTOR * current, _STEP_MINIMUM)
    if replicas < minimum:
        return minimum, "TooFewReplicas"
    if maximum > cap:
        return min(replicas, cap), "ScaleUpLimit"
    return min(replicas, maximum), "TooManyReplicas"


def _stabilized(
    proposal: int, current: int, history: History, when: float, rules: Behavior, window_seconds: float
) -> int:
    """Bring the count between the lowest proposal of the up window and the highest of the down window."""
    up_window = rules.up.window_seconds or 0.0
    down_window = window_seconds if rules.down.window_seconds is None else rules.down.window_seconds
    low = min([proposal, *(n for then, n in history.proposals if then > when - up_window)])
    high = max([proposal, *(n for then, n in history.proposals if then > when - down_window)])
    return min(max(current, low), high)


def _rated(
    replicas: int, current: int, minimum: int, maximum: int, history: History, when: float, rules: Behavior
) -> tuple[int, str]:
    """Limit by the policies of `behavior`."""
    if replicas > current:
        limit = max(_limit(rules.up, current, history, when, sign=1), current)
        reason = "ScaleUpLimit" if maximum > limit else "TooManyReplicas"
        return min(replicas, limit, maximum), reason
    if replicas < current:
        limit = min(_limit(rules.down, current, history, when, sign=-1), current)
        reason = "ScaleDownLimit" if minimum < limit else "TooFewReplicas"
        return max(replicas, limit, minimum), reason
    return replicas, "DesiredWithinRange"


def _limit(rules: Rules, current: int, history: History, when: float, *, sign: int) -> int:
    """Return the furthest that the policies let the count go in one direction."""
    if rules.select == "Disabled":
        return current
    reach = []
    for policy in rules.policies:
        start = current - _sum(history.added, policy, when) + _sum(history.removed, policy, when)
        if policy.kind == "Pods":
            reach.append(start + sign * policy.value)
        else:
            part = start * (1 + sign * policy.value / 100)
            reach.append(math.ceil(part) if sign > 0 else int(part))
    widest = max if (rules.select == "Min") == (sign < 0) else min
    return widest(reach)


def _sum(changes: Sequence[tuple[float, int]], policy: Policy, when: float) -> int:
    return sum(change for then, change in changes if then > when - policy.period_seconds)


def _rules(spec: dict[str, Any] | None, default: Rules) -> Rules:
    if not spec:
        return default
    window = spec.get("stabilizationWindowSeconds")
    policies = tuple(
        Policy(one["type"], int(one["value"]), float(one["periodSeconds"]))
        for one in spec.get("policies") or ()
    )
    tolerance = spec.get("tolerance")
    return Rules(
        default.window_seconds if window is None else float(window),
        spec.get("selectPolicy") or default.select,
        policies or default.policies,
        None if tolerance is None else _fraction(str(tolerance)),
    )


def _fraction(quantity: str) -> float:
    """Return a tolerance such as 0.05 or 50m."""
    return float(quantity[:-1]) / 1000 if quantity.endswith("m") else float(quantity)
