"""Rules every notebook keeps, checked without a cluster. Each returns sentences; an empty list is a pass.

The form of a chapter (title, objectives, pitfalls, sources) is in `chapter_form.py`;
here are the rules for any notebook of the book.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat

from kubehop.book import question
from kubehop.errors import BookError

MOST_LINES = 20
ASSERT_WITHIN_CELLS = 2
_FENCE = re.compile(r"^(`{3,}|:{3,}).*?^\1[ \t]*$", re.MULTILINE | re.DOTALL)
_LINK_ROLE = re.compile(r"\{(?:doc|term|chapter)\}`[^`]+`")
_BANNED_WORDS = re.compile(r"\b(currently|simply|just)\b", re.IGNORECASE)
_IMAGE = re.compile(r"!\[([^\]]*)\]\(([^)]*)\)")
_SENTENCE_END = re.compile(r"(?<![A-Z])(?<!e\.g)(?<!i\.e)(?<!etc)(?<!vs)[.!?]\)? +(?=[A-Z`*{\"“])")
_SHELL_SLEEP = re.compile(r"(^|;|&&|\|\||\bdo|\bthen|\{)\s*sleep\b")
_HELPERS = ("sys.path", "os.chdir", "sleep(")


@dataclass(frozen=True)
class Notebook:
    """A notebook of the book, read for checking."""

    path: Path
    cells: tuple[Any, ...]
    metadata: dict[str, Any]

    @property
    def name(self) -> str:
        """The chapter: the file's name without its suffix."""
        return self.path.stem

    @property
    def code(self) -> list[Any]:
        """The code cells."""
        return [cell for cell in self.cells if cell.cell_type == "code"]

    @property
    def prose(self) -> str:
        """All Markdown, cells apart from each other."""
        return "\n\n".join(cell.source for cell in self.cells if cell.cell_type == "markdown")


Rule = Callable[[Notebook], list[str]]


def read(path: Path) -> Notebook:
    """Read a notebook for checking."""
    content = nbformat.read(path, as_version=4)  # type: ignore[no-untyped-call]  # nbformat is half typed
    return Notebook(path, tuple(content.cells), dict(content.metadata))


def check(notebook: Notebook, rules: tuple[Rule, ...]) -> list[str]:
    """Apply the rules; each sentence names the notebook."""
    return [f"{notebook.path.name}: {says}" for rule in rules for says in rule(notebook)]


def opens_and_closes(notebook: Notebook) -> list[str]:
    """First and last code cell are the same in every notebook."""
    start = "%load_ext kubehop\nimport kubehop as kh\n"
    first = f'{start}kh.chapter("{notebook.name}")'
    ends = [
        ("first", 0, (first, first[:-1] + ", client=True)")),
        ("last", -1, ("kh.finish()",)),
    ]
    return [
        f"its {which} code cell must be exactly {texts[0]!r}{', or with client=True' * (len(texts) > 1)}."
        for which, at, texts in ends
        if not notebook.code or notebook.code[at].source.strip() not in texts
    ]


def short_cells(notebook: Notebook) -> list[str]:
    """No code cell has more than 20 lines."""
    sizes = [(number, len(cell.source.splitlines())) for number, cell in enumerate(notebook.code, 1)]
    return [
        f"code cell {number} has {size} lines, 20 are allowed." for number, size in sizes if size > MOST_LINES
    ]


def honest_commands(notebook: Notebook) -> list[str]:
    """No `!`, `sleep`, `def`, `%%bash`, `sys.path` or `os.chdir`: commands count, waiting has a reason."""
    return [
        f"code cell {number}: {says}"
        for number, cell in enumerate(notebook.code, 1)
        for line in cell.source.splitlines()
        for says in _objections(line, cell.source)
    ]


def _objections(line: str, source: str) -> list[str]:
    words, text = line.strip(), line.strip().split("#")[0]
    shell = source.lstrip().startswith("%%sh")
    rules = [
        (
            words.startswith(("!", "%%bash", "%%script")),
            f"{words!r} ignores exit codes: use %kubectl or %%sh.",
        ),
        (bool(re.match(r"(async )?def ", words)) and not shell, f"{words!r}: a chapter defines no function."),
        (shell and bool(_SHELL_SLEEP.search(words)), f"{words!r}: wait for a fact, with kubectl wait."),
        (
            not shell and any(word in text for word in _HELPERS),
            f"{words!r}: wait with kh.wait_for or kh.settle.",
        ),
    ]
    return [says for broken, says in rules if broken]


def plain_words(notebook: Notebook) -> list[str]:
    """No "currently", "simply" or "just" in prose: they age, or belittle the reader's trouble."""
    text = without_code(notebook.prose)
    return [f"the prose says {match[0]!r}: …{around(text, match)}…" for match in _BANNED_WORDS.finditer(text)]


def one_sentence_a_line(notebook: Notebook) -> list[str]:
    """Each sentence has a source line of its own, so that a changed sentence is a changed line."""
    text = without_code(notebook.prose, instead="Code")
    lines = [line for line in text.splitlines() if _is_running_text(line)]
    found = [(line, _SENTENCE_END.search(line)) for line in lines]
    return [f"two sentences on one line: …{around(line, match)}…" for line, match in found if match]


def _is_running_text(line: str) -> bool:
    """Tables, headings and list items keep what belongs together on one line."""
    return not re.match(r"\s*(\||#|[-*+] |\d+\. |>|\[|!\[|\*\*)", line)


def links_for_jupyter(notebook: Notebook) -> list[str]:
    """Links are Markdown's own: JupyterLab shows roles raw."""
    return [
        f"{match[0]!r}: write [words](../folder/file), which JupyterLab follows, too."
        for match in _LINK_ROLE.finditer(notebook.prose)
    ]


def described_figures(notebook: Notebook) -> list[str]:
    """Every image has alt text, and its file exists."""
    return [
        f"image {target!r} {trouble}"
        for alt, target in _IMAGE.findall(notebook.prose)
        for trouble in _image_troubles(notebook.path.parent, alt, target)
    ]


def _image_troubles(folder: Path, alt: str, target: str) -> list[str]:
    rules = [
        (not alt.strip(), "has no alt text."),
        (not target.startswith("http") and not (folder / target.split()[0]).is_file(), "does not exist."),
    ]
    return [says for broken, says in rules if broken]


def asked_questions_exist(notebook: Notebook) -> list[str]:
    """Every `kh.predict` id is in questions.toml, and every question of the chapter is asked, once."""
    asked = [name for cell in notebook.code for name in question.ids_in(cell.source)]
    file = notebook.path.with_name(question.FILE)
    if not asked and not file.is_file():
        return []
    try:
        known = {name for chapter, name in question.load(file) if chapter == notebook.name}
    except BookError as error:
        return [str(error)]
    return (
        [f"question {name!r} is asked but not in {question.FILE}." for name in asked if name not in known]
        + [f"question {name!r} in {question.FILE} is never asked." for name in sorted(known - set(asked))]
        + [f"question {name!r} is asked twice." for name in sorted({n for n in asked if asked.count(n) > 1})]
    )


def ignored_outputs_are_checked(notebook: Notebook) -> list[str]:
    """An output nobody compares has an assert in its cell or within the two that follow."""
    found = []
    for number, cell in enumerate(notebook.code, 1):
        near = notebook.code[number - 1 : number + ASSERT_WITHIN_CELLS]
        if "nbval-ignore-output" in cell.metadata.get("tags", []) and not any(map(asserts, near)):
            found.append(f"code cell {number} is tagged nbval-ignore-output, and no assert is near it.")
    return found


def known_tags(notebook: Notebook) -> list[str]:
    """Only tags that mean something: a typing error in a tag would silently switch nothing."""
    known = {"raises-exception", "nbval-ignore-output", "native-only", "remove-cell", "remove-input",
             "remove-output", "hide-input", "hide-output", "scroll-output"}  # fmt: skip
    tags = {tag for cell in notebook.cells for tag in cell.metadata.get("tags", [])}
    return [f"tag {tag!r} means nothing here." for tag in sorted(tags - known)]


def recorded(notebook: Notebook) -> list[str]:
    """Every code cell was executed, in order, from a fresh kernel."""
    counts = [cell.execution_count for cell in notebook.code]
    if counts == list(range(1, len(counts) + 1)):
        return []
    return ["its outputs are not from one run from top to bottom: run `kubehop record`."]


def asserts(cell: Any) -> bool:
    """Tell whether a code cell has an assert statement."""
    if cell.source.startswith("%%"):
        return False
    lines = [line for line in cell.source.splitlines() if not line.lstrip().startswith("%")]
    try:
        tree = ast.parse("\n".join(lines))
    except SyntaxError:
        return False
    return any(isinstance(node, ast.Assert) for node in ast.walk(tree))


def without_code(markdown: str, *, instead: str = "") -> str:
    """Return the text without fenced blocks, comments, links' targets and HTML; `instead` of inline code."""
    text = re.sub(r"`[^`\n]*`", instead, _FENCE.sub("", markdown))
    return re.sub(r"<!--.*?-->|\]\([^)]*\)|<[^>\n]+>", "", text, flags=re.DOTALL)


def around(text: str, match: re.Match[str]) -> str:
    """Return a few words around a match, for a message."""
    return text[max(0, match.start() - 25) : match.end() + 25].replace("\n", " ")


EVERY_NOTEBOOK: tuple[Rule, ...] = (
    opens_and_closes,
    short_cells,
    honest_commands,
    plain_words,
    links_for_jupyter,
    one_sentence_a_line,
    described_figures,
    asked_questions_exist,
    ignored_outputs_are_checked,
    known_tags,
)
