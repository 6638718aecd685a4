"""What a check may look at: the objects of one namespace and the answers to its requests. Nothing else.

Objects are dicts as `kubectl get -o json` prints them. A world only reads.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Protocol

from kubehop import wait
from kubehop.labs.failure import Failure, Missing
from kubehop.labs.rest import Rest

Object = dict[str, Any]

# Kubernetes' own controllers, whose templates are known; any other kind can make Pods too.
_CONTROLLERS = frozenset(
    {"Deployment", "ReplicaSet", "ReplicationController", "StatefulSet", "DaemonSet", "Job", "CronJob"}
)
_WATCHED = ("Deployment", "Pod", "Service", "EndpointSlice")
# A line reaches the log some milliseconds after its answer reached the client.
_LOG_LOOKS, _LOG_SECONDS = 20, 0.1
# Every entry counts here, and the cluster adds none; elsewhere it adds defaults.
_WHOLE = frozenset({"labels", "matchLabels", "selector"})
_FROM = re.compile(r"\bfrom (\S+)\s*$")


class Answer(Protocol):
    """One answer, or the reason why there is none; `client.request.Response` is one."""

    @property
    def status(self) -> int | None:
        """HTTP status, None without an answer."""

    @property
    def body(self) -> str:
        """What was answered."""

    @property
    def answered_by(self) -> str | None:
        """The Pod that says it answered."""

    @property
    def error(self) -> str | None:
        """Why there is no answer."""


class Reader(Protocol):
    """A cluster as far as a check may touch it."""

    namespace: str

    def objects(self, kind: str) -> list[Object]:
        """Return the namespace's objects of one kind."""

    def objects_elsewhere(self, kind: str, *, name: str) -> list[Object]:
        """Return the objects of that name in namespaces of no lab and no chapter; none when forbidden."""

    def request(self, url: str, *, pod: str, count: int) -> Sequence[Answer]:
        """Request `url` from a Pod, `count` times, each on its own connection."""

    def served(self, selector: dict[str, str]) -> Mapping[str, int]:
        """Return how many requests each selected Pod has in its log."""


class World:
    """One namespace as a check sees it; what was read stays the same until the next `look`.

    Args:
        reader: The cluster.
        start: The manifests the lab begins with.
        grace_seconds: How long nothing may have changed before an outcome counts: kube-proxy trails the
            API by up to a second.
    """

    def __init__(self, reader: Reader, *, start: Sequence[Object] = (), grace_seconds: float = 1.5) -> None:
        self._reader = reader
        self._start = tuple(start)
        self._rest = Rest(grace_seconds)
        self._seen: dict[str, list[Object]] = {}

    @property
    def namespace(self) -> str:
        """The learner's namespace."""
        return self._reader.namespace

    def look(self) -> None:
        """Forget what was read: the next question asks the cluster again."""
        self._seen.clear()

    def unrest(self) -> str:
        """Say what still moves or moved a moment ago, or "" when the world rests."""
        return self._rest.reason({kind: self.objects(kind) for kind in _WATCHED}, now=datetime.now(UTC))

    def objects(self, kind: str) -> list[Object]:
        """Return all objects of a kind, by name."""
        if kind not in self._seen:
            self._seen[kind] = sorted(self._reader.objects(kind), key=name_of)
        return self._seen[kind]

    def find(self, kind: str, name: str) -> Object | None:
        """Return one object, or None."""
        return next((item for item in self.objects(kind) if name_of(item) == name), None)

    def get(self, kind: str, name: str) -> Object:
        """Return one object.

        Raises:
            Missing: There is none of that name.
        """
        found = self.find(kind, name)
        if found is None:
            names = [name_of(item) for item in self.objects(kind)]
            item = f"{kind} {name}"
            raise Missing(item, names, run=f"kubectl get {kind.lower()}s")
        return found

    def elsewhere(self, kind: str, name: str) -> list[str]:
        """Return the namespaces outside the labs that have an object of this kind and name."""
        found = self._reader.objects_elsewhere(kind, name=name)
        return sorted(item["metadata"]["namespace"] for item in found)

    def untouched(self, kind: str, name: str) -> bool:
        """Whether an object still has every value it began with, its labels and selectors no more than these."""
        began = next((m for m in self._start if m["kind"] == kind and name_of(m) == name), None)
        found = self.find(kind, name)
        return began is not None and found is not None and _holds(_typed(found), _typed(began))

    def selected_by(self, service: Object) -> list[Object]:
        """Return the living Pods whose labels match a Service's selector; none without a selector."""
        selector = service["spec"].get("selector") or {}
        pods = [pod for pod in self.objects("Pod") if not pod["metadata"].get("deletionTimestamp")]
        return [pod for pod in pods if selector and selector.items() <= labels_of(pod).items()]

    def slices_of(self, service: str) -> list[Object]:
        """Return the EndpointSlices that belong to a Service, whoever wrote them."""
        label = "kubernetes.io/service-name"
        return [item for item in self.objects("EndpointSlice") if labels_of(item).get(label) == service]

    def owner_of(self, item: Object) -> Object | None:
        """Return the controller that would replace an object, followed to its end (the Deployment).

        None when there is none, it is gone, or it is of another kind than Kubernetes' own.
        """
        for reference in item["metadata"].get("ownerReferences") or []:
            if reference.get("controller") and reference["kind"] in _CONTROLLERS:
                owner = self.find(reference["kind"], reference["name"])
                return (self.owner_of(owner) or owner) if owner else None
        return None

    def request(self, url: str, *, count: int = 1, pod: str = "client") -> Sequence[Answer]:
        """Request `url` from a Pod, `count` times, each on its own connection.

        Raises:
            Missing: The Pod is not there.
            Failure: The Pod does not run.
        """
        sender = self.get("Pod", pod)
        phase = sender.get("status", {}).get("phase")
        if phase != "Running":
            what = f"Pod {pod}: status.phase is {phase}, so no request can leave it."
            raise Failure(what, run=f"kubectl describe pod {pod}")
        return self._reader.request(url, pod=pod, count=count)

    def spread(self, url: str, *, service: Object, count: int) -> tuple[set[str], Sequence[Answer]]:
        """Request `url` `count` times; return the Pods that answered, and all answers.

        Answers that do not all name a Pod of this namespace are looked up in the logs of the Pods that the
        Service selects: "Greetings from Berlin" names none.
        """
        answers = self.request(url, count=count)
        names = {who(answer) for answer in answers if answer.status}
        if names <= {name_of(pod) for pod in self.objects("Pod")}:
            return {name for name in names if name}, answers
        selector = service["spec"].get("selector") or {}
        before = self._reader.served(selector)
        answers = self.request(url, count=count)
        after: Mapping[str, int] = {}
        for _ in range(_LOG_LOOKS):
            after = self._reader.served(selector)
            if sum(after.values()) - sum(before.values()) >= sum(bool(a.status) for a in answers):
                break
            wait.pause(_LOG_SECONDS)
        return {name for name in after if after[name] > before.get(name, 0)}, answers


def name_of(item: Object) -> str:
    """Return an object's name."""
    return str(item["metadata"]["name"])


def labels_of(item: Object) -> dict[str, str]:
    """Return an object's labels, empty when it has none."""
    return item["metadata"].get("labels") or {}


def template_labels(controller: Object) -> dict[str, str]:
    """Return the labels that a controller gives its Pods, a CronJob by way of its Jobs."""
    maker = controller["spec"].get("jobTemplate", controller)
    return maker["spec"]["template"].get("metadata", {}).get("labels") or {}


def ready(pod: Object) -> bool:
    """Whether a Pod's Ready condition is True."""
    conditions = pod.get("status", {}).get("conditions") or []
    return any(c["type"] == "Ready" and c["status"] == "True" for c in conditions)


def who(answer: Answer) -> str | None:
    """Return what an answer calls its Pod: by its header, or by the words "from POD" that end the body."""
    if answer.answered_by:
        return answer.answered_by
    match = _FROM.search(answer.body)
    return match.group(1) if match and answer.status else None


def _typed(item: Object) -> Object:
    """Spell out the default that a Service's manifest leaves out and a learner may have changed."""
    if item["kind"] != "Service":
        return item
    return {**item, "spec": {"type": "ClusterIP", **item["spec"]}}


def _holds(found: Any, began: Any) -> bool:
    """Whether `found` has every value of `began`; what was added matters in labels and selectors only."""
    if isinstance(began, dict):
        return isinstance(found, dict) and all(
            found.get(key) == value if key in _WHOLE else _holds(found.get(key), value)
            for key, value in began.items()
        )
    if isinstance(began, list):
        same = isinstance(found, list) and len(found) == len(began)
        return same and all(_holds(a, b) for a, b in zip(found, began, strict=True))
    return bool(found == began)
