"""What must hold of a lab's folder, without a cluster: the repository checks its own exercises."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from kubehop.errors import LabError
from kubehop.labs import folder, notebook
from kubehop.labs.answer import commands, wrong_answers
from kubehop.labs.folder import LabFolder
from kubehop.labs.reader import KINDS
from kubehop.labs.world import labels_of, name_of

HINTS = 3
_FILES = frozenset({"lab.toml", "solution.ipynb", notebook.LEARNER, notebook.FIRST_SIGHT, "checks.py", "debrief.md"})
_CACHES = frozenset({"__pycache__", ".ipynb_checkpoints"})
_SLUG = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
# A check reads. These calls write, start programs, or reach around the World.
_WRITES = frozenset({"open", "exec", "eval", "compile", "__import__", "write_text", "write_bytes", "unlink"})


def problems(path: Path) -> list[str]:
    """Return what is wrong with one lab's folder, in sentences that say what to do; empty when nothing is."""
    try:
        lab = folder.read(path)
        found = [*_names(path), *_text(lab), *_start(lab), *_checks(lab), *_answers(lab), *_notebooks(lab)]
    except LabError as error:
        return [str(error)]
    return found


def _names(path: Path) -> Iterator[str]:
    if not _SLUG.fullmatch(path.name):
        yield f"Folder {path.name!r} is no kebab-case name: rename it."
    for file in sorted(path.rglob("*")):
        place = file.relative_to(path)
        if file.is_dir() or _CACHES & set(place.parts):
            continue
        if not _expected(place):
            yield f"{file} is not expected in a lab: move it, or delete it."
    for name in sorted(_FILES):
        if not (path / name).is_file():
            yield f"{path / name} is missing: write it."


def _expected(place: Path) -> bool:
    kinds = {"start": ".yaml", "wrong": ".toml"}
    return str(place) in _FILES or (len(place.parts) == 2 and kinds.get(place.parts[0]) == place.suffix)  # noqa: PLR2004 - folder and file


def _text(lab: LabFolder) -> Iterator[str]:
    if len(lab.hints) < HINTS:
        yield f"{lab.path}/lab.toml has {len(lab.hints)} hints: write {HINTS} or more."
    for name, text in (("title", lab.title), ("story", lab.story), *_numbered("objectives", lab.objectives)):
        for secret in sorted(_secrets(lab)):
            if secret in text:
                yield f"{lab.path}/lab.toml: {name} has {secret!r}, which is the cause: tell the symptom."


def _numbered(name: str, texts: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    yield from ((f"{name}[{number}]", text) for number, text in enumerate(texts))


def _secrets(lab: LabFolder) -> set[str]:
    """Return the words that give the cause away: `key=value` pairs and values that the solution names."""
    found: set[str] = set()
    for step in commands(notebook.solution_cells(lab.path)):
        for word in step.arguments:
            if "=" in word and not word.startswith("-"):
                found |= set(word.split(","))
    return found


def _start(lab: LabFolder) -> Iterator[str]:
    files = sorted((lab.path / "start").glob("*.yaml"))
    if not files:
        yield f"{lab.path}/start has no manifest: write the world it begins in."
    for file, item in zip(files, lab.start, strict=True):
        kind, name = item.get("kind", ""), name_of(item)
        if kind not in KINDS:
            yield f"{file}: a reset does not know kind {kind!r}: add it to KINDS in labs/reader.py."
        if file.stem != f"{name}-{kind.lower()}":
            yield f"{file} holds {kind} {name}: name it {name}-{kind.lower()}.yaml."
        if "namespace" in item["metadata"] or any(key.startswith("kubehop") for key in labels_of(item)):
            yield f"{file}: a learner's world has no namespace and no label of ours: take them out."


def _checks(lab: LabFolder) -> Iterator[str]:
    file = lab.path / "checks.py"
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and _called(node) in _WRITES:
            yield f"{file}:{node.lineno} calls {_called(node)}: a check reads, and only through its World."
        for module in _imported(node):
            if not module.startswith(("kubehop.labs", "__future__")):
                yield f"{file} imports {module}: a check needs kubehop.labs and nothing else."


def _called(node: ast.Call) -> str:
    return getattr(node.func, "attr", "") or getattr(node.func, "id", "")


def _imported(node: ast.AST) -> list[str]:
    if isinstance(node, ast.ImportFrom):
        return [node.module or ""]
    return [alias.name for alias in node.names] if isinstance(node, ast.Import) else []


def _answers(lab: LabFolder) -> Iterator[str]:
    names = {check.name for check in lab.checks}
    triples: dict[tuple[str, str, str], str] = {}
    answers = wrong_answers(lab.path)
    if not answers:
        yield f"{lab.path}/wrong has no answer: write the mistakes that learners make."
    for answer in answers:
        if answer.check not in names:
            yield f"wrong/{answer.name}.toml: there is no check {answer.check!r}: {', '.join(sorted(names))}."
        triple = (answer.item, answer.field, answer.value)
        if triple in triples:
            yield f"wrong/{answer.name}.toml says the same as {triples[triple]}.toml: one message each."
        triples[triple] = answer.name


def _notebooks(lab: LabFolder) -> Iterator[str]:
    if not notebook.current(lab.path):
        yield f"{lab.path}/lab.ipynb is not made from solution.ipynb: run `python -m kubehop.labs generate`."
    cells = [cell for cell in notebook.read(lab.path).cells if cell.cell_type == "code"]
    first = f'%load_ext kubehop\nimport kubehop as kh\nlab = kh.Lab("{lab.slug}")'
    if not cells or cells[0].source != first:
        yield f"{lab.path}/solution.ipynb: its first code cell is not {first!r}."
    elif cells[1].source != "lab.start()":
        yield f"{lab.path}/solution.ipynb: its second code cell is not lab.start(), the failing request."
    elif cells[-1].source != "lab.finish()":
        yield f"{lab.path}/solution.ipynb: its last code cell is not lab.finish()."
    if any(cell.get("outputs") for cell in cells):
        yield f"{lab.path}/solution.ipynb has outputs: clear them."
    if not notebook.first_sight_current(lab.path):
        yield (
            f"{lab.path / notebook.FIRST_SIGHT} is not what solution.ipynb begins with: "
            "run `python -m kubehop.labs generate`, then `kubehop record` it."
        )
    else:
        yield from _first_sight(lab)


def _first_sight(lab: LabFolder) -> Iterator[str]:
    """Tell what a reader of the published page does not see, and what they must not see yet."""
    file = lab.path / notebook.FIRST_SIGHT
    cells = [cell for cell in notebook.read(lab.path, notebook.FIRST_SIGHT).cells if cell.cell_type == "code"]
    for cell in cells[:-1]:
        if not cell.outputs:
            yield f"{file}: {cell.source.splitlines()[-1]!r} has no output: run `kubehop record {file}`."
    for secret in sorted(_secrets(lab)):
        if any(secret in str(cell.outputs) for cell in cells):
            yield f"{file} prints {secret!r}, which is the cause: choose columns without it."
