"""The lab broken-selector on a cluster in memory: answers, right and wrong, and what is said."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from conftest import ROOT
from fake_cluster import FakeCluster

from kubehop.labs import notebook
from kubehop.labs.answer import Step, WrongAnswer, commands, wrong_answers
from kubehop.labs.check import Report

WRONG = wrong_answers(ROOT / "labs" / "broken-selector")
Run = Callable[[], Report]

TEMPLATE = '{"spec":{"template":{"metadata":{"labels":{"tier":"front-end"}}}}}'
PLAIN = '[{"op":"replace","path":"/spec/template/spec/containers/0/args/1","value":"-text=SERVICE_WORKS"}]'
RIGHT = {
    "drops the label": ["set selector service web-svc app=web"],
    "corrects the value": ["set selector service web-svc app=web,tier=frontend"],
    "changes the template": [f"patch deployment web --type=merge --patch={TEMPLATE}"],
    "and drops the Pod's name from the answer": [
        "set selector service web-svc app=web",
        f"patch deployment web --type=json --patch={PLAIN}",
    ],
    "and scales up": ["set selector service web-svc app=web", "scale deployment web --replicas=5"],
}

SELECT = Step(("set", "selector", "service", "web-svc", "app=web,tier=frontend"))
# Objects that a learner makes beside the shop; "http-echo:1.0" is an image that no node can get.
TRIED = """
apiVersion: v1
kind: Pod
metadata: {name: tmp, labels: {run: tmp}}
spec:
  containers: [{name: tmp, image: "hashicorp/http-echo:1.0"}]
"""
OTHER = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: api}
spec:
  replicas: REPLICAS
  selector: {matchLabels: {app: api}}
  template:
    metadata: {labels: {app: api}}
    spec:
      containers: [{name: api, image: "hashicorp/http-echo:1.0.0", args: ["-listen=:8080", "-text=API"]}]
"""
# The lab's Deployment made anew by hand: without the variable that holds the Pod's name.
AGAIN = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web, tier: front-end}}
    spec:
      containers: [{name: app, image: "hashicorp/http-echo:1.0.0", args: ["-listen=:8080", "-text=TEXT"]}]
"""


def create(text: str) -> Step:
    """Return the command that makes objects."""
    return Step(("create", "--filename=-"), text)


def run(cluster: FakeCluster, steps: tuple[Step, ...]) -> None:
    """Run commands on the cluster in memory."""
    places = cluster.places()
    for step in steps:
        cluster.kubectl(step.filled(places))


def message(report: Report) -> str:
    """Return all that the first check that does not pass says."""
    first = report.first
    assert first is not None
    return " ".join((first.what, first.hint, first.run))


def test_untouched_start_fails_with_the_symptom(report: Run) -> None:
    """Nothing was done: the check fails, and says what is seen, not why."""
    found = report()
    assert [result.outcome for result in found.results] == ["fail", "skipped", "skipped"]
    assert "connection refused" in message(found)
    assert "tier" not in message(found)
    assert "still have every value they began with" in message(found)


ADDED = '{"spec":{"template":{"metadata":{"labels":{"version":"v1"}}}}}'


@pytest.mark.parametrize(
    "words",
    [
        "set selector service web-svc app=web,tier=front-end,version=v1",
        f"patch deployment web --type=merge --patch={ADDED}",
        "label pods version=v1 --selector=app=web",
    ],
)
def test_what_was_added_is_a_change(words: str, cluster: FakeCluster, report: Run) -> None:
    """A key more in the selector, in the template or on the Pods: the message tells where the path ends."""
    run(cluster, (Step(tuple(words.split(" "))),))
    assert "they began with" not in message(report())
    assert "0 of 3 Pods carry tier=front-end" in message(report())


def test_solution_passes(cluster: FakeCluster, report: Run) -> None:
    """The commands in solution.ipynb repair the world."""
    run(cluster, commands(notebook.solution_cells(ROOT / "labs" / "broken-selector"))[3:])
    assert report().passed, report()


@pytest.mark.parametrize("name", RIGHT)
def test_any_right_answer_passes(name: str, cluster: FakeCluster, report: Run) -> None:
    """Whoever repairs it another way is right too."""
    run(cluster, tuple(Step(tuple(words.split(" "))) for words in RIGHT[name]))
    assert report().passed, report()


@pytest.mark.parametrize("text", ["SERVICE WORKS from $(POD_NAME)", "Greetings from Berlin"])
def test_words_that_name_no_pod_are_not_trusted(text: str, cluster: FakeCluster, report: Run) -> None:
    """Both Pods answer with the same last word: their logs tell them apart."""
    run(cluster, (Step(("delete", "deployment", "web")), create(AGAIN.replace("TEXT", text))))
    assert report().passed, report()


def test_a_pod_beside_the_shop_spoils_no_repair(cluster: FakeCluster, report: Run) -> None:
    """A Pod that the learner tried something with, and that is not ready, is no part of the answer."""
    run(cluster, (create(TRIED), SELECT))
    assert report().passed, report()


@pytest.mark.parametrize(("replicas", "hint"), [(0, "A Service without Pods"), (1, "One Pod alone")])
def test_a_deployment_beside_the_shop_is_not_blamed(
    replicas: int, hint: str, cluster: FakeCluster, report: Run
) -> None:
    """Of two Deployments with too few Pods, the one that the Service selects from is named."""
    scale = Step(("scale", "deployment", "web", f"--replicas={replicas}"))
    run(cluster, (create(OTHER.replace("REPLICAS", str(replicas))), SELECT, scale))
    said = message(report())
    assert said.startswith(f"Deployment web: spec.replicas is {replicas}, expected") and hint in said


@pytest.mark.parametrize("label", ["tier=front-end", "shop=yes"])
def test_the_pod_that_lacks_the_label_is_named(label: str, cluster: FakeCluster, report: Run) -> None:
    """One of two Pods was labelled by hand: the message is about the other, not about a Pod beside them."""
    lacking = cluster.places()["pod_2"]
    by_hand = Step(("label", "pod", "{pod_1}", label, "--overwrite"))
    run(cluster, (create(TRIED), Step(("set", "selector", "service", "web-svc", label)), by_hand))
    assert message(report()).startswith(f"Pod {lacking}: metadata.labels")


@pytest.mark.parametrize("answer", WRONG, ids=lambda answer: answer.name)
def test_wrong_answer_fails_and_is_named(answer: WrongAnswer, cluster: FakeCluster, report: Run) -> None:
    """The check that is meant fails, and its message names the object, the field and the value."""
    places = cluster.places()
    run(cluster, answer.steps)
    found = report()
    assert found.first is not None, "the wrong answer passed"
    assert (found.first.name, found.first.outcome) == (answer.check, "fail"), found.first
    assert not answer.unsaid(found.first.what + " " + found.first.hint, places), found.first


def test_wrong_answers_are_twenty_or_more_and_told_apart() -> None:
    """Each has its own triple of object, field and value."""
    triples = {(answer.item, answer.field, answer.value) for answer in WRONG}
    assert len(triples) == len(WRONG) >= 20
