"""How many replicas the HPA controller proposes from CPU usage, step by step.

A restatement of `GetResourceReplicas`; what it proposes is then stabilized and limited (`limit.py`).

Source: https://github.com/kubernetes/kubernetes/blob/v1.37.2/pkg/controller/podautoscaler/replica_calculator.go
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

TOLERANCE = 0.1
"""--horizontal-pod-autoscaler-tolerance"""
_WHOLE_REQUEST = 100


@dataclass(frozen=True)
class Pod:
    """A Pod as the controller counts it; Pods that are being deleted or have failed are not counted at all.

    Attributes:
        request_m: CPU request in thousandths; None when a container has none.
        usage_m: CPU usage in thousandths; None when there is no sample.
        ready: Whether its sample counts: see `group.py` for what makes it unready.
        unready_reason: Why not.
    """

    name: str
    request_m: int | None
    usage_m: int | None
    ready: bool = True
    unready_reason: str | None = None

    @property
    def missing(self) -> bool:
        """Whether it should have a sample, and has none."""
        return self.ready and self.usage_m is None


@dataclass(frozen=True)
class Step:
    """One step of the calculation: its name, its number, and what happened in words."""

    name: str
    value: float | int | None
    text: str


@dataclass
class Proposal:
    """What the controller proposes before stabilization and limits.

    Attributes:
        replicas: The proposal; None when it cannot tell.
        utilization: trunc(usage x 100 / requests) over the ready Pods, percent.
        ratio: utilization / target.
        error: Why it cannot tell.
        steps: The calculation, in its order.
    """

    replicas: int | None = None
    utilization: int | None = None
    ratio: float | None = None
    error: str = ""
    steps: list[Step] = field(default_factory=list)

    def note(self, name: str, value: float | int | None, text: str) -> None:
        """Add a step."""
        self.steps.append(Step(name, value, text))


def propose(
    pods: Sequence[Pod],
    *,
    current: int,
    target: int,
    tolerance_up: float = TOLERANCE,
    tolerance_down: float = TOLERANCE,
) -> Proposal:
    """Return what the controller proposes.

    Args:
        pods: The Pods that the scale target's selector finds, as counted.
        current: `spec.replicas` of the scale target.
        target: averageUtilization, percent of requests.
        tolerance_up: Part of the target by which usage may be above it without a change.
        tolerance_down: Part of the target by which usage may be below it without a change.
    """
    found = Proposal()
    usage = {pod.name: pod.usage_m for pod in pods if pod.ready and pod.usage_m is not None}
    requests = {pod.name: pod.request_m for pod in pods if pod.request_m is not None}
    found.error = _why_not(pods, usage)
    if found.error:
        found.note("no metrics", None, found.error)
        return found
    utilization = _utilization(usage, requests)
    ratio = utilization / target
    found.utilization, found.ratio = utilization, ratio
    found.note(
        "utilization", utilization, f"trunc({sum(usage.values())}m x 100 / {_total(usage, requests)}m)"
    )
    found.note("ratio", ratio, f"{utilization} / {target}")
    unready = [pod.name for pod in pods if not pod.ready]
    missing = [pod.name for pod in pods if pod.missing]
    growing_with_unready = bool(unready) and ratio > 1
    within = _Within(tolerance_up, tolerance_down)
    if not growing_with_unready and not missing:
        _plain(found, ratio, len(usage), current, within)
        return found
    _fill(found, usage, requests, missing=missing, ratio=ratio, target=target)
    if growing_with_unready:
        usage |= dict.fromkeys(unready, 0)
        found.note("unready", len(unready), f"{_pods(len(unready))} not ready counted as using 0")
    _corrected(found, usage, requests, ratio=ratio, target=target, current=current, within=within)
    return found


@dataclass(frozen=True)
class _Within:
    """Whether a ratio is so near 1 that nothing changes."""

    up: float
    down: float

    def __call__(self, ratio: float) -> bool:
        return 1.0 - self.down <= ratio <= 1.0 + self.up


def _why_not(pods: Sequence[Pod], usage: dict[str, int]) -> str:
    if not pods:
        return "no pods returned by selector while calculating replica count"
    if not usage:
        return "did not receive metrics for targeted pods (pods might be unready)"
    without = next((pod.name for pod in pods if pod.request_m is None), None)
    return f"missing request for cpu in Pod {without}" if without else ""


def _plain(found: Proposal, ratio: float, ready: int, current: int, within: _Within) -> None:
    """Without missing Pods, and unready ones only when not growing: the ready Pods decide."""
    if within(ratio):
        found.replicas = current
        found.note(
            "tolerance", current, f"{ratio:.4g} is within [{1 - within.down:.4g}, {1 + within.up:.4g}]"
        )
        return
    found.replicas = math.ceil(ratio * ready)
    found.note("ceil", found.replicas, f"ceil({ratio:.4g} x {_pods(ready)} ready)")


def _fill(
    found: Proposal,
    usage: dict[str, int],
    requests: dict[str, int],
    *,
    missing: list[str],
    ratio: float,
    target: int,
) -> None:
    """Give Pods without a sample the usage that is worst for the change."""
    if not missing:
        return
    if ratio < 1:
        percent = max(_WHOLE_REQUEST, target)
        usage |= {name: requests[name] * percent // 100 for name in missing}
        found.note("missing", len(missing), f"{_pods(len(missing))} without a sample counted as {percent} %")
    elif ratio > 1:
        usage |= dict.fromkeys(missing, 0)
        found.note("missing", len(missing), f"{_pods(len(missing))} without a sample counted as 0")


def _corrected(
    found: Proposal,
    usage: dict[str, int],
    requests: dict[str, int],
    *,
    ratio: float,
    target: int,
    current: int,
    within: _Within,
) -> None:
    """With missing or unready Pods counted in, look again, and never turn the direction round."""
    again = _utilization(usage, requests) / target
    found.note("corrected ratio", again, f"{_utilization(usage, requests)} / {target}")
    found.replicas = current
    if within(again):
        found.note("tolerance", current, f"{again:.4g} is within tolerance: no change")
        return
    if (ratio < 1 < again) or (ratio > 1 > again):
        found.note("direction", current, "the correction would turn the direction round: no change")
        return
    replicas = math.ceil(again * len(usage))
    if (again < 1 and replicas > current) or (again > 1 and replicas < current):
        found.note("direction", current, f"{replicas} would be the other direction: no change")
        return
    found.replicas = replicas
    found.note("ceil", replicas, f"ceil({again:.4g} x {_pods(len(usage))} counted)")


def _total(usage: dict[str, int], requests: dict[str, int]) -> int:
    return sum(requests[name] for name in usage)


def _utilization(usage: dict[str, int], requests: dict[str, int]) -> int:
    return sum(usage.values()) * 100 // _total(usage, requests)


def _pods(count: int) -> str:
    return "1 Pod" if count == 1 else f"{count} Pods"
