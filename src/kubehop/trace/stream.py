"""One long HTTP response, read line by line, that another thread can end."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator
from typing import Any

from kubernetes.client.exceptions import ApiException
from urllib3 import HTTPResponse
from urllib3.exceptions import HTTPError

CONNECT_SECONDS = 5.0
QUIET_SECONDS = 330.0
"""How long nothing may arrive: longer than SERVER_SECONDS, after which the API server ends a watch itself."""
SERVER_SECONDS = 300

Lost = (ApiException, HTTPError, OSError)
"""What a request to the API raises when the server refuses it, is away, or goes away."""

LINE_LIMIT_BYTES = 1_000_000
_CHUNK_BYTES = 65_536


class Stream:
    """Reads lines from responses, one response at a time, until it is stopped."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._response: HTTPResponse | None = None
        self.stopping = threading.Event()

    def lines(self, call: Callable[..., Any], *, opened: Callable[[], None]) -> Iterator[bytes]:
        """Yield the lines of one response, without their ends; an unfinished last line is left out.

        Args:
            call: A method of the official client that takes `_preload_content` and `_request_timeout`.
            opened: Called when the server has answered, before the first line.

        Raises:
            ApiException: The server answered with an error.
            HTTPError: The connection broke.
            OSError: The server could not be dialed.
        """
        response = call(_preload_content=False, _request_timeout=(CONNECT_SECONDS, QUIET_SECONDS))
        with self._lock:
            self._response = response
        try:
            if self.stopping.is_set():
                return
            opened()
            yield from self._split(response)
        finally:
            with self._lock:
                self._response = None
            response.close()

    def _split(self, response: HTTPResponse) -> Iterator[bytes]:
        rest = b""
        while not self.stopping.is_set():
            # read1 returns what has arrived; stream() and readline() wait for a full buffer.
            chunk = response.read1(_CHUNK_BYTES)
            if not chunk:
                return
            *lines, rest = (rest + chunk).split(b"\n")
            yield from lines
            rest = rest[-LINE_LIMIT_BYTES:]

    def stop(self) -> None:
        """End the reading, also when it waits for the server; may be called from any thread."""
        self.stopping.set()
        with self._lock:
            response = self._response
        if response is not None:
            # The reader sees the end of the file; close() alone would leave it waiting.
            with contextlib.suppress(OSError, ValueError, HTTPError):
                response.shutdown()


def why(error: BaseException) -> str:
    """Return the reason of a lost connection in a few words, without addresses or tokens."""
    if isinstance(error, ApiException):
        return f"the API server answered {error.status} {error.reason}".strip()
    text = str(error)
    for sign, words in (
        ("refused", "the connection was refused"),
        ("reset", "the connection was reset"),
        ("timed out", "nothing arrived in time"),
        ("broken", "the connection broke"),
        ("IncompleteRead", "the connection broke"),
    ):
        if sign in text:
            return words
    return f"the connection failed ({type(error).__name__})"
