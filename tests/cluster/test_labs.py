"""Every lab checks itself on a real cluster, twice from fresh; every right answer passes."""

from __future__ import annotations

import json
import statistics
import threading
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from kubehop import wait
from kubehop.client import kubeconfig
from kubehop.client.handover import Cluster
from kubehop.labs import Lab, folder, result, selftest
from kubehop.labs.answer import Step
from kubehop.labs.ground import Ground

pytestmark = pytest.mark.cluster

ROOT = Path(__file__).parents[2]
RESULTS = ROOT / "traces" / "lab-results.json"
ROUNDS = 2
RESET_SECONDS = 2.0

DEPLOYMENT = """
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web, tier: front-end}}
    spec:
      containers:
        - {name: app, image: "hashicorp/http-echo:1.0.0", args: ["-listen=:8080", "-text=SERVICE WORKS"]}
"""
TEMPLATE = '{"spec":{"template":{"metadata":{"labels":{"tier":"front-end"}}}}}'
SELECT = "set selector service web-svc app=web,tier=frontend"
RIGHT: dict[str, list[tuple[str, str | None]]] = {
    "drops the label": [("set selector service web-svc app=web", None)],
    "changes the template": [(f"patch deployment web --type=merge --patch={TEMPLATE}", None)],
    "exposes the Deployment anew": [
        ("delete service web-svc", None),
        ("expose deployment web --name=web-svc --port=80 --target-port=8080", None),
    ],
    "makes the Deployment anew, as the article has it": [
        ("delete deployment web", None),
        ("create --filename=-", DEPLOYMENT),
    ],
    "and scales up": [(SELECT, None), ("scale deployment web --replicas=4", None)],
    "and opens a NodePort": [
        (SELECT, None),
        ('patch service web-svc --patch={"spec":{"type":"NodePort"}}', None),
    ],
    "and replaces every Pod": [(SELECT, None), ("delete pods --selector=app=web --wait=false", None)],
}


@pytest.mark.timeout(1200)
@pytest.mark.parametrize("slug", folder.slugs())
def test_lab_checks_itself(slug: str, cluster: Cluster) -> None:
    """Start fails, solution passes, wrong answers get their own message, mutations die, resets return."""
    lab = folder.load(slug)
    cases = selftest.run(lab, rounds=ROUNDS)
    problems = [f"{case.kind} {case.name}: {case.problem}" for case in cases if case.problem]
    assert not problems, "\n".join(problems)
    assert statistics.median(case.reset_seconds for case in cases) <= RESET_SECONDS
    stored = json.loads(RESULTS.read_text(encoding="utf-8"))["labs"]
    found = json.loads(json.dumps(result.record(lab, cases, rounds=ROUNDS)))
    again = f"Run `python -m kubehop.labs selftest --results {RESULTS.relative_to(ROOT)}`."
    assert found in stored, again
    assert found["score_percent"] == 100.0


@pytest.fixture(scope="module")
def ground(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ground]:
    """A namespace with the lab broken-selector in it."""
    file = kubeconfig.session(cluster)
    made = Ground(folder.load("broken-selector"), file, 9, log_folder=tmp_path_factory.mktemp("log"))
    yield made
    made.close()


@pytest.mark.parametrize("name", RIGHT)
def test_any_right_answer_passes(name: str, ground: Ground) -> None:
    """Whoever repairs it another way is right too, and the world can be reset after it."""
    ground.run([Step(tuple(words.split(" ")), stdin) for words, stdin in RIGHT[name]], {})
    report = ground.report()
    _, left = ground.reset()
    assert report.passed, report.first
    assert not left


def test_reset_waits_for_a_slow_controller(ground: Ground, cluster: Cluster) -> None:
    """EndpointSlices belong to the state: a reset does not end before the controller has written them."""
    ground.run([Step(("delete", "service", "web-svc"))], {})
    wait.until(lambda: not ground.reader.objects("EndpointSlice"), what="the EndpointSlice to go")
    (pid,) = (one.pid for one in cluster.components if one.name == "kube-controller-manager")
    nsenter = psutil.Process(pid)  # it stops with its child, and lets it go on when it goes on
    nsenter.children()[0].suspend()
    timer = threading.Timer(1.0, nsenter.resume)
    timer.start()
    try:
        seconds, left = ground.reset()
    finally:
        timer.join()
    assert not left
    assert seconds >= 1.0


def test_reset_wakes_a_controller_that_forgot(ground: Ground) -> None:
    """A Service whose EndpointSlice the controller took from its predecessor, and lost, gets one again."""
    service = next(json.dumps(one) for one in ground.lab.start if one["kind"] == "Service")
    ground.run([Step(("delete", "service", "web-svc", "--cascade=orphan"))], {})
    ground.run([Step(("create", "--filename=-"), service)], {})
    wait.pause(0.5)  # it takes the old, empty one for the new Service's
    ground.run([Step(("delete", "endpointslices", "--all"))], {})
    wait.pause(0.5)
    assert not ground.reader.objects("EndpointSlice")
    _, left = ground.reset()
    assert not left


def test_learner_goes_all_the_way(cluster: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Start, fail, hint, repair, pass, certificate, finish: with plain calls."""
    monkeypatch.setattr("kubehop.labs.progress.state_root", lambda: tmp_path)
    for name in ("KUBECONFIG", "NS", "PATH", "KUBERC", "KUBECACHEDIR"):
        monkeypatch.setenv(name, "")  # restored after the test; the lab sets its own
        monkeypatch.delenv(name)
    monkeypatch.setenv("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
    lab = Lab("broken-selector", learner="all the way")
    assert "Couldn't connect" in lab.start().code or "refused" in lab.start().code
    assert not lab.check().passed
    assert lab.hint().lead == "Hint 1 of 3"
    lab.reader.kubectl.run(["set", "selector", "service", "web-svc", "app=web"], check=True)
    assert lab.check().passed
    assert lab.start().lead.startswith("You are back")
    assert "SERVICE WORKS from web-" in lab.start().code
    assert "Finished" in repr(lab.certificate())
    lab.finish()
    wait.until(lambda: not lab.stage.exists, what="the lab's namespace to go", timeout_seconds=30)
    assert lab.progress.finished
