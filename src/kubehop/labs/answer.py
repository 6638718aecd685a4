"""Answers as data: the commands of a solution and of each wrong answer, and who runs them.

A wrong answer is one file `wrong/<name>.toml`: the mistake in a sentence, the kubectl commands that make
it, and what the message must name.

```toml
mistake = "Guesses another value for the label."
check = "the_service_answers"
object = "Service web-svc"
field = "spec.selector"
value = "tier=web"

[[step]]
kubectl = "set selector service web-svc app=web,tier=web"
```

`{pod_1}`, `{pod_2}`, `{address_1}`, `{address_2}` stand for the Pods of Deployments in order of their names,
`{other_namespace}` for a namespace beside the lab's.
"""

from __future__ import annotations

import re
import shlex
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kubehop.errors import LabError

_KEYS = frozenset({"mistake", "check", "object", "field", "value", "step"})


@dataclass(frozen=True)
class Step:
    """One kubectl command.

    Args:
        arguments: What follows `kubectl`.
        stdin: Text for its standard input.
    """

    arguments: tuple[str, ...]
    stdin: str | None = None

    def filled(self, places: Mapping[str, str]) -> Step:
        """Return the step with `{name}` replaced by each place's value; other braces stay."""
        return Step(
            tuple(_fill(word, places) for word in self.arguments),
            None if self.stdin is None else _fill(self.stdin, places),
        )


@dataclass(frozen=True)
class WrongAnswer:
    """A mistake that learners make, and what the message about it must name.

    Args:
        name: The file's name.
        mistake: What the learner does, in a sentence.
        check: The check that must fail first.
        item: The object the message names.
        field: The field the message names.
        value: The value found that the message names.
        steps: The commands that make the mistake, on the start state.
    """

    name: str
    mistake: str
    check: str
    item: str
    field: str
    value: str
    steps: tuple[Step, ...]

    def unsaid(self, message: str, places: Mapping[str, str]) -> list[str]:
        """Return what a message should name and does not."""
        wanted = [_fill(text, places) for text in (self.item, self.field, self.value)]
        return [text for text in wanted if not _names(message, text)]


def wrong_answers(folder: Path) -> tuple[WrongAnswer, ...]:
    """Read every `wrong/*.toml` of a lab.

    Raises:
        LabError: A file is not as the head of this module shows.
    """
    return tuple(_wrong_answer(path) for path in sorted((folder / "wrong").glob("*.toml")))


def _wrong_answer(path: Path) -> WrongAnswer:
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as error:
        message = f"{path} is no TOML: {error}."
        raise LabError(message, next_command="Compare it with another wrong answer.") from error
    if set(table) != _KEYS:
        message = f"{path} has the keys {sorted(table)}, expected {sorted(_KEYS)}."
        raise LabError(message, next_command="Compare it with another wrong answer.")
    steps = tuple(_step(entry) for entry in table["step"])
    words = {key: str(table[key]) for key in ("mistake", "check", "field", "value")}
    return WrongAnswer(name=path.stem, item=str(table["object"]), steps=steps, **words)


def _step(entry: Mapping[str, Any]) -> Step:
    return Step(tuple(shlex.split(entry["kubectl"])), entry.get("stdin"))


def commands(cells: Sequence[str]) -> tuple[Step, ...]:
    """Return the kubectl commands of notebook cells: `%kubectl` lines, and `%%kubectl` with its body.

    Raises:
        LabError: A cell holds something else, which could not be replayed.
    """
    steps: list[Step] = []
    for cell in cells:
        first, _, body = cell.strip().partition("\n")
        if first.startswith("%%kubectl "):
            steps.append(Step(tuple(shlex.split(first)[1:]), body + "\n"))
            continue
        lines = [line for line in cell.splitlines() if line.strip() and not line.startswith("#")]
        if not all(line.startswith("%kubectl ") for line in lines):
            message = f"A solution cell holds other things than %kubectl commands: {lines[0]!r}."
            raise LabError(message, next_command="Write it as %kubectl or %%kubectl.")
        steps += [Step(tuple(shlex.split(line)[1:])) for line in lines]
    return tuple(steps)


def _names(message: str, text: str) -> bool:
    """Whether a message has the text as whole words: "1" is not in "10.244.1.5"; "Pod web-" starts a name."""
    end = "" if text.endswith("-") else r"(?![\w-])"
    return re.search(rf"(?<![\w.-]){re.escape(text)}{end}", message) is not None


def _fill(text: str, places: Mapping[str, str]) -> str:
    for name, value in places.items():
        text = text.replace("{" + name + "}", value)
    return text
