"""The form of a chapter: title as a question, objectives, prerequisites, pitfalls, summary, sources, size."""

from __future__ import annotations

import re

from kubehop.book.structure import Notebook, Rule, asserts, without_code

CODE_CELLS = range(15, 36)
WORDS = range(1_500, 2_501)
OBJECTIVES = 3
_WORD = re.compile(r"[\w\u2019'-]*\w[\w\u2019'-]*")
_OBJECTIVES = re.compile(
    r"^\*\*After this (?:chapter|page) you can\*\*\s*\n\n((?:\d\. .+\n?(?: {2,}.+\n?)*)+)", re.MULTILINE
)
_PARTS = {
    "the hop map": r"^```\{hop-map\}",
    "prerequisites, a line that begins **You need**": r"^\*\*You need\*\*",
    "a section ## Pitfalls": r"^## Pitfalls\b",
    "a section ## Summary": r"^## Summary\b",
    "a line that begins **What's next.**": r"^\*\*What['\u2019]s next\.\*\*",
    "a line that begins **Lab.**": r"^\*\*Lab\.\*\*",
    "a line that begins **Sources.**": r"^\*\*Sources\.\*\*",
}


def title_is_a_question(notebook: Notebook) -> list[str]:
    """The first line is the one title, and it is the question the reader has."""
    titles = re.findall(r"^# (.+)$", notebook.prose, re.MULTILINE)
    first = notebook.cells[0].source.splitlines()[0] if notebook.cells else ""
    rules = [
        (len(titles) == 1, f"it has {len(titles)} titles (# …), one is allowed."),
        (first.startswith("# "), "its first line is not the title."),
        (first.rstrip().endswith("?"), f"its title {first!r} is no question."),
    ]
    return [says for holds, says in rules if not holds]


def has_its_parts(notebook: Notebook) -> list[str]:
    """Hop map, prerequisites, pitfalls, summary, lab, what's next, sources."""
    missing = [
        part for part, pattern in _PARTS.items() if not re.search(pattern, notebook.prose, re.MULTILINE)
    ]
    return [f"it lacks {part}." for part in missing]


def three_objectives(notebook: Notebook) -> list[str]:
    """Three numbered objectives, each met by an assert in the last cells: `# 1 …`, `# 2 …`, `# 3 …`."""
    match = _OBJECTIVES.search(notebook.prose)
    listed = re.findall(r"^\d\. ", match[1], re.MULTILINE) if match else []
    collected = "\n".join(cell.source for cell in notebook.code[-4:] if asserts(cell))
    found = []
    if len(listed) != OBJECTIVES:
        found.append(f"it lists {len(listed)} objectives under **After this chapter you can**, 3 are needed.")
    for number in range(1, OBJECTIVES + 1):
        if not re.search(
            rf"^# {number} .+\nassert |^# {number} .+\n(?:.*\n)*?assert ", collected, re.MULTILINE
        ):
            found.append(f"objective {number} has no assert below a comment `# {number} …` near the end.")
    return found


def right_size(notebook: Notebook) -> list[str]:
    """15 to 35 code cells and 1,500 to 2,500 words."""
    cells, words = len(notebook.code), word_count(notebook)
    rules = [
        (cells in CODE_CELLS, f"it has {cells} code cells, 15 to 35 are allowed."),
        (words in WORDS, f"it has {words:,} words, 1,500 to 2,500 are allowed."),
    ]
    return [says for holds, says in rules if not holds]


def word_count(notebook: Notebook) -> int:
    """Count the words of the prose; code, links' targets and fenced blocks do not count."""
    return len(_WORD.findall(without_code(notebook.prose)))


CHAPTER: tuple[Rule, ...] = (title_is_a_question, has_its_parts, three_objectives, right_size)
