"""Why is a Pod not ready? The field that keeps it out of its EndpointSlice."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from kubehop.labs.failure import Failure, Mismatch
from kubehop.labs.world import Object, name_of, ready

_PROBES = {"httpGet": ("path", "port"), "tcpSocket": ("port",), "exec": ("command",), "grpc": ("port",)}


def unready(pods: Sequence[Object]) -> Failure | None:
    """Return why no Pod is ready, by the first of them; None when one is, or there is none."""
    if not pods or any(ready(pod) for pod in pods):
        return None
    return why_unready(pods[0])


def why_unready(pod: Object) -> Failure:
    """Return what keeps a Pod from being ready."""
    name, container = name_of(pod), pod["spec"]["containers"][0]
    run = f"kubectl describe pod {name}"
    state = _state(pod)
    waiting = state.get("waiting") or {}
    if "Image" in (waiting.get("reason") or ""):
        hint = f"The node cannot get this image: {waiting['reason']}."
        return Mismatch(
            "an image the node can get",
            container.get("image"),
            item=f"Pod {name}",
            field="spec.containers[0].image",
            hint=hint,
            run=run,
        )
    if waiting.get("reason") or state.get("terminated"):
        reason = waiting.get("reason") or state["terminated"].get("reason")
        what = f"Pod {name}: the container does not run (state {reason})."
        return Failure(what, hint="Its log has the reason.", run=f"kubectl logs {name} --previous")
    probe = container.get("readinessProbe")
    if probe:
        what = f"Pod {name}: spec.containers[0].readinessProbe is {_probe(probe)}, and it fails."
        return Failure(what, hint="A Pod that is not ready gets no requests through a Service.", run=run)
    phase = pod.get("status", {}).get("phase")
    return Failure(f"Pod {name}: status.phase is {phase}, and its condition Ready is not True.", run=run)


def _state(pod: Object) -> dict[str, Any]:
    statuses = pod.get("status", {}).get("containerStatuses") or [{}]
    return statuses[0].get("state") or {}


def _probe(probe: Object) -> str:
    for kind, keys in _PROBES.items():
        if kind in probe:
            return " ".join([kind, *(f"{key}={probe[kind].get(key)}" for key in keys)])
    return "of an unknown kind"
