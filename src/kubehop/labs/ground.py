"""Where the labs are tried: fresh namespaces, one for each worker."""

from __future__ import annotations

import queue
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from kubehop.client.folder import state_root
from kubehop.client import handover
from kubehop.client import namespace as namespaces
from kubehop.labs import check
from kubehop.labs.answer import Step
from kubehop.labs.check import Report
from kubehop.labs.folder import LabFolder
from kubehop.labs.learner import namespace_for
from kubehop.labs.reader import KINDS, ClusterReader
from kubehop.labs.stage import Stage
from kubehop.labs.world import Object, World, labels_of, name_of

WORKERS = 3
_NAME_LENGTH = 63
# Longer than a learner's deadline: here a message must be right however slow the machine is.
_PATIENCE_SECONDS = 60.0


class Ground:
    """One worker's namespace of one lab, fresh when made, and gone after `close`."""

    def __init__(self, lab: LabFolder, file: Path, worker: int, *, log_folder: Path) -> None:
        learner = f"selftest-{worker}"
        self.lab = lab
        self.reader = ClusterReader(file, namespace=namespace_for(lab.slug, learner=learner))
        self.stage = Stage(self.reader, start=lab.start, lab=lab.slug, learner=learner)
        self._log_folder = log_folder
        self._lent = False
        namespaces.delete(self.reader.api, self.reader.namespace, wait_until_gone=True)
        self.stage.restore()
        self.start = _state(self.reader)

    @property
    def other_namespace(self) -> str:
        """A namespace beside the lab's, for the mistake of working in the wrong one."""
        return f"kubehop-elsewhere-{self.reader.namespace}"[:_NAME_LENGTH].rstrip("-")

    def places(self) -> dict[str, str]:
        """Return what the placeholders of wrong answers stand for."""
        found = {"other_namespace": self.other_namespace}
        pods = [pod for pod in self.reader.objects("Pod") if pod["metadata"].get("ownerReferences")]
        for number, pod in enumerate(sorted(pods, key=name_of), start=1):
            found[f"pod_{number}"] = name_of(pod)
            found[f"address_{number}"] = pod["status"]["podIP"]
        return found

    def run(self, steps: Sequence[Step], places: dict[str, str]) -> None:
        """Run an answer's commands.

        Raises:
            CommandError: One of them failed.
        """
        for step in steps:
            filled = step.filled(places)
            if any(self.other_namespace in word for word in filled.arguments):
                self._use_other_namespace()
            self.reader.kubectl.run(filled.arguments, stdin=filled.stdin, check=True)

    def report(self) -> Report:
        """Run the lab's checks."""
        return check.run(
            self.lab.checks,
            World(self.reader, start=self.lab.start),
            lab=self.lab.slug,
            deadline_seconds=_PATIENCE_SECONDS,
            log_folder=self._log_folder,
        )

    def _use_other_namespace(self) -> None:
        body = {"metadata": {"name": self.other_namespace}}
        self.reader.api.call("POST", "/api/v1/namespaces", body=body)
        self._lent = True

    def reset(self) -> tuple[float, str]:
        """Put the start state back; return the seconds it took, and what differs from the start."""
        if self._lent:
            namespaces.delete(self.reader.api, self.other_namespace, wait_until_gone=True)
            self._lent = False
        began = time.monotonic()
        self.stage.restore()
        seconds = time.monotonic() - began
        extra = set(_state(self.reader)) ^ set(self.start)
        return seconds, f"After the reset these differ from the start: {sorted(extra)}." if extra else ""

    def close(self) -> None:
        """Take both namespaces away."""
        for name in (self.reader.namespace, self.other_namespace):
            namespaces.delete(self.reader.api, name)


class Grounds:
    """The workers' grounds for one round; a trial borrows one.

    Args:
        lab: The lab.
        file: A kubeconfig.
    """

    def __init__(self, lab: LabFolder, file: Path) -> None:
        make = partial(Ground, lab, file, log_folder=state_root() / "log")
        with ThreadPoolExecutor(WORKERS) as pool:
            self._all = list(pool.map(make, range(1, WORKERS + 1)))
        self._free: queue.SimpleQueue[Ground] = queue.SimpleQueue()
        for ground in self._all:
            self._free.put(ground)

    @property
    def first(self) -> Ground:
        """One of them, to look at while nobody borrows."""
        return self._all[0]

    @contextmanager
    def borrowed(self) -> Iterator[Ground]:
        """Lend a ground that nobody else uses meanwhile."""
        ground = self._free.get()
        try:
            yield ground
        finally:
            self._free.put(ground)

    def __enter__(self) -> Grounds:
        return self

    def __exit__(self, *_: object) -> None:
        for ground in self._all:
            ground.close()


def _state(reader: ClusterReader) -> list[str]:
    """Return what the namespace holds, in words that are the same for the same state."""
    return sorted(row for kind in KINDS for item in reader.objects(kind) for row in _rows(item))


def _rows(item: Object) -> Iterator[str]:
    """Describe an object without what differs from run to run: generated names, addresses, times."""
    kind, name = item["kind"], name_of(item)
    if kind in ("Endpoints", "Secret") or (kind == "ReplicaSet" and not item["spec"]["replicas"]):
        return
    if kind == "Pod":
        owner = next(iter(item["metadata"].get("ownerReferences") or []), None)
        who = owner["name"] if owner else name
        container = item["spec"]["containers"][0]
        yield f"Pod of {who}: {sorted(labels_of(item).items())} {container['image']} {container.get('args')}"
    elif kind == "EndpointSlice":
        service = labels_of(item).get("kubernetes.io/service-name")
        yield f"EndpointSlice of {service}: {len(item.get('endpoints') or [])} endpoints"
    else:
        spec = {k: v for k, v in item.get("spec", {}).items() if k not in ("clusterIP", "clusterIPs")}
        yield f"{kind} {name}: {spec}"
