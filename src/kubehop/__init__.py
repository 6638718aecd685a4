"""Kubernetes Services & Networking, one request, hop by hop.

What a notebook needs stands here; each name is imported when it is first used,
so that `import kubehop` costs nothing on the command line.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

# What the open chapter has: `kh.namespace` is another one in each run.
_OF_THE_CHAPTER = frozenset(
    {"namespace", "cluster_info", "core", "apps", "networking", "discovery", "autoscaling", "custom"}
)
_WHERE = {
    "chapter": "kubehop.book.chapter",
    "finish": "kubehop.book.chapter",
    "predict": "kubehop.book.chapter",
    "from_pod": "kubehop.book.chapter",
    "through_ingress": "kubehop.book.chapter",
    "from_outside": "kubehop.book.chapter",
    "who_answered": "kubehop.book.chapter",
    "settle": "kubehop.book.chapter",
    "wait_for": "kubehop.book.chapter",
    "endpoints": "kubehop.book.chapter",
    "port_forward": "kubehop.book.chapter",
    "node_exec": "kubehop.book.chapter",
    "observe": "kubehop.book.observation",
    "RequestJourney": "kubehop.widgets",
    "LoadBalancing": "kubehop.widgets",
    "HpaDecision": "kubehop.widgets",
    "Lab": "kubehop.labs",
}


def __getattr__(name: str) -> Any:
    """Import a notebook's name from the room that has it."""
    if name in _OF_THE_CHAPTER:
        return getattr(import_module("kubehop.book.session").current(), name)
    if name in _WHERE:
        return getattr(import_module(_WHERE[name]), name)
    message = f"module 'kubehop' has no attribute {name!r}"
    raise AttributeError(message)


def __dir__() -> list[str]:
    """Offer the names to a notebook's completion."""
    return sorted([*globals(), *_WHERE, *_OF_THE_CHAPTER])


def load_ipython_extension(shell: Any) -> None:
    """Give a notebook `%kubectl`, `%%kubectl` and `%%sh` (`%load_ext kubehop`)."""
    import_module("kubehop.book.magic").load_ipython_extension(shell)


if TYPE_CHECKING:
    from kubehop.book.chapter import chapter as chapter
