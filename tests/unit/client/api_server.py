"""A small API server for the tests: objects by path, lists with label selectors, and kube-proxy's health."""

from __future__ import annotations

import contextlib
import http.server
import json
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import yaml

Object = dict[str, Any]
_SLICES = "endpointslices"


class ApiServer:
    """Serves `objects` (path to object) over HTTP.

    Attributes:
        requests: Method, path and query of every request, in order.
        refused: Paths that answer 403.
        waiting: Paths that answer 400, as the log of a container that has not started does.
        hooks: Called with method and path before a request is served; may change `objects`.
        sync_seconds: How long kube-proxy takes from a changed EndpointSlice to its rules; None for never.
    """

    def __init__(self) -> None:
        self.objects: dict[str, Object] = {}
        self.texts: dict[str, str] = {}
        self.requests: list[tuple[str, str, dict[str, str]]] = []
        self.refused: set[str] = set()
        self.waiting: set[str] = set()
        self.hooks: list[Callable[[str, str], None]] = []
        self.sync_seconds: float | None = 0.05
        self.url = ""
        self._syncs = [time.time()]
        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True

    def start(self) -> str:
        """Begin to serve; return the URL."""
        threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True
        ).start()
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def stop(self) -> None:
        """End serving: connections are refused from now on."""
        self._server.shutdown()
        self._server.server_close()

    def kubeconfig(self, folder: Path, url: str) -> Path:
        """Write a kubeconfig for this server."""
        file = folder / "server.yaml"
        content = {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "c",
            "clusters": [{"name": "c", "cluster": {"server": url}}],
            "users": [{"name": "c", "user": {"token": "t"}}],
            "contexts": [{"name": "c", "context": {"cluster": "c", "user": "c"}}],
        }
        file.write_text(yaml.safe_dump(content))
        return file

    def put(self, path: str, item: Object) -> None:
        """Store an object; its name is the end of the path."""
        item.setdefault("metadata", {}).setdefault("name", path.rpartition("/")[2])
        self.objects[path] = item

    def answer(self, method: str, path: str, query: dict[str, str], body: Object | None) -> tuple[int, Any]:
        """Serve one request: the status and the object, or the text, of the answer."""
        self.requests.append((method, path, query))
        for hook in self.hooks:
            hook(method, path)
        if path in self.refused:
            return 403, {"kind": "Status", "code": 403}
        if path in self.waiting:
            return 400, {"kind": "Status", "code": 400}
        if path in self.texts:
            return 200, self.texts[path]
        if path.endswith("/proxy/healthz"):
            return 200, self._health()
        return {"GET": self._get, "POST": self._post, "PUT": self._put, "DELETE": self._delete}[method](
            path, query, body or {}
        )

    def _get(self, path: str, query: dict[str, str], _: Object) -> tuple[int, Any]:
        if path in self.objects:
            return 200, self.objects[path]
        children = [self.objects[child] for child in self._children(path)]
        chosen = [item for item in children if _selected(item, query.get("labelSelector", ""))]
        last = path.rpartition("/")[2]
        return (200, {"items": chosen}) if last.endswith("s") and last != "default" else (404, {"code": 404})

    def _post(self, path: str, _: dict[str, str], body: Object) -> tuple[int, Any]:
        child = f"{path}/{body['metadata']['name']}"
        if child in self.objects:
            return 409, {"code": 409}
        self._changed(path)
        self.put(child, body)
        return 201, body

    def _put(self, path: str, _: dict[str, str], body: Object) -> tuple[int, Any]:
        if path not in self.objects:
            return 404, {"code": 404}
        self._changed(path)
        self.put(path, body)
        return 200, body

    def _delete(self, path: str, query: dict[str, str], _: Object) -> tuple[int, Any]:
        victims = [path] if path in self.objects else self._children(path)
        if not victims and not path.endswith("s"):
            return 404, {"code": 404}
        for victim in victims:
            if not self.objects[victim]["metadata"].get("finalizers"):
                del self.objects[victim]
        return 200, {"items": []}

    def _children(self, path: str) -> list[str]:
        return [child for child in self.objects if child.rpartition("/")[0] == path]

    def _changed(self, path: str) -> None:
        if _SLICES in path and self.sync_seconds is not None:
            self._syncs.append(time.time() + self.sync_seconds)

    def _health(self) -> Object:
        now = time.time()
        done = max(end for end in self._syncs if end <= now)
        return {"currentTime": _go(now), "status": {"IPv4": {"lastUpdated": _go(done), "healthy": True}}}


def _go(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f") + "123Z"


def _selected(item: Object, selector: str) -> bool:
    labels = item["metadata"].get("labels", {})
    for term in filter(None, selector.split(",")):
        key, equals, value = term.partition("=")
        if key not in labels or (equals and labels[key] != value):
            return False
    return True


def _handler(server: ApiServer) -> type[http.server.BaseHTTPRequestHandler]:
    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        # As every real server: an answer's body does not wait 40 ms until its head is acknowledged.
        disable_nagle_algorithm = True

        def _serve(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            body = json.loads(self.rfile.read(length)) if length else None
            url = urlsplit(self.path)
            status, content = server.answer(self.command, url.path, dict(parse_qsl(url.query)), body)
            data = (content if isinstance(content, str) else json.dumps(content)).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            with contextlib.suppress(BrokenPipeError):  # a client that lost its patience
                self.wfile.write(data)

        do_GET = do_POST = do_PUT = do_DELETE = _serve  # noqa: N815  # the names http.server calls

        def log_message(self, *_: object) -> None:
            """Keep quiet."""

    return Handler
