"""What a controller decides while it is observed, from its log and the samples."""

from __future__ import annotations

import time
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from trace_server import FakeApi
from trace_shop import ABOUT, NAMESPACE

from kubehop import wait
from kubehop.client.api import Api
from kubehop.trace import check
from kubehop.trace.hpa.settings import Settings
from kubehop.trace.hpa.verify import verify
from kubehop.trace.observe import Controller, observe

HPAS = f"/apis/autoscaling/v2/namespaces/{NAMESPACE}/horizontalpodautoscalers"


def hpa_line(text: str) -> str:
    """Return a line of the controller's log, written now."""
    now = datetime.now()
    return f"I{now:%m%d %H:%M:%S.%f} 61 horizontal.go:9] {text}\n"


def hpa_and_sample(server: FakeApi) -> tuple[dict[str, Any], str]:
    """Put a Deployment and a sample of its Pod; return an HPA for it, and the time of the sample."""
    labels = {"matchLabels": {"app": "web"}}
    deployment = {"metadata": {"name": "web"}, "spec": {"replicas": 1, "selector": labels}}
    server.put(f"/apis/apps/v1/namespaces/{NAMESPACE}/deployments", deployment)
    sampled = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    sample = {"metadata": {"name": "web-1"}, "timestamp": sampled, "window": "10s"}
    server.put(
        f"/apis/metrics.k8s.io/v1beta1/namespaces/{NAMESPACE}/pods",
        sample | {"containers": [{"name": "main", "usage": {"cpu": "300m"}}]},
    )
    resource = {"name": "cpu", "target": {"averageUtilization": 50}}
    spec = {"scaleTargetRef": {"kind": "Deployment", "name": "web"}, "minReplicas": 1, "maxReplicas": 3}
    return {"metadata": {"name": "web"}, "spec": spec | {"metrics": [{"resource": resource}]}}, sampled


@pytest.mark.parametrize("seen", ["before the trace", "before the decision", "after the decision"])
def test_each_decision_of_the_hpa_is_an_event(
    server: FakeApi, api: Api, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, seen: str
) -> None:
    """The log and the samples become a tick that the model reproduces, also when its HPA is seen later."""
    monkeypatch.setattr("kubehop.trace.hpa.tick._STATUS_SECONDS", 0.1)
    hpa, sampled = hpa_and_sample(server)
    target = f'scaleTarget="Deployment/{NAMESPACE}/web"'
    stamp = sampled.replace("T", " ").replace("Z", " +0000 UTC")
    rescaled = f'HPA="{NAMESPACE}/web" currentReplicas=1 desiredReplicas=3 reason="cpu above target"'
    log = tmp_path / "kube-controller-manager.log"
    log.write_text("old\n")
    controller = Controller(log, Settings(initialization_seconds=0, stabilization_seconds=30))
    if seen == "before the trace":
        server.put(HPAS, hpa)
    with observe(api, ABOUT, requests=False, controller=controller) as trace:
        assert trace._ticks._memory._samples  # known when time begins: a decision may come at once
        if seen == "before the decision":
            server.put(HPAS, hpa)
        with log.open("a") as file:
            file.write(
                hpa_line(f'"Proposing desired replicas" desiredReplicas=6 timestamp="{stamp}" {target}')
            )
            file.write(hpa_line(f'"Successfully rescaled" {rescaled}'))
        if seen == "after the decision":
            wait.until(lambda: trace._ticks._waiting, what="the decision", timeout_seconds=5)
            wait.pause(0.3)
            server.put(HPAS, hpa)
        wait.until(
            lambda: "hpa" in {event["e"] for event in trace.data["events"]}, what="a tick", timeout_seconds=5
        )
    check(trace.data)
    (tick,) = [event for event in trace.data["events"] if event["e"] == "hpa"]
    assert (tick["current"], tick["recommendation"], tick["stabilized"], tick["desired"]) == (1, 6, 6, 3)
    assert (tick["utilization"], tick["ratio"], tick["target"]) == (300, 6.0, 50)
    expected = {"name": "web-1", "request_m": 100, "usage_m": 300, "ready": True, "unready_reason": None}
    assert tick["pods"] == [expected]
    assert tick["log"].count("\n") == 1
    assert verify(trace.data).ticks == 1


def test_an_hpa_on_something_else_than_utilization_is_left_out(
    server: FakeApi, api: Api, tmp_path: Path
) -> None:
    """One with an average value has no percentage that could be explained, and harms nobody."""
    hpa, _ = hpa_and_sample(server)
    hpa["spec"]["metrics"][0]["resource"]["target"] = {"type": "AverageValue", "averageValue": "50m"}
    server.put(HPAS, hpa)
    log = tmp_path / "kube-controller-manager.log"
    log.write_text("old\n")
    with observe(api, ABOUT, requests=False, controller=Controller(log, Settings())) as trace:
        with log.open("a") as file:
            rescaled = f'HPA="{NAMESPACE}/web" currentReplicas=1 desiredReplicas=3 reason="cpu above target"'
            file.write(hpa_line(f'"Successfully rescaled" {rescaled}'))
        wait.until(lambda: trace._ticks._waiting, what="the decision", timeout_seconds=5)
    assert not [event for event in trace.data["events"] if event["e"] == "hpa"]
    assert not trace.growing
