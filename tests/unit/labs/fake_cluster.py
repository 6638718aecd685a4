"""A cluster in memory, small but honest about routing: objects, commands, and who answers a request.

It is the second `Reader` beside the real one, and runs the kubectl commands that answers use. The cluster
tests run the same answers for real; this one makes the messages quick to test.
"""

from __future__ import annotations

import copy
import itertools
import json
import random
from collections import Counter
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import yaml
from fake_controller import Stored, owner_name, reconcile, run_pod

from kubehop.labs.answer import Step
from kubehop.labs.reader import KINDS
from kubehop.labs.world import Object, labels_of, name_of


@dataclass(frozen=True)
class FakeAnswer:
    """What a request got."""

    status: int | None = None
    body: str = ""
    answered_by: str | None = None
    error: str | None = None


@dataclass
class FakeCluster:
    """One namespace in memory; the dice are seeded."""

    namespace: str = "lab-broken-selector-test"
    seed: int = 1
    stored: Stored = field(default_factory=dict)
    others: list[Object] = field(default_factory=list)
    logged: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self._dice = random.Random(self.seed)
        self._number = itertools.count(1)

    def objects(self, kind: str) -> list[Object]:
        """Return copies of the objects of one kind, which must be one that the real reader knows, too."""
        assert kind in KINDS, kind
        return [copy.deepcopy(item) for (its, _), item in sorted(self.stored.items()) if its == kind]

    def objects_elsewhere(self, kind: str, *, name: str) -> list[Object]:
        """Return what was created in another namespace."""
        return [item for item in self.others if item["kind"] == kind and item["metadata"]["name"] == name]

    def request(self, url: str, *, pod: str, count: int) -> list[FakeAnswer]:
        """Answer as kube-proxy and the Pods would."""
        del pod
        return [self._answer(url) for _ in range(count)]

    def served(self, selector: dict[str, str]) -> dict[str, int]:
        """Return how many requests each selected Pod has in its log."""
        return {
            name_of(pod): self.logged[name_of(pod)]
            for pod in self.objects("Pod")
            if selector.items() <= labels_of(pod).items()
        }

    def kubectl(self, step: Step) -> None:
        """Run one command, then let the controllers act."""
        verb, *words = step.arguments
        flags = dict(w.lstrip("-").split("=", 1) for w in words if w.startswith("--") and "=" in w)
        words = [w for w in words if not w.startswith("--")]
        getattr(self, f"_{verb}")(words, flags, step.stdin or "")
        self.reconcile()

    def places(self) -> dict[str, str]:
        """Return what the placeholders of wrong answers stand for."""
        pods = [p for p in self.objects("Pod") if p["metadata"].get("ownerReferences")]
        found = {"other_namespace": "elsewhere"}
        for number, pod in enumerate(pods[:2], start=1):
            found[f"pod_{number}"] = pod["metadata"]["name"]
            found[f"address_{number}"] = pod["status"]["podIP"]
        return found

    def apply(self, item: Object) -> None:
        """Create an object as the API server would."""
        item = copy.deepcopy(item)
        item["metadata"].setdefault("namespace", self.namespace)
        if item["metadata"]["namespace"] != self.namespace:
            self.others.append(item)
            return
        if item["kind"] == "Service" and item["spec"].get("type") != "ExternalName":
            item["spec"].setdefault("clusterIP", f"10.96.0.{next(self._number)}")
            item["spec"].setdefault("sessionAffinity", "None")
        if item["kind"] == "Pod":
            run_pod(item, self._number)
        item["metadata"]["uid"] = f"uid-{next(self._number)}"
        self.stored[item["kind"], item["metadata"]["name"]] = item

    def _create(self, _words: list[str], flags: dict[str, str], stdin: str) -> None:
        for item in yaml.safe_load_all(stdin):
            if "namespace" in flags:
                item["metadata"]["namespace"] = flags["namespace"]
            self.apply(item)

    def _delete(self, words: list[str], _flags: dict[str, str], _stdin: str) -> None:
        kind, name = words[0].capitalize(), words[1]
        del self.stored[kind, name]
        owned = [k for k, item in self.stored.items() if owner_name(item) == name]
        for key in owned:
            del self.stored[key]
            for pod in [k for k, item in self.stored.items() if owner_name(item) == key[1]]:
                del self.stored[pod]

    def _set(self, words: list[str], _flags: dict[str, str], _stdin: str) -> None:
        what, kind, name, labels = words
        assert what == "selector"
        spec = self.stored[kind.capitalize(), name]["spec"]
        spec["selector"] = dict(pair.split("=") for pair in labels.split(","))

    def _scale(self, words: list[str], flags: dict[str, str], _stdin: str) -> None:
        self.stored[words[0].capitalize(), words[1]]["spec"]["replicas"] = int(flags["replicas"])

    def _label(self, words: list[str], flags: dict[str, str], _stdin: str) -> None:
        key, value = words[-1].split("=")
        if words[0] == "pods":
            wanted = dict([flags["selector"].split("=")])
            pods = [p for (k, _), p in self.stored.items() if k == "Pod"]
            chosen = [p for p in pods if wanted.items() <= (p["metadata"].get("labels") or {}).items()]
        else:
            chosen = [self.stored["Pod", words[1]]]
        for pod in chosen:
            pod["metadata"]["labels"][key] = value

    def _patch(self, words: list[str], flags: dict[str, str], _stdin: str) -> None:
        item, patch = self.stored[words[0].capitalize(), words[1]], json.loads(flags["patch"])
        if flags["type"] == "merge":
            _merge(item, patch)
            return
        for change in patch:
            *path, last = [int(p) if p.isdigit() else p for p in change["path"].strip("/").split("/")]
            target: Any = item
            for part in path:
                target = target[part]
            target[last] = change["value"]

    def reconcile(self) -> None:
        """Let the controllers act."""
        reconcile(self.stored, self._number)

    def _answer(self, url: str) -> FakeAnswer:
        parts = urlsplit(url)
        host, port = str(parts.hostname), parts.port or 80
        if host[0].isdigit():
            return self._dial(host, port)
        service = self.stored.get(("Service", host))
        if service is None or service["spec"].get("type") == "ExternalName":
            return FakeAnswer(error=f"could not resolve {host}")
        addresses = self._addresses(host)
        if service["spec"].get("clusterIP") == "None":
            return self._dial(addresses[0], port) if addresses else FakeAnswer(error="could not resolve")
        rules = [
            e for e in service["spec"]["ports"] if e["port"] == port and e.get("protocol", "TCP") == "TCP"
        ]
        target = rules[0].get("targetPort", port) if rules else None
        if not addresses or not isinstance(target, int):
            return FakeAnswer(error="connection refused")
        if service["spec"].get("sessionAffinity") == "ClientIP":
            return self._dial(addresses[0], target)
        return self._dial(self._dice.choice(addresses), target)

    def _addresses(self, service: str) -> list[str]:
        return [
            address
            for item in self.objects("EndpointSlice")
            if item["metadata"]["labels"].get("kubernetes.io/service-name") == service
            for endpoint in item["endpoints"]
            if endpoint.get("conditions", {}).get("ready", True)
            for address in endpoint["addresses"]
        ]

    def _dial(self, address: str, port: int) -> FakeAnswer:
        for pod in self.objects("Pod"):
            container = pod["spec"]["containers"][0]
            arguments = container.get("args") or []
            if pod["status"].get("podIP") == address and f"-listen=:{port}" in arguments:
                self.logged[name_of(pod)] += 1
                text = arguments[1].removeprefix("-text=")
                if container.get("env"):  # kubelet leaves the name of a variable that is not there as it is
                    text = text.replace("$(POD_NAME)", name_of(pod))
                return FakeAnswer(status=200, body=text + "\n")
        return FakeAnswer(error="connection refused")


def _merge(target: Object, patch: Object) -> None:
    for key, value in patch.items():
        if value is None:
            target.pop(key, None)
        elif isinstance(value, dict):
            _merge(target.setdefault(key, {}), value)
        else:
            target[key] = value
