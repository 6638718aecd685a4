"""Applying objects to an API server that is busy, or refuses them."""

from __future__ import annotations

import asyncio
from typing import Any, cast

import pytest

from kubehop.client.kubectl import Completed, Kubectl
from kubehop.cluster import manifest
from kubehop.errors import CommandError

BUSY = "Error from server (Timeout): Timeout: request did not complete within requested timeout"
REFUSED = 'Error from server (Forbidden): User "nobody" cannot patch resource "nodes"'


class Kube:
    """Stands for kubectl: says one thing after the other, and nothing, with success, after the last."""

    def __init__(self, *says: str) -> None:
        self.says = list(says)
        self.calls: list[list[str]] = []

    def run(self, arguments: list[str], **_: Any) -> Completed:
        """Say the next thing."""
        self.calls.append(arguments)
        text = self.says.pop(0) if self.says else ""
        return Completed(text.encode(), int(bool(text)), "kubectl")


def test_a_busy_api_server_is_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its time-out ends one attempt, not `up`."""
    monkeypatch.setattr(manifest, "_AGAIN_SECONDS", 0.01)
    kube = Kube(BUSY)
    asyncio.run(manifest.apply(cast(Kubectl, kube), "{}"))
    assert len(kube.calls) == 2


def test_what_is_refused_is_not_asked_again() -> None:
    """The error says what the API server said."""
    kube = Kube(REFUSED)
    with pytest.raises(CommandError, match="Forbidden"):
        asyncio.run(manifest.apply(cast(Kubectl, kube), "{}"))
    assert len(kube.calls) == 1
