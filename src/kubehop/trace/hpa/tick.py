"""The HPA controller's decisions, as they happen: its log, the metrics it read and the Pods it saw."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

from kubehop.client.api import Api
from kubehop.trace import describe
from kubehop.trace.follower import Follower
from kubehop.trace.gap import Gap
from kubehop.trace.hpa import limit, log, past, verify
from kubehop.trace.hpa.group import Sample, group, samples
from kubehop.trace.hpa.memory import Memory
from kubehop.trace.hpa.settings import Settings
from kubehop.trace.log import FileLog, moment
from kubehop.trace.recording import Trace
from kubehop.trace.scene import Scene
from kubehop.trace.stream import Lost, why

METRICS = "/apis/metrics.k8s.io/v1beta1/namespaces/{}/pods"
_SAMPLE_SECONDS = 1.0
_IDLE_ROUNDS = 3
_WHOLE_SECOND_MS = 1000
_STATUS_SECONDS = 0.4
"""How long a tick waits for the status that the controller writes after it."""
_UNKNOWN_SECONDS = 5.0
"""How long a tick waits for its HPA."""

Object = dict[str, Any]


class Ticks:
    """Tells the trace each decision about the HPAs of a namespace.

    With the controller's log each tick is an event; without it, each change of an HPA's status.

    Args:
        trace: Where they go.
        scene: Knows Pods, Deployments and HPAs.
        api: The cluster.
        namespace: The observed namespace.
        log_path: The controller-manager's log, where it can be read.
        settings: The controller-manager's flags.
    """

    def __init__(
        self,
        trace: Trace,
        scene: Scene,
        api: Api,
        *,
        namespace: str,
        log_path: Path | None,
        settings: Settings,
    ) -> None:
        self._trace = trace
        self._scene = scene
        self._api = api
        self._namespace = namespace
        self._settings = settings
        self._lock = threading.Lock()
        self._memory = Memory()
        self._rounds = 0
        self._told: dict[str, Sample] = {}
        self._histories: dict[str, limit.History] = {}
        self._reader = log.Reader()
        self._logged = log_path is not None
        self._waiting: deque[tuple[float, log.Tick]] = deque()
        self.followers: list[Follower] = [
            _Every("metrics", _SAMPLE_SECONDS, self._sample, Gap("metrics", trace.event)),
            _Every("hpa", _STATUS_SECONDS / 2, self._tell_waiting, Gap("hpa", trace.event)),
        ]
        self._log = log_path
        if log_path is not None:
            self.followers.append(FileLog(log_path, line=self._line, gap=Gap("controller-log", trace.event)))

    def prepare(self) -> None:
        """Take the first samples before time begins: the next decision may come at once."""
        with suppress(*Lost):  # asked for again, and told as a gap, as soon as time has begun
            self._sample()

    def start(self) -> None:
        """Follow what changes from now on; what was decided before is kept with its HPA."""
        if self._log is not None and self._scene.hpas:
            self._remember(past.tail(self._log))
        for follower in self.followers:
            follower.start()

    def end(self) -> None:
        """Tell the ticks that still wait for their status."""
        self._tell_waiting(late=True)

    def pods_changed(self) -> None:
        """Remember the Pods as they are now: a tick is told after they may have changed again."""
        self._memory.pods(time.time(), self._scene.lookup.pods)

    def deployment_changed(self, op: str, item: Object) -> None:
        """Remember a replica count."""
        if op != "del":
            self._memory.replicas(time.time(), describe.name(item), item["spec"].get("replicas", 1))

    def hpa_changed(self, op: str, item: Object) -> None:
        """Note whether an HPA's history is known from its first tick on; without a log, tell its status."""
        name = describe.name(item)
        created = self._trace.at(moment(item["metadata"]["creationTimestamp"]))
        if op == "add" and created > -_WHOLE_SECOND_MS and self._trace.now() > 0:
            self._trace.entity(f"hpa:{name}", "HPA", whole=True)
        if not self._logged and op != "del" and (item.get("status") or {}).get("conditions"):
            status = item["status"]
            tick = log.Tick(f"{self._namespace}/{name}", time.time(), desired=status.get("desiredReplicas"))
            tick.current = status.get("currentReplicas")
            self._tell(tick)

    def _remember(self, tail: past.Tail) -> None:
        """Give each HPA that is there the decisions that its next ones depend on."""
        for name, item in self._scene.hpas.items():
            window, now = self._settings.stabilization_seconds, self._trace.started
            since = now - past.horizon_seconds(item["spec"].get("behavior"), window_seconds=window)
            ticks = [tick for tick in tail.ticks if since < tick.time < now and self._hpa_of(tick) == name]
            born = moment(item["metadata"]["creationTimestamp"]) > since
            known = past.facts(ticks, self._trace.at, from_birth=born)
            self._histories[name] = past.history(known)
            self._trace.entity(f"hpa:{name}", "HPA", past=known, whole=tail.begins < since)

    # -- sources --------------------------------------------------------------

    def _sample(self) -> None:
        """Take the samples; without an HPA less often, as its first decision needs those before it."""
        self._rounds += 1
        if not self._scene.hpas and self._rounds % _IDLE_ROUNDS != 1:
            return
        try:
            found = samples(self._api.call("GET", METRICS.format(self._namespace)))
        except Lost:
            if self._scene.hpas:
                raise
            return
        self._memory.samples(time.time(), found)
        for name, one in found.items():
            if self._scene.hpas and self._told.get(name) != one and name in self._scene.lookup.pods:
                self._told[name] = one
                self._cpu(name, one)

    def _cpu(self, name: str, sample: Sample) -> None:
        entity = self._scene.pod_entity(name)
        if entity is None:
            return
        request = describe.request_m(self._scene.lookup.pods[name])
        self._trace.event(
            *("cpu",),
            id=entity,
            usage_m=sample.usage_m,
            window_ms=round(sample.window_seconds * 1000),
            src="metrics.k8s.io/v1beta1",
            src_t=self._trace.at(sample.time),
            nullable={"request_m": request},
        )

    def _line(self, _when: float, line: str) -> None:
        entry = log.parse(line, year=datetime.now().astimezone().year)
        tick = None if entry is None else self._reader.read(entry)
        if tick is not None and tick.time >= self._trace.started and self._is_here(tick):
            with self._lock:
                self._waiting.append((time.time(), tick))

    def _tell_waiting(self, *, late: bool = False) -> None:
        while True:
            with self._lock:
                if not self._waiting or not (late or self._ripe(*self._waiting[0])):
                    return
                _, tick = self._waiting.popleft()
            self._tell(tick)

    def _ripe(self, read: float, tick: log.Tick) -> bool:
        """Tell whether a tick has its status, and its HPA is known: a watch may be later than the log."""
        age = time.time() - read
        return age > _STATUS_SECONDS and (self._hpa_of(tick) is not None or age > _UNKNOWN_SECONDS)

    # -- telling --------------------------------------------------------------

    def _is_here(self, tick: log.Tick) -> bool:
        return f"/{self._namespace}/" in f"/{tick.target}"

    def _hpa_of(self, tick: log.Tick) -> str | None:
        kind, _, rest = tick.target.partition("/")
        for name, item in self._scene.hpas.items():
            target = item["spec"]["scaleTargetRef"]
            if f"{kind}/{rest}" in (
                f"{self._namespace}/{name}",
                f"{target['kind']}/{self._namespace}/{target['name']}",
            ):
                return name
        return None

    def _tell(self, tick: log.Tick) -> None:
        name = self._hpa_of(tick)
        if name is None:
            return
        item = self._scene.hpas[name]
        spec, target = item["spec"], item["spec"]["scaleTargetRef"]["name"]
        if not _target(spec):  # it scales on something else than utilization, which nothing here explains
            return
        selected = self._memory.pods_at(tick.time, self._scene.selectors.get(target, {}))
        metrics = self._memory.samples_at(tick.time, tick.metrics_time, selected)
        pods = group(selected, metrics, now=tick.time, settings=self._settings)
        current = self._memory.replicas_at(tick.time, target) if tick.current is None else tick.current
        event: Object = {
            "current": current,
            "desired": tick.desired,
            "target": _target(spec),
            "pods": [asdict(pod) for pod in pods],
            "recommendation": tick.proposal,
            "min": spec.get("minReplicas", 1),
            "max": spec["maxReplicas"],
            "behavior": spec.get("behavior"),
            "window_ms": round(self._settings.stabilization_seconds * 1000),
        }
        proposal = verify.proposed(event)
        event |= {"utilization": proposal.utilization}
        event |= {"ratio": None if proposal.ratio is None else round(proposal.ratio, 6)}
        decision = verify.decided(
            event | {"t": self._trace.at(tick.time)}, self._histories.setdefault(name, limit.History())
        )
        event |= {"stabilized": decision.stabilized if decision else None, "limited": _limited(item)}
        self._put(name, tick, event, _reason(item, tick))

    def _put(self, name: str, tick: log.Tick, event: Object, reason: str) -> None:
        nullable = {key: event.pop(key) for key in list(event) if event[key] is None}
        self._trace.event(
            *("hpa",),
            id=f"hpa:{name}",
            reason=reason or None,
            error=tick.error or None,
            log="\n".join(tick.lines) or None,
            src="kube-controller-manager" if tick.lines else f"HorizontalPodAutoscaler/{name}",
            src_t=self._trace.at(tick.time),
            nullable=nullable,
            **event,
        )


class _Every(Follower):
    """Calls something again and again."""

    def __init__(self, name: str, interval_seconds: float, call: Callable[[], None], gap: Gap) -> None:
        super().__init__(name)
        self._interval = interval_seconds
        self._call = call
        self._gap = gap

    def _run(self) -> None:
        while not self.stopping.is_set():
            try:
                self._call()
                self._gap.end()
            except Lost as error:
                self._gap.begin(why(error))
            self.stopping.wait(self._interval)


def _target(spec: Object) -> int:
    """Return the CPU utilization asked for; 0 when the HPA scales on something else."""
    for metric in spec.get("metrics") or []:
        resource = metric.get("resource") or {}
        if resource.get("name") == "cpu" and resource["target"].get("averageUtilization"):
            return int(resource["target"]["averageUtilization"])
    return 0


def _condition(item: Object, kind: str) -> Object:
    conditions = (item.get("status") or {}).get("conditions") or []
    return next((found for found in conditions if found["type"] == kind), {})


def _limited(item: Object) -> str | None:
    found = _condition(item, "ScalingLimited")
    return str(found["reason"]) if found.get("status") == "True" else None


def _reason(item: Object, tick: log.Tick) -> str:
    return tick.reason or tick.error or str(_condition(item, "AbleToScale").get("reason", ""))
