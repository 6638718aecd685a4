"""Each rule of a notebook's form: one notebook that keeps it, and one for each way to break it."""

from __future__ import annotations

from pathlib import Path

import nbformat
import pytest
from notebooks import code, prose, read, write

from kubehop.book import chapter_form, structure
from kubehop.book.structure import EVERY_NOTEBOOK, Notebook, check

FIRST = '%load_ext kubehop\nimport kubehop as kh\nkh.chapter("pods")'
QUESTIONS = (
    '[pods.one]\nprompt = "?"\noptions = [{text="a",correct=true,why="x"},{text="b",correct=false,why="y"}]\n'
)
TITLE = """# What is a Pod?

```{hop-map} pods
```

**After this chapter you can**

1. say this;
2. say that,
   and more;
3. say the rest.

**You need** a cluster.
"""
END = """## Pitfalls

- One.

## Summary

All of it.

**Lab.** None.

**What's next.** Services.

**Sources.** The documentation.
"""
PROOF = "# 1 this\nassert True\n# 2 that\nassert True\n# 3 the rest\nx = 1\nassert x"


@pytest.fixture
def chapter(tmp_path: Path) -> Notebook:
    """Return a small chapter that keeps every rule but that of size."""
    (tmp_path / "questions.toml").write_text(QUESTIONS)
    (tmp_path / "pod.svg").write_text("<svg/>")
    path = write(
        tmp_path / "pods.ipynb",
        prose(TITLE),
        code(FIRST),
        prose("A Pod has one address.\nIt is short-lived, e.g. Pods are replaced.\n\n![A Pod](pod.svg)"),
        code('kh.predict("one")', count=2),
        code("%kubectl get pods", count=3, tags=("nbval-ignore-output",)),
        code("assert kh.namespace", count=4),
        code(PROOF, count=5),
        code("kh.finish()", count=6),
        prose(END),
    )
    return structure.read(path)


def broken(notebook: Notebook, number: int, source: str, *, tags: tuple[str, ...] = ()) -> Notebook:
    """Return the notebook with another source (and tags) in one of its cells."""
    cells = [nbformat.from_dict(cell) for cell in notebook.cells]
    cells[number].source = source
    if tags:
        cells[number].metadata["tags"] = list(tags)
    return Notebook(notebook.path, tuple(cells), notebook.metadata)


ALL_BUT_SIZE = (
    *EVERY_NOTEBOOK,
    structure.recorded,
    *(r for r in chapter_form.CHAPTER if r.__name__ != "right_size"),
)


def test_a_good_chapter_passes(chapter: Notebook) -> None:
    """No rule objects to a chapter that keeps them."""
    assert check(chapter, ALL_BUT_SIZE) == []


def test_the_first_cell_may_ask_for_a_client(chapter: Notebook) -> None:
    """The one variant of the first cell."""
    assert check(broken(chapter, 1, FIRST[:-1] + ", client=True)"), ALL_BUT_SIZE) == []


@pytest.mark.parametrize(
    ("number", "source", "says"),
    [
        (1, FIRST.replace("pods", "other"), "first code cell must be exactly"),
        (1, FIRST + "\nx = 1", "first code cell must be exactly"),
        (7, "kh.finish()\nx", "last code cell must be exactly"),
        (5, "assert kh.namespace\n" * 21, "has 21 lines"),
        (5, "assert 1\n!kubectl get pods", "ignores exit codes"),
        (5, "%%bash\nkubectl get pods | wc", "ignores exit codes"),
        (5, "assert 1\ndef helper():\n    pass", "defines no function"),
        (5, "assert 1\nimport time; time.sleep(3)", "wait with kh.wait_for"),
        (5, "import sys; sys.path.append('x')\nassert 1", "wait with kh.wait_for"),
        (5, "%%sh\nsleep 3", "wait for a fact"),
        (5, "%%sh\nuntil kubectl get x; do sleep 1; done", "wait for a fact"),
        (2, "It is simply a process.", "the prose says 'simply'"),
        (2, "Just run it.", "the prose says 'Just'"),
        (2, "See {doc}`run-it-yourself`.", "which JupyterLab follows"),
        (2, "A {term}`Service`.", "which JupyterLab follows"),
        (2, "Read {chapter}`pods`.", "which JupyterLab follows"),
        (2, "One sentence. Another one.", "two sentences on one line"),
        (2, "Is it so? `kubectl` says yes.", "two sentences on one line"),
        (2, "![](pod.svg)", "has no alt text"),
        (2, "![A Pod](gone.svg)", "'gone.svg' does not exist"),
        (3, 'kh.predict("two")', "'two' is asked but not in questions.toml"),
        (3, "x = 1", "'one' in questions.toml is never asked"),
        (3, 'kh.predict("one")\nkh.predict("one")', "'one' is asked twice"),
        (0, TITLE.replace("Pod?", "Pod"), "is no question"),
        (0, "\n" + TITLE, "first line is not the title"),
        (0, TITLE.replace("```{hop-map} pods\n```", ""), "lacks the hop map"),
        (0, TITLE.replace("**You need**", "You need"), "lacks prerequisites"),
        (0, TITLE.replace("3. say the rest.", ""), "lists 2 objectives"),
        (8, END.replace("## Pitfalls", "## Traps"), "lacks a section ## Pitfalls"),
        (8, END.replace("## Summary", ""), "lacks a section ## Summary"),
        (8, END.replace("**Sources.**", ""), "lacks a line that begins **Sources.**"),
        (8, END.replace("**Lab.**", ""), "lacks a line that begins **Lab.**"),
        (8, END.replace("**What's next.**", ""), "lacks a line that begins **What's next.**"),
        (8, END + "\n# Another title?\n", "has 2 titles"),
        (6, PROOF.replace("# 2 that\nassert True\n", ""), "objective 2 has no assert"),
        (6, "x = 1", "objective 3 has no assert"),
    ],
)
def test_each_way_to_break_a_rule_is_named(number: int, source: str, says: str, chapter: Notebook) -> None:
    """The sentence says what is wrong and where."""
    found = check(broken(chapter, number, source), ALL_BUT_SIZE)
    assert any(says in sentence for sentence in found), found
    assert all(sentence.startswith("pods.ipynb: ") for sentence in found)


def test_an_ignored_output_needs_an_assert(chapter: Notebook) -> None:
    """What nbval does not compare, an assert does."""
    found = check(broken(chapter, 5, "kh.settle()"), ALL_BUT_SIZE)
    assert found == []  # the assert of cell 5 is two cells away, which is near enough
    far = broken(broken(chapter, 5, "kh.settle()"), 6, "x = 1")
    assert "no assert is near it" in " ".join(check(far, (structure.ignored_outputs_are_checked,)))


def test_an_assert_in_a_string_does_not_count() -> None:
    """Only statements do; lines of magics are left aside."""
    assert structure.asserts(code("%kubectl get pods\nassert x"))
    assert not structure.asserts(code("print('assert x')  # assert x"))
    assert not structure.asserts(code("%%sh\nassert x"))


def test_a_wrong_tag_is_named(chapter: Notebook) -> None:
    """A typing error would silently switch nothing."""
    found = check(broken(chapter, 5, "assert 1", tags=("raises-exceptions",)), ALL_BUT_SIZE)
    assert found == ["pods.ipynb: tag 'raises-exceptions' means nothing here."]


def test_outputs_must_be_of_one_run() -> None:
    """Cells executed out of order, or not at all, are no recording."""
    assert structure.recorded(read(code("a", count=1), code("b", count=2))) == []
    assert structure.recorded(read(code("a", count=1), code("b", count=3)))
    assert structure.recorded(read(code("a", count=1), code("b", count=None)))


@pytest.mark.parametrize(
    ("cells", "words", "says"), [(14, 2000, "14 code cells"), (36, 2000, "36 code cells")]
)
def test_size_of_code(cells: int, words: int, says: str) -> None:
    """Too few cells teach nothing, too many tire."""
    notebook = read(prose("word " * words), *(code("x") for _ in range(cells)))
    assert any(says in sentence for sentence in chapter_form.right_size(notebook))


@pytest.mark.parametrize(("words", "right"), [(1499, False), (1500, True), (2500, True), (2501, False)])
def test_size_of_prose(words: int, right: bool) -> None:
    """Code, links' targets and fenced blocks are no words."""
    extra = "\n\n```{hop-map} pods\nnot counted\n```\n\n`not counted`\n"
    notebook = read(
        prose("[word](https://x.test/a-b) " + "word " * (words - 1) + extra), *(code("x") for _ in range(15))
    )
    assert (chapter_form.right_size(notebook) == []) is right


def test_plain_words_and_sentences_leave_code_alone() -> None:
    """Commands, tables and headings keep their own words and dots."""
    text = (
        "Run `just this. And that`.\n\n```\nsimply. Now.\n```\n\n| a. B | c |\n\n## Now. Then.\n- One. Two.\n"
    )
    notebook = read(prose(text))
    assert structure.plain_words(notebook) == []
    assert structure.one_sentence_a_line(notebook) == []
