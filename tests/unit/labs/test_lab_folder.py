"""The repository checks its own labs, and the checker of labs is checked: each rule is broken once."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import nbformat
import pytest
from conftest import ROOT

from kubehop.errors import LabError
from kubehop.labs import folder, lint, mutation, notebook
from kubehop.labs.answer import Step, commands, wrong_answers
from kubehop.labs.folder import LabFolder

EXAMPLE = ROOT / "labs" / "broken-selector"
LABS = sorted(path.parent for path in (ROOT / "labs").glob("*/lab.toml"))


@pytest.mark.parametrize("path", LABS, ids=lambda path: path.name)
def test_every_lab_is_whole(path: Path) -> None:
    """The linter finds nothing."""
    assert not lint.problems(path)


def replace(name: str, old: str, new: str) -> Callable[[Path], None]:
    """Return a function that breaks a lab by changing a text."""

    def change(path: Path) -> None:
        text = (path / name).read_text()
        assert old in text, f"{old!r} is not in {name}"
        (path / name).write_text(text.replace(old, new, 1))

    return change


def add(name: str, text: str = "") -> Callable[[Path], None]:
    """Return a function that breaks a lab by adding a file."""
    return lambda path: (path / name).write_text(text) and None


def remove(name: str) -> Callable[[Path], None]:
    """Return a function that breaks a lab by removing a file."""
    return lambda path: (path / name).unlink()


def without_output(source: str) -> Callable[[Path], None]:
    """Return a function that breaks a lab by taking a recorded output away."""

    def change(path: Path) -> None:
        sight = notebook.read(path, notebook.FIRST_SIGHT)
        next(cell for cell in sight.cells if cell.source == source).outputs = []
        nbformat.write(sight, path / notebook.FIRST_SIGHT)

    return change


BROKEN: dict[str, tuple[Callable[[Path], None], str]] = {
    "unexpected file": (add("notes.txt", "x"), "is not expected in a lab"),
    "no debrief": (remove("debrief.md"), "debrief.md cannot be read"),
    "no notebook": (remove("lab.ipynb"), "lab.ipynb is missing"),
    "stale notebook": (replace("lab.ipynb", "# TODO", "# DONE"), "is not made from solution.ipynb"),
    "no first sight": (remove("first-sight.ipynb"), "first-sight.ipynb is missing"),
    "stale first sight": (replace("first-sight.ipynb", "lab.start()", "lab.hint()"), "begins with"),
    "first sight without an output": (without_output("lab.start()"), "'lab.start()' has no output"),
    "cause in the first sight": (
        replace("first-sight.ipynb", "deployment.apps/web", "tier=frontend"),
        "prints 'tier=frontend', which is the cause",
    ),
    "unknown field": (replace("lab.toml", "minutes", "hours"), "missing or unknown fields: hours, minutes"),
    "wrong type": (replace("lab.toml", "minutes = 15", 'minutes = "15"'), "expected a int"),
    "no TOML": (replace("lab.toml", "=", ":"), "is no TOML"),
    "cause in the story": (replace("lab.toml", "logs show", "tier=frontend logs show"), "which is the cause"),
    "two hints": (replace("lab.toml", '  "Who fills', '  # "Who fills'), "has 2 hints"),
    "misnamed manifest": (
        lambda path: (path / "start/client-pod.yaml").rename(path / "start/pod.yaml") and None,
        "name it client-pod.yaml",
    ),
    "namespace in a manifest": (
        replace("start/client-pod.yaml", "  name: client", "  name: client\n  namespace: shop"),
        "has no namespace",
    ),
    "kind unknown to reset": (
        replace("start/client-pod.yaml", "kind: Pod", "kind: Gateway"),
        "a reset does not know kind 'Gateway'",
    ),
    "two objects": (
        replace("start/client-pod.yaml", "kind: Pod", "kind: Pod\n---\nkind: Pod"),
        "holds 2 objects",
    ),
    "check writes": (
        replace("checks.py", "    answer = ", "    open('x')\n    answer = "),
        "calls open",
    ),
    "check imports": (replace("checks.py", "URL =", "from os import path\nURL ="), "imports os"),
    "check imports a module": (replace("checks.py", "URL =", "import os\nURL ="), "imports os"),
    "check does not load": (replace("checks.py", "URL =", "URL == 1 ="), "cannot be imported"),
    "answer without check": (
        replace("wrong/headless.toml", "the_service_answers", "nothing"),
        "there is no check 'nothing'",
    ),
    "answer says the same": (
        replace("wrong/selector-capital.toml", "tier=Frontend", "tier=web"),
        "says the same as",
    ),
    "answer is no TOML": (add("wrong/x.toml", "="), "is no TOML"),
    "answer lacks keys": (add("wrong/x.toml", "mistake = 'x'"), "has the keys"),
    "first cell": (replace("solution.ipynb", "import kubehop as kh", "import kubehop"), "first code cell"),
    "second cell": (replace("solution.ipynb", '"lab.start()"', '"lab.hint()"'), "second code cell"),
    "last cell": (replace("solution.ipynb", '"lab.finish()"', '"lab.reset()"'), "last code cell"),
}


@pytest.mark.parametrize("what", BROKEN)
def test_linter_sees(what: str, tmp_path: Path) -> None:
    """Each rule, broken once, is told."""
    path = tmp_path / "broken-selector"
    shutil.copytree(EXAMPLE, path, ignore=shutil.ignore_patterns("__pycache__"))
    change, words = BROKEN[what]
    change(path)
    found = lint.problems(path)
    assert any(words in text for text in found), found


def test_linter_sees_a_bad_folder_name(tmp_path: Path) -> None:
    """A lab's name is kebab-case."""
    path = tmp_path / "Broken_Selector"
    shutil.copytree(EXAMPLE, path, ignore=shutil.ignore_patterns("__pycache__"))
    assert any("kebab-case" in text for text in lint.problems(path))


def test_labs_are_found_from_anywhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The working directory's labs win; without any, the repository's are used."""
    monkeypatch.chdir(tmp_path)
    assert folder.load("broken-selector").path == EXAMPLE
    shutil.copytree(EXAMPLE, tmp_path / "labs" / "mine")
    assert folder.slugs() == ["mine"]
    with pytest.raises(LabError, match="The labs are: mine"):
        folder.load("broken-selector")


def test_learner_gets_no_solution(lab: LabFolder) -> None:
    """Solution cells become TODO cells, cells for the teacher go, outputs are empty."""
    made = notebook.learner_notebook(notebook.read(lab.path))
    source = json.dumps(made)
    assert "tier=" not in source
    assert [c.source for c in made.cells if "todo" in c.metadata.get("tags", [])] == [
        "# TODO: write the kubectl commands that show where the path ends.",
        "# TODO: repair the shop. More than one repair is right.",
    ]
    assert not any(cell.get("outputs") for cell in made.cells)
    nbformat.validate(made)


def test_notebook_without_solution_is_refused(lab: LabFolder) -> None:
    """A forgotten tag or sentence is told."""
    source = notebook.read(lab.path)
    for cell in source.cells:
        cell.metadata.pop("todo", None)
    with pytest.raises(LabError, match="no `todo`"):
        notebook.learner_notebook(source)
    for cell in source.cells:
        cell.metadata.pop("tags", None)
    with pytest.raises(LabError, match="No cell of the solution"):
        notebook.learner_notebook(source)


def test_commands_of_cells() -> None:
    """Line magics, cell magics with their body, and nothing else."""
    assert commands(["# why\n%kubectl get pods -l 'a=b c'", "%%kubectl apply -f -\nkind: Pod\n"]) == (
        Step(("get", "pods", "-l", "a=b c")),
        Step(("apply", "-f", "-"), "kind: Pod\n"),
    )
    with pytest.raises(LabError, match="other things"):
        commands(["print(1)"])


def test_messages_are_searched_by_whole_words(lab: LabFolder) -> None:
    """An address does not name the value 1."""
    answer = next(item for item in wrong_answers(lab.path) if item.name == "scaled-to-one")
    assert answer.unsaid("Deployment web: spec.replicas is 1, expected 2", {}) == []
    assert answer.unsaid("Deployment web-2: spec.replicas is 10.1.1", {}) == ["Deployment web", "1"]


def test_mutations_are_seeded_and_differ_in_one_field(lab: LabFolder) -> None:
    """Twenty or more, the same for the same seed, none equal to the original or to another."""
    seed = mutation.seed_for(lab.slug)
    found = mutation.mutations(lab.start, seed=seed)
    assert [m.name for m in found] == [m.name for m in mutation.mutations(lab.start, seed=seed)]
    assert [m.name for m in found] != [m.name for m in mutation.mutations(lab.start, seed=seed + 1)]
    assert len({json.dumps(m.after, sort_keys=True) for m in found}) == len(found) >= 20
    assert all(m.before != m.after for m in found)
    assert all(m.before in lab.start for m in found)
