"""The times in which a source cannot be seen."""

from __future__ import annotations

from collections.abc import Callable


class Gap:
    """Tells when a source cannot be seen, once for each time.

    Args:
        name: The source in a gap event.
        event: `Trace.event`.
    """

    def __init__(self, name: str, event: Callable[..., int]) -> None:
        self._name = name
        self._event = event
        self._since: int | None = None

    def begin(self, text: str) -> None:
        """Say that the source cannot be seen from now on."""
        if self._since is None:
            self._since = self._event("gap", source=self._name, op="add", text=text)

    def end(self, text: str = "seen again") -> None:
        """Say that the source is seen again."""
        if self._since is not None:
            self._event("gap", source=self._name, op="del", text=text, **{"from": self._since})
            self._since = None
