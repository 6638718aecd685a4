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


def test_solution_passes(cluster: FakeCluster, report: Run) -> None:
    """The commands in solution.ipynb repair the world."""
    run(cluster, commands(notebook.solution_cells(ROOT / "labs" / "broken-selector"))[3:])
    assert report().passed, report()


@pytest.mark.parametrize("name", RIGHT)
def test_any_right_answer_passes(name: str, cluster: FakeCluster, report: Run) -> None:
    """Whoever repairs it another way is right too."""
    run(cluster, tuple(Step(tuple(words.split(" "))) for words in RIGHT[name]))
    assert report().passed, report()


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
