"""Outcomes: pass, fail, error and skipped; polling; statistics; when a world rests."""

from __future__ import annotations

import math
import random
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from fake_cluster import FakeCluster

from kubehop.errors import LabError
from kubehop.labs import check, report, statistic
from kubehop.labs.check import Check, Report
from kubehop.labs.failure import Failure, Mismatch, Missing
from kubehop.labs.rest import Rest
from kubehop.labs.world import Object, World

NOT_YET = Failure("not yet")
NOW = datetime(2026, 1, 1, 12, 0, 0, tzinfo=UTC)


def good(world: World) -> None:
    """All is `well`."""


def bad(world: World) -> None:
    """It is not."""
    raise Mismatch(8080, 80, item="Service web-svc", field="spec.ports[0].targetPort", run="kubectl get svc")


def broken(world: World) -> None:
    """The checker crashes."""
    raise ZeroDivisionError


def run(*checks: Check, folder: Path, deadline_seconds: float = 0, world: World | None = None) -> Report:
    """Run checks on an empty cluster."""
    seen = world or World(FakeCluster(), grace_seconds=0)
    return check.run(checks, seen, lab="x", deadline_seconds=deadline_seconds, log_folder=folder)


def test_pass_fail_skipped(tmp_path: Path) -> None:
    """A check that needs a failed one is skipped and says which."""
    found = run(Check(good), Check(bad), Check(good, needs=(bad,)), folder=tmp_path)
    assert [result.outcome for result in found.results] == ["pass", "fail", "skipped"]
    assert "It is not." in found.results[2].what
    assert not found.passed
    assert found.first is found.results[1]


def test_crash_is_error_with_log(tmp_path: Path) -> None:
    """The checker's own crash is not the learner's failure, and its traceback is kept."""
    (result,) = run(Check(broken), folder=tmp_path / "log").results
    assert result.outcome == "error"
    assert "The checker broke, not you: ZeroDivisionError" in result.what
    assert result.log is not None
    assert "Traceback" in result.log.read_text()
    assert str(result.log) in result.run


def test_messages_name_object_field_value_and_command() -> None:
    """The three kinds of failure say what was found."""
    mismatch = Mismatch(2, 1, item="Deployment web", field="spec.replicas", run="kubectl get deploy")
    assert str(mismatch) == "Deployment web: spec.replicas is 1, expected 2. Run: kubectl get deploy"
    missing = Missing("Service web-svc", ["b", "a"])
    assert str(missing) == "Service web-svc is missing (metadata.name found: a, b)."
    assert str(Failure("x", hint="y", run="z")) == "x y Run: z"
    assert "is empty" in str(Mismatch("labels", {}, item="Service a", field="spec.selector"))


def test_looks_again_while_the_world_moves(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A failure is not final while a Pod starts; the deadline ends the looking and is told."""
    monkeypatch.setattr(check, "_INTERVAL_SECONDS", 0.02)
    cluster = FakeCluster()
    cluster.stored["Pod", "web"] = {
        "kind": "Pod",
        "metadata": {"name": "web"},
        "status": {"phase": "Pending"},
        "spec": {"containers": [{"image": "x"}]},
    }
    looks = []

    def grows(world: World) -> None:
        """It becomes true at the third look, which is looked at once more."""
        looks.append(1)
        if len(looks) < 3:
            raise NOT_YET
        cluster.stored.clear()

    found = run(Check(grows), folder=tmp_path, deadline_seconds=30, world=World(cluster, grace_seconds=0))
    assert (found.passed, len(looks)) == (True, 4)
    cluster.stored["Pod", "web"] = {
        "kind": "Pod",
        "metadata": {"name": "web"},
        "status": {"phase": "Pending"},
        "spec": {"containers": [{"image": "x"}]},
    }
    late = run(Check(bad), folder=tmp_path, deadline_seconds=0.3, world=World(cluster, grace_seconds=0))
    assert late.moving == "Pod web is starting."
    assert 0.3 <= late.seconds < 5
    assert "of at most 0.3 s" in report.summary(late)


def test_half_of_a_change_is_not_final(tmp_path: Path) -> None:
    """What changes while a check looks makes it look again: before, Pods; after, none."""
    cluster = FakeCluster()
    looks = []

    def torn(world: World) -> None:
        """It sees the world as it was before the change."""
        looks.append(len(world.objects("Pod")))
        if len(looks) == 1:
            cluster.stored["Pod", "web"] = {**pod(), "kind": "Pod"}
            raise NOT_YET

    world = World(cluster, grace_seconds=0.1)
    found = run(Check(torn), folder=tmp_path, deadline_seconds=30, world=world)
    assert (found.passed, looks) == (True, [0, 1])


def test_unreachable_cluster_is_an_error(tmp_path: Path) -> None:
    """When nothing can be read, the checker broke; the run itself does not crash."""
    cluster = FakeCluster()
    cluster.stored = None  # type: ignore[assignment]  # every read fails

    def reads(world: World) -> None:
        """It reads a Service."""
        world.get("Service", "web-svc")

    (result,) = run(Check(reads), folder=tmp_path, world=World(cluster)).results
    assert result.outcome == "error"


def test_report_says_the_same_as_text_and_html(tmp_path: Path) -> None:
    """Both forms carry the sentence, the message and the command, and HTML is escaped."""
    found = run(Check(good), Check(bad), folder=tmp_path)
    for words in ("spec.ports[0].targetPort is 80, expected 8080.", "kubectl get svc", "1 of 2 checks pass."):
        assert words in report.text(found)
        assert words in report.html(found)
    assert "<code>well</code>" in report.html(found)
    assert report.code("<b>`x`") == "&lt;b&gt;<code>x</code>"


@pytest.mark.parametrize(
    ("checks", "words"),
    [
        ([], "no list CHECKS"),
        ([good], "no list CHECKS"),
        ([Check(good), Check(good)], "twice"),
        ([Check(good, needs=(bad,))], "does not come before"),
        ([Check(lambda world: None)], "no docstring"),
    ],
)
def test_unusable_checks_are_refused(checks: list[object], words: str) -> None:
    """A lab's author is told what is wrong with CHECKS."""
    with pytest.raises(LabError, match=words):
        check.checked(checks, where=Path("checks.py"))


@pytest.mark.parametrize("pods", [2, 3, 5, 10])
def test_requests_keep_the_false_alarm_rate(pods: int) -> None:
    """One request fewer would break the limit; this many keep it."""
    count = statistic.requests_for(pods)
    assert statistic.unseen_probability(pods, count) <= statistic.FALSE_ALARM
    assert statistic.unseen_probability(pods, count - 1) > statistic.FALSE_ALARM


def test_unseen_probability_is_what_dice_show() -> None:
    """The bound is exact for two Pods: 2 * (1/2)^n, seen in simulation too."""
    dice, rounds = random.Random(7), 20_000
    missed = sum(len({dice.randrange(2) for _ in range(6)}) < 2 for _ in range(rounds)) / rounds
    expected = statistic.unseen_probability(2, 6)
    assert math.isclose(expected, 2 * 0.5**6)
    assert abs(missed - expected) < 4 * math.sqrt(expected / rounds)
    assert statistic.requests_for(1) == 1


def pod(*, version: str = "1", written: datetime = NOW, **status: object) -> Object:
    """Return a Pod last written at a time."""
    stamp = written.isoformat().replace("+00:00", "Z")
    metadata = {"name": "web", "uid": "u", "resourceVersion": version, "creationTimestamp": stamp}
    return {"metadata": metadata, "status": {"phase": "Running", **status}}


def test_rest_waits_for_the_grace_period() -> None:
    """Objects written long ago rest at once; fresh or changed ones rest after the grace period."""
    old = {"Pod": [pod(written=NOW - timedelta(minutes=1))]}
    assert Rest(1.5).reason(old, now=NOW) == ""
    rest = Rest(1.5)
    fresh = {"Pod": [pod()]}
    assert "changed a moment ago" in rest.reason(fresh, now=NOW)
    assert rest.reason(fresh, now=NOW + timedelta(seconds=1.6)) == ""
    changed = {"Pod": [pod(version="2")]}
    assert "changed a moment ago" in rest.reason(changed, now=NOW + timedelta(seconds=2))
    assert rest.reason(changed, now=NOW + timedelta(seconds=3.6)) == ""


def test_rest_tells_moving_from_stuck() -> None:
    """A Pod that starts moves; one that waits for the learner does not."""
    past = NOW - timedelta(minutes=1)
    starting = {"Pod": [pod(written=past, phase="Pending")]}
    assert Rest(0).reason(starting, now=NOW) == "Pod web is starting."
    waiting = {"state": {"waiting": {"reason": "ImagePullBackOff"}}}
    assert Rest(0).reason({"Pod": [pod(phase="Pending", containerStatuses=[waiting])]}, now=NOW) == ""
    began = (NOW - timedelta(seconds=6)).isoformat()
    unready = {"ready": False, "state": {"running": {"startedAt": began}}}
    deployment = {"metadata": {"name": "web", "generation": 2}, "spec": {"replicas": 2}, "status": {}}
    objects = {"Deployment": [deployment], "Pod": [pod(containerStatuses=[unready])]}
    assert Rest(0).reason(objects, now=NOW) == ""
    assert Rest(0).reason({"Deployment": [deployment]}, now=NOW) == "Deployment web is rolling out."
    dying = pod()
    dying["metadata"]["deletionTimestamp"] = "2026-01-01T12:00:00Z"
    assert Rest(0).reason({"Pod": [dying]}, now=NOW) == "Pod web is terminating."
