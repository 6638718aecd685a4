"""The command `kubehop`."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

from kubehop.errors import KubehopError

app = typer.Typer(
    no_args_is_help=True, add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False
)
node = typer.Typer(no_args_is_help=True, help="Add a node to a cluster, or remove one.")
app.add_typer(node, name="node")
console = Console(highlight=False)
DEFAULT_NAME = "kubehop"
Name = Annotated[str, typer.Option("--name", help="Which cluster.", envvar="KUBEHOP_NAME")]


@app.command()
def up(
    name: Name = DEFAULT_NAME,
    proxy_mode: Annotated[
        list[str] | None,
        typer.Option(
            metavar="[NODE=]MODE",
            help="kube-proxy's mode, nftables or iptables; for one node, NODE=MODE. May be given again. "
            "A cluster that runs otherwise is started again.",
        ),
    ] = None,
) -> None:
    """Start a cluster, and build what it needs the first time."""
    _as_root()
    from kubehop.cluster import launcher
    from kubehop.cluster.show import BuildShow, StepShow, summary
    from kubehop.cluster.state import Place

    with BuildShow(console) as build, StepShow(console) as steps:
        told = launcher.up(Place(name), build=build, on_step=steps.show, proxy_modes=proxy_mode or ())
    console.print(summary(told), soft_wrap=True)


@app.command()
def down(name: Name = DEFAULT_NAME) -> None:
    """Remove a cluster and everything it left on the machine, but for the cache."""
    _as_root()
    from kubehop.cluster import launcher
    from kubehop.cluster.state import Place

    existed = launcher.down(Place(name))
    console.print(f"The cluster {name} is gone." if existed else f"There was no cluster {name}.")


@app.command()
def pause(name: Name = DEFAULT_NAME) -> None:
    """Freeze a cluster where it stands: it keeps its memory and uses no processor time."""
    _order(name, "pause")


@app.command()
def resume(name: Name = DEFAULT_NAME) -> None:
    """Let a paused cluster run on."""
    _order(name, "resume")


@node.command("add")
def node_add(
    node_name: Annotated[str, typer.Argument(metavar="[NAME]", help="What to call it.")] = "",
    name: Name = DEFAULT_NAME,
) -> None:
    """Add a node to a cluster that runs; Pods may go there when it is ready."""
    _order(name, "node-add", node=node_name)


@node.command("remove")
def node_remove(
    node_name: Annotated[str, typer.Argument(metavar="NAME", help="Which node.")],
    name: Name = DEFAULT_NAME,
    force: Annotated[bool, typer.Option("--force", help="Delete Pods that nothing will make again.")] = False,
) -> None:
    """Drain a node and take it out of the cluster."""
    _order(name, "node-remove", node=node_name, force="yes" if force else "no")


@app.command()
def status(name: Name = DEFAULT_NAME) -> None:
    """Show a cluster: its addresses, and every component with its restarts."""
    from kubehop.cluster.show import status as show
    from kubehop.cluster.state import Place

    if not show(Place(name), console):
        raise typer.Exit(1)


@app.command()
def doctor(
    quiet: Annotated[bool, typer.Option(help="Print only what `up` cannot work without.")] = False,
    security: Annotated[bool, typer.Option("--security", help="Try what a cluster must refuse.")] = False,
    name: Name = DEFAULT_NAME,
) -> None:
    """Look for what `up` needs on this machine, or at what a running cluster refuses; nothing is changed.

    With KUBEHOP_CONTEXT set: look for what the chapters need on that cluster.
    """
    from kubehop.cluster import show
    from kubehop.cluster.doctor import require
    from kubehop.cluster.state import Place

    if security:
        _as_root()
    if quiet:
        require()
    elif not (show.security(Place(name), console) if security else show.doctor(console)):
        raise typer.Exit(1)


@app.command()
def lab(name: Name = DEFAULT_NAME) -> None:
    """Start a cluster in the background and open JupyterLab on the first page."""
    from kubehop.jupyter import run

    raise typer.Exit(run(name, console))


@app.command()
def build() -> None:
    """Build the components and images, without starting anything."""
    from kubehop.cluster.binary import ensure
    from kubehop.cluster.image import ensure_images
    from kubehop.cluster.show import BuildShow

    with BuildShow(console) as progress:
        images = ensure_images(ensure(progress=progress), progress=progress)
    for image in images:
        console.print(f"{image.name}  {image.archive}", soft_wrap=True)
    console.print(f"{len(images)} images are ready.")


@app.command()
def logs(component: str, name: Name = DEFAULT_NAME, node: str = "") -> None:
    """Print a component's log: one of those that `status` lists."""
    from kubehop.cluster.show import log_of
    from kubehop.cluster.state import Place

    for line in log_of(Place(name), component, node):
        sys.stdout.write(line)


@app.command()
def shell(node: str = "node-1", name: Name = DEFAULT_NAME) -> None:
    """Open a shell inside a node."""
    _as_root()
    from kubehop.cluster.show import node_pid
    from kubehop.cluster.state import Place

    pid = node_pid(Place(name), node)
    os.execvp("nsenter", ["nsenter", f"--target={pid}", "--all", "--", os.environ.get("SHELL", "/bin/sh")])


@app.command()
def purge() -> None:
    """Remove every cluster, and the cache of components and images."""
    _as_root()
    from kubehop.cluster import launcher

    freed = launcher.purge()
    console.print(f"Every cluster and the cache are gone: {freed / 1e6:.0f} MB.")
    console.print("Learners' progress in labs stays, and Go's own caches (`go env GOCACHE GOMODCACHE`).")


@app.command()
def record(
    notebooks: list[Path],
    force: Annotated[
        bool, typer.Option("--force", help="Store also what the stored outputs allow for.")
    ] = False,
) -> None:
    """Run notebooks on the cluster and store what they print."""
    from kubehop.book.record import record as run
    from kubehop.cluster.show import bars

    with bars(console) as progress:
        recordings = run(notebooks, progress=progress, force=force)
    for one in recordings:
        told = (
            "stored anew"
            if one.changed
            else "as it was (its outputs still hold; --force stores the new ones)"
        )
        console.print(
            f"{one.path}: {told}, {one.code_cells} cells in {one.run_seconds:.1f} s", soft_wrap=True
        )


def _order(name: str, verb: str, **what: str) -> None:
    """Have the process that holds a cluster do something."""
    _as_root()
    from kubehop.cluster import control
    from kubehop.cluster.state import Place

    console.print(control.ask(Place(name), verb, **what), soft_wrap=True)


def _as_root() -> None:
    """Run this command again through sudo where it needs root and is not."""
    if os.geteuid() == 0:
        return
    from kubehop.client.folder import state_home

    kept = {key: value for key, value in os.environ.items() if key.startswith(("KUBEHOP_", "XDG_"))}
    kept["XDG_STATE_HOME"] = str(state_home())  # root cannot know it where HOME is not the account's
    kept["PYTHONDONTWRITEBYTECODE"] = "1"  # root's files in the clone would be in its owner's way
    words = [f"{key}={value}" for key, value in kept.items()]
    try:
        os.execvp("sudo", ["sudo", *words, sys.executable, "-P", "-m", "kubehop.cli", *sys.argv[1:]])
    except FileNotFoundError:
        msg = "This command needs root, and there is no sudo."
        raise KubehopError(msg, next_command="Run it as root.") from None


def main() -> None:
    """Run the command; an error of ours is one sentence, not a stack."""
    try:
        app(standalone_mode=True)
    except KubehopError as error:
        Console(stderr=True, highlight=False).print(
            f"[red]{type(error).__name__}[/]: {escape(str(error))}", soft_wrap=True
        )
        sys.exit(1)
    except OSError as error:
        Console(stderr=True, highlight=False).print(
            f"[red]{type(error).__name__}[/]: {escape(str(error))}. Run `kubehop doctor`.", soft_wrap=True
        )
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
