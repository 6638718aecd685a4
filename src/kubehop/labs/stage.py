"""The learner's namespace: make it, put the start state into it, put it back, take it away."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from kubernetes.client.exceptions import ApiException

from kubehop import wait
from kubehop.client import namespace as namespaces
from kubehop.client.slices import slices_match, wake_forgotten
from kubehop.labs.learner import label
from kubehop.labs.reader import KINDS, LAB, ClusterReader
from kubehop.labs.rest import unfinished
from kubehop.labs.world import Object, World, labels_of, name_of, template_labels

_NOT_FOUND, _CONFLICT, _UNPROCESSABLE = 404, 409, 422
_PATIENCE_SECONDS = 30.0
_BEGUN = "kubehop.dev/begun"
_REVISION = "deployment.kubernetes.io/revision"
_HASH = "pod-template-hash"
_MADE = {
    "Deployment": "ReplicaSet",
    "ReplicaSet": "Pod",
    "ReplicationController": "Pod",
    "StatefulSet": "Pod",
    "DaemonSet": "Pod",
    "CronJob": "Job",
    "Job": "Pod",
}
_MADE_BY_CLUSTER = frozenset({("ConfigMap", "kube-root-ca.crt")})
_WRITERS = frozenset({"endpointslice-controller.k8s.io", "endpointslicemirroring-controller.k8s.io"})


class Stage:
    """One learner's namespace of one lab.

    Args:
        reader: The cluster and the namespace.
        start: The manifests the lab begins with.
        lab: The lab's slug, and who learns, for the namespace's labels.
        learner: The learner's name.
    """

    def __init__(self, reader: ClusterReader, *, start: Sequence[Object], lab: str, learner: str) -> None:
        self._reader = reader
        self._start = tuple(start)
        self._labels = {LAB: lab, "kubehop.dev/learner": label(learner)}

    @property
    def exists(self) -> bool:
        """Whether the namespace is there and stays."""
        return self._namespace() is not None

    @property
    def begun(self) -> bool:
        """Whether the namespace is there, stays, and once held the whole start state."""
        found = self._namespace()
        return found is not None and _BEGUN in _annotations(found)

    def make(self) -> None:
        """Make the namespace, empty and usable.

        Raises:
            WaitTimeoutError: An older one of the same name does not go, or the new one is not usable in time.
        """
        namespace = self._reader.namespace
        labels = self._labels | {"pod-security.kubernetes.io/enforce": "baseline"}
        body = {"metadata": {"name": namespace, "labels": labels}}
        wait.until(
            lambda: self._created(body),
            what=f"the old namespace {namespace} to go",
            next_command=f"kubectl get namespace {namespace} -o yaml",
        )
        wait.until(
            self._usable,
            what=f"the ServiceAccount default of namespace {namespace}",
            next_command="kubehop logs kube-controller-manager",
        )

    def restore(self) -> None:
        """Make the namespace hold the start state and nothing else; twice is as good as once.

        Raises:
            WaitTimeoutError: The start state is not reached in time.
        """
        if not self.exists:
            self.make()
        wanted = {(item["kind"], name_of(item)) for item in self._start}
        with ThreadPoolExecutor(max_workers=4) as pool:
            found = pool.map(self._reader.objects, KINDS)
            live = {(item["kind"], name_of(item)): item for items in found for item in items}
        uids = {item["metadata"]["uid"] for item in live.values()}
        for key, item in live.items():
            if _orphaned(item, uids) or (key not in wanted and not _made_by_others(item, wanted)):
                self._delete(item)
        for manifest in self._start:
            self._put(manifest, live.get((manifest["kind"], name_of(manifest))))
        wait.until(
            self._reached,
            what=f"the start state of lab {self._labels[LAB]}",
            timeout_seconds=_PATIENCE_SECONDS,
            next_command=f"kubectl get all --namespace={self._reader.namespace}",
        )
        wait.until(self._marked, what=f"the mark on namespace {self._reader.namespace}")

    def put(self, manifest: Object, *, instead_of: Object) -> None:
        """Put an object in another's place, whatever it takes: the self-test changes worlds with it."""
        live = self._call("GET", self._reader.path(instead_of["kind"], name_of(instead_of)))
        if live is not None and name_of(manifest) != name_of(instead_of):
            self._delete(live)
            live = None
        self._put(manifest, live)

    def remove(self) -> bool:
        """Take the namespace away, without waiting until it is gone; False when the cluster did not answer."""
        return namespaces.delete(self._reader.api, self._reader.namespace)

    def _namespace(self) -> Object | None:
        found = self._call("GET", f"/api/v1/namespaces/{self._reader.namespace}")
        return None if found is None or "deletionTimestamp" in found["metadata"] else found

    def _marked(self) -> bool:
        """Note on the namespace that the start state was reached; who interrupts a start leaves no mark."""
        found = self._namespace()
        if found is None:
            return False
        if _BEGUN not in _annotations(found):
            found["metadata"]["annotations"] = {**_annotations(found), _BEGUN: "true"}
            return self._call("PUT", f"/api/v1/namespaces/{self._reader.namespace}", body=found) is not None
        return True

    def _created(self, body: Object) -> bool:
        return self._call("POST", "/api/v1/namespaces", body=body) is not None or self.exists

    def _usable(self) -> bool:
        base = f"/api/v1/namespaces/{self._reader.namespace}"
        needed = ("serviceaccounts/default", "configmaps/kube-root-ca.crt")
        return all(self._call("GET", f"{base}/{path}") for path in needed)

    def _call(self, method: str, path: str, *, body: Object | None = None, **query: object) -> Object | None:
        """Make one request; None when the object is gone, or another one of its name is in the way."""
        try:
            found: Object = self._reader.api.call(method, path, body=body, **query)
        except ApiException as error:
            if error.status in (_NOT_FOUND, _CONFLICT):
                return None
            raise
        return found

    def _delete(self, item: Object) -> None:
        """Delete an object and what it made, without grace.

        The garbage collector would come for the rest, a second later: until then, a new Deployment stumbles
        over the old ReplicaSet of the same name.
        """
        path = self._reader.path(item["kind"], name_of(item))
        self._call("DELETE", path, gracePeriodSeconds=0, propagationPolicy="Background")
        made = _MADE.get(item["kind"])
        for child in self._reader.objects(made) if made else ():
            if _owner_uid(child) == item["metadata"].get("uid"):
                self._delete(child)

    def _put(self, manifest: Object, live: Object | None) -> None:
        """Create an object, or give it back every value it began with."""
        if live and (live["metadata"].get("deletionTimestamp") or _replaced_only(manifest, live)):
            self._delete(live)
            live = None
        if live is None:
            self._create(manifest)
        elif manifest["kind"] != "Pod":
            self._replace(manifest, live)

    def _create(self, manifest: Object) -> None:
        wait.until(
            lambda: self._call("POST", self._reader.path(manifest["kind"]), body=manifest),
            what=f"the old {manifest['kind']} {name_of(manifest)} to go",
            timeout_seconds=_PATIENCE_SECONDS,
        )

    def _replace(self, manifest: Object, live: Object) -> None:
        body = copy.deepcopy(manifest)
        revision = _annotations(live).get(_REVISION)
        if revision:
            body["metadata"]["annotations"] = {_REVISION: revision}
        path = self._reader.path(manifest["kind"], name_of(manifest))
        try:
            tried = self._call("PUT", path, body=body, dryRun="All") or {}
        except ApiException as error:
            if error.status != _UNPROCESSABLE:
                raise
            tried = {}  # a field that cannot be changed was changed
        if not tried or _template(tried) != _template(live):
            # A rollout replaces Pods one after the other; this starts them together.
            self._delete(live)
            self._create(manifest)
            return
        self._call("PUT", path, body=body)

    def _reached(self) -> bool:
        """Remove what an earlier state left, give back the Pods' labels, and tell when all is done."""
        world = World(self._reader, start=self._start)
        world.objects("Deployment")  # read first: what it says of its Pods was true before they are read
        pods, services, slices = (world.objects(kind) for kind in ("Pod", "Service", "EndpointSlice"))
        strays = [pod for pod in pods if self._stray(world, pod)]
        # A deleted Service's slice waits for the garbage collector: its successor has its own.
        uids = {service["metadata"]["uid"] for service in services}
        strays += [one for one in slices if _orphaned(one, uids)]
        for stray in strays:
            self._delete(stray)
        wake_forgotten(self._reader.api, services, slices)
        relabeled = [pod for pod in pods if pod not in strays and self._relabel(world, pod)]
        touched = [m for m in self._start if not world.untouched(m["kind"], name_of(m))]
        late = unfinished({kind: world.objects(kind) for kind in ("Pod", "Deployment")})
        behind = [service for service in services if not slices_match(service, pods, slices)]
        return not (strays or relabeled or touched or late or behind)

    def _stray(self, world: World, pod: Object) -> bool:
        """Whether a Pod has no place in the start state."""
        owner = next(iter(pod["metadata"].get("ownerReferences") or []), None)
        if owner is None:
            return not any(m["kind"] == "Pod" and name_of(m) == name_of(pod) for m in self._start)
        if world.owner_of(pod) is None:
            return True
        maker = world.find(owner["kind"], owner["name"])
        return maker is None or maker["spec"].get("replicas") == 0

    def _relabel(self, world: World, pod: Object) -> bool:
        """Give a controller's Pod the labels it was made with; tell whether it had others."""
        final = world.owner_of(pod)
        if final is None:
            return False
        wanted = {key: value for key, value in labels_of(pod).items() if key == _HASH}
        wanted |= template_labels(final)
        if labels_of(pod) == wanted:
            return False
        pod["metadata"]["labels"] = wanted
        self._call("PUT", self._reader.path("Pod", name_of(pod)), body=pod)
        return True


def _made_by_others(item: Object, wanted: set[tuple[str, str]]) -> bool:
    """Whether an object goes by itself with its owner, or belongs to the cluster."""
    key = (item["kind"], name_of(item))
    if key in _MADE_BY_CLUSTER or (item["kind"] == "Endpoints" and ("Service", key[1]) in wanted):
        return True
    if item["kind"] == "EndpointSlice":
        return labels_of(item).get("endpointslice.kubernetes.io/managed-by") in _WRITERS
    return any(reference.get("controller") for reference in item["metadata"].get("ownerReferences") or [])


def _annotations(item: Object) -> dict[str, str]:
    return item["metadata"].get("annotations") or {}


def _owner_uid(item: Object) -> str | None:
    owners = item["metadata"].get("ownerReferences") or []
    return next((owner["uid"] for owner in owners if owner.get("controller")), None)


def _orphaned(item: Object, uids: set[str]) -> bool:
    """Whether an object's maker is gone, so that it only waits for the garbage collector."""
    owner = _owner_uid(item)
    return owner is not None and owner not in uids


def _replaced_only(manifest: Object, live: Object) -> bool:
    """Whether an object cannot be changed back, only made anew."""
    if manifest["kind"] == "Pod":
        return not _same_pod(manifest, live)
    if manifest["kind"] != "Service":
        return False
    wanted, spec = manifest["spec"], live["spec"]
    headless = wanted.get("clusterIP") == "None"
    return (spec.get("clusterIP") == "None") != headless or bool(
        wanted.get("type", "ClusterIP") != spec["type"]
    )


def _template(item: Object) -> object:
    return item["spec"].get("template") if "spec" in item else None


def _same_pod(manifest: Object, live: Object) -> bool:
    images = [container["image"] for container in live["spec"]["containers"]]
    running = live.get("status", {}).get("phase") in ("Running", "Pending")
    wanted = [container["image"] for container in manifest["spec"]["containers"]]
    return bool(running and images == wanted and labels_of(live) == labels_of(manifest))
