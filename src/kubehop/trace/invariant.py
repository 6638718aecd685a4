"""What must be true of every trace beyond its schema; each function checks one sentence."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable
from itertools import pairwise
from typing import Any

from kubehop.errors import TraceError
from kubehop.trace import codec, redact, schema

CLIENT, INGRESS, POD_BY_ID, POD_BY_TIME, ANSWER = 1, 2, 4, 8, 16
"""Bits of the column `seen`: who saw the request."""

_ADDRESS = re.compile(r"[\d.]+\Z|[0-9a-f:]+\Z")


def check(trace: dict[str, Any]) -> None:
    """Check the schema and every invariant of a trace.

    Raises:
        TraceError: One of them does not hold.
    """
    schema.validate(trace)
    for invariant in INVARIANTS:
        invariant(trace)


def events_are_sorted(trace: dict[str, Any]) -> None:
    """Events stand in the order in which the observer saw them, inside the trace's duration."""
    times = [event["t"] for event in trace["events"]]
    _sorted(trace, "events", times)


def requests_are_sorted(trace: dict[str, Any]) -> None:
    """Requests stand in the order in which they began, inside the trace's duration, each number once."""
    rows = _rows(trace)
    _sorted(trace, "req.rows", [row["t"] for row in rows])
    twice = [number for number, count in Counter(row["id"] for row in rows).items() if count > 1]
    if twice:
        raise _broken(trace, f"request {twice[0]} stands more than once", "Each request is one row.")


def rows_fit_columns(trace: dict[str, Any]) -> None:
    """Each row has one cell for each column."""
    width = len(trace["req"]["cols"]) if "req" in trace else 0
    for number, row in enumerate(trace.get("req", {}).get("rows", [])):
        if len(row) != width:
            what = f"req.rows[{number}] has {len(row)} cells for {width} columns"
            raise _broken(trace, what, "Each row has one cell for each column.")


def ids_resolve(trace: dict[str, Any]) -> None:
    """Every id and index names an entity or a dictionary entry, and each entity stands once."""
    known = [entity["id"] for entity in trace["entities"]]
    twice = [name for name, count in Counter(known).items() if count > 1]
    if twice:
        raise _broken(trace, f"entity {twice[0]!r} stands twice", "An id names one entity.")
    for place, name in _names(trace):
        if name not in known:
            what = f"{place} names {name!r}, which is no entity"
            raise _broken(trace, what, f"Known are {', '.join(known[:8])}{', ...' * (len(known) > 8)}.")  # noqa: PLR2004 - eight names fit on a line
    _indexes_resolve(trace, len(known))


def addressed_pods_are_alive(trace: dict[str, Any]) -> None:
    """A request goes to a Pod that exists at that time, unless the trace's lesson is that it does not."""
    if "dead-endpoint" in trace["meta"].get("lessons", []):
        return
    lives = _lives(trace)
    for row in _rows(trace):
        if row["to"] < 0:
            continue
        pod = trace["entities"][row["to"]]["id"]
        if not any(
            born <= row["t"] + row["us"] // 1000 and row["t"] <= died for born, died in lives.get(pod, [])
        ):
            raise _broken(
                trace,
                f"request {row['id']} at {row['t']} ms goes to {pod!r}, which does not exist then",
                'Say lessons=["dead-endpoint"] if that is what the trace teaches.',
            )


def counts_equal_the_logs(trace: dict[str, Any]) -> None:
    """As many rows name a source as lines were read from it, less the rows declared as dropped."""
    lines = trace["meta"].get("lines")
    if lines is None:
        return
    dropped = trace["meta"].get("loss", {}).get("req_dropped", 0)
    rows = _rows(trace)
    for source, bits in (("client", CLIENT), ("traefik", INGRESS), ("pod", POD_BY_ID | POD_BY_TIME)):
        seen = sum(1 for row in rows if row["seen"] & bits)
        if source in lines and not seen <= lines[source] <= seen + dropped:
            what = f"{lines[source]} lines of {source} were read, {seen} rows name it, {dropped} were dropped"
            raise _broken(trace, what, "Each line is one row, or declared in meta.loss.")


def gaps_are_declared(trace: dict[str, Any]) -> None:
    """Each gap begins before it ends, and meta.loss counts them."""
    starts = [event for event in trace["events"] if event["e"] == "gap" and event["op"] == "add"]
    ends = [event for event in trace["events"] if event["e"] == "gap" and event["op"] == "del"]
    declared = trace["meta"].get("loss", {}).get("gaps", 0)
    if len(starts) != declared:
        what = f"{len(starts)} gaps are drawn, meta.loss.gaps says {declared}"
        raise _broken(trace, what, "Loss is declared, never smoothed.")
    open_at = Counter((event["source"], event["t"]) for event in starts)
    for event in ends:
        if not open_at[event["source"], event.get("from", -1)]:
            what = f"the gap of {event['source']!r} that ends at {event['t']} ms has no beginning"
            raise _broken(trace, what, "`from` is the time of its gap event with op add.")


def nothing_is_secret(trace: dict[str, Any]) -> None:
    """No token, cookie, password or authorization header stands anywhere."""
    found = redact.credential_in(json.dumps(trace, ensure_ascii=False).replace('\\"', '"'))
    if found:
        what = f"{found[:12]!r}... looks like a credential"
        raise _broken(trace, what, "Credentials never enter a trace.")


def hosts_belong_to_the_scenario(trace: dict[str, Any]) -> None:
    """Only the host names of meta.hosts stand in requests and log lines."""
    allowed = {host.lower() for host in trace["meta"].get("hosts", [])}
    req = trace.get("req", {})
    found = [redact.host(name) for name in req.get("dict", {}).get("host", [])]
    for lines in req.get("lines", {}).values():
        found += [name for line in lines.values() for name in redact.hosts_in(line)]
    services = {entity.get("name") for entity in trace["entities"] if entity["kind"] == "Service"}
    namespace = f".{trace['meta'].get('namespace', '')}"
    for host in found:
        first, _, rest = host.partition(".")  # below its headless Service, a Pod has a name of its own
        ours = first in services or rest.removesuffix(namespace) in services
        if host.lower() not in allowed and not _inside(host) and not ours:
            what = f"host {host!r} is not one of {sorted(allowed)}"
            raise _broken(trace, what, "List the scenario's hosts in meta.hosts, or drop the request.")


def size_is_small(trace: dict[str, Any]) -> None:
    """A trace travels in at most 25 kB, compressed."""
    size = codec.gzip_bytes(trace)
    if size > codec.SIZE_LIMIT_BYTES:
        raise _broken(
            trace,
            f"it takes {size} bytes compressed, more than {codec.SIZE_LIMIT_BYTES}",
            "Observe for a shorter time, or fewer requests.",
        )


def committed_is_finished(trace: dict[str, Any]) -> None:
    """A trace in a file is recorded or a model, not live."""
    if trace["meta"]["origin"] == "live":
        raise _broken(trace, "its origin is 'live'", "Trace.save() writes 'recorded'.")


Invariant = Callable[[dict[str, Any]], None]

INVARIANTS: tuple[Invariant, ...] = (
    rows_fit_columns,
    ids_resolve,
    events_are_sorted,
    requests_are_sorted,
    addressed_pods_are_alive,
    counts_equal_the_logs,
    gaps_are_declared,
    nothing_is_secret,
    hosts_belong_to_the_scenario,
)
"""True of a trace at every moment, also while it grows."""

COMMITTED: tuple[Invariant, ...] = (*INVARIANTS, committed_is_finished, size_is_small)
"""True of a trace in a file."""


def _broken(trace: dict[str, Any], what: str, why: str) -> TraceError:
    return TraceError(
        f"Trace {trace['meta']['id']!r}: {what}.",
        why=why,
        next_command="Record it again with `make record`.",
    )


def _rows(trace: dict[str, Any]) -> list[dict[str, int]]:
    req = trace.get("req", {"cols": [], "rows": []})
    missing = dict.fromkeys(schema.COLUMNS, -1) | {"seen": 0, "us": 0}
    return [missing | dict(zip(req["cols"], row, strict=False)) for row in req["rows"]]


def _sorted(trace: dict[str, Any], what: str, times: list[int]) -> None:
    for before, after in pairwise(times):
        if before > after:
            raise _broken(trace, f"{what}: {after} ms stands after {before} ms", "Times never run backwards.")
    duration = trace["meta"]["duration_ms"]
    if times and times[-1] > duration:
        raise _broken(trace, f"{what}: {times[-1]} ms is after the end, {duration} ms", "It lasts that long.")


def _names(trace: dict[str, Any]) -> list[tuple[str, str]]:
    """Return every place that names an entity by its id."""
    names = [(f"entity {item['id']!r}", item["parent"]) for item in trace["entities"] if "parent" in item]
    for number, event in enumerate(trace["events"]):
        fields = [event.get("id"), event.get("svc"), event.get("slice")]
        if event["e"] == "route":
            fields.append(event.get("s", {}).get("service"))
        names += [(f"events[{number}]", name) for name in fields if name is not None]
    return names


def _indexes_resolve(trace: dict[str, Any], entities: int) -> None:
    sizes = {key: len(values) for key, values in trace.get("req", {}).get("dict", {}).items()}
    limits = {"from": entities, "via": entities, "to": entities}
    limits |= {key: sizes.get(key, 0) for key in ("path", "host", "meth", "err")}
    for row in _rows(trace):
        for column, limit in limits.items():
            if not -1 <= row[column] < limit:
                what = f"request {row['id']}: {column} is {row[column]}, of {limit} entries"
                raise _broken(trace, what, "Indexes start at 0; -1 means none.")


def _lives(trace: dict[str, Any]) -> dict[str, list[tuple[int, int]]]:
    """Return, for each Pod, from when to when it existed, in milliseconds."""
    lives: dict[str, list[tuple[int, int]]] = {}
    for event in trace["events"]:
        if event["e"] != "pod":
            continue
        spans = lives.setdefault(event["id"], [])
        if event["op"] == "del" and spans:
            spans[-1] = (spans[-1][0], event["t"])
        elif not spans or spans[-1][1] < event["t"]:
            spans.append((event["t"], trace["meta"]["duration_ms"]))
    return lives


def _inside(host: str) -> bool:
    """Tell whether a name means something only inside the cluster: an address or a Service's name."""
    return (
        "." not in host or host.endswith((".svc", ".svc.cluster.local")) or _ADDRESS.match(host) is not None
    )
