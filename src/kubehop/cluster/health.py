"""Asking a component whether it is well, from inside its node."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from pathlib import Path

from kubehop.cluster.layout import Health
from kubehop.cluster.linux.forward import Dialer
from kubehop.wait import patience

ANSWER_SECONDS = 5.0
OK = 200


def _unverified(client: Path | None = None) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False  # a component's health port has a certificate it made itself
    context.verify_mode = ssl.CERT_NONE
    if client:
        context.load_cert_chain(client.with_suffix(".crt"), client.with_suffix(".key"))
    return context


async def healthy(health: Health, *, dialer: Dialer, root: Path) -> bool:
    """Return whether the component says it is well.

    Args:
        health: Where it says so.
        dialer: Opens connections inside the component's node.
        root: The node's root folder as the host sees it, for socket files.
    """
    if health.socket:
        return await _listens(root / health.socket.lstrip("/"))
    return await http_status(health.host, health.port, health.path, dialer=dialer, tls=health.tls) == OK


async def http_status(
    host: str,
    port: int,
    path: str,
    *,
    dialer: Dialer | None = None,
    tls: bool = False,
    client: Path | None = None,
) -> int | None:
    """Return the status code of a GET, or None where there was no answer within 5 s.

    Args:
        host: An IPv4 address.
        port: A TCP port.
        path: The path to get.
        dialer: Opens the connection in another network namespace; None means the host's own.
        tls: Whether to speak TLS; the certificate is not checked.
        client: Who asks: the certificate beside this path, `.crt` and `.key`; None shows none.
    """
    with contextlib.suppress(OSError, ValueError, IndexError, asyncio.TimeoutError, ssl.SSLError):
        async with asyncio.timeout(ANSWER_SECONDS * patience()):
            context = _unverified(client) if tls else None
            return await _get(host, port, path, dialer, context)
    return None


async def _get(host: str, port: int, path: str, dialer: Dialer | None, context: ssl.SSLContext | None) -> int:
    target = {"sock": await dialer.connect(host, port)} if dialer else {"host": host, "port": port}
    server_name = host if context else None
    reader, writer = await asyncio.open_connection(**target, ssl=context, server_hostname=server_name)
    try:
        writer.write(f"GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
        return int((await reader.readline()).split()[1])
    finally:
        writer.close()


async def _listens(path: Path) -> bool:
    try:
        _, writer = await asyncio.open_unix_connection(path)
    except OSError:
        return False
    writer.close()
    return True
