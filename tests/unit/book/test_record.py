"""The recorder: what is stored, what stays, and what a failure leaves."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import nbformat
import pytest
from notebooks import book, code, prose, stream, write
from rich.progress import Progress

from kubehop.book import provenance, record
from kubehop.book.compare import Comparer
from kubehop.client.handover import Cluster
from kubehop.errors import BookError

RULES = "# 1 Test.\nregex: \\bip-\\d+\\b\nreplace: <ip>\n"
Run = Callable[..., list[record.Recording]]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Return a repository with one rule and one notebook."""
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "nbval.cfg").write_text(RULES)
    (tmp_path / "traces").mkdir()
    write(tmp_path / "chapters" / "a.ipynb", prose("# A"), code("look()", count=None))
    return tmp_path


@pytest.fixture
def run(root: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Return a function that records the notebook; `prints` is what its cell prints, as if executed."""

    def call(
        prints: str,
        *,
        trace: str = "",
        fails: Exception | None = None,
        meanwhile: Callable[[], Any] | None = None,
        **options: Any,
    ) -> Any:
        def execute(notebook: Any, *, path: Path, traces: Path, on_cell: Callable[[], None]) -> Any:
            if trace:
                (traces / "a.json").write_text(trace)
            if meanwhile:
                meanwhile()
            if fails:
                raise fails
            fresh = nbformat.from_dict(notebook)
            fresh.cells[1].outputs, fresh.cells[1].execution_count = [stream(prints)], 1
            on_cell()
            return fresh

        monkeypatch.setattr(record, "execute", execute)
        cluster = Cluster(name="x", phase="ready", kubeconfig="", versions={"kubernetes": "v1.37.2"})
        monkeypatch.setattr(record.handover, "current", lambda: cluster)
        return record.record([root / "chapters"], progress=Progress(disable=True), **options)

    return call


def stored(root: Path) -> str:
    """Return what the notebook's cell has as its output."""
    cell = nbformat.read(root / "chapters" / "a.ipynb", 4).cells[1]
    return "".join(output.text for output in cell.outputs)


def test_stores_the_outputs_and_where_they_come_from(root: Path, run: Run) -> None:
    """The first recording fills the notebook and the provenance."""
    [one] = run("ip-1 in a-kh7f3a\n")
    assert (one.changed, one.code_cells) == (True, 1)
    assert stored(root) == "ip-1 in a\n"
    entry = provenance.read(root)["notebooks"]["chapters/a.ipynb"]
    assert entry["versions"] == {"kubernetes": "v1.37.2"}
    assert entry["mutations"]["seeded"] >= entry["mutations"]["detected"] > 0


def test_an_equal_run_changes_no_byte(root: Path, run: Run) -> None:
    """What the sanitize rules call equal is not written again: neither notebook, trace nor provenance."""
    run("ip-1 in a-kh7f3a\n", trace="first")
    files = [root / "chapters" / "a.ipynb", root / provenance.FILE, root / "traces" / "a.json"]
    before = [file.read_bytes() for file in files]
    [one] = run("ip-2 in a-khzzzz\n", trace="second")
    assert not one.changed
    assert [file.read_bytes() for file in files] == before


def test_a_real_difference_replaces_everything(root: Path, run: Run) -> None:
    """One changed cell brings the whole run: its addresses belong together."""
    run("ip-1 up\n", trace="first")
    [one] = run("ip-2 down\n", trace="second")
    assert one.changed
    assert stored(root) == "ip-2 down\n"
    assert (root / "traces" / "a.json").read_text() == "second"


def test_force_stores_an_equal_run(root: Path, run: Run) -> None:
    """For new traces of an unchanged chapter."""
    run("ip-1\n", trace="first")
    [one] = run("ip-2\n", trace="second", force=True)
    assert one.changed
    assert stored(root) == "ip-2\n"
    assert (root / "traces" / "a.json").read_text() == "second"


def test_a_failure_leaves_notebook_and_traces_alone(root: Path, run: Run) -> None:
    """A red cell must not cost the recording that was good."""
    run("ip-1\n", trace="first")
    before = (root / "chapters" / "a.ipynb").read_bytes()
    with pytest.raises(BookError, match="broken"):
        run("", trace="second", fails=BookError("broken"))
    assert (root / "chapters" / "a.ipynb").read_bytes() == before
    assert (root / "traces" / "a.json").read_text() == "first"


def test_a_missing_trace_comes_back(root: Path, run: Run) -> None:
    """Equal outputs need their trace, too; the page cannot be built without it."""
    run("ip-1\n", trace="first")
    (root / "traces" / "a.json").unlink()
    [one] = run("ip-2\n", trace="second")
    assert not one.changed
    assert (root / "traces" / "a.json").read_text() == "second"


def test_what_others_record_meanwhile_stays(root: Path, run: Run) -> None:
    """Two recorders may run at once: neither takes back what the other one wrote."""
    run("ip-1\n", trace="first")
    other = root / "chapters" / "b.ipynb"

    def record_another() -> None:
        (root / "traces" / "b.json").write_text("of b")
        provenance.note(root, other, provenance.Run(1.0, 1, {}))

    run("ip-2\n", trace="second", meanwhile=record_another)
    assert (root / "traces" / "b.json").read_text() == "of b"
    assert set(provenance.read(root)["notebooks"]) == {"chapters/a.ipynb", "chapters/b.ipynb"}


def test_an_edit_made_meanwhile_is_not_lost(root: Path, run: Run) -> None:
    """The author goes on writing while the chapter is recorded."""
    path = root / "chapters" / "a.ipynb"
    edit = partial(write, path, prose("# Edited"), code("look()", count=None))
    with pytest.raises(BookError, match="edited while it was recorded"):
        run("ip-1\n", meanwhile=edit)
    assert nbformat.read(path, 4).cells[0].source == "# Edited"


def test_a_deprecation_warning_is_refused(root: Path, run: Run) -> None:
    """The book teaches what lasts; the error names cell and line."""
    warning = "Warning: v1 Endpoints is deprecated in v1.33+"
    with pytest.raises(BookError, match=r"code cell 1 printed a deprecation warning: 'Warning: v1 Endpoints"):
        run(f"{warning}\n")
    assert stored(root) == ""


def test_prose_can_change_without_new_outputs(root: Path, run: Run) -> None:
    """Editing a sentence keeps the recorded run."""
    run("ip-1\n")
    path = root / "chapters" / "a.ipynb"
    notebook = nbformat.read(path, 4)
    notebook.cells[0].source = "# Another title"
    nbformat.write(notebook, path)
    [one] = run("ip-2\n")
    assert not one.changed
    assert stored(root) == "ip-1\n"
    assert nbformat.read(path, 4).cells[0].source == "# Another title"


def test_ignored_outputs_do_not_count_but_must_be_there() -> None:
    """A cell tagged nbval-ignore-output holds with any output, and not with none."""
    comparer = Comparer({})
    old = book(code("x", stream("1"), tags=("nbval-ignore-output",)))
    assert record.still_holds(old, book(code("x", stream("2"), tags=("nbval-ignore-output",))), comparer)
    assert not record.still_holds(old, book(code("x", tags=("nbval-ignore-output",))), comparer)
    assert not record.still_holds(book(code("x", stream("1"))), book(code("x", stream("2"))), comparer)


def test_finds_notebooks_below_a_folder(root: Path) -> None:
    """Checkpoints of Jupyter are no chapters; an empty folder is an error."""
    write(root / "chapters" / ".ipynb_checkpoints" / "a-checkpoint.ipynb", code("x"))
    assert record.notebooks_in(root / "chapters") == [root / "chapters" / "a.ipynb"]
    with pytest.raises(BookError, match="no notebook at"):
        record.notebooks_in(root / "tests")


def test_executes_in_a_kernel_of_its_own(root: Path) -> None:
    """A real kernel runs in the notebook's folder, static; a failing cell is named with what it printed."""
    look = "import os, pathlib\nplace = pathlib.Path.cwd().name, os.environ['KUBEHOP_STATIC']"
    fail = "print(*place)\n1 / 0"
    path = write(root / "chapters" / "b.ipynb", code(look), code(fail))
    notebook = nbformat.read(path, 4)
    with pytest.raises(BookError) as caught:
        record.execute(notebook, path=path, traces=root, on_cell=lambda: None)
    assert "b.ipynb stopped at cell 2 ('print(*place)')" in str(caught.value)
    assert caught.value.why == "It said: ZeroDivisionError: division by zero\nIt printed:\nchapters 1"
    assert notebook.cells[1].outputs == []
