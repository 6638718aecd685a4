"""What the command line shows of a cluster: builds, steps, status, findings."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    SpinnerColumn,
    Task,
    TextColumn,
    TimeElapsedColumn,
)
from rich.table import Table
from rich.text import Text

from kubehop.client import handover
from kubehop.cluster import context, state, sweep
from kubehop.cluster import doctor as examination
from kubehop.cluster import security as attempts
from kubehop.cluster.overview import overview
from kubehop.cluster.progress import Work, estimate
from kubehop.cluster.state import Place
from kubehop.errors import ClusterError, NoClusterError

MARKS = {"running": "[green]running[/]", "restarting": "[yellow]restarting[/]", "stopped": "[red]stopped[/]"}


class _Detail(ProgressColumn):
    """The current part of a task, where the task has one."""

    def render(self, task: Task) -> Text:
        """Draw it."""
        return Text(task.fields.get("detail", ""))


def bars(console: Console) -> Progress:
    """Return progress bars, one a task; each task may say a `detail`."""
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description:<24}"),
        BarColumn(bar_width=24),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        _Detail(),
    )
    return Progress(*columns, console=console, transient=not console.is_terminal)


class BuildShow:
    """Shows components being built: the estimate first, then one bar each."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._bars = bars(console)
        self._tasks: dict[str, Any] = {}

    def __enter__(self) -> BuildShow:
        """Begin; nothing is drawn until something is planned."""
        return self

    def __exit__(self, *_: object) -> None:
        """Stop drawing."""
        self._bars.stop()

    def planned(self, works: Sequence[Work]) -> None:
        """Say what will be made and how long it takes."""
        names = ", ".join(work.name for work in works)
        self._console.print(f"Building {names}: {estimate(works)}.", soft_wrap=True)
        if self._console.is_terminal:
            self._bars.start()

    def advanced(self, name: str, *, done: int, total: int, detail: str) -> None:
        """Move the bar of `name`."""
        if name not in self._tasks:
            self._tasks[name] = self._bars.add_task(name, total=total, detail="")
        self._bars.update(self._tasks[name], completed=done, total=total, detail=detail[-40:])

    def finished(self, name: str, *, seconds: float) -> None:
        """Say that `name` is made."""
        if name in self._tasks:
            self._bars.update(self._tasks.pop(name), visible=False)
        self._console.print(f"  {name} built in {seconds:.0f} s")


class StepShow:
    """Shows the steps of `up` in one line."""

    def __init__(self, console: Console) -> None:
        self._bars = bars(console)
        self._task: Any = None

    def __enter__(self) -> StepShow:
        """Begin; nothing is drawn until there is a step."""
        return self

    def __exit__(self, *_: object) -> None:
        """Stop drawing."""
        self._bars.stop()

    def show(self, told: dict[str, Any]) -> None:
        """Show the step that the handover file names."""
        if self._task is None:
            self._bars.start()
            self._task = self._bars.add_task(told["name"], total=told["total"], detail="")
        self._bars.update(self._task, completed=told["done"], total=told["total"], detail=told["step"])


def summary(told: dict[str, Any]) -> str:
    """Say where a cluster that is ready can be reached."""
    version, nodes = told["versions"]["kubernetes"], len(told["nodes"])
    lines = (
        f"[bold]{told['name']}[/] is ready: Kubernetes {version}, {nodes} nodes.",
        f"  API server     {told['api']}",
        f"  Ingress        {told['ingress_http']}",
        f"  over HTTPS     curl --cacert {told.get('ingress_ca', '')} https://shop.localhost:{told['ports']['ingress_https']}",
        f"  from outside   {told['outside_proxy']}",
        f"  kube-proxy     {told['versions']['kube-proxy-mode']}",
        f"  kubectl        export KUBECONFIG={told['kubeconfig']}",
    )
    return "\n".join(lines)


def status(place: Place, console: Console) -> bool:
    """Show a cluster and its components; return whether it is ready and all of them run."""
    told = state.read_handover(place)
    if told is None:
        others = ", ".join(state.names()) or "none"
        console.print(f"There is no cluster {place.name}. Clusters: {others}. Start it with `kubehop up`.")
        return False
    alive = sweep.supervisor(place) is not None
    phase = told["phase"] if alive or told["phase"] in ("building", "failed") else "dead"
    if phase != "ready":
        console.print(_not_ready(told, phase), soft_wrap=True)
        return False
    if console.is_terminal:
        console.print(overview(told))
    else:
        _lines(told, console)
    return all(row["state"] == "running" for row in told["components"])


def _lines(told: dict[str, Any], console: Console) -> None:
    """Print a line for each component, for programs that read it."""
    console.print(summary(told), soft_wrap=True)
    table = Table(box=None, pad_edge=False, header_style="dim")
    for heading in ("NODE", "COMPONENT", "STATE", "PID", "RESTARTS", "LAST LINE"):
        table.add_column(
            heading,
            justify="right" if heading in ("PID", "RESTARTS") else "left",
            no_wrap=heading != "LAST LINE",
        )
    for row in told["components"]:
        pid, count = str(row["pid"] or "-"), str(row["restarts"])
        table.add_row(
            row["node"], row["name"], MARKS[row["state"]], pid, count, escape(row["last_line"][:80])
        )
    console.print(table)


def _not_ready(told: dict[str, Any], phase: str) -> str:
    name, step = told["name"], told.get("step", "")
    if phase == "dead":
        return f"{name}: its supervisor was killed, so nothing runs. Run `kubehop up`; its data is kept."
    if phase == "failed":
        return f"{name}: failed. {escape(str(told.get('error')))} Run `kubehop up` to try again."
    if phase in ("paused", "resuming"):
        return f"{name}: {phase}. It keeps its memory; wake it with `kubehop resume --name {name}`."
    return f"{name}: {phase}, step {told.get('done')} of {told.get('total')}: {step}."


def doctor(console: Console) -> bool:
    """Show every finding with its fix; return whether `up` can work.

    With `KUBEHOP_CONTEXT` set it looks at that cluster: whether the chapters can run there.

    Raises:
        NoClusterError: The kubeconfig has no such context.
    """
    chosen = os.environ.get("KUBEHOP_CONTEXT")
    findings = context.examine(handover.from_context(chosen)) if chosen else examination.examine()
    return _findings(findings, console)


def security(place: Place, console: Console) -> bool:
    """Show what a running cluster refuses; return whether it refuses all that it must.

    Raises:
        ClusterError: It does not run.
    """
    return _findings(attempts.examine(place), console)


def _findings(findings: list[examination.Finding], console: Console) -> bool:
    for finding in findings:
        mark = "[green]✓[/]" if finding.ok else "[red]✗[/]" if finding.fatal else "[yellow]![/]"
        fix = "" if finding.ok else f" {finding.fix}"
        console.print(f"{mark} {escape(f'{finding.title}: {finding.found}.{fix}')}", soft_wrap=True)
    return all(finding.ok or not finding.fatal for finding in findings)


def log_of(place: Place, component: str, node: str) -> Iterator[str]:
    """Yield the lines of one component's log.

    Raises:
        ClusterError: There is no such log; the message lists those that exist.
    """
    names = (component, f"{component}-{node or 'node-1'}")
    for path in (place.log / f"{name}.log" for name in names):
        if path.exists():
            with path.open(errors="replace") as file:
                yield from file
            return
    present = (
        ", ".join(sorted(path.stem for path in place.log.glob("*.log"))) if place.log.exists() else "none"
    )
    msg = f"{place.name} has no log of {component!r}."
    raise ClusterError(
        msg,
        why=f"Logs: {present}.",
        next_command="Run `kubehop logs COMPONENT --node NODE`.",
    )


def node_pid(place: Place, node: str) -> int:
    """Return the number of a node's first process.

    Raises:
        NoClusterError: The cluster or the node is not running.
    """
    rows = (state.read_handover(place) or {}).get("components", []) if sweep.supervisor(place) else []
    found = [row["pid"] for row in rows if row["name"] == "node" and row["node"] == node and row["pid"]]
    if not found:
        nodes = ", ".join(row["node"] for row in rows if row["name"] == "node") or "none runs"
        msg = f"No node {node!r} runs in the cluster {place.name}."
        raise NoClusterError(
            msg,
            why=f"Nodes: {nodes}.",
            next_command="Run `kubehop up`.",
        )
    return int(found[0])
