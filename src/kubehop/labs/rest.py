"""Deciding whether a namespace rests: everything it was told is done, and kube-proxy had time to follow.

A check that fails while a rollout runs, or passes on rules that are about to be replaced, says nothing.
This reads only: no marker object is written into the learner's namespace.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

Object = dict[str, Any]

# A container that waits for one of these waits for the learner, not for the cluster.
_STUCK = frozenset(
    {
        "CrashLoopBackOff",
        "CreateContainerConfigError",
        "CreateContainerError",
        "ErrImageNeverPull",
        "ErrImagePull",
        "ImagePullBackOff",
        "InvalidImageName",
    }
)
# A container that has run this long and is not ready waits for its probe, which waits for the learner.
_UNREADY_SECONDS = 5.0


class Rest:
    """Remembers when the objects last changed.

    Args:
        grace_seconds: How long nothing may have changed.
    """

    def __init__(self, grace_seconds: float) -> None:
        self._grace = timedelta(seconds=grace_seconds)
        self._versions: frozenset[tuple[str, str]] | None = None
        self._changed = datetime.min.replace(tzinfo=UTC)

    def reason(self, objects: Mapping[str, Sequence[Object]], *, now: datetime) -> str:
        """Say what still moves, or moved less than the grace period ago; "" when the world rests."""
        everything = [item for items in objects.values() for item in items]
        versions = frozenset(
            (item["metadata"].get("uid", ""), item["metadata"].get("resourceVersion", ""))
            for item in everything
        )
        if self._versions is None:
            self._changed = min(now, _latest(everything))
        elif versions != self._versions:
            self._changed = now
        self._versions = versions
        moving = _moving(objects, now)
        if not moving and now - self._changed < self._grace:
            return "The objects changed a moment ago, and kube-proxy may still be writing its rules."
        return moving


def _latest(objects: Sequence[Object]) -> datetime:
    """Return the latest time at which anybody wrote one of the objects, rounded up."""
    times = [_time(text) for item in objects for text in _times(item["metadata"])]
    # The API server cuts times to whole seconds: the write may be almost a second younger.
    return max(times, default=datetime.min.replace(tzinfo=UTC)) + timedelta(seconds=1)


def _times(metadata: Object) -> Iterator[str]:
    if created := metadata.get("creationTimestamp"):
        yield created
    for entry in metadata.get("managedFields") or []:
        if written := entry.get("time"):
            yield written


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text.replace("Z", "+00:00"))


def unfinished(objects: Mapping[str, Sequence[Object]]) -> str:
    """Say which Pod or Deployment is not yet what it was told to be, stuck or not; "" when all are."""
    for pod in objects.get("Pod", ()):
        if pod["metadata"].get("deletionTimestamp"):
            return f"Pod {pod['metadata']['name']} is terminating."
        if pod.get("status", {}).get("phase") == "Pending":
            return f"Pod {pod['metadata']['name']} is starting."
    return next((text for item in objects.get("Deployment", ()) if (text := _rolling(item))), "")


def _moving(objects: Mapping[str, Sequence[Object]], now: datetime) -> str:
    """Say what is on its way; what waits for the learner is not."""
    pods = objects.get("Pod", ())
    going = next((pod for pod in pods if pod["metadata"].get("deletionTimestamp")), None)
    if going is None and any(_stuck(pod, now) for pod in pods):
        return ""
    return unfinished(objects)


def _stuck(pod: Object, now: datetime) -> bool:
    for status in pod.get("status", {}).get("containerStatuses") or []:
        state = status.get("state") or {}
        if (state.get("waiting") or {}).get("reason") in _STUCK:
            return True
        began = (state.get("running") or {}).get("startedAt")
        if began and not status.get("ready") and (now - _time(began)).total_seconds() > _UNREADY_SECONDS:
            return True
    return False


def _rolling(deployment: Object) -> str:
    metadata, status = deployment["metadata"], deployment.get("status") or {}
    wanted = deployment["spec"].get("replicas", 1)
    counts = [status.get(key) or 0 for key in ("replicas", "updatedReplicas", "availableReplicas")]
    if (status.get("observedGeneration") or 0) >= metadata.get("generation", 0) and counts == [wanted] * 3:
        return ""
    return f"Deployment {metadata['name']} is rolling out."
