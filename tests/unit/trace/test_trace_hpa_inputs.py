"""What the HPA controller had: Pods as it counts them, the samples of its time, its flags."""

from __future__ import annotations

from typing import Any

import pytest

from kubehop.trace.hpa.group import Sample, group, samples
from kubehop.trace.hpa.memory import Memory, stamp
from kubehop.trace.hpa.settings import Settings, of_flags, of_process, seconds


def pod(name: str = "shop-1", **changes: Any) -> dict[str, Any]:
    """Return a Pod that became ready 100 s after the epoch, as the API prints it."""
    ready = {"type": "Ready", "status": "True", "lastTransitionTime": "1970-01-01T00:01:40Z"}
    item: dict[str, Any] = {
        "metadata": {"name": name, "labels": {"app": "shop"}},
        "spec": {"containers": [{"resources": {"requests": {"cpu": "100m"}}}]},
        "status": {"phase": "Running", "startTime": "1970-01-01T00:01:35Z", "conditions": [ready]},
    }
    for path, value in changes.items():
        first, _, second = path.partition("__")
        item[first][second] = value
    return item


def not_ready(since: str) -> list[dict[str, str]]:
    """Return the conditions of a Pod that is not ready."""
    return [{"type": "Ready", "status": "False", "lastTransitionTime": since}]


FAST = Settings(initialization_seconds=20, readiness_seconds=5)


@pytest.mark.parametrize(
    ("item", "now", "sampled", "reason"),
    [
        (pod(), 200, 190, None),
        (pod(), 110, 105, "started: no full window of usage since it became ready"),
        (pod(), 114, 110, None),
        (pod(status__phase="Pending"), 200, 190, "pending"),
        (pod(status__conditions=[]), 200, 190, "no Ready condition"),
        (pod(status__conditions=not_ready("1970-01-01T00:01:36Z")), 110, 109, "not ready"),
        (pod(status__conditions=not_ready("1970-01-01T00:01:36Z")), 200, 190, "never ready"),
        (pod(status__conditions=not_ready("1970-01-01T00:03:00Z")), 200, 190, None),
        (pod(), 110, None, None),
    ],
)
def test_what_makes_a_pod_unready(
    item: dict[str, Any], now: float, sampled: float | None, reason: str | None
) -> None:
    """A sample counts after a full window of readiness; later, a Pod that was ready once counts for good."""
    metrics = {} if sampled is None else {"shop-1": Sample(50, sampled, 10)}
    (found,) = group([item], metrics, now=now, settings=FAST)
    assert found.unready_reason == reason
    assert found.ready == (reason is None)
    assert found.missing == (sampled is None)
    assert found.request_m == 100


def test_pods_that_go_are_not_counted() -> None:
    """Deleted and failed Pods are left out; requests of every container add up, and one missing is none."""
    gone = pod("gone", metadata__deletionTimestamp="1970-01-01T00:03:00Z")
    failed = pod("failed", status__phase="Failed")
    two = [{"resources": {"requests": {"cpu": "0.1"}}}, {"resources": {"requests": {"cpu": "50m"}}}]
    found = group(
        [gone, failed, pod("two", spec__containers=two), pod("none", spec__containers=[*two, {}])],
        {},
        now=200,
        settings=FAST,
    )
    assert [(one.name, one.request_m) for one in found] == [("none", None), ("two", 150)]


def test_samples_are_rounded_up_as_the_controller_does() -> None:
    """523338n is 1m, and containers are rounded before they are added."""
    item = {
        "metadata": {"name": "shop-1"},
        "timestamp": "1970-01-01T00:03:00Z",
        "window": "15.167s",
        "containers": [{"usage": {"cpu": "523338n"}}, {"usage": {"cpu": "1200001n"}}],
    }
    assert samples({"items": [item]}) == {"shop-1": Sample(3, 180.0, 15.167)}


def test_memory_returns_what_was_known_then() -> None:
    """Pods and replicas are those of the time asked for; samples those whose time the log names."""
    memory = Memory()
    memory.pods(10, {"a": pod("a")})
    memory.pods(20, {"a": pod("a"), "b": pod("b"), "c": pod("c", metadata__labels={})})
    memory.replicas(10, "shop", 1)
    memory.replicas(20, "shop", 2)
    early, late = Sample(1, 100.0, 10), Sample(2, 110.0, 10)
    memory.samples(11, {"x": late, "a": early})
    memory.samples(21, {"a": late})
    assert [one["metadata"]["name"] for one in memory.pods_at(15, {"app": "shop"})] == ["a"]
    assert [one["metadata"]["name"] for one in memory.pods_at(25, {"app": "shop"})] == ["a", "b"]
    assert memory.pods_at(25, {}) == []
    assert (
        memory.replicas_at(15, "shop"),
        memory.replicas_at(25, "shop"),
        memory.replicas_at(5, "shop"),
    ) == (1, 2, 1)
    known = memory.pods_at(25, {"app": "shop"})
    assert memory.samples_at(25, "1970-01-01 00:01:40 +0000 UTC", known)["a"] == early
    assert memory.samples_at(25, "", known)["a"] == late
    assert memory.samples_at(5, "", known) == {}
    assert stamp("0001-01-01") is None


def test_samples_of_one_scrape_are_those_before_the_decision() -> None:
    """A Pod that goes takes its sample with it, though the scrape is the same."""
    memory = Memory()
    shop, web = Sample(1, 100.0, 10), Sample(2, 100.0, 10)
    memory.samples(11, {"a": shop, "b": web})
    memory.samples(12, {"a": shop})
    pods = [pod("a"), pod("b")]
    logged = "1970-01-01 00:01:40 +0000 UTC"
    assert set(memory.samples_at(11.5, logged, pods)) == {"a", "b"}
    assert set(memory.samples_at(12.5, logged, pods)) == {"a"}
    assert set(memory.samples_at(10.5, logged, pods)) == {"a", "b"}, "seen a moment late"


def test_flags_of_the_controller_manager() -> None:
    """Flags that are set count, the others are Kubernetes' defaults."""
    found = of_flags(
        ["kube-controller-manager", "--horizontal-pod-autoscaler-downscale-stabilization=1m30s", "--v=2"]
    )
    assert found == Settings(stabilization_seconds=90)
    assert of_process(None) == of_process(2**22 + 1) == Settings()
    assert [seconds(text) for text in ("15s", "5m0s", "250ms", "1h")] == [15, 300, 0.25, 3600]
