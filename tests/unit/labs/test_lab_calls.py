"""The learner's calls in any order, and the panel, whose buttons do the same."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

import pytest
from fake_cluster import FakeCluster

from kubehop.client.kubectl import Completed
from kubehop.errors import ClusterError
from kubehop.labs import Lab, panel
from kubehop.labs.answer import Step
from kubehop.labs.learner import label, namespace_for
from kubehop.labs.panel import Panel


class Kubectl:
    """Answers every command as curl answers when nobody listens."""

    def run(self, arguments: list[str]) -> Completed:
        """Return a failed command."""
        del arguments
        return Completed(b"curl: (7) Failed to connect\n", 7, "kubectl")


@dataclass
class Stage:
    """A namespace in memory that counts what is done to it."""

    lab: Lab
    cluster: FakeCluster
    begun: bool = False
    gone: bool = False
    done: list[str] = field(default_factory=list)

    def restore(self) -> None:
        """Put the start state in."""
        self.done.append("restore")
        self.begun = True
        self.cluster.stored.clear()
        for manifest in self.lab.folder.start:
            self.cluster.apply(manifest)
        self.cluster.reconcile()

    def remove(self) -> bool:
        """Take it away, unless the cluster is gone."""
        self.done.append("remove")
        self.begun = self.begun and self.gone
        return not self.gone


def opened(learner: str = "Ada Lovelace") -> Lab:
    """Return a lab on a cluster in memory."""
    lab = Lab("broken-selector", learner=learner)
    cluster: Any = FakeCluster(namespace=lab.namespace)
    cluster.kubectl_commands, cluster.kubectl = cluster.kubectl, Kubectl()
    lab.__dict__ |= {"reader": cluster, "stage": Stage(lab, cluster)}
    return lab


def repair(lab: Lab) -> None:
    """Do what the solution does."""
    reader: Any = lab.reader
    reader.kubectl_commands(Step(("set", "selector", "service", "web-svc", "app=web,tier=frontend")))


@pytest.fixture
def lab(monkeypatch: pytest.MonkeyPatch) -> Lab:
    """Ada's lab; fresh objects rest at once."""
    monkeypatch.setattr("kubehop.labs.rest.Rest.reason", lambda *_, **__: "")
    return opened()


def test_start_shows_the_failing_request_first(lab: Lab) -> None:
    """The learner sees the symptom, and comes back to what was left."""
    note = lab.start()
    assert "curl: (7) Failed to connect" in note.code
    assert note.code.startswith("$ kubectl exec client -- curl")
    repair(lab)
    assert lab.start().lead.startswith("You are back where you left.")
    assert lab.stage.done == ["restore"]  # type: ignore[attr-defined]  # the stage in memory counts


def test_namespace_is_the_lab_and_the_learner() -> None:
    """Plain names stay as they are, in whatever case."""
    assert opened("grace").namespace == opened("Grace").namespace == "lab-broken-selector-grace"
    assert re.fullmatch(r"lab-broken-selector-ada-lovelace-[0-9a-f]{6}", opened().namespace)


def test_learners_never_share_a_namespace() -> None:
    """Names that differ only in what a DNS label cannot hold stay apart, and so do long ones."""
    names = ["王小明", "李雷", "Jörg", "J rg", "j-rg", "-", "…", "learner", "x" * 80, "x" * 81, "x" * 41]
    labels = [label(name) for name in names]
    assert len(set(labels)) == len({label(one) for one in labels}) == len(names)
    assert set(labels) == {label(one) for one in labels}
    for slug in ("broken-selector", "a-lab-whose-own-name-is-long-already"):
        spaces = {namespace_for(slug, learner=one) for one in labels}
        assert len(spaces) == len(names)
        assert all(re.fullmatch(r"[a-z0-9][a-z0-9-]{0,61}[a-z0-9]", one) for one in spaces)
    assert all(re.fullmatch(r"[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?", one) for one in labels)


def test_calls_work_in_any_order(lab: Lab) -> None:
    """A check, hint, solution or reset before the start is no error."""
    assert not lab.check().passed
    assert opened("b").hint().lead == "Hint 1 of 3"
    assert "%kubectl set selector" in opened("c").solution().code
    assert "as it was at the start" in opened("d").reset().lead
    assert "is going" in opened("e").finish().lead


def test_finish_without_a_cluster_says_what_is_left() -> None:
    """The namespace may still be there, and the command that removes it is shown."""
    lab = opened("e")
    lab.stage.gone = True  # type: ignore[attr-defined]  # the stage in memory
    said = repr(lab.finish())
    assert "is going" not in said and "namespace lab-broken-selector-e may still be there" in said
    assert said.endswith("\nkubectl delete namespace lab-broken-selector-e")


def test_debrief_comes_after_success(lab: Lab) -> None:
    """Before it, nothing of it is shown; after a reset the progress stays."""
    assert not lab.check().debrief
    repair(lab)
    verdict = lab.check()
    assert verdict.passed
    assert "What happened" in repr(verdict)
    assert "<h3>What happened</h3>" in verdict.html()
    lab.reset()
    assert not lab.check().passed
    assert lab.progress.finished
    assert lab.progress.attempts == 3


def test_hints_one_by_one_then_all(lab: Lab) -> None:
    """Each call shows one more; the count survives a new kernel."""
    leads = [lab.hint().lead, lab.hint().lead, opened().hint().lead, opened().hint().lead]
    assert leads == ["Hint 1 of 3", "Hint 2 of 3", "Hint 3 of 3", "These were all the hints."]
    assert lab.progress.hints == 3


def test_certificate_of_a_learner(lab: Lab) -> None:
    """It has what this learner has passed, and nobody else's."""
    lab.start()
    repair(lab)
    lab.check()
    assert "Finished" in repr(lab.certificate())
    assert "No lab was started yet." in opened("grace").certificate().html()


def test_panel_buttons_do_what_the_calls_do(lab: Lab) -> None:
    """Check, Hint, Reset, Solution answer below, and progress is drawn."""
    shown = Panel(lab)
    check, hint, reset, solution = shown._buttons
    assert [b.description for b in shown._buttons] == ["Check", "Hint", "Reset", "Solution"]
    check.click()
    assert "connection refused" in shown._answer.value
    assert "0 of 3 checks passed" in shown._progress.value
    hint.click()
    assert "Hint 1 of 3" in shown._answer.value
    assert "1 of 3 hints" in shown._progress.value
    solution.click()
    assert "%kubectl set selector" in shown._answer.value
    repair(lab)
    check.click()
    assert "What happened" in shown._answer.value
    assert "Finished. 3 of 3 checks passed" in shown._progress.value
    reset.click()
    assert "as it was at the start" in shown._answer.value
    assert not any(button.disabled for button in shown._buttons)


def test_panel_shows_an_error(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    """A cluster that is gone is told in the panel, and the buttons come back."""
    gone = ClusterError("No cluster.", next_command="Run `kubehop up`.")

    def fail() -> None:
        raise gone

    monkeypatch.setattr(lab, "check", fail)
    shown = Panel(lab)
    shown._buttons[0].click()
    assert "ClusterError: No cluster. Run `kubehop up`." in shown._answer.value
    assert not shown._buttons[0].disabled


def test_static_bundle_has_no_widget(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    """When recording, the panel is fixed HTML; live, it is a widget."""
    assert "application/vnd.jupyter.widget-view+json" in panel.bundle(lab)
    monkeypatch.setenv("KUBEHOP_STATIC", "1")
    found = panel.bundle(lab)
    assert set(found) == {"text/plain", "text/html"}
    assert "The shop answers nobody" in found["text/html"]
    assert repr(lab) == found["text/plain"] == "Lab('broken-selector')"
