"""`kubehop lab`: the cluster starts behind, JupyterLab opens in front.

With `KUBEHOP_CONTEXT` set there is nothing to start.
"""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

from rich.console import Console

from kubehop.client import owner
from kubehop.cluster import process, state, sweep
from kubehop.cluster.state import Place
from kubehop.errors import ClusterError
from kubehop.wait import until

FIRST_PAGE = "chapters/start/index.ipynb"
NOTICE_SECONDS = 30.0


def run(name: str, console: Console) -> int:
    """Open JupyterLab in the clone and stay in front until it ends; return its exit code.

    Raises:
        ClusterError: `kubehop up` ended before it had begun.
    """
    context = os.environ.get("KUBEHOP_CONTEXT")
    if not context:
        _begin(Place(name), console)
    root = next(folder for folder in Path(__file__).resolve().parents if (folder / "_toc.yml").exists())
    argv = [
        str(Path(sys.executable).with_name("jupyter-lab")),
        f"--LabApp.default_url=/lab/tree/{FIRST_PAGE}",
        # It works without a network. (The Makefile's environment leaves out the question about news, too.)
        "--LabApp.news_url=None",
        "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
        "--FileContentsManager.pre_save_hook=kubehop.book.keep.keep_recorded",
        "-y",
    ]
    if os.geteuid() == 0:
        argv.append("--allow-root")
    if not _has_display():
        argv.append("--no-browser")
        console.print("There is no display: open the URL below, with its token, in a browser.")
    os.environ["KUBEHOP_NAME"] = name  # for the notebooks, where several clusters run
    code = process.foreground(argv, cwd=root)
    if not context:
        console.print(f"JupyterLab has ended; the cluster {name} has not. To remove it: kubehop down")
    return code


def _begin(place: Place, console: Console) -> None:
    """Run `kubehop up` in the background, and wait until it has said what it does."""
    told = state.read_handover(place)
    if sweep.supervisor(place) and told and told["phase"] == "ready":
        console.print(f"The cluster {place.name} is running.")
        return
    up = [sys.executable, "-m", "kubehop.cli", "up", "--name", place.name]
    if os.geteuid() != 0:
        _ask_for_root()
    log = place.start_log
    state.make_folder(log.parent)
    log.touch()
    place.hand_over(log)
    pid = process.detach(tuple(up), log=log, keep_terminal=os.geteuid() != 0)
    console.print(
        f"The cluster {place.name} is being started; its progress is in the first cell and in {log}."
    )

    def begun() -> bool:
        return sweep.supervisor(place) is not None or owner.started(pid) is None

    until(begun, what="`kubehop up` to begin", timeout_seconds=NOTICE_SECONDS)
    if sweep.supervisor(place) is None and (state.read_handover(place) or {}).get("phase") != "ready":
        what = f"`kubehop up` ended at once: {process.last_line(log)}"
        raise ClusterError(what, next_command="Run `kubehop doctor`.")


def _ask_for_root() -> None:
    """Let sudo ask for the password in front; `up` goes through sudo behind.

    Raises:
        ClusterError: It was not given, or there is no sudo.
    """
    try:
        code = process.foreground(["sudo", "--validate"], cwd=Path.cwd())
    except FileNotFoundError:
        code = None
    if code != 0:
        what = "A cluster needs root, and there is no sudo." if code is None else "sudo did not make us root."
        raise ClusterError(what, next_command="Run `make lab` as root, or set KUBEHOP_CONTEXT.")


def _has_display() -> bool:
    return sys.platform == "darwin" or bool(
        os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY") or shutil.which("wslview")
    )
