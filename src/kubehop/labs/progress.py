"""What a learner has reached, kept on this machine: no account, no server.

One JSON file for each learner and lab, below kubehop's state folder. A damaged file is set aside, never
overwritten, and the lab goes on without it.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from kubehop.client.folder import state_root

SCHEMA = "kubehop-progress/1"


@dataclass(frozen=True)
class Progress:
    """One learner's way through one lab.

    Args:
        lab: The lab's slug.
        title: The lab's title, for the certificate.
        schema: The file's format.
        started: When the learner first started it; ISO 8601 in UTC, as all times here.
        attempts: How often the checks ran.
        hints: How many hints were shown.
        solution_seen: Whether the solution was shown.
        passed: For each check that ever passed: its sentence and when it first passed.
        finished: When all checks first passed together.
    """

    lab: str
    title: str = ""
    schema: str = SCHEMA
    started: str = ""
    attempts: int = 0
    hints: int = 0
    solution_seen: bool = False
    passed: dict[str, tuple[str, str]] = field(default_factory=dict)
    finished: str = ""


class ProgressFile:
    """Reads and writes one learner's progress in one lab.

    Args:
        path: The file, which need not exist.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def lab(self) -> str:
        """The lab's slug: the file's name."""
        return self.path.stem

    def read(self) -> Progress:
        """Return what is stored; a file that cannot be understood is set aside as `<name>.damaged`."""
        try:
            found = msgspec.json.decode(self.path.read_bytes(), type=Progress)
        except FileNotFoundError:
            return Progress(lab=self.lab)
        except (msgspec.DecodeError, UnicodeDecodeError):
            return self._set_aside()
        if found.schema != SCHEMA or found.lab != self.lab:
            return self._set_aside()
        return found

    def update(self, **changes: object) -> Progress:
        """Store the progress with some fields changed, and return it."""
        changed = replace(self.read(), **changes)  # type: ignore[arg-type]  # names are this module's fields
        return self._write(changed)

    def begun(self, *, title: str) -> Progress:
        """Store that the learner has started; the first time counts."""
        stored = self.read()
        return self._write(replace(stored, title=title, started=stored.started or now()))

    def checked(self, passed: Iterable[tuple[str, str]], *, finished: bool) -> Progress:
        """Store one run of the checks: name and sentence of those that passed."""
        stored, at = self.read(), now()
        marks = dict(stored.passed)
        for name, sentence in passed:
            marks.setdefault(name, (sentence, at))
        done = stored.finished or (at if finished else "")
        return self._write(replace(stored, attempts=stored.attempts + 1, passed=marks, finished=done))

    def _write(self, progress: Progress) -> Progress:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        fresh = self.path.with_name(f".{self.path.name}.{os.getpid()}")
        fresh.write_bytes(msgspec.json.format(msgspec.json.encode(progress), indent=2) + b"\n")
        fresh.replace(self.path)
        return progress

    def _set_aside(self) -> Progress:
        self.path.replace(self.path.with_suffix(".damaged"))
        return Progress(lab=self.lab)


def folder(learner: str) -> Path:
    """Return where a learner's progress is kept."""
    return state_root() / "progress" / learner


def everything(learner: str) -> list[Progress]:
    """Return a learner's progress in every lab that was started, in order of time."""
    found = [ProgressFile(path).read() for path in folder(learner).glob("*.json")]
    return sorted((item for item in found if item.started), key=lambda item: (item.started, item.lab))


def now() -> str:
    """Return the time as progress keeps it."""
    return datetime.now(UTC).isoformat(timespec="seconds")
