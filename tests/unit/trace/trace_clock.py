"""A clock for tests."""

from __future__ import annotations


class Clock:
    """A clock that tests turn by hand, in seconds since the epoch."""

    def __init__(self) -> None:
        self.seconds = 1_700_000_000.0

    def __call__(self) -> float:
        """Return the seconds since the epoch."""
        return self.seconds

    def advance(self, milliseconds: float) -> None:
        """Let time pass."""
        self.seconds += milliseconds / 1000
