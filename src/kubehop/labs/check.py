"""Checks and their four outcomes; a checker's own crash is never the learner's failure.

A check is a function of the `World`; its docstring is the sentence the learner reads. It returns nothing
when all is well and raises `Failure` when not. Whether an outcome is final is decided here: a world that
still moves is looked at again, until it rests or the deadline passes.
"""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from kubehop import wait
from kubehop.errors import LabError
from kubehop.labs.failure import Failure
from kubehop.labs.world import World

Outcome = Literal["pass", "fail", "error", "skipped"]

# One look costs a request from a Pod (about 0.2 s); more often would measure ourselves.
_INTERVAL_SECONDS = 0.2


@dataclass(frozen=True)
class Check:
    """One thing that must hold.

    Args:
        function: Takes the world, returns nothing; its docstring is the learner's sentence.
        needs: Functions of checks that must pass first; this one is skipped otherwise.
    """

    function: Callable[[World], None]
    needs: tuple[Callable[[World], None], ...] = ()

    @property
    def name(self) -> str:
        """The function's name, which progress and certificates keep."""
        return self.function.__name__

    @property
    def sentence(self) -> str:
        """What must hold, in the learner's words."""
        return " ".join((self.function.__doc__ or self.name).split())


@dataclass(frozen=True)
class Result:
    """What one check found.

    Args:
        name: The check's name.
        sentence: What must hold.
        outcome: "pass", "fail", "error" (the checker broke) or "skipped".
        what: The object, field and value found; for a skipped check the reason.
        hint: What this usually means.
        run: The command to run next.
        log: Where the checker's own crash is written.
    """

    name: str
    sentence: str
    outcome: Outcome
    what: str = ""
    hint: str = ""
    run: str = ""
    log: Path | None = None


@dataclass(frozen=True)
class Report:
    """What one run of all checks found.

    Args:
        lab: The lab's slug.
        results: One for each check, in the order of the lab.
        seconds: How long the checks looked.
        deadline_seconds: How long they would have looked at most.
        moving: What still moved when the deadline passed, or "".
    """

    lab: str
    results: tuple[Result, ...]
    seconds: float
    deadline_seconds: float
    moving: str = ""

    @property
    def passed(self) -> bool:
        """Whether every check passed."""
        return all(result.outcome == "pass" for result in self.results)

    @property
    def first(self) -> Result | None:
        """The first check that did not pass: what the learner reads next."""
        return next((result for result in self.results if result.outcome != "pass"), None)


def run(
    checks: Sequence[Check], world: World, *, lab: str, deadline_seconds: float, log_folder: Path
) -> Report:
    """Run all checks in order and report; polls until the world rests or the deadline passes.

    Args:
        checks: The lab's checks.
        world: What they look at.
        lab: The lab's slug, for the report and the log's name.
        deadline_seconds: For all checks together.
        log_folder: Where a crash of a checker is written.
    """
    began = time.monotonic()
    results: list[Result] = []
    moving = ""
    for check in checks:
        because = _unmet(check, results)
        if because:
            results.append(Result(check.name, check.sentence, "skipped", what=because))
            continue
        result, moving = _final(check, world, end=began + deadline_seconds)
        results.append(_logged(result, lab=lab, folder=log_folder))
    return Report(lab, tuple(results), time.monotonic() - began, deadline_seconds, moving)


def _unmet(check: Check, results: Sequence[Result]) -> str:
    passed = {result.name for result in results if result.outcome == "pass"}
    for needed in check.needs:
        if needed.__name__ not in passed:
            sentence = Check(needed).sentence
            return f"This is looked at once another check passes: {sentence}"
    return ""


def _final(check: Check, world: World, *, end: float) -> tuple[Result, str]:
    """Look until the outcome is final; also return what still moved when time ran out.

    The world must rest before and after the check, else the check may have seen half of a change.
    """
    while True:
        before = _unrest(world)
        result = _once(check, world)
        moving = before or _unrest(world)
        if not moving or time.monotonic() >= end:
            return result, moving
        wait.pause(_INTERVAL_SECONDS)


def _unrest(world: World) -> str:
    world.look()
    try:
        return world.unrest()
    except Exception:  # noqa: BLE001 - the check asks the same cluster, and its crash has the log
        return ""


def _once(check: Check, world: World) -> Result:
    try:
        check.function(world)
    except Failure as failure:
        what, hint, run = failure.what, failure.hint, failure.run
        return Result(check.name, check.sentence, "fail", what=what, hint=hint, run=run)
    except Exception:  # noqa: BLE001 - whatever broke, it was the checker: that is this branch's meaning
        return Result(check.name, check.sentence, "error", what=traceback.format_exc())
    return Result(check.name, check.sentence, "pass")


def _logged(result: Result, *, lab: str, folder: Path) -> Result:
    """Move a crash's traceback into a file and leave the learner one sentence."""
    if result.outcome != "error":
        return result
    folder.mkdir(parents=True, exist_ok=True)
    log = folder / f"{lab}-{result.name}.log"
    log.write_text(f"{datetime.now(UTC).isoformat()}\n{result.what}", encoding="utf-8")
    last = result.what.strip().splitlines()[-1]
    return replace(result, what=f"The checker broke, not you: {last}", run=f"less {log}", log=log)


def checked(checks: object, *, where: Path) -> tuple[Check, ...]:
    """Return a lab's CHECKS, proven to be usable.

    Raises:
        LabError: There are none, one has no sentence, or one needs a check that does not come before it.
    """
    if not isinstance(checks, list | tuple) or not checks or not all(isinstance(c, Check) for c in checks):
        message = f"{where} has no list CHECKS of Check(function) entries."
        raise LabError(message, next_command="Write `CHECKS = [Check(the_service_answers)]` at its end.")
    before: set[str] = set()
    for check in checks:
        _usable(check, before, where=where)
        before.add(check.name)
    return tuple(checks)


def _usable(check: Check, before: set[str], *, where: Path) -> None:
    if not check.function.__doc__:
        message = f"{where}: check {check.name} has no docstring."
        raise LabError(message, why="It is the sentence the learner reads.", next_command="Write it.")
    if check.name in before:
        message = f"{where}: check {check.name} is listed twice."
        raise LabError(message, next_command="Give one of them another name.")
    for needed in check.needs:
        if needed.__name__ not in before:
            message = f"{where}: check {check.name} needs {needed.__name__}, which does not come before it."
            raise LabError(message, next_command="Order CHECKS so that needs come first.")
