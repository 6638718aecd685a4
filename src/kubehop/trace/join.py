"""The client's record, Traefik's line and the Pod's line of one request, put together into one row.

In this order, the first that holds:

1. the same X-Request-Id
2. the Pod's peer is the client's own address and port (a ClusterIP keeps them), in the connection's order
3. the first at that time with the same path, status and Pod, as each log keeps its order: "by time"
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from kubehop.trace import invariant, redact
from kubehop.trace.request import Row
from kubehop.trace.sighting import Sighting

CLOCK_SECONDS = 0.025
"""How far two readings of one machine's clock may be apart."""
LATE_SECONDS = 1.0
"""How late the container runtime may stamp a Pod's line on a busy machine."""
PORT_SECONDS = 3.0
"""For how long an address and port mean the same connection; afterwards another may have them."""
OPEN_SECONDS = 120.0
"""How long a request waits for its other sightings."""


@dataclass
class Record:
    """What is known of one request so far."""

    number: int
    client: Sighting | None = None
    traefik: Sighting | None = None
    pod: Sighting | None = None
    by_time: bool = False

    @property
    def sightings(self) -> list[Sighting]:
        """Who saw it, from the outside to the inside."""
        return [found for found in (self.client, self.traefik, self.pod) if found is not None]

    @property
    def begun(self) -> float:
        """The earliest beginning that anybody saw."""
        return min(found.begun for found in self.sightings)

    @property
    def ended(self) -> float:
        """The latest end that anybody saw."""
        return max(found.ended for found in self.sightings)


@dataclass(frozen=True)
class Names:
    """How a joiner finds entities by what logs say.

    Attributes:
        pod_at: The Pod with an address (without port), or "".
        asker_at: The entity that asks from an address, or "".
        route: The route of a Traefik line, or "".
        service: The Service that a host name or address and port mean, or "".
        shown_host: The host as the trace may show it, or "".
        controller_at: Whether an address is one of the ingress controller.
    """

    pod_at: Callable[[str], str]
    asker_at: Callable[[str], str]
    route: Callable[[Sighting], str]
    service: Callable[[str], str]
    shown_host: Callable[[str], str]
    controller_at: Callable[[str], bool]


@dataclass
class Joiner:
    """Puts sightings together; not thread-safe, its owner locks.

    Args:
        names: How entities are found.
        at: Milliseconds in the trace for seconds since the epoch.
        put: Takes the row of a request, new or known better, and its log lines.
        limit: Requests kept.
        dropped: Called for each request that is not kept.
    """

    names: Names
    at: Callable[[float], int]
    put: Callable[[int, Row, dict[str, str]], None]
    limit: int
    dropped: Callable[[], None]
    unjoined: list[Sighting] = field(default_factory=list)
    _open: list[Record] = field(default_factory=list)
    _ids: dict[str, Record] = field(default_factory=dict)
    _peers: dict[str, list[Record]] = field(default_factory=dict)
    _count: int = 0
    _lost: Counter[str] = field(default_factory=Counter)

    def add(self, sighting: Sighting) -> None:
        """Take a sighting, and put the row it belongs to."""
        self._forget(sighting.ended)
        if not self._joined(sighting):
            self._begin(sighting)
        waiting, self.unjoined = self.unjoined, []
        self.unjoined = [found for found in waiting if not self._joined(found)]

    def waiting(self) -> bool:
        """Tell whether somebody's record of a request still waits for the line of the controller's log."""
        asked = [one for one in self._open if one.client and one.client.asker == "client" and not one.traefik]
        return bool(asked or self.unjoined)

    def _begin(self, sighting: Sighting) -> None:
        if self._from_controller(sighting):
            # A Pod's line often comes before Traefik's; without that it cannot be told from others.
            self.unjoined.append(sighting)
        elif self._count >= self.limit:
            self._drop(sighting)
        else:
            self._count += 1
            self._open.append(Record(self._count))
            self._complete(self._open[-1], sighting)

    def _drop(self, sighting: Sighting) -> None:
        """Count a request; it may be seen again by another source, so the source that saw most counts."""
        most = max(self._lost.values(), default=0)
        self._lost[sighting.source] += 1
        if self._lost[sighting.source] > most:
            self.dropped()

    def _joined(self, sighting: Sighting) -> bool:
        """Add a sighting to the record of the same request, if there is one."""
        record, exact = self._exact(sighting), True
        if record is None:
            near = [one for one in self._open if self._same_time(one, sighting)]
            record = min(near, key=lambda one: one.begun, default=None)
            exact = False
        if record is None:
            return False
        alone = [found.source for found in record.sightings] == ["pod"]
        record.by_time = record.by_time or (not exact and (alone or sighting.source == "pod"))
        self._complete(record, sighting)
        return True

    def _exact(self, sighting: Sighting) -> Record | None:
        """Find the record with the same id, or the first on the same connection, where order counts."""
        record = self._ids.get(sighting.request_id)
        if record is not None and _free(record, sighting):
            return record
        connected = (one for one in self._peers.get(sighting.peer, ()) if _same_connection(one, sighting))
        return min(connected, key=lambda one: one.ended, default=None)

    def _complete(self, record: Record, sighting: Sighting) -> None:
        setattr(record, sighting.source, sighting)
        if sighting.request_id:
            self._ids[sighting.request_id] = record
        if sighting.peer and sighting.source != "traefik":
            self._peers.setdefault(sighting.peer, []).append(record)
        lines = {found.source: found.line for found in record.sightings if found.line}
        self.put(record.number, self._row(record), lines)

    def _same_time(self, record: Record, sighting: Sighting) -> bool:
        """Tell whether two sightings can be of one request, seen at the same time."""
        named = [found for found in record.sightings if found.request_id and sighting.request_id]
        if named or not _free(record, sighting):
            return False  # each has its id, and they differ
        together = {found.source: found for found in (*record.sightings, sighting)}
        pod, client = together.get("pod"), together.get("client")
        if pod is not None and self._from_controller(pod) != ("traefik" in together):
            return False
        if pod is not None and client is not None and "traefik" not in together:
            # Their connection joins them, unless the client's address was translated on the way.
            translated = not self.names.asker_at(_host(pod.peer)) and (not client.peer or pod.host)
            if not translated:
                return False
        return all(self._agree(found, sighting) for found in record.sightings)

    def _agree(self, one: Sighting, other: Sighting) -> bool:
        inner, outer = sorted((one, other), key=lambda seen: (seen.source != "pod", seen.us))
        late = LATE_SECONDS if inner.source == "pod" else CLOCK_SECONDS
        if inner.begun < outer.begun - CLOCK_SECONDS or inner.ended > outer.ended + late:
            return False
        paths = {found.path.partition("?")[0] for found in (one, other)}
        statuses = {found.status for found in (one, other)} - {0}
        hosts = {redact.host(found.host).lower() for found in (one, other)} - {""}
        return max(len(paths), len(statuses), len(hosts)) == 1 and self._same_pod(one, other)

    def _same_pod(self, one: Sighting, other: Sighting) -> bool:
        """Tell whether the Pod that logged is the one that Traefik dialed, where both are known."""
        dialed = [found.address for found in (one, other) if found.source == "traefik" and found.address]
        logged = [found.pod for found in (one, other) if found.source == "pod"]
        if not dialed or not logged:
            return True
        return self.names.pod_at(_host(dialed[0])) == logged[0]

    def _from_controller(self, sighting: Sighting) -> bool:
        return sighting.source == "pod" and self.names.controller_at(_host(sighting.peer))

    def _forget(self, now: float) -> None:
        self._open = [
            record
            for record in self._open
            if len(record.sightings) < 3 and record.ended > now - OPEN_SECONDS  # noqa: PLR2004 - three sources
        ]
        self.unjoined = [found for found in self.unjoined if found.ended > now - OPEN_SECONDS][-self.limit :]

    def _row(self, record: Record) -> Row:
        outer, client, entry, pod = record.sightings[0], record.client, record.traefik, record.pod
        error = client.error if client else ""
        return Row(
            t=self.at(outer.begun),
            source=self._source(record),
            via=self._via(record),
            to=self._to(record),
            path=outer.path,
            host=self._host(record),
            method=outer.method,
            us=outer.us,
            entry_us=entry.us if entry else -1,
            origin_us=entry.origin_us if entry else -1,
            pod_us=pod.us if pod else -1,
            status=outer.status,
            connection=_connection(record),
            tries=entry.tries if entry else 0,
            seen=_seen(record),
            error=error,
        )

    def _source(self, record: Record) -> str:
        if record.client is not None:
            return record.client.asker
        if record.traefik is not None:
            return "client"
        return self.names.asker_at(_host(record.pod.peer)) if record.pod else ""

    def _via(self, record: Record) -> str:
        if record.traefik is not None:
            return self.names.route(record.traefik) or "traefik"
        return next(filter(None, (self.names.service(found.host) for found in record.sightings)), "")

    def _to(self, record: Record) -> str:
        if record.pod is not None:
            return record.pod.pod
        if record.client is not None and record.client.pod:
            return record.client.pod
        return self.names.pod_at(_host(record.traefik.address)) if record.traefik else ""

    def _host(self, record: Record) -> str:
        return next(filter(None, (self.names.shown_host(found.host) for found in record.sightings)), "")


def _free(record: Record, sighting: Sighting) -> bool:
    return getattr(record, sighting.source) is None


def _same_connection(record: Record, sighting: Sighting) -> bool:
    """Tell whether client and Pod name the same address and port, at about the same time.

    A client in a Pod notes the time before its process starts, which may take a while on a busy machine.
    """
    other = record.client if sighting.source == "pod" else record.pod
    if other is None or not _free(record, sighting) or not sighting.peer or sighting.peer != other.peer:
        return False
    return abs(other.ended - sighting.ended) < PORT_SECONDS


def _seen(record: Record) -> int:
    seen = invariant.CLIENT if record.client else 0
    if record.pod:
        seen |= invariant.POD_BY_TIME if record.by_time else invariant.POD_BY_ID
    seen |= invariant.INGRESS if record.traefik else 0
    return seen | (invariant.ANSWER if record.client and record.client.pod else 0)


def _connection(record: Record) -> int:
    known: Iterable[int] = (
        found.connection
        for found in (record.client, record.pod)
        if found is not None and found.connection >= 0
    )
    return next(iter(known), -1)


def _host(address: str) -> str:
    return address.rpartition(":")[0].strip("[]") if ":" in address else address
