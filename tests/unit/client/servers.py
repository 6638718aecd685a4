"""Real servers on loopback for the tests: HTTP, SOCKS5, and a kubectl that runs curl on this machine."""

from __future__ import annotations

import http.server
import socket
import struct
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

EXEC = """#!/bin/sh
while [ "$1" != -- ]; do shift; done
shift
exec "$@"
"""


class Handler(http.server.BaseHTTPRequestHandler):
    """Answers with the path; `/slow` is slow, `/drop` closes without an answer, `/close` after it."""

    protocol_version = "HTTP/1.1"
    # As every real server: an answer's body does not wait 40 ms until its head is acknowledged.
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        """Answer one request."""
        if self.path == "/slow":
            time.sleep(0.5)
            self.close_connection = True
            return
        if self.path == "/drop":
            self.close_connection = True
            return
        if self.path == "/continue":
            self.wfile.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        body = f"{self.path} at {self.headers['Host']}\n\nlast line".encode()
        self.send_response(404 if self.path == "/missing" else 200)
        self.send_header("x-served-by", f"pod-{self.client_address[1] % 2}")
        self.send_header("Content-Length", str(len(body)))
        if self.path == "/close":
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Keep quiet."""


@contextmanager
def http_server() -> Iterator[int]:
    """Serve HTTP on a free port of 127.0.0.1; yield the port."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()


@contextmanager
def socks_server(hosts: dict[str, str]) -> Iterator[int]:
    """Serve SOCKS5 on a free port; `hosts` maps the names that the far end knows to addresses."""
    listener = socket.create_server(("127.0.0.1", 0))

    def accept() -> None:
        while True:
            try:
                stream, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=_serve, args=(stream, hosts), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield listener.getsockname()[1]
    finally:
        listener.close()


def free_port() -> int:
    """Return a port on which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
    return port


def exec_program(folder: Path) -> Path:
    """Write a stand-in for kubectl whose `exec POD -- command` runs the command on this machine."""
    file = folder / "kubectl-exec"
    file.write_text(EXEC)
    file.chmod(0o755)
    return file


def _serve(stream: socket.socket, hosts: dict[str, str]) -> None:
    with stream:
        assert stream.recv(3) == b"\x05\x01\x00"
        stream.sendall(b"\x05\x00")
        length = stream.recv(5)[4]
        name = stream.recv(length).decode()
        (port,) = struct.unpack("!H", stream.recv(2))
        reply = 4 if name not in hosts else 0
        try:
            far = socket.create_connection((hosts.get(name, ""), port), timeout=2) if not reply else None
        except ConnectionRefusedError:
            far, reply = None, 5
        stream.sendall(bytes([5, reply, 0, 1, 0, 0, 0, 0, 0, 0]))
        if far is None:
            return
        with far:
            back = threading.Thread(target=_pump, args=(far, stream), daemon=True)
            back.start()
            _pump(stream, far)
            back.join(2)


def _pump(source: socket.socket, sink: socket.socket) -> None:
    try:
        while data := source.recv(65536):
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)
    except OSError:
        return
