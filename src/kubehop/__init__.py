"""Kubernetes Services & Networking, one request, hop by hop.

What a notebook needs stands here; each name is imported when it is first used,
so that `import kubehop` costs nothing on the command line.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

_WHERE = {
    "chapter": "kubehop.book.chapter",
    "finish": "kubehop.book.chapter",
    "predict": "kubehop.book.question",
    "settle": "kubehop.book.chapter",
    "from_pod": "kubehop.book.chapter",
    "through_ingress": "kubehop.book.chapter",
    "from_outside": "kubehop.book.chapter",
    "wait_for": "kubehop.book.chapter",
    "endpoints": "kubehop.book.chapter",
    "observe": "kubehop.book.chapter",
    "port_forward": "kubehop.book.chapter",
    "RequestJourney": "kubehop.widgets",
    "LoadBalancing": "kubehop.widgets",
    "HpaDecision": "kubehop.widgets",
    "Lab": "kubehop.labs",
}


def __getattr__(name: str) -> Any:
    """Import a notebook's name from the room that has it."""
    if name in ("core", "apps", "networking", "discovery", "autoscaling", "namespace"):
        return getattr(import_module("kubehop.book.chapter").current(), name)
    if name in _WHERE:
        return getattr(import_module(_WHERE[name]), name)
    raise AttributeError(name)


def load_ipython_extension(shell: Any) -> None:
    """Give a notebook `%kubectl` and `%%kubectl` (`%load_ext kubehop`)."""
    import_module("kubehop.book.magic").load_ipython_extension(shell)


if TYPE_CHECKING:
    from kubehop.book.chapter import chapter as chapter
