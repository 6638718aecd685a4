"""Where recorded outputs come from."""

from __future__ import annotations

import json
import socket
from pathlib import Path

import pytest

from kubehop.book import provenance
from kubehop.book.provenance import Run

COMMIT, OTHER = "a" * 40, "b" * 40


def git(root: Path, head: str, **files: str) -> None:
    """Write the few of git's files that name the commit."""
    for name, text in {"HEAD": head, **files}.items():
        path = root / name.replace("__", "/").replace("_", "-")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def test_reads_the_commit_of_a_branch(tmp_path: Path) -> None:
    """HEAD names a branch, the branch's file has the commit."""
    git(tmp_path / ".git", "ref: refs/heads/main\n", refs__heads__main=f"{COMMIT}\n")
    assert provenance.commit(tmp_path) == COMMIT


def test_reads_a_packed_branch(tmp_path: Path) -> None:
    """A fresh clone keeps its branches in one file."""
    packed = f"# pack-refs\n{OTHER} refs/heads/x\n{COMMIT} refs/heads/main\n"
    git(tmp_path / ".git", "ref: refs/heads/main\n", packed_refs=packed)
    assert provenance.commit(tmp_path) == COMMIT


def test_reads_a_detached_head(tmp_path: Path) -> None:
    """Continuous integration checks out a commit, not a branch."""
    git(tmp_path / ".git", f"{COMMIT}\n")
    assert provenance.commit(tmp_path) == COMMIT


def test_reads_a_worktree(tmp_path: Path) -> None:
    """In a worktree `.git` is a file that points into the main repository."""
    main = tmp_path / "main" / ".git"
    git(main, "ref: refs/heads/main\n", refs__heads__side=f"{COMMIT}\n")
    git(main / "worktrees" / "side", "ref: refs/heads/side\n", commondir="../..\n")
    (tmp_path / "side").mkdir()
    (tmp_path / "side" / ".git").write_text(f"gitdir: {main / 'worktrees' / 'side'}\n")
    assert provenance.commit(tmp_path / "side") == COMMIT


@pytest.mark.parametrize("head", ["ref: refs/heads/unborn\n", None])
def test_no_commit_is_no_error(head: str | None, tmp_path: Path) -> None:
    """A downloaded archive has no repository, and a new repository no commit."""
    if head:
        git(tmp_path / ".git", head)
    assert provenance.commit(tmp_path) is None


def test_notes_one_recording_and_keeps_the_others(tmp_path: Path) -> None:
    """Each notebook has its own entry; the newest one's versions stand on top."""
    git(tmp_path / ".git", f"{COMMIT}\n")
    for name, version in (("pods", "v1.36.0"), ("services", "v1.37.2")):
        notebook = tmp_path / "chapters" / name / f"{name}.ipynb"
        provenance.note(tmp_path, notebook, Run(3.14159, 7, {"kubernetes": version}))
    data = provenance.read(tmp_path)
    assert data["versions"] == {"kubernetes": "v1.37.2"}
    assert set(data["notebooks"]) == {"chapters/pods/pods.ipynb", "chapters/services/services.ipynb"}
    pods = data["notebooks"]["chapters/pods/pods.ipynb"]
    assert (pods["run_seconds"], pods["code_cells"], pods["commit"]) == (3.1, 7, COMMIT)
    assert pods["versions"] == {"kubernetes": "v1.36.0"}


def test_names_no_host_and_no_path(tmp_path: Path) -> None:
    """The file is published, so it tells nothing of the machine but its size."""
    provenance.note(tmp_path, tmp_path / "x.ipynb", Run(1.0, 1, {}))
    text = (tmp_path / provenance.FILE).read_text()
    assert (
        socket.gethostname() not in text and str(tmp_path) not in text and str(Path.home()) + "/" not in text
    )
    assert json.loads(text)["machine"].keys() == {"system", "architecture", "cpus", "memory_gib"}


def test_an_interrupted_write_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The file is replaced whole: a full disk must not leave half of it."""
    path = tmp_path / "x.json"
    provenance.write_json(path, {"a": 1})

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_text", full)
    with pytest.raises(OSError, match="No space"):
        provenance.write_json(path, {"a": 2})
    assert json.loads(path.read_bytes()) == {"a": 1}


def test_notes_what_the_comparison_notices(tmp_path: Path) -> None:
    """The score stands in the notebook's entry; a notebook that was never recorded gets none."""
    notebook = tmp_path / "x.ipynb"
    provenance.note(tmp_path, notebook, Run(1.0, 1, {}))
    provenance.note_mutations(tmp_path, notebook, seeded=30, detected=29)
    provenance.note_mutations(tmp_path, tmp_path / "y.ipynb", seeded=1, detected=1)
    notebooks = provenance.read(tmp_path)["notebooks"]
    assert notebooks["x.ipynb"]["mutations"] == {"seeded": 30, "detected": 29}
    assert list(notebooks) == ["x.ipynb"]
