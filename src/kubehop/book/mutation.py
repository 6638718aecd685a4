"""Would a wrong output be noticed? Change recorded outputs one at a time and let nbval's comparison judge.

A mutation is what a broken cluster, a wrong manifest or a slip of the pen would print: a row missing, `0/1`
for `1/1`, an endpoint gone, another status code. It survives when the sanitize rules make it look equal.
"""

from __future__ import annotations

import copy
import random
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from kubehop.book.compare import Comparer, checked

# Which of several places in a cell is taken: any number does, as long as it is always the same.
SEED = 1
Change = Callable[[re.Match[str]], str]
_SHOWN = 60


@dataclass(frozen=True)
class Kind:
    """One way to be wrong: every match of `pattern` is a place for it."""

    name: str
    pattern: re.Pattern[str]
    change: Change


@dataclass(frozen=True)
class Mutation:
    """One wrong output.

    Attributes:
        kind: The name of its `Kind`.
        cell: Number of the code cell, from 1.
        source: First line of that cell.
        before: The text around the place, as recorded.
        after: The same, changed.
        outputs: The cell's outputs, changed.
    """

    kind: str
    cell: int
    source: str
    before: str
    after: str
    outputs: list[Any]


@dataclass(frozen=True)
class Score:
    """How many mutations of one notebook were seeded, and which of them nobody would notice."""

    seeded: int
    survivors: tuple[Mutation, ...]

    @property
    def detected(self) -> int:
        """How many would turn nbval red."""
        return self.seeded - len(self.survivors)


def _kind(name: str, pattern: str, change: Change | str) -> Kind:
    def use(match: re.Match[str]) -> str:
        return match.expand(change) if isinstance(change, str) else change(match)

    return Kind(name, re.compile(pattern, re.MULTILINE), use)


def _other(words: dict[str, str]) -> tuple[str, Change]:
    """Return the pattern that finds any of the words, and the change to the word that is wrong."""
    pattern = r"\b(" + "|".join(re.escape(word) for word in words) + r")\b"
    return pattern, lambda match: match[0].replace(match[1], words[match[1]])


_POD_IP, _SVC_IP, _NODE_IP = (
    r"\b10\.244\.\d+\.\d+\b",
    r"\b10\.96\.(?!0\.10?\b)\d+\.\d+\b",
    r"\b172\.30\.0\.1\d\b",
)
_STATUS = {"200": "503", "404": "502", "502": "404", "503": "200", "301": "200", "302": "200", "308": "200"}
_REASON = {
    "NotFound": "Forbidden",
    "Forbidden": "NotFound",
    "AlreadyExists": "NotFound",
    "Invalid": "NotFound",
}
_PHASE = {"Running": "CrashLoopBackOff", "Pending": "Running", "Completed": "Error", "Ready": "NotReady"}
_DONE = {"created": "unchanged", "configured": "unchanged", "deleted": "created", "scaled": "patched"}
_FAILED = {
    "refused": "timed out",
    "timed out": "refused",
    "NXDOMAIN": "SERVFAIL",
    "NOERROR": "NXDOMAIN",
    "resolve": "connect to",
    "no such host": "connection refused",
}
_TYPE = {"ClusterIP": "NodePort", "NodePort": "LoadBalancer", "LoadBalancer": "ClusterIP"}
_CLAIM = {"True": "False", "False": "True"}

KINDS: tuple[Kind, ...] = (
    _kind("row missing", r"^(?![ \t]*$).+\n", ""),
    _kind("last line missing", r"(?<=\n)[^\n]+\n?\Z", ""),
    _kind("Pods not ready", r"\b([1-9]\d*)/\1\b", r"0/\1"),
    _kind("endpoint gone", r",(?=\d+\.\d+\.\d+\.\d+)[\d.:]+", ""),
    _kind("Pod address is a Service's", _POD_IP, "10.96.77.7"),
    _kind("Service address is a Pod's", _SVC_IP, "10.244.1.77"),
    _kind("node address is a Pod's", _NODE_IP, "10.244.1.77"),
    _kind("DNS server", r"\b10\.96\.0\.10\b", "10.96.0.53"),
    _kind("status code", *_other(_STATUS)),
    _kind("API reason", *_other(_REASON)),
    _kind("phase", *_other(_PHASE)),
    _kind("what kubectl did", *_other(_DONE)),
    _kind("how it failed", *_other(_FAILED)),
    _kind("Service type", *_other(_TYPE)),
    _kind("claim", *_other(_CLAIM)),
    _kind("None", r"(<none>|<unset>|\bNone\b)", "10.244.1.77"),
    _kind("port", r"\b(80|443|53|5678|8080|8443|9090)(?=/TCP|/UDP|\b)(?!\.\d)", lambda m: f"{int(m[1]) + 1}"),
    _kind("version", r"\bv([12])\b", lambda m: "v2" if m[1] == "1" else "v1"),
    _kind("count", r"(?<![\w.:/,%-])\d{1,3}(?![\w.:/%-])", lambda m: f"{int(m[0]) + 1}"),
    _kind("exit code", r"\bexit code (\d+)", lambda m: f"exit code {int(m[1]) + 1}"),
    _kind("label", r"\b(app|version|track|tier)([=:] ?)(\w+)", r"\1\2\3x"),
    _kind("template hash", r"(pod-template-hash=)\w+", r"\1deadbeef77"),
    _kind("seconds of a field", r"\b(period|timeout|delay)=(\d+)s", lambda m: f"{m[1]}={int(m[2]) + 4}s"),
    _kind(
        "quantity", r"(?<=cpu: ) *\d+m\b|(?<=memory: ) *\d+Mi\b", lambda m: re.sub(r"\d+", r"\g<0>0", m[0])
    ),
    _kind("path", r"(?<=[\w:\"' ])/(canary|cart|checkout|whoami|api)\b", "/elsewhere"),
    _kind("trace", r"(?<=data-trace=\")[\w.-]+", "another-trace"),
    _kind("right answer", r"data-correct=\"true\"", 'data-correct="false"'),
    _kind("error name", r"\A[A-Z]\w+Error\Z", "OtherError"),
)


def mutations(notebook: Any, *, seed: int) -> list[Mutation]:
    """Seed mutations: per checked cell and kind one place chosen by `seed`; and two for the whole cell."""
    chance = random.Random(seed)
    found: list[Mutation] = []
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    for number, cell in enumerate(code, 1):
        if not checked(cell) or cell.execution_count is None:
            continue
        for kind in KINDS:
            places = list(_places(cell.outputs, kind))
            if places:
                found.append(_mutate(cell, number, kind, chance.choice(places)))
        found += _whole(cell, number)
    return found


def score(notebook: Any, comparer: Comparer, *, seed: int) -> Score:
    """Seed mutations and count those that nbval would notice."""
    seeded = mutations(notebook, seed=seed)
    recorded = [cell.outputs for cell in notebook.cells if cell.cell_type == "code"]
    alive = [one for one in seeded if comparer.same(one.outputs, recorded[one.cell - 1])]
    return Score(len(seeded), tuple(alive))


@dataclass(frozen=True)
class _Place:
    """Where in a cell's outputs a kind applies: which output, which of its texts, which match."""

    output: int
    key: str
    match: re.Match[str]


def _places(outputs: list[Any], kind: Kind) -> Iterator[_Place]:
    for number, output in enumerate(outputs):
        for key, text in _texts(output):
            for match in kind.pattern.finditer(text):
                if kind.change(match) != match[0]:
                    yield _Place(number, key, match)


def _texts(output: Any) -> Iterator[tuple[str, str]]:
    """Yield the texts of an output that nbval compares, with their keys."""
    for key in ("text", "ename", "evalue"):
        if key in output:
            yield key, output[key]
    for kind, value in output.get("data", {}).items():
        if isinstance(value, str) and kind.startswith("text/"):
            yield kind, value


def _mutate(cell: Any, number: int, kind: Kind, place: _Place) -> Mutation:
    outputs = copy.deepcopy(cell.outputs)
    holder = outputs[place.output]
    holder = holder if place.key in holder else holder["data"]
    text, (start, end) = holder[place.key], place.match.span()
    wrong = kind.change(place.match)
    holder[place.key] = text[:start] + wrong + text[end:]
    left, right = text[:start].rpartition("\n")[2][-_SHOWN:], text[end:].partition("\n")[0][:_SHOWN]
    before, after = (f"{left}{middle}{right}" for middle in (place.match[0], wrong))
    return Mutation(kind.name, number, _first_line(cell), before, after, outputs)


def _whole(cell: Any, number: int) -> list[Mutation]:
    """Return the mutations of a cell as a whole: no output at all, and a warning besides."""
    warning = {"output_type": "stream", "name": "stderr", "text": "Warning: v1 Endpoints is deprecated\n"}
    noisy = [*copy.deepcopy(cell.outputs), type(cell)(warning)]
    found = [Mutation("warning besides", number, _first_line(cell), "", warning["text"], noisy)]
    if cell.outputs:
        found.append(Mutation("no output", number, _first_line(cell), "all of it", "", []))
    return found


def _first_line(cell: Any) -> str:
    lines: list[str] = cell.source.strip().splitlines()
    return lines[0] if lines else ""
