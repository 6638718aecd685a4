"""Doors from the host's loopback into the fabric: plain TCP ports and one SOCKS5 proxy.

A listener is bound in the host's network namespace, on 127.0.0.1 only.
Each connection is then dialed by a socket that was born in the fabric.
A socket keeps the namespace it was born in, so no other thread needs to move.

Source of the proxy's protocol: RFC 1928 (only CONNECT, no authentication).
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import ipaddress
import socket
import struct
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from kubehop.cluster.linux.door import Door
from kubehop.cluster.linux.network import enter
from kubehop.errors import ClusterError

LOOPBACK = "127.0.0.1"
DIAL_SECONDS = 10.0
CHUNK_BYTES = 1 << 16
SOCKS_VERSION, CONNECT, IPV4, NAME = 5, 1, 1, 3
SUCCEEDED, NETWORK_UNREACHABLE, HOST_UNREACHABLE, REFUSED = 0, 3, 4, 5
TTL_EXPIRED, NOT_SUPPORTED, NO_SUCH_ADDRESS = 6, 7, 8
PORTS_TRIED = 100


@dataclass
class Gate:
    """Whether doors let new connections in; those that are in stay.

    Attributes:
        shut: Nobody gets in: a TCP door refuses, SOCKS5 says that the network is unreachable.
        notice: What a door that speaks HTTP says instead of refusing, one sentence.
    """

    shut: bool = False
    notice: str = ""

    @property
    def answer(self) -> bytes:
        """The notice as an HTTP response."""
        body = f"{self.notice}\n".encode()
        head = (
            "HTTP/1.1 503 Service Unavailable\r\nContent-Type: text/plain; charset=utf-8\r\n"
            f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
        )
        return head.encode() + body


class Dialer:
    """Opens TCP connections from inside one network namespace.

    Args:
        namespace: The file that holds the namespace.
    """

    def __init__(self, namespace: Path) -> None:
        self._births = ThreadPoolExecutor(1, initializer=enter, initargs=(namespace,))

    async def connect(self, host: str, port: int) -> socket.socket:
        """Return a connected, non-blocking socket.

        Raises:
            OSError: No connection within 10 s; `errno` says why.
        """
        loop = asyncio.get_running_loop()
        end = await loop.run_in_executor(self._births, socket.socket, socket.AF_INET, socket.SOCK_STREAM)
        end.setblocking(False)
        try:
            await asyncio.wait_for(loop.sock_connect(end, (host, port)), DIAL_SECONDS)
        except BaseException:
            end.close()
            raise
        return end

    def close(self) -> None:
        """End the thread that lives in the namespace."""
        self._births.shutdown(wait=False)


def reserve(preferred: int) -> socket.socket:
    """Bind a listening socket to 127.0.0.1 at `preferred`, or at the next free port above it.

    Raises:
        ClusterError: None of the 100 ports from `preferred` on is free.
    """
    for port in range(preferred, min(preferred + PORTS_TRIED, 65536)):
        listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((LOOPBACK, port))
            listener.listen(128)
        except OSError as error:
            listener.close()
            if error.errno not in (errno.EADDRINUSE, errno.EACCES):
                raise
            continue
        return listener
    msg = f"No port from {preferred} to {preferred + PORTS_TRIED - 1} on {LOOPBACK} is free."
    raise ClusterError(
        msg,
        next_command="Run `ss -ltnp` to see what holds them.",
    )


async def serve_tcp(
    listener: socket.socket, dialer: Dialer, target: tuple[str, int], *, gate: Gate, speaks_http: bool = False
) -> Door:
    """Pass every connection on `listener` to `target` (address, port) in the fabric, while `gate` is open."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if not gate.shut:
            await _join(reader, writer, dialer, target)
        elif speaks_http:
            await _tell(reader, writer, gate.answer)
        else:
            _abort(writer)

    return await Door(handle).open(listener)


async def serve_socks(listener: socket.socket, dialer: Dialer, names: dict[str, str], *, gate: Gate) -> Door:
    """Serve SOCKS5 on `listener`; `names` maps the only host names known outside (the nodes) to addresses."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError, struct.error):
            target = await _greet(reader, writer, names)
            if target and gate.shut:
                writer.write(_reply(NETWORK_UNREACHABLE))
                await writer.drain()
            elif target:
                await _join(reader, writer, dialer, target, socks=True)
        writer.close()

    return await Door(handle).open(listener)


async def _greet(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, names: dict[str, str]
) -> tuple[str, int] | None:
    version, methods = await reader.readexactly(2)
    await reader.readexactly(methods)
    if version != SOCKS_VERSION:
        return None
    writer.write(bytes([SOCKS_VERSION, 0]))
    _, command, _, kind = await reader.readexactly(4)
    if kind == IPV4:
        host = str(ipaddress.IPv4Address(await reader.readexactly(4)))
    elif kind == NAME:
        text = (await reader.readexactly((await reader.readexactly(1))[0])).decode("ascii", "replace")
        host = names.get(text, text)
    else:
        writer.write(_reply(NO_SUCH_ADDRESS))
        return None
    (port,) = struct.unpack("!H", await reader.readexactly(2))
    if command != CONNECT:
        writer.write(_reply(NOT_SUPPORTED))
        return None
    return host, port


async def _join(
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    dialer: Dialer,
    target: tuple[str, int],
    *,
    socks: bool = False,
) -> None:
    """Dial `target` and copy bytes both ways until both sides are done."""
    try:
        ipaddress.IPv4Address(target[0])  # a name would be looked up on the host
        far = await dialer.connect(*target)
    except (TimeoutError, OSError, ipaddress.AddressValueError) as error:
        if socks:
            writer.write(_reply(_reason(error)))
            with contextlib.suppress(ConnectionError):
                await writer.drain()
        _abort(writer) if not socks else writer.close()
        return
    if socks:
        writer.write(_reply(SUCCEEDED))
    far_reader, far_writer = await asyncio.open_connection(sock=far)
    await asyncio.gather(_copy(reader, far_writer), _copy(far_reader, writer))
    for side in (writer, far_writer):
        side.close()


async def _tell(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, answer: bytes) -> None:
    """Answer a request without passing it on; it is read first, or closing would reset the connection."""
    with contextlib.suppress(ConnectionError, asyncio.TimeoutError):
        await asyncio.wait_for(reader.read(CHUNK_BYTES), DIAL_SECONDS)
        writer.write(answer)
        await writer.drain()
    writer.close()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while data := await reader.read(CHUNK_BYTES):
            writer.write(data)
            await writer.drain()
        if writer.can_write_eof():
            writer.write_eof()
    except (ConnectionError, OSError):
        writer.close()


def _abort(writer: asyncio.StreamWriter) -> None:
    """Reset the connection: to the caller a dead target looks refused, not like an empty answer."""
    connection = writer.get_extra_info("socket")
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


def _reason(error: Exception) -> int:
    if isinstance(error, ipaddress.AddressValueError):
        return HOST_UNREACHABLE
    if isinstance(error, TimeoutError | asyncio.TimeoutError):
        return TTL_EXPIRED
    return REFUSED if isinstance(error, ConnectionRefusedError) else HOST_UNREACHABLE


def _reply(code: int) -> bytes:
    return bytes([SOCKS_VERSION, code, 0, IPV4, 0, 0, 0, 0, 0, 0])
