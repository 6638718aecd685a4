"""Doors into the fabric: what a caller sees when the far end answers, refuses, or is not named."""

from __future__ import annotations

import asyncio
import gc
import socket
import struct
from collections.abc import Awaitable, Callable

import pytest

from kubehop.cluster.linux import forward
from kubehop.cluster.linux.door import Door
from kubehop.cluster.linux.forward import Gate, reserve, serve_socks, serve_tcp
from kubehop.errors import ClusterError


class HereDialer:
    """Dials from our own namespace: the protocol is the same, and needs no root."""

    async def connect(self, host: str, port: int) -> socket.socket:
        """Return a connected socket."""
        end = socket.socket()
        end.setblocking(False)
        await asyncio.get_running_loop().sock_connect(end, (host, port))
        return end


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer with what came, once the sender is done."""
    writer.write(b"echo " + await reader.read())
    await writer.drain()
    writer.close()


def with_echo(check: Callable[[int], Awaitable[None]]) -> None:
    """Run `check` with the port of an echo server."""

    async def run() -> None:
        server = await asyncio.start_server(echo, "127.0.0.1", 0)
        await check(server.sockets[0].getsockname()[1])
        server.close()

    asyncio.run(run())


def test_bytes_pass_both_ways_until_both_sides_are_done() -> None:
    """A half-closed connection still brings the answer."""

    async def check(port: int) -> None:
        listener = reserve(20000)
        server = await serve_tcp(listener, HereDialer(), ("127.0.0.1", port), gate=Gate())  # type: ignore[arg-type]
        reader, writer = await asyncio.open_connection(*listener.getsockname())
        writer.write(b"x" * 300_000)
        writer.write_eof()
        assert await reader.read() == b"echo " + b"x" * 300_000
        await server.close()

    with_echo(check)


def test_a_dead_target_looks_refused() -> None:
    """The caller's connection is reset, not closed in silence."""

    async def run() -> None:
        listener = reserve(20000)
        server = await serve_tcp(listener, HereDialer(), ("127.0.0.1", _closed_port()), gate=Gate())  # type: ignore[arg-type]
        reader, _ = await asyncio.open_connection(*listener.getsockname())
        with pytest.raises(ConnectionResetError):
            await reader.read()
        await server.close()

    asyncio.run(run())


@pytest.mark.parametrize(
    ("request_bytes", "reply"),
    [
        (b"\x05\x01\x00\x01" + socket.inet_aton("127.0.0.1"), forward.SUCCEEDED),
        (b"\x05\x01\x00\x03\x06node-1", forward.SUCCEEDED),
        (b"\x05\x01\x00\x03\x07node-99", forward.HOST_UNREACHABLE),
        (b"\x05\x02\x00\x01" + socket.inet_aton("127.0.0.1"), forward.NOT_SUPPORTED),
    ],
)
def test_socks_says_what_it_can_do(request_bytes: bytes, reply: int) -> None:
    """Addresses and node names are dialed; other names and other commands are refused with their code."""

    async def check(port: int) -> None:
        answer, reader, writer = await _socks(request_bytes, port)
        assert answer[1] == reply
        if reply == forward.SUCCEEDED:
            writer.write(b"hello")
            writer.write_eof()
            assert await reader.read() == b"echo hello"

    with_echo(check)


def test_socks_says_refused() -> None:
    """A closed port beside the nodes is told from an unknown host."""

    async def run() -> None:
        answer, *_ = await _socks(b"\x05\x01\x00\x01" + socket.inet_aton("127.0.0.1"), _closed_port())
        assert answer[1] == forward.REFUSED

    asyncio.run(run())


@pytest.mark.parametrize(("speaks_http", "answer"), [(True, b"HTTP/1.1 503 "), (False, None)])
def test_a_shut_gate_lets_nobody_in(speaks_http: bool, answer: bytes | None) -> None:
    """A door that speaks HTTP says what to do, another refuses; open again, both let requests in."""

    async def check(port: int) -> None:
        gate = Gate(shut=True, notice="Run `kubehop resume`.")
        listener = reserve(20000)
        target = ("127.0.0.1", port)
        server = await serve_tcp(listener, HereDialer(), target, gate=gate, speaks_http=speaks_http)  # type: ignore[arg-type]
        reader, writer = await asyncio.open_connection(*listener.getsockname())
        writer.write(b"GET / HTTP/1.1\r\n\r\n")
        if answer is None:
            with pytest.raises(ConnectionResetError):
                await reader.read()
        else:
            told = await reader.read()
            assert told.startswith(answer)
            assert told.endswith(b"\r\n\r\nRun `kubehop resume`.\n")
        gate.shut = False
        reader, writer = await asyncio.open_connection(*listener.getsockname())
        writer.write_eof()
        assert await reader.read() == b"echo "
        await server.close()

    with_echo(check)


def test_socks_through_a_shut_gate() -> None:
    """The proxy answers, and says that nothing can be reached."""

    async def check(port: int) -> None:
        request = b"\x05\x01\x00\x01" + socket.inet_aton("127.0.0.1")
        answer, *_ = await _socks(request, port, Gate(shut=True))
        assert answer[1] == forward.NETWORK_UNREACHABLE

    with_echo(check)


def test_a_taken_port_moves_on() -> None:
    """The next free port is taken; a hundred taken ones are an error that says how to look."""
    first = reserve(20300)
    second = reserve(first.getsockname()[1])
    assert second.getsockname()[1] > first.getsockname()[1]
    first.close()
    second.close()


def test_no_free_port_is_a_clear_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """The error names the range and the command that shows who holds it."""
    held = reserve(20500)
    monkeypatch.setattr(forward, "PORTS_TRIED", 1)
    with pytest.raises(ClusterError, match=r"No port from \d+ to \d+ .* Run `ss -ltnp`"):
        reserve(held.getsockname()[1])
    held.close()


async def _socks(
    request: bytes, port: int, gate: Gate | None = None
) -> tuple[bytes, asyncio.StreamReader, asyncio.StreamWriter]:
    listener = reserve(20700)
    await serve_socks(listener, HereDialer(), {"node-1": "127.0.0.1"}, gate=gate or Gate())  # type: ignore[arg-type]
    reader, writer = await asyncio.open_connection(*listener.getsockname())
    writer.write(b"\x05\x01\x00")
    assert await reader.readexactly(2) == b"\x05\x00"
    writer.write(request + struct.pack("!H", port))
    return await reader.readexactly(10), reader, writer


def _closed_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_a_connection_is_kept_until_its_far_end_is_done() -> None:
    """Its caller has gone, so nothing but the door knows the two tasks that copy; asyncio would drop them."""
    said: list[str] = []

    async def silent(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        await reader.read()
        await asyncio.sleep(60)

    async def run() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda _, context: said.append(context["message"]))
        target, listener = reserve(21000), reserve(20000)
        far = await Door(silent).open(target)
        door = await serve_tcp(listener, HereDialer(), target.getsockname(), gate=Gate())  # type: ignore[arg-type]
        _, writer = await asyncio.open_connection(*listener.getsockname())
        writer.write(b"x")
        writer.close()
        await asyncio.sleep(0.1)
        gc.collect()
        tasks = [task for task in asyncio.all_tasks() if "_copy" in repr(task)]
        assert len(tasks) == 1
        await door.close()
        assert tasks[0].done()
        await far.close()

    asyncio.run(run())
    assert said == []
