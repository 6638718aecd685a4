"""Which nodes a cluster has: a list in a file of its folder, and the name and number of the next one."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

from kubehop.cluster import layout, state
from kubehop.cluster.linux.network import Node
from kubehop.cluster.state import Place
from kubehop.errors import ClusterError

FILE = "nodes.json"
NAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,8}[a-z0-9])?")  # an interface NAME-eth0 has to fit in 15 characters
TAKEN = ("fabric", "br0", "lo", "all", "default")  # names that an interface has, or may not have
MOST = 50


@dataclass(frozen=True)
class Member:
    """A node as the file has it: its number gives its addresses."""

    name: str
    number: int
    leaving: bool = False

    @property
    def node(self) -> Node:
        """Its place in the network."""
        return layout.node(self.number, self.name)


def members(place: Place) -> list[Member]:
    """Return the nodes of a cluster: two, unless some were added or removed.

    Where the list is lost or damaged, those are taken that the handover file tells of: they ran last.
    """
    return _stored(place) or _handed_over(place) or [Member("node-1", 1), Member("node-2", 2)]


def store(place: Place, present: Iterable[Member]) -> None:
    """Write the list of nodes."""
    state.write(place.folder / FILE, json.dumps([asdict(member) for member in present]))


def staying(place: Place) -> tuple[Node, ...]:
    """Return the nodes that a cluster starts with."""
    return tuple(member.node for member in members(place) if not member.leaving)


def leaving(place: Place) -> list[Node]:
    """Return the nodes whose removal was begun and not ended."""
    return [member.node for member in members(place) if member.leaving]


def choose(present: list[Member], name: str) -> Member:
    """Give a new node a name, if it has none, and the lowest free number.

    Raises:
        ClusterError: The name cannot be one, or is taken; or there are fifty nodes.
    """
    names, numbers = {member.name for member in present}, {member.number for member in present}
    if name and (not NAME.fullmatch(name) or name in TAKEN):
        msg = f"{name!r} cannot name a node."
        raise ClusterError(
            msg,
            why=f"It has up to 10 lower-case letters, digits and dashes, and is none of {', '.join(TAKEN)}.",
            next_command="Run `kubehop node add` to have one chosen.",
        )
    if name in names:
        msg = f"There is a node {name} already."
        advice = f"Run `kubehop node add` to have a name chosen, or `kubehop node remove {name}` first."
        raise ClusterError(msg, next_command=advice)
    for number in range(1, MOST + 1):
        if number not in numbers and (name or f"node-{number}" not in names):
            return Member(name or f"node-{number}", number)
    msg = f"The cluster has {MOST} nodes."
    raise ClusterError(msg, next_command="Run `kubehop node remove NAME`.")


def number_of(text: str) -> int:
    """Return the number of the node with this address, or this range of Pod addresses; 0 if there is none."""
    nodes = {number: layout.node(number) for number in range(1, MOST + 1)}
    found = (n for n, node in nodes.items() if text in (str(node.address.ip), str(node.pod_cidr)))
    return next(found, 0)


def _stored(place: Place) -> list[Member]:
    try:
        rows = json.loads((place.folder / FILE).read_text())
        return _if_sound([Member(**row) for row in rows])
    except (OSError, ValueError, TypeError):
        return []


def _handed_over(place: Place) -> list[Member]:
    rows: Any = (state.read_handover(place) or {}).get("nodes")
    try:
        return _if_sound([Member(row["name"], number_of(row["address"])) for row in rows])
    except (KeyError, TypeError):
        return []


def _if_sound(found: list[Member]) -> list[Member]:
    """Return a list if a cluster can have it: nothing twice, and the control plane first; else none."""
    names, numbers = [member.name for member in found], [member.number for member in found]
    sound = (
        len(found) == len(set(names)) == len(set(numbers))
        and all(NAME.fullmatch(name) for name in names)
        and set(numbers) <= set(range(1, MOST + 1))
        and numbers[:1] == [1]
        and not found[0].leaving
    )
    return found if sound else []
