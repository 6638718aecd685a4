"""Asking the process that holds a cluster to do something: one line of JSON there, one back.

The socket is a file in the cluster's folder that only root may use.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import socket
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

from kubehop.cluster import state, sweep
from kubehop.cluster.linux.door import Door
from kubehop.cluster.state import Place
from kubehop.errors import ClusterError, KubehopError, NoClusterError
from kubehop.wait import patience

SOCKET = "control"
ANSWER_SECONDS = 600.0  # a node that comes, or is drained, may take minutes


@contextlib.contextmanager
def _short_path(place: Place) -> Iterator[str]:
    """Name the socket in a few bytes: the path of a socket may not have more than 107."""
    folder = os.open(place.folder, os.O_PATH | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{folder}/{SOCKET}"
    finally:
        os.close(folder)


async def serve(place: Place, obey: Callable[[dict[str, Any]], Awaitable[str]]) -> Door:
    """Take orders: `obey` does what one asks, returns what to tell, or raises an error of ours."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            try:
                answer = {"told": await obey(json.loads(await reader.readline()))}
            except KubehopError as error:
                answer = {"what": error.what, "why": error.why, "next_command": error.next_command}
            except Exception as error:  # noqa: BLE001 - whatever it was, who asked must be told
                answer = {"what": f"{type(error).__name__}: {error}"}
            writer.write(json.dumps(answer).encode() + b"\n")
            await writer.drain()
        writer.close()

    (place.folder / SOCKET).unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX)
    with _short_path(place) as path:
        former = os.umask(0o177)
        try:
            listener.bind(path)
        finally:
            os.umask(former)
    listener.listen()
    return await Door(handle).open(listener)


def ask(place: Place, verb: str, **what: str) -> str:
    """Have the cluster do something and return what it tells when that is done.

    Args:
        place: The cluster.
        verb: pause, resume, node-add or node-remove.
        what: What else the verb needs.

    Raises:
        NoClusterError: Nobody holds the cluster.
        ClusterError: It could not be done; the message says why.
    """
    if sweep.supervisor(place) is None:
        msg = f"No cluster {place.name} is running."
        others = ", ".join(state.names()) or "none"
        raise NoClusterError(msg, why=f"Clusters: {others}.", next_command="Run `kubehop up`.")
    try:
        with socket.socket(socket.AF_UNIX) as connection, _short_path(place) as path:
            connection.settimeout(ANSWER_SECONDS * patience())
            connection.connect(path)
            connection.sendall(json.dumps({"verb": verb} | what).encode() + b"\n")
            answer = json.loads(connection.makefile().readline())
    except (OSError, ValueError) as error:
        msg = f"The cluster {place.name} did not answer: {error}."
        raise ClusterError(
            msg,
            why="The process that holds it is starting, ending, or was killed.",
            next_command=f"Run `kubehop status --name {place.name}`.",
        ) from error
    if "told" in answer:
        return str(answer["told"])
    raise ClusterError(answer["what"], why=answer.get("why", ""), next_command=answer.get("next_command", ""))
