"""The learner's namespace: when a lab counts as begun."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest
from kubernetes.client.exceptions import ApiException
from urllib3.exceptions import HTTPError

from kubehop.labs.reader import KINDS
from kubehop.labs.stage import Stage
from kubehop.labs.world import Object

PATH = "/api/v1/namespaces/lab-x-ada"


@dataclass
class Cluster:
    """A cluster of one namespace and what it holds, by path; `interrupted` is the learner's Ctrl-C."""

    namespace: str = "lab-x-ada"
    stored: dict[str, Object] = field(default_factory=dict)
    conflicts: int = 0
    interrupted: bool = False
    gone: bool = False

    @property
    def api(self) -> Cluster:
        """Return what takes requests."""
        return self

    def call(self, method: str, path: str, *, body: Any = None, **_: object) -> Object:
        """Store or return a namespace; what each namespace is born with is there."""
        if self.gone:
            raise HTTPError
        if method == "POST":
            return self.stored.setdefault(f"{path}/{body['metadata']['name']}", body)
        if path.startswith(f"{PATH}/"):
            return {"metadata": {}}
        if method == "PUT" and self.conflicts:
            self.conflicts -= 1
            raise ApiException(409)
        if path not in self.stored:
            raise ApiException(404)
        if method == "DELETE":
            return self.stored.pop(path)
        if method == "PUT":
            self.stored[path] = body
        return self.stored[path]

    def objects(self, kind: str) -> list[Object]:
        """Return the objects of one kind, which must be one that the real reader knows, too."""
        assert kind in KINDS, kind
        if self.interrupted:
            raise KeyboardInterrupt
        return [item for item in self.stored.values() if item.get("kind") == kind]

    def path(self, kind: str, name: str) -> str:
        """Return where an object is stored."""
        return f"{kind}/{name}"

    def hold(self, kind: str, name: str, *, owner: str = "", **spec: object) -> None:
        """Store an object that a controller may have made; its uid is its name."""
        references = [{"kind": owner.split("/")[0], "name": name, "uid": owner, "controller": True}]
        metadata = {"name": name, "uid": f"{kind}/{name}", "ownerReferences": references if owner else []}
        self.stored[self.path(kind, name)] = {"kind": kind, "metadata": metadata, "spec": spec, "status": {}}


def stage(cluster: Any) -> Stage:
    """Return the stage of a lab that begins with nothing."""
    return Stage(cluster, start=(), lab="x", learner="ada")


def test_an_interrupted_start_is_no_start() -> None:
    """The namespace is there, and the lab has not begun until the start state was reached."""
    cluster = Cluster(interrupted=True)
    with pytest.raises(KeyboardInterrupt):
        stage(cluster).restore()
    assert stage(cluster).exists and not stage(cluster).begun
    cluster.interrupted = False
    stage(cluster).restore()
    assert stage(cluster).begun


def test_somebody_else_may_change_the_namespace_meanwhile() -> None:
    """A conflict is tried again, and labels and other annotations stay."""
    cluster = Cluster(conflicts=1)
    cluster.stored[PATH] = {"metadata": {"labels": {"a": "b"}, "annotations": {"c": "d"}}}
    stage(cluster).restore()
    assert stage(cluster).begun
    metadata = cluster.stored[PATH]["metadata"]
    assert (metadata["labels"], metadata["annotations"]["c"]) == ({"a": "b"}, "d")


def test_a_namespace_that_goes_has_not_begun() -> None:
    """After `finish`, the next start is a new one."""
    cluster = Cluster()
    assert not stage(cluster).begun
    stage(cluster).restore()
    cluster.stored[PATH]["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    assert not stage(cluster).begun


def test_a_cronjob_goes_with_all_that_its_jobs_made() -> None:
    """What a learner tried leaves no Pod for the garbage collector to come for later."""
    cluster = Cluster()
    cluster.hold("CronJob", "x", jobTemplate={"spec": {"template": {}}})
    cluster.hold("Job", "x", owner="CronJob/x", template={})
    cluster.hold("Pod", "x", owner="Job/x")
    stage(cluster).restore()
    assert set(cluster.stored) == {PATH}


def test_a_pod_of_a_custom_resource_is_removed() -> None:
    """A reset knows Kubernetes' own kinds, and a Pod of another one is in its way all the same."""
    cluster = Cluster()
    stage(cluster).restore()
    cluster.hold("Pod", "x", owner="CloneSet/x")
    assert not stage(cluster)._reached()
    assert set(cluster.stored) == {PATH}


def test_a_cluster_that_is_gone_removes_nothing() -> None:
    """The stage passes on that nobody answered; an absent namespace is removed."""
    assert stage(Cluster()).remove()
    assert stage(Cluster(gone=True)).remove() is False
