"""A cluster at one glance: the picture that `kubehop status` draws on a terminal."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from rich import box
from rich.console import Group
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

MINUTE, HOUR, DAY = 60, 3600, 86400
COLORS = {"running": "green", "restarting": "yellow", "stopped": "red"}
DOORS = {
    "api": "API server",
    "ingress_http": "Ingress",
    "ingress_https": "over HTTPS",
    "outside_proxy": "from outside",
}


def overview(told: dict[str, Any], *, now: datetime | None = None) -> Panel:
    """Return the picture of a cluster that is ready: components by node, doors, the next commands.

    Args:
        told: The handover file's content.
        now: The time to count ages from.
    """
    now = now or datetime.now(UTC)
    rows = told["components"]
    well = all(row["state"] == "running" for row in rows)
    versions = told["versions"]
    title = Text.assemble((f" {told['name']} ", "bold"), ("● ready " if well else "● mending ", _color(well)))
    words = f"Kubernetes {versions['kubernetes']} · {len(told['nodes'])} nodes · {len(rows)} processes"
    words += f" · kube-proxy {versions['kube-proxy-mode']}"
    parts: list[Any] = [Text(words, "dim"), Text(), _components(told, now), Text(), _doors(told)]
    sick = [row for row in rows if row["state"] != "running"]
    if sick:
        parts += [Text(), *(_complaint(row) for row in sick)]
    return Panel(
        Group(*parts),
        title=title,
        title_align="left",
        box=box.ROUNDED,
        border_style=_color(well),
        padding=(1, 2),
        expand=False,
    )


def _components(told: dict[str, Any], now: datetime) -> Table:
    """Draw a row for each component and a column for each node, named with its address."""
    table = Table(
        box=box.SIMPLE_HEAD, pad_edge=False, header_style="bold", show_edge=False, padding=(0, 3, 0, 0)
    )
    table.add_column("")
    for node in told["nodes"]:
        table.add_column(Text.assemble(node["name"], (f"  {node['address']}", "dim")))
    found = {(row["name"], row["node"]): row for row in told["components"]}
    for name in dict.fromkeys(name for name, _ in found):
        cells = [_cell(found.get((name, node["name"])), now) for node in told["nodes"]]
        table.add_row("(the node itself)" if name == "node" else name, *cells)
    return table


def _cell(row: dict[str, Any] | None, now: datetime) -> Text:
    if row is None:
        return Text("·", "dim")
    text = Text.assemble(("● ", COLORS[row["state"]]))
    text.append(age(row["since"], now) if row["state"] == "running" else row["state"])
    if row["restarts"]:
        text.append(f"  ↻ {row['restarts']}", "yellow")
    return text


def _doors(told: dict[str, Any]) -> Table:
    table = Table.grid(padding=(0, 3, 0, 0))
    for key, title in DOORS.items():
        table.add_row(Text(title, "dim"), Text(str(told[key]), "cyan"))
    table.add_row(Text("kubectl", "dim"), Text(f"export KUBECONFIG={told['kubeconfig']}", overflow="fold"))
    return table


def _complaint(row: dict[str, Any]) -> Text:
    return Text.assemble((f"{row['name']} on {row['node']}: ", "yellow"), str(row["last_line"])[:120])


def _color(well: bool) -> str:
    return "green" if well else "yellow"


def age(since: str | None, now: datetime) -> str:
    """Say how long ago a point in time is, in its largest unit: 42 s, 3 min, 5 h, 2 d."""
    if not since:
        return "running"
    seconds = max(0, int((now - datetime.fromisoformat(since)).total_seconds()))
    for size, unit in ((DAY, "d"), (HOUR, "h"), (MINUTE, "min")):
        if seconds >= size:
            return f"{seconds // size} {unit}"
    return f"{seconds} s"
