"""The labs check themselves, on a real cluster.

Each case begins from a fresh start state: the untouched start must fail, the solution must pass, each wrong
answer must fail with its own message, each seeded mutation must be rejected, and a reset after any of them
must return to the start. Cases run beside each other, each worker in a namespace of its own.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from typing import Literal

from kubehop.client import handover, kubeconfig
from kubehop.labs import mutation, notebook
from kubehop.labs.answer import WrongAnswer, commands, wrong_answers
from kubehop.labs.check import Report
from kubehop.labs.folder import LabFolder
from kubehop.labs.ground import WORKERS, Ground, Grounds
from kubehop.labs.mutation import Mutation

Kind = Literal["start", "solution", "wrong", "mutation"]
# Generated parts of a Pod's name, which are no part of what a message says.
_GENERATED = re.compile(r"(?<=-)[a-z0-9]{5,10}-[a-z0-9]{5}\b")


@dataclass(frozen=True)
class Case:
    """One thing tried, and how it went.

    Args:
        kind: What was tried.
        name: Which of them.
        rejected: Whether the checks failed.
        message: What the first check that did not pass said.
        problem: What is wrong with the lab, or "".
        check_seconds: How long the checks took.
        reset_seconds: How long the reset after it took.
    """

    kind: Kind
    name: str
    rejected: bool
    message: str
    problem: str
    check_seconds: float
    reset_seconds: float


Trial = Callable[[Ground], tuple[Report, str]]


def run(
    lab: LabFolder, *, rounds: int = 2, done: Callable[[Case], None] = lambda _: None
) -> list[Case]:
    """Try everything, each round from fresh namespaces, and return every case.

    Args:
        lab: The lab.
        rounds: How often; mutations are tried in the first round only.
        done: Called with each case when it is finished.

    Raises:
        NoClusterError: No cluster is running.
    """
    cluster = handover.wait_ready(handover.current())
    file = kubeconfig.session(cluster)
    cases: list[Case] = []
    for number in range(rounds):
        with Grounds(lab, file) as grounds, ThreadPoolExecutor(WORKERS) as pool:
            trials = _trials(lab, _mutations(grounds.first) if number == 0 else [])
            for case in pool.map(partial(_tried, grounds), trials):
                done(case)
                cases.append(case)
    return _told_apart(cases)


def _trials(lab: LabFolder, changes: Sequence[Mutation]) -> list[tuple[Kind, str, Trial]]:
    """List what is tried."""
    trials: list[tuple[Kind, str, Trial]] = [
        ("start", "untouched", _untouched),
        ("solution", "solution.ipynb", _solved),
    ]
    for answer in wrong_answers(lab.path):
        trials.append(("wrong", answer.name, partial(_wrong, answer)))
    for change in changes:
        trials.append(("mutation", change.name, partial(_mutated, change)))
    return trials


def _mutations(ground: Ground) -> list[Mutation]:
    """Repair a world to learn what there is to break in it, and put it back."""
    _solve(ground)
    objects = [
        mutation.bare(item) for kind in ("Service", "Deployment") for item in ground.reader.objects(kind)
    ]
    ground.reset()
    return mutation.mutations(objects, seed=mutation.seed_for(ground.lab.slug))


def _tried(grounds: Grounds, trial: tuple[Kind, str, Trial]) -> Case:
    kind, name, attempt = trial
    with grounds.borrowed() as ground:
        report, problem = attempt(ground)
        seconds, left = ground.reset()
    first = report.first
    message = " ".join(filter(None, (first.what, first.hint, first.run))) if first else ""
    if first and first.outcome != "fail":
        problem = f"Check {first.name} ended with {first.outcome!r}, expected 'fail'. {message}"
    return Case(kind, name, not report.passed, message, problem or left, report.seconds, seconds)


def _untouched(ground: Ground) -> tuple[Report, str]:
    report = ground.report()
    return report, "The untouched start passes the checks." if report.passed else ""


def _solved(ground: Ground) -> tuple[Report, str]:
    _solve(ground)
    report = ground.report()
    first = report.first
    return report, f"The solution fails {first.name}: {first.what}" if first else ""


def _wrong(answer: WrongAnswer, ground: Ground) -> tuple[Report, str]:
    places = ground.places()
    ground.run(answer.steps, places)
    report = ground.report()
    first = report.first
    if first is None:
        return report, "The wrong answer passes the checks."
    if first.name != answer.check:
        return report, f"Check {first.name} failed, expected {answer.check}. {first.what}"
    unsaid = answer.unsaid(f"{first.what} {first.hint}", places)
    return report, f"The message does not name {unsaid}: {first.what} {first.hint}" if unsaid else ""


def _mutated(change: Mutation, ground: Ground) -> tuple[Report, str]:
    _solve(ground)
    ground.stage.put(change.after, instead_of=change.before)
    report = ground.report()
    return report, "The mutation survives: the checks pass." if report.passed else ""


def _solve(ground: Ground) -> None:
    ground.run(commands(notebook.solution_cells(ground.lab.path)), {})


def _told_apart(cases: Sequence[Case]) -> list[Case]:
    """Mark wrong answers whose message is another one's too."""
    whose: dict[str, str] = {}
    return [_marked(case, whose) for case in cases]


def _marked(case: Case, whose: dict[str, str]) -> Case:
    if case.kind != "wrong" or case.problem:
        return case
    message = _GENERATED.sub("…", case.message)
    other = whose.setdefault(message, case.name)
    if other == case.name:
        return case
    return replace(case, problem=f"Its message is that of {other}: {case.message}")
