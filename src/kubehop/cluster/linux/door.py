"""A listening socket and the connections it let in: each is held until it ends, or the door is closed."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable

from kubehop.wait import end

Answer = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class Door:
    """Lets connections in, and answers each in a task of its own.

    asyncio itself knows a task by a weak reference only: one that waits for a far end, with its caller gone,
    would be dropped while it waits. So the door holds them.

    Args:
        answer: What to do with a connection.
    """

    def __init__(self, answer: Answer) -> None:
        self._answer = answer
        self._tasks: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None

    async def open(self, listener: socket.socket) -> Door:
        """Take connections from now on; return the door itself."""
        self._server = await asyncio.start_server(self._take, sock=listener)
        return self

    async def close(self) -> None:
        """Take no more connections, and end those that are in."""
        if self._server:
            self._server.close()
        await end(*self._tasks)

    def _take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(self._answer_one(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _answer_one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await self._answer(reader, writer)
        except BaseException:  # the caller must not wait for what will not come
            writer.transport.abort()
            raise
