"""One kind of object followed through the API: list, watch, and what happens when that breaks."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from kubernetes.client.exceptions import ApiException

from kubehop.trace.follower import Follower
from kubehop.trace.gap import Gap
from kubehop.trace.stream import SERVER_SECONDS, Lost, why

Object = dict[str, Any]
Change = Callable[[str, Object], None]
"""Called with add, mod or del, and the object as the API prints it."""

_GONE = 410
_FIRST_WAIT_SECONDS, _LONGEST_WAIT_SECONDS = 0.1, 2.0


class GoneError(Exception):
    """The API server no longer has the changes after our resource version."""


class Watch(Follower):
    """Follows the objects of one kind in one namespace.

    The official client's Watch is not used: its stop() raises in the reading thread, and it hides 410 Gone.

    Args:
        name: Plural of the kind: pods.
        call: The official client's list method, its namespace bound.
        change: Called for each change, from this watch's thread; from the caller's in `list`.
        gap: Told when changes may be missed.
    """

    def __init__(self, name: str, call: Callable[..., Any], *, change: Change, gap: Gap) -> None:
        super().__init__(name)
        self._call = call
        self._change = change
        self._gap = gap
        self._known: dict[str, Object] = {}
        self._version = ""

    def list(self) -> None:
        """Read all objects, and tell what differs from those that were known.

        Raises:
            ApiException: The API server refused.
        """
        listed = json.loads(self._call(_preload_content=False).data)
        self._version = listed["metadata"]["resourceVersion"]
        now = {_key(item): item for item in listed["items"]}
        for key in [key for key in self._known if key not in now]:
            self._tell("del", self._known[key])
        for key, item in now.items():
            if key not in self._known:
                self._tell("add", item)
            elif _version(self._known[key]) != _version(item):
                self._tell("mod", item)

    def _run(self) -> None:
        wait_seconds = _FIRST_WAIT_SECONDS
        relist = False
        while not self.stopping.is_set():
            try:
                if relist:
                    self.list()
                    relist = False
                for line in self.stream.lines(self._watch, opened=self._gap.end):
                    wait_seconds = _FIRST_WAIT_SECONDS
                    self._take(json.loads(line))
                self.stopping.wait(_FIRST_WAIT_SECONDS)  # a server that ends each watch at once
            except GoneError:
                self._lost("410 Gone: changes were lost; all objects are read again")
                relist = True
            except ValueError:
                self._lost("the API server sent half an object; all objects are read again")
                relist = True
            except Lost as error:
                relist = relist or (isinstance(error, ApiException) and error.status == _GONE)
                self._lost(why(error))
                self.stopping.wait(wait_seconds)
                wait_seconds = min(wait_seconds * 2, _LONGEST_WAIT_SECONDS)

    def _watch(self, **options: Any) -> Any:
        return self._call(
            watch=True,
            resource_version=self._version,
            allow_watch_bookmarks=True,
            timeout_seconds=SERVER_SECONDS,
            **options,
        )

    def _lost(self, text: str) -> None:
        if not self.stopping.is_set():
            self._gap.begin(text)

    def _take(self, change: Object) -> None:
        kind, item = change["type"], change["object"]
        if kind == "ERROR":
            if item.get("code") == _GONE:
                raise GoneError
            raise ApiException(status=item.get("code"), reason=item.get("reason"))
        self._version = _version(item)
        if kind in ("ADDED", "MODIFIED"):
            self._tell("mod" if _key(item) in self._known else "add", item)
        elif kind == "DELETED":
            self._tell("del", item)

    def _tell(self, op: str, item: Object) -> None:
        if op == "del":
            self._known.pop(_key(item), None)
        else:
            self._known[_key(item)] = item
        self._change(op, item)


def _key(item: Object) -> str:
    """Return what names one object for its whole life; made again under the same name, it is another."""
    return str(item["metadata"]["uid"])


def _version(item: Object) -> str:
    return str(item["metadata"]["resourceVersion"])
