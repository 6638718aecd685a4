"""A SOCKS5 client (RFC 1928), as small as the outside door needs: CONNECT, by name, without a password.

The far end looks the name up and dials, as with curl's `socks5h://`.
"""

from __future__ import annotations

import errno
import os
import socket
import struct

from kubehop.errors import RequestError

_VERSION, _CONNECT, _BY_NAME = 5, 1, 3
_GREETING = bytes([_VERSION, 1, 0])  # one method offered: no authentication
_ADDRESS_BYTES = {1: 4, 4: 16}
# RFC 1928, section 6. 1 is what a proxy says for anything else, above all a name it cannot resolve.
_ERRNO = {3: errno.ENETUNREACH, 4: errno.EHOSTUNREACH, 5: errno.ECONNREFUSED, 6: errno.ETIMEDOUT}


def connect(
    host: str, port: int, *, proxy_host: str, proxy_port: int, timeout_seconds: float
) -> socket.socket:
    """Return a socket whose far end is `host:port` as the proxy sees it.

    Raises:
        OSError: As a direct connection would: ConnectionRefusedError, TimeoutError, socket.gaierror.
        RequestError: The proxy itself is not there, or does not speak SOCKS5.
    """
    try:
        stream = socket.create_connection((proxy_host, proxy_port), timeout=timeout_seconds)
    except OSError as error:
        what = f"The outside door at {proxy_host}:{proxy_port} is closed: {error}."
        raise RequestError(what, next_command="Run `kubehop status`.") from error
    try:
        _negotiate(stream, host, port)
    except BaseException:
        stream.close()
        raise
    return stream


def _negotiate(stream: socket.socket, host: str, port: int) -> None:
    stream.sendall(_GREETING)
    if _receive(stream, 2) != bytes([_VERSION, 0]):
        what = "The outside door does not speak SOCKS5 without a password."
        raise RequestError(
            what, why="Another program may have its port.", next_command="Run `kubehop status`."
        )
    name = host.encode("idna")
    header = bytes([_VERSION, _CONNECT, 0, _BY_NAME, len(name)])
    stream.sendall(header + name + struct.pack("!H", port))
    _, reply, _, kind = _receive(stream, 4)
    if reply in _ERRNO:
        raise OSError(_ERRNO[reply], os.strerror(_ERRNO[reply]))
    if reply:
        raise socket.gaierror(socket.EAI_NONAME, f"the outside door could not reach {host!r} (reply {reply})")
    length = _ADDRESS_BYTES.get(kind) or _receive(stream, 1)[0]
    _receive(stream, length + 2)


def _receive(stream: socket.socket, length: int) -> bytes:
    data = b""
    while len(data) < length:
        more = stream.recv(length - len(data))
        if not more:
            raise ConnectionResetError(errno.ECONNRESET, "the outside door closed the connection")
        data += more
    return data
