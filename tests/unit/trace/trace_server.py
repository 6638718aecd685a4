"""A real HTTP server on loopback that behaves, and misbehaves, as an API server does."""

from __future__ import annotations

import json
import queue
import socket
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

Object = dict[str, Any]

KUBECONFIG = """
apiVersion: v1
kind: Config
clusters: [{{name: fake, cluster: {{server: "http://127.0.0.1:{port}"}}}}]
contexts: [{{name: fake, context: {{cluster: fake, user: nobody}}}}]
current-context: fake
users: [{{name: nobody, user: {{}}}}]
"""


def stamp(seconds: float | None = None) -> str:
    """Return a time as the container runtime prints it."""
    moment = datetime.fromtimestamp(time.time() if seconds is None else seconds, UTC)
    return moment.isoformat(timespec="microseconds").replace("+00:00", "000Z")


class FakeApi:
    """Objects by list path, logs by Pod; each may be changed, cut off or denied while clients look.

    Attributes:
        gone: Answer the next watch with 410: as its status, or as an event.
        refused: Answer everything with this status.
        refusals: How often that happened.
        short: End followed logs at once.
        follows: How often a log was asked for.
    """

    def __init__(self) -> None:
        self.objects: dict[str, dict[str, Object]] = {}
        self.logs: dict[str, list[str]] = {}
        self.gone = ""
        self.refused = 0
        self.watches = 0
        self.refusals = 0
        self.short = False
        self.follows = 0
        self._version = 1000
        self._lock = threading.RLock()
        self._history: list[tuple[int, str, str, Object]] = []
        self._queues: list[tuple[str, queue.Queue[Any]]] = []
        self._connections: list[socket.socket] = []
        self._start(0)

    # -- what tests do ----------------------------------------------------

    def put(self, path: str, item: Object) -> None:
        """Add or change an object."""
        with self._lock:
            name = item["metadata"]["name"]
            known = name in self.objects.setdefault(path, {})
            self._version += 1
            metadata = {"uid": f"uid-{name}", "creationTimestamp": "2026-11-24T10:00:00Z"} | item["metadata"]
            item = item | {"metadata": metadata | {"resourceVersion": str(self._version)}}
            self.objects[path][name] = item
            self._publish(path, "MODIFIED" if known else "ADDED", item)

    def delete(self, path: str, name: str) -> None:
        """Delete an object."""
        with self._lock:
            self._version += 1
            item = self.objects[path].pop(name)
            item["metadata"]["resourceVersion"] = str(self._version)
            self._publish(path, "DELETED", item)

    def send(self, path: str, text: bytes) -> None:
        """Send raw bytes to everybody who watches or follows a path."""
        with self._lock:
            for watched, box in self._queues:
                if watched == path:
                    box.put(text)

    def log(self, pod: str, line: str, *, seconds: float | None = None) -> None:
        """Let a Pod log a line."""
        text = f"{stamp(seconds)} {line}"
        with self._lock:
            self.logs.setdefault(pod, []).append(text)
        self.send(f"log:{pod}", f"{text}\n".encode())

    def end(self, path: str) -> None:
        """End the watches or followed logs of a path as if there was nothing more."""
        self.send(path, b"")

    def cut(self) -> None:
        """Cut every connection in the middle of what it carries."""
        with self._lock:
            for connection in self._connections:
                try:
                    connection.shutdown(socket.SHUT_RDWR)
                except OSError:
                    continue
            self._connections.clear()

    def close(self) -> None:
        """Stop listening, and cut every connection."""
        self._server.shutdown()
        self._server.server_close()
        self.cut()
        self.send_all_ends()

    def send_all_ends(self) -> None:
        """Let every handler that waits for news end."""
        with self._lock:
            for _, box in self._queues:
                box.put(None)

    def restart(self) -> None:
        """Listen again, on the same port."""
        self._start(self.port)

    def kubeconfig(self, folder: Path) -> Path:
        """Write a kubeconfig that leads here."""
        path = folder / "kubeconfig"
        path.write_text(KUBECONFIG.format(port=self.port))
        return path

    # -- what clients see -------------------------------------------------

    def _start(self, port: int) -> None:
        api = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            # As every real server: an answer's body does not wait 40 ms until its head is acknowledged.
            disable_nagle_algorithm = True

            def do_GET(self) -> None:
                with api._lock:
                    api._connections.append(self.connection)
                try:
                    api._answer(self)
                except OSError:
                    self.close_connection = True

            def log_message(self, *_arguments: object) -> None:
                return

        self._server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self._server.daemon_threads = True
        self.port = self._server.server_address[1]
        serve = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True
        )
        serve.start()

    def _answer(self, handler: BaseHTTPRequestHandler) -> None:
        url = urlsplit(handler.path)
        query = {key: values[0] for key, values in parse_qs(url.query).items()}
        if self.refused:
            self.refusals += 1
            self._whole(handler, self.refused, {"kind": "Status", "code": self.refused})
        elif url.path.endswith("/log"):
            self._stream(handler, self._log(url.path.split("/")[-2], query))
        elif query.get("watch"):
            self._watch(handler, url.path, query)
        else:
            with self._lock:
                items = list(self.objects.get(url.path, {}).values())
                self._whole(
                    handler, 200, {"metadata": {"resourceVersion": str(self._version)}, "items": items}
                )

    def _watch(self, handler: BaseHTTPRequestHandler, path: str, query: dict[str, str]) -> None:
        gone, self.gone = self.gone, ""
        if gone:
            self._history.clear()  # as after a compaction: only a new list tells what happened
        status = {"kind": "Status", "code": 410, "reason": "Expired"}
        if gone == "status":
            self._whole(handler, 410, status)
            return
        if gone == "event":
            self._stream(handler, iter([json.dumps({"type": "ERROR", "object": status}).encode() + b"\n"]))
            return
        self._stream(handler, self._changes(path, int(query["resourceVersion"])))

    def _changes(self, path: str, version: int) -> Iterator[bytes]:
        with self._lock:
            box = self._subscribe(path)
            self.watches += 1
            missed = [
                (kind, item) for at, where, kind, item in self._history if at > version and where == path
            ]
        for kind, item in missed:
            yield json.dumps({"type": kind, "object": item}).encode() + b"\n"
        yield from self._news(box)

    def _log(self, pod: str, query: dict[str, str]) -> Iterator[bytes]:
        self.follows += 1
        since = time.time() - int(query.get("sinceSeconds", "1000000"))
        with self._lock:
            box = self._subscribe(f"log:{pod}")
            old = [line for line in self.logs.get(pod, []) if line >= stamp(since)]
        for line in old:
            yield f"{line}\n".encode()
        if not self.short:
            yield from self._news(box)

    def _subscribe(self, path: str) -> queue.Queue[Any]:
        box: queue.Queue[Any] = queue.Queue()
        self._queues.append((path, box))
        return box

    @staticmethod
    def _news(box: queue.Queue[Any]) -> Iterator[bytes]:
        while text := box.get():
            yield text

    def _publish(self, path: str, kind: str, item: Object) -> None:
        self._history.append((self._version, path, kind, item))
        self.send(path, json.dumps({"type": kind, "object": item}).encode() + b"\n")

    def _whole(self, handler: BaseHTTPRequestHandler, status: int, value: Object) -> None:
        body = json.dumps(value).encode()
        handler.send_response(status)
        handler.send_header("Content-Type", "application/json")
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    def _stream(self, handler: BaseHTTPRequestHandler, parts: Iterator[bytes]) -> None:
        handler.send_response(200)
        handler.send_header("Content-Type", "application/json")
        handler.send_header("Transfer-Encoding", "chunked")
        handler.end_headers()
        handler.wfile.flush()
        for part in parts:
            handler.wfile.write(b"%x\r\n%s\r\n" % (len(part), part))
        handler.wfile.write(b"0\r\n\r\n")
