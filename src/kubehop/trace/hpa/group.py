"""Which Pods count, and as what: the controller's `groupPods`, restated.

Source: https://github.com/kubernetes/kubernetes/blob/v1.37.2/pkg/controller/podautoscaler/replica_calculator.go
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from kubehop.trace import describe
from kubehop.trace.hpa.model import Pod
from kubehop.trace.hpa.settings import Settings, seconds
from kubehop.trace.log import moment
from kubehop.trace.quantity import millicores


@dataclass(frozen=True)
class Sample:
    """CPU usage of one Pod from metrics.k8s.io: in thousandths, with its time and window in seconds."""

    usage_m: int
    time: float
    window_seconds: float


def samples(metrics: dict[str, Any]) -> dict[str, Sample]:
    """Return the samples of a PodMetricsList, by Pod, in its order."""
    found = {}
    for item in metrics.get("items") or []:
        usage = sum(millicores(container["usage"]["cpu"]) for container in item["containers"])
        found[str(item["metadata"]["name"])] = Sample(
            usage, moment(item["timestamp"]), seconds(item["window"])
        )
    return found


def group(
    pods: Iterable[dict[str, Any]], metrics: Mapping[str, Sample], *, now: float, settings: Settings
) -> list[Pod]:
    """Return the Pods as the controller counts them at a time; those it ignores are left out.

    Args:
        pods: Pods as the API prints them.
        metrics: Samples by Pod.
        now: Seconds since the epoch.
        settings: The controller's flags.
    """
    counted = []
    for item in sorted(pods, key=describe.name):
        phase = (item.get("status") or {}).get("phase")
        if item["metadata"].get("deletionTimestamp") or phase == "Failed":
            continue
        name = describe.name(item)
        sample = metrics.get(name)
        reason = _unready(item, sample, now=now, settings=settings)
        usage = None if sample is None else sample.usage_m
        counted.append(Pod(name, describe.request_m(item), usage, reason is None, reason))
    return counted


def _unready(item: dict[str, Any], sample: Sample | None, *, now: float, settings: Settings) -> str | None:
    """Return why a Pod's sample does not count; None when it counts, or is missing."""
    status = item.get("status") or {}
    if status.get("phase") == "Pending":
        return "pending"
    if sample is None:
        return None
    conditions = [found for found in status.get("conditions") or [] if found["type"] == "Ready"]
    if not conditions or not status.get("startTime"):
        return "no Ready condition"
    not_ready = conditions[0]["status"] == "False"
    changed, started = moment(conditions[0]["lastTransitionTime"]), moment(status["startTime"])
    if started + settings.initialization_seconds > now:
        if not_ready:
            return "not ready"
        if sample.time < changed + sample.window_seconds:
            return "started: no full window of usage since it became ready"
        return None
    return "never ready" if not_ready and started + settings.readiness_seconds > changed else None
