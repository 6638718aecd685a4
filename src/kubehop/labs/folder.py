"""A lab's folder as data. The folders are the list of labs; deleting one deletes the lab.

```text
labs/<slug>/
├── lab.toml         title, chapter, minutes, namespaced, deadline_seconds, objectives, story, hints, symptom
├── start/*.yaml     the world it begins in, one object a file
├── solution.ipynb   the source
├── lab.ipynb        generated from it: what the learner opens
├── first-sight.ipynb  generated from it and recorded: what the published page shows
├── checks.py        CHECKS
├── wrong/*.toml     named wrong answers
└── debrief.md       why, shown after success
```
"""

from __future__ import annotations

import importlib.util
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from kubehop.errors import LabError
from kubehop.labs.check import Check, checked
from kubehop.labs.world import Object

SETTINGS = "lab.toml"
DEBRIEF = "debrief.md"
FIELDS: Mapping[str, type] = {
    "title": str,
    "chapter": str,
    "minutes": int,
    "namespaced": bool,
    "deadline_seconds": int,
    "objectives": list,
    "story": str,
    "hints": list,
    "symptom": str,
}


@dataclass(frozen=True)
class LabFolder:
    """What one lab's folder says.

    Args:
        path: The folder.
        title: The symptom in a few words.
        chapter: The chapter it belongs to, as in `_toc.yml`.
        minutes: How long it takes a learner.
        deadline_seconds: How long a check may wait for the world to rest.
        objectives: What the learner can do afterwards.
        story: Markdown: what happened, and what to reach. A symptom, never the cause.
        hints: Three or more, from far to near.
        symptom: What follows `kubectl` in the command that fails at the start.
        start: The manifests the world begins with.
        checks: What must hold at the end.
        debrief: Markdown, shown after success.
    """

    path: Path
    title: str
    chapter: str
    minutes: int
    deadline_seconds: int
    objectives: tuple[str, ...]
    story: str
    hints: tuple[str, ...]
    symptom: str
    start: tuple[Object, ...]
    checks: tuple[Check, ...]
    debrief: str

    @property
    def slug(self) -> str:
        """The folder's name."""
        return self.path.name


def root() -> Path:
    """Return the folder of all labs: that of the working directory or above it, else the repository's.

    Raises:
        LabError: There is none.
    """
    here = Path.cwd()
    above = [parent / "labs" for parent in (here, *here.parents)]
    for candidate in [*above, Path(__file__).resolve().parents[3] / "labs"]:
        if any(candidate.glob("*/lab.toml")):
            return candidate
    message = f"No folder labs/ with a lab in it was found above {here}."
    raise LabError(message, next_command="Change into the book's folder, where README.md is.")


def slugs() -> list[str]:
    """Return the names of all labs."""
    return sorted(path.parent.name for path in root().glob("*/lab.toml"))


def load(slug: str) -> LabFolder:
    """Read a lab by its name.

    Raises:
        LabError: There is no such lab, or its folder is malformed.
    """
    path = root() / slug
    if not (path / "lab.toml").is_file():
        message = f"There is no lab {slug!r}."
        raise LabError(message, why=f"The labs are: {', '.join(slugs())}.", next_command="Choose one.")
    return read(path)


def read(path: Path) -> LabFolder:
    """Read a lab's folder.

    Raises:
        LabError: A file is missing or malformed.
    """
    table = settings(path)
    return LabFolder(
        path=path,
        title=table["title"],
        chapter=table["chapter"],
        minutes=table["minutes"],
        deadline_seconds=table["deadline_seconds"],
        objectives=tuple(table["objectives"]),
        story=table["story"].strip(),
        hints=tuple(table["hints"]),
        symptom=table["symptom"],
        start=tuple(_manifest(file) for file in sorted((path / "start").glob("*.yaml"))),
        checks=_checks(path / "checks.py"),
        debrief=_text(path / DEBRIEF),
    )


def settings(path: Path) -> dict[str, Any]:
    """Read a lab's lab.toml.

    Raises:
        LabError: It is no TOML, or a field is missing, unknown or of another type.
    """
    file = path / SETTINGS
    try:
        table = tomllib.loads(_text(file))
    except tomllib.TOMLDecodeError as error:
        message = f"{file} is no TOML: {error}."
        raise LabError(message, next_command="Compare it with another lab's.") from error
    if set(table) != set(FIELDS):
        wrong = ", ".join(sorted(set(table) ^ set(FIELDS)))
        message = f"{file} has missing or unknown fields: {wrong}."
        raise LabError(
            message, next_command="Write exactly the fields that src/kubehop/labs/folder.py lists."
        )
    for key, kind in FIELDS.items():
        if not isinstance(table[key], kind):
            message = f"{file}: {key} is {table[key]!r}, expected a {kind.__name__}."
            raise LabError(message, next_command="Correct it.")
    return table


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except OSError as error:
        message = f"{file} cannot be read: {error.strerror}."
        raise LabError(message, next_command="Write the file, or restore it with git.") from error


def _manifest(file: Path) -> Object:
    try:
        documents = [document for document in yaml.safe_load_all(_text(file)) if document]
    except yaml.YAMLError as error:
        message = f"{file} is no YAML: {error}."
        raise LabError(message, next_command="Correct it.") from error
    if len(documents) != 1 or not isinstance(documents[0], dict):
        message = f"{file} holds {len(documents)} objects, expected one."
        raise LabError(message, next_command="Give each object a file of its own.")
    return dict(documents[0])


def _checks(file: Path) -> tuple[Check, ...]:
    """Run a lab's checks.py as a module of its own and return its CHECKS."""
    _text(file)
    spec = importlib.util.spec_from_file_location(f"kubehop_lab_{file.parent.name.replace('-', '_')}", file)
    assert spec and spec.loader, file
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except Exception as error:  # the lab author's code may raise anything
        message = f"{file} cannot be imported: {type(error).__name__}: {error}."
        raise LabError(message, next_command=f"Run `python {file}`.") from error
    return checked(getattr(module, "CHECKS", None), where=file)
