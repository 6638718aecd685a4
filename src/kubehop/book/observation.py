"""`kh.observe(...)`: what happens in the block becomes a trace that the next cell's widget shows."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from kubehop.book import repository, session
from kubehop.client.response import Responses
from kubehop.errors import BookError

# The observation that is running in this kernel, if any: requests and commands of the block are added to it.
_RUNNING: list[Any] = []


@contextmanager
def observe(
    id: str,  # the word the trace format uses
    *,
    title: str,
    summary: str,
    scenario: str = "",
    requests: bool = True,
    request_limit: int = 2_000,
) -> Iterator[Any]:
    """Observe the chapter's namespace while the block runs, and give the trace.

    Requests made with `kh.from_pod`, `kh.through_ingress` and `kh.from_outside`, and commands run with the
    magics, are part of it. While a chapter is recorded, the trace is written to `traces/<id>.json`.

    Args:
        id: Kebab-case name, also of the file: `services-split`.
        title: The claim in one sentence.
        summary: What the picture says, in words, 40 characters or more.
        scenario: The code that causes it; by default the cell's own source.
        requests: Whether to follow access logs, too. Without it, only objects are observed.
        request_limit: Requests kept; later ones are counted as dropped.

    Raises:
        BookError: No chapter is open, or another observation is running.
        TraceError: The trace breaks one of its invariants.
    """
    from kubehop.trace.about import About  # loaded when used: `%kubectl` alone needs none of it
    from kubehop.trace.observe import controller_of
    from kubehop.trace.observe import observe as watch

    opened = session.current()
    if _RUNNING:
        message = f"Observation {_RUNNING[-1].id!r} is still running, so {id!r} cannot begin."
        raise BookError(message, next_command="Leave its with-block first.")
    about = About(
        id=id,
        title=title,
        summary=summary,
        scenario=scenario or _source_of_this_cell(),
        namespace=opened.namespace,
        cluster=tuple(sorted(opened.cluster.versions.items())),
    )
    controller = controller_of(opened.cluster)
    with watch(
        opened.api, about, requests=requests, controller=controller, request_limit=request_limit
    ) as trace:
        _RUNNING.append(trace)
        try:
            yield trace
        finally:
            _RUNNING.clear()
    if os.environ.get("KUBEHOP_RECORD") == "1":
        trace.save(_folder() / f"{id}.json")


def add(responses: Responses, url: str, *, asker: str, host: str = "") -> None:
    """Add a client's own record of its requests to the running observation, if there is one."""
    if _RUNNING:
        _RUNNING[-1].add(responses, url, asker=asker, host=host)


def command(text: str) -> None:
    """Add a command to the running observation, if there is one."""
    if _RUNNING:
        _RUNNING[-1].command(text)


def _folder() -> Path:
    """Return where traces go: to the recorder that runs this kernel, else into the repository."""
    if folder := os.environ.get("KUBEHOP_TRACES"):
        return Path(folder)
    return (repository.holding(Path.cwd()) or Path.cwd()) / repository.TRACES


def _source_of_this_cell() -> str:
    """Return the running cell as it was typed, or nothing outside of a notebook."""
    from IPython.core.getipython import get_ipython

    shell = get_ipython()
    if shell is None or shell.history_manager is None:
        return ""
    return str(shell.history_manager.input_hist_raw[-1]).strip()
