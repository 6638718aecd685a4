"""Seeded wrong solutions: one field of the repaired world changed at a time.

The named wrong answers are mistakes that people make; these are the ones nobody thought of. A check that
lets one through is too weak. The seed is made from the lab's name, so that every run seeds the same.
"""

from __future__ import annotations

import copy
import random
import re
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from kubehop.labs.world import Object, name_of

_WORDS = ("api", "backend", "blue", "cache", "edge", "gateway", "shop", "stable", "store", "v2")
_PORT = re.compile(r":(\d+)$")
_PORTS = range(1024, 65535)


@dataclass(frozen=True)
class Mutation:
    """One changed field.

    Args:
        name: Object, field and new value in one line.
        before: The object as it was.
        after: The object with one field changed.
    """

    name: str
    before: Object
    after: Object


def seed_for(slug: str) -> int:
    """Return a lab's seed, which is the same on every machine."""
    return zlib.crc32(slug.encode())


def mutations(objects: Sequence[Object], *, seed: int) -> list[Mutation]:
    """Return every seeded change of a repaired world's Services and Deployments.

    Args:
        objects: Manifests, without what the cluster has added.
        seed: For the values that are drawn.
    """
    dice = random.Random(seed)
    makers: dict[str, Callable[[Object, random.Random], Iterator[tuple[str, Object]]]] = {
        "Service": _service,
        "Deployment": _deployment,
    }
    return [
        Mutation(f"{item['kind']} {name_of(item)} {what}", item, after)
        for item in objects
        if item["kind"] in makers
        for what, after in makers[item["kind"]](item, dice)
    ]


def bare(item: Object) -> Object:
    """Return an object as a manifest: without status, generated metadata and addresses."""
    spec = {key: value for key, value in item["spec"].items() if key not in ("clusterIP", "clusterIPs")}
    metadata = {key: item["metadata"][key] for key in ("name", "labels") if item["metadata"].get(key)}
    manifest = {"apiVersion": item["apiVersion"], "kind": item["kind"], "metadata": metadata, "spec": spec}
    return copy.deepcopy(manifest)


def _service(item: Object, dice: random.Random) -> Iterator[tuple[str, Object]]:
    selector: dict[str, str] = item["spec"]["selector"]
    for key in sorted(selector):
        yield _set(item, _word(dice, but=selector[key]), "spec", "selector", key)
        renamed = {(f"{k}-{_word(dice)}" if k == key else k): v for k, v in selector.items()}
        yield _set(item, renamed, "spec", "selector")
    yield _set(item, {**selector, _word(dice): _word(dice)}, "spec", "selector")
    yield _set(item, None, "spec", "selector")
    for number, port in enumerate(item["spec"]["ports"]):
        place = ("spec", "ports", number)
        yield _set(item, _port(dice, but=port["port"]), *place, "port")
        yield _set(item, _port(dice, but=port["targetPort"]), *place, "targetPort")
        yield _set(item, _word(dice), *place, "targetPort")
        yield _set(item, "UDP", *place, "protocol")
    yield _set(item, "ClientIP", "spec", "sessionAffinity")
    yield _set(item, "None", "spec", "clusterIP")
    alias = {"type": "ExternalName", "externalName": f"{_word(dice)}.example"}
    yield "spec.type=ExternalName", {**copy.deepcopy(item), "spec": alias}
    yield _set(item, f"{name_of(item)}-{_word(dice)}", "metadata", "name")


def _deployment(item: Object, dice: random.Random) -> Iterator[tuple[str, Object]]:
    for replicas in (0, 1):
        yield _set(item, replicas, "spec", "replicas")
    template = ("spec", "template")
    fixed = item["spec"]["selector"]["matchLabels"]
    for key, value in sorted(item["spec"]["template"]["metadata"]["labels"].items()):
        if key not in fixed:  # the others cannot be changed
            yield _set(item, _word(dice, but=value), *template, "metadata", "labels", key)
    container = (*template, "spec", "containers", 0)
    declared = item["spec"]["template"]["spec"]["containers"][0]
    image = declared["image"].rpartition(":")[0]
    yield _set(item, f"{image}:{dice.randint(2, 9)}.{dice.randint(0, 9)}", *container, "image")
    for number, argument in enumerate(declared.get("args") or []):
        if found := _PORT.search(argument):
            moved = f"{argument[: found.start()]}:{_port(dice, but=int(found[1]))}"
            yield _set(item, moved, *container, "args", number)
    probe = {"httpGet": {"path": "/", "port": _port(dice, but=declared["ports"][0]["containerPort"])}}
    yield _set(item, probe, *container, "readinessProbe")


def _set(item: Object, value: Any, *path: str | int) -> tuple[str, Object]:
    """Return words for a change, and a copy of the object with it."""
    after = copy.deepcopy(item)
    target: Any = after
    for part in path[:-1]:
        target = target[part]
    if value is None:
        del target[path[-1]]
    else:
        target[path[-1]] = value
    field = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path).lstrip(".")
    return f"{field}={value}", after


def _word(dice: random.Random, *, but: str = "") -> str:
    return dice.choice([word for word in _WORDS if word != but])


def _port(dice: random.Random, *, but: object) -> int:
    return dice.choice([port for port in (dice.choice(_PORTS), dice.choice(_PORTS)) if port != but])
