"""placeholder"""

from __future__ import annotations

from typing import Any


class Ticks:
    """x"""

    def __init__(self, *a: Any, **k: Any) -> None:
        self.followers: list[Any] = []

    def start(self) -> None:
        """x"""

    def changed(self, op: str, item: Any) -> None:
        """x"""
