"""Whoever makes the shop's Pods: each controller of Kubernetes' own is followed, and any other is named."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from fake_cluster import FakeCluster

from kubehop.labs.answer import Step
from kubehop.labs.check import Report

Run = Callable[[], Report]
LABELS = {"app": "web", "tier": "front-end"}
MAKERS = {
    "ReplicaSet": "spec.template.metadata.labels",
    "ReplicationController": "spec.template.metadata.labels",
    "StatefulSet": "spec.template.metadata.labels",
    "DaemonSet": "spec.template.metadata.labels",
    "Job": "spec.template.metadata.labels",
    "CronJob": "spec.jobTemplate.spec.template.metadata.labels",
}


def references(kind: str, name: str = "web") -> list[dict[str, Any]]:
    """Return what an object says of the controller that made it."""
    return [{"kind": kind, "name": name, "uid": name, "controller": True}]


def run_shop(cluster: FakeCluster, *, owner: str, labels: dict[str, str] | None = None) -> None:
    """Run the shop without its Deployment: a controller `web`, whose template has labels, and two Pods."""
    cluster.kubectl(Step(("delete", "deployment", "web")))
    template = {"template": {"metadata": {"labels": LABELS if labels is None else labels}}}
    pod_owner = owner
    if owner == "CronJob":
        template, pod_owner = {"jobTemplate": {"spec": template}}, "Job"
        job = {"name": "web", "ownerReferences": references("CronJob")}
        cluster.apply({"kind": "Job", "metadata": job, "spec": {"template": {"metadata": {"labels": {}}}}})
    if owner in MAKERS:
        cluster.apply({"kind": owner, "metadata": {"name": "web"}, "spec": template})
    for name in ("web-1", "web-2"):
        add_pod(cluster, name, owner=pod_owner)


def add_pod(cluster: FakeCluster, name: str, *, owner: str, image: str = "hashicorp/http-echo:1.0.0") -> None:
    """Add one Pod of the shop, as its controller would."""
    args = ["-listen=:8080", f"-text=SERVICE WORKS from {name}"]
    metadata = {"name": name, "labels": LABELS, "ownerReferences": references(owner)}
    spec = {"containers": [{"name": "app", "image": image, "args": args}]}
    cluster.apply({"kind": "Pod", "metadata": metadata, "spec": spec})
    cluster.reconcile()


def message(report: Report) -> str:
    """Return what the last check says, which the two before it must let through."""
    *before, last = report.results
    assert [result.outcome for result in before] == ["pass", "pass"], report
    assert last.outcome == "fail", last.what
    return f"{last.what} {last.hint}"


@pytest.mark.parametrize("kind", MAKERS)
def test_a_controller_that_makes_such_pods_is_right(kind: str, cluster: FakeCluster, report: Run) -> None:
    """Its template carries what the Service selects: the next Pod is found, too."""
    run_shop(cluster, owner=kind)
    assert report().passed, report()


@pytest.mark.parametrize("kind", MAKERS)
def test_a_controller_that_makes_other_pods_is_named(kind: str, cluster: FakeCluster, report: Run) -> None:
    """Its template lacks a label that its Pods got by hand; the field is where this kind has it."""
    run_shop(cluster, owner=kind, labels={"app": "web"})
    assert message(report()).startswith(f"{kind} web: {MAKERS[kind]} is app=web, expected")


@pytest.mark.parametrize("kind", ["CloneSet", "Node", "gone"])
def test_an_owner_that_nobody_can_follow_is_named(kind: str, cluster: FakeCluster, report: Run) -> None:
    """A custom resource, a node's own Pod, a controller that is gone: the message says what was found."""
    run_shop(cluster, owner="ReplicaSet" if kind == "gone" else kind)
    cluster.stored.pop(("ReplicaSet", "web"), None)
    found = "ReplicaSet" if kind == "gone" else kind
    said = message(report())
    assert said.startswith(f"Pod web-1: metadata.ownerReferences is {found} web, expected")
    assert "bare" not in said


def test_a_custom_resource_above_a_replicaset_is_no_obstacle(cluster: FakeCluster, report: Run) -> None:
    """The ReplicaSet is the last that can be read, and it makes the Pods."""
    run_shop(cluster, owner="ReplicaSet")
    cluster.stored["ReplicaSet", "web"]["metadata"]["ownerReferences"] = references("Rollout")
    assert report().passed, report()


@pytest.mark.parametrize("kind", ["StatefulSet", "DaemonSet", "ReplicaSet"])
def test_a_controller_that_is_not_done_has_not_passed(kind: str, cluster: FakeCluster, report: Run) -> None:
    """Two Pods serve, and a third of the same controller cannot start."""
    run_shop(cluster, owner=kind)
    add_pod(cluster, "web-3", owner=kind, image="hashicorp/http-echo:1.0")
    assert message(report()).startswith("Pod web-3: spec.containers[0].image")


def test_the_pods_of_earlier_runs_are_no_failure(cluster: FakeCluster, report: Run) -> None:
    """A Pod that has ended is not ready and is not meant to be."""
    run_shop(cluster, owner="CronJob")
    add_pod(cluster, "web-0", owner="Job")
    cluster.stored["Pod", "web-0"]["status"] = {"phase": "Succeeded"}
    cluster.reconcile()
    assert report().passed, report()
