"""Requests from this very process, over connections that somebody else dials."""

from __future__ import annotations

import errno
import http.client
import socket
import time
from collections.abc import Callable, Mapping
from dataclasses import replace

from kubehop.client import response
from kubehop.client.response import Response, Responses

_ERRORS = {
    errno.ECONNREFUSED: response.REFUSED,
    errno.ETIMEDOUT: response.TIMED_OUT,
    errno.EHOSTUNREACH: response.NO_ROUTE,
    errno.ENETUNREACH: response.UNREACHABLE,
    errno.ECONNRESET: response.RESET,
    errno.EPIPE: response.RESET,
}
Dial = Callable[[], http.client.HTTPConnection]


def ask(dial: Dial, path: str, *, count: int, keep_alive: bool, headers: Mapping[str, str]) -> Responses:
    """Ask for `path` `count` times, one after the other.

    Args:
        dial: Returns a connected connection, or raises OSError.
        path: Sent as it is, `..` included.
        count: Number of requests.
        keep_alive: Use a connection again for as long as the server lets us.
        headers: Sent with each request; `Host` must be among them.
    """
    caller = _Caller(dial, path, headers)
    found = []
    for _ in range(count):
        found.append(caller.ask())
        if not keep_alive:
            caller.close()
    caller.close()
    return Responses(found)


class _Caller:
    """One client: its connection, and how many it has had."""

    def __init__(self, dial: Dial, path: str, headers: Mapping[str, str]) -> None:
        self._dial = dial
        self._path = path
        self._headers = {"User-Agent": "kubehop"} | dict(headers)
        self._connection: http.client.HTTPConnection | None = None
        self._number = 0

    def ask(self) -> Response:
        """Make one request; what fails is in the response."""
        started, begin = time.time(), time.perf_counter()
        try:
            answer = self._exchange()
        except (OSError, http.client.HTTPException) as error:
            self.close()
            answer = Response(None, error=_words(error))
        return replace(answer, started=started, duration_ms=(time.perf_counter() - begin) * 1000)

    def close(self) -> None:
        """Close the connection, if there is one."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _exchange(self) -> Response:
        if self._connection is None:
            self._connection = self._dial()
            self._number += 1
        port = self._connection.sock.getsockname()[1]
        self._connection.request("GET", self._path, headers=self._headers)
        answer = self._connection.getresponse()
        body = answer.read().decode("utf-8", errors="replace")
        if answer.will_close:
            self.close()
        headers = {response.spelled(name): value for name, value in answer.getheaders()}
        return Response(
            status=answer.status,
            body=body,
            headers=headers,
            answered_by=headers.get(response.SERVED_BY),
            connection=self._number,
            local_port=port,
        )


def _words(error: OSError | http.client.HTTPException) -> str:
    """Say in a few words why there is no answer, the same as for curl."""
    if isinstance(error, http.client.RemoteDisconnected | http.client.IncompleteRead):
        return response.CLOSED
    if isinstance(error, socket.gaierror):
        return response.NO_SUCH_HOST
    if isinstance(error, TimeoutError):
        return response.TIMED_OUT
    number = error.errno if isinstance(error, OSError) else None
    return _ERRORS.get(number or 0, str(error) or type(error).__name__)
