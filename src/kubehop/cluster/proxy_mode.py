"""Which of its modes kube-proxy runs in, on each node: stored, so that the next start keeps it.

Modes are a mapping of node names to what differs from `nftables`; the name "" stands for all nodes not named.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence

from kubehop.cluster.state import Place, write
from kubehop.errors import ClusterError

DEFAULT = "nftables"
MODES = (DEFAULT, "iptables")
OTHERS = ""
FILE = "proxy-mode.json"
Modes = Mapping[str, str]


def parse(options: Iterable[str], *, nodes: Sequence[str]) -> dict[str, str]:
    """Return the modes that the command line asks for.

    Args:
        options: `iptables`, or `node-2=iptables` for one node.
        nodes: The nodes there are.

    Raises:
        ClusterError: There is no such mode or node.
    """
    found = {}
    for option in options:
        node, _, mode = option.rpartition("=")
        if mode not in MODES:
            msg = f"kube-proxy has no mode {mode!r} here."
            why = f"Modes: {', '.join(MODES)}; for one node, NODE=MODE."
            raise ClusterError(msg, why=why, next_command="Run `kubehop up --proxy-mode iptables`.")
        if node not in (OTHERS, *nodes):
            msg = f"The cluster has no node {node!r}."
            why = f"Nodes: {', '.join(nodes)}."
            raise ClusterError(
                msg, why=why, next_command=f"Run `kubehop up --proxy-mode {nodes[-1]}={mode}`."
            )
        found[node] = mode
    others = found.pop(OTHERS, DEFAULT)
    differing = {node: mode for node, mode in found.items() if mode != others}
    return differing if others == DEFAULT else {OTHERS: others, **differing}


def store(place: Place, modes: Modes) -> None:
    """Keep the modes of a cluster."""
    write(place.folder / FILE, json.dumps(dict(modes)))


def stored(place: Place) -> dict[str, str]:
    """Return the modes of a cluster; what was never stored, or cannot be read, is the default."""
    try:
        found = json.loads((place.folder / FILE).read_text())
        return {node: mode for node, mode in found.items() if mode in MODES}
    except (OSError, ValueError, AttributeError):
        return {}


def of(modes: Modes, node: str) -> str:
    """Return the mode of one node."""
    return modes.get(node) or modes.get(OTHERS, DEFAULT)


def describe(modes: Modes) -> str:
    """Say the modes in a few words: "nftables, iptables on node-2"."""
    single = [f"{mode} on {node}" for node, mode in sorted(modes.items()) if node != OTHERS]
    return ", ".join([modes.get(OTHERS, DEFAULT), *single])
