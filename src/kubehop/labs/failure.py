"""What a check raises when the learner's answer is not right yet.

A message has up to three parts: what was found (object, field, value), a hint, the command to run next.
"""

from __future__ import annotations

from collections.abc import Iterable


class Failure(Exception):  # noqa: N818 - nothing broke: the learner is not done; check50 calls it so
    """The answer is not right yet.

    Args:
        what: One sentence with the object, its field and the value found.
        hint: What this usually means, without the repair.
        run: The command to run next, as it is pasted into a cell: "kubectl get pods --show-labels".
    """

    def __init__(self, what: str, *, hint: str = "", run: str = "") -> None:
        self.what = what
        self.hint = hint
        self.run = run
        super().__init__(" ".join(part for part in (what, hint, f"Run: {run}" if run else "") if part))


class Mismatch(Failure):
    """A field has another value than it must have.

    Args:
        expected: The value that would do, or words for it.
        actual: The value found.
        item: The object, as people say it: "Service web-svc".
        field: The path of the field as kubectl prints it: "spec.ports[0].targetPort".
        hint: What this usually means.
        run: The command to run next.
    """

    def __init__(
        self, expected: object, actual: object, *, item: str, field: str, hint: str = "", run: str = ""
    ) -> None:
        self.expected = expected
        self.actual = actual
        super().__init__(
            f"{item}: {field} is {shown(actual)}, expected {shown(expected)}.", hint=hint, run=run
        )


class Missing(Failure):
    """An object is not there.

    Args:
        item: The object looked for: "Service web-svc".
        found: The names of its kind that are there.
        hint: What this usually means.
        run: The command to run next.
    """

    def __init__(self, item: str, found: Iterable[str], *, hint: str = "", run: str = "") -> None:
        self.item = item
        self.found = tuple(sorted(found))
        listed = ", ".join(self.found) or "none"
        super().__init__(f"{item} is missing (metadata.name found: {listed}).", hint=hint, run=run)


def shown(value: object) -> str:
    """Return a value as a learner writes it: labels as `app=web,tier=frontend`, the rest as it prints."""
    if isinstance(value, dict):
        return ",".join(f"{key}={item}" for key, item in sorted(value.items())) or "empty"
    if value is None:
        return "not set"
    return str(value)
