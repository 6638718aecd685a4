"""Measure the cluster and the page, and write docs/benchmarks.md: `make bench`.

Each figure is the median of several runs, with the smallest and the largest beside it.
Nothing here passes or fails: the machine is shared, so time is measured, not asserted.
"""

from __future__ import annotations

import gzip
import http.client
import os
import platform
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from datetime import UTC, datetime
from pathlib import Path

import psutil
from tests import bench_live, figure

from kubehop.client import handover
from kubehop.client.kubectl import Kubectl
from kubehop.cluster import state, sweep
from kubehop.cluster.state import Place
from kubehop.wait import pause, until

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "benchmarks.md"
RUNS = int(os.environ.get("KUBEHOP_BENCH_RUNS", "3"))
IDLE_SECONDS = 30
UNKNOWN_HOST = 404
KUBEHOP = (sys.executable, "-m", "kubehop.cli")
Figures = dict[str, list[float]]


def kubehop(*words: str) -> float:
    """Run a verb and return the seconds it took."""
    began = time.monotonic()
    subprocess.run([*KUBEHOP, *words], check=True, capture_output=True)
    return time.monotonic() - began


def metrics_seconds(place: Place, began: float) -> float:
    """Return the seconds since `began` until `kubectl top nodes` answers."""
    kubectl = Kubectl(place.kubeconfig)
    until(
        lambda: kubectl.run(["top", "nodes"]).exit_code == 0,
        what="kubectl top to answer",
        timeout_seconds=120,
    )
    return time.monotonic() - began


def pss_mib(place: Place) -> float:
    """Return the proportional memory of all processes of the cluster, its Pods included, in MiB."""
    pids = [*sweep.processes(place), sweep.supervisor(place) or os.getpid()]
    total = 0
    for pid in pids:
        try:
            total += psutil.Process(pid).memory_full_info().pss
        except psutil.Error:
            continue
    return total / 2**20


def busy_percent(place: Place, seconds: float) -> float:
    """Return the share of one core, in percent, that the cluster uses when nothing is asked of it."""

    def spent() -> float:
        total = 0.0
        for pid in [*sweep.processes(place), sweep.supervisor(place) or os.getpid()]:
            try:
                times = psutil.Process(pid).cpu_times()
            except psutil.Error:
                continue
            total += times.user + times.system
        return total

    before = spent()
    pause(seconds)
    return 100 * (spent() - before) / seconds


def phases(place: Place, figures: Figures) -> None:
    """Take the steps of the last `up` from its trace, and draw them: the picture is of the last round."""
    trace = (state.read_handover(place) or {})["trace"]
    for row in trace:
        figures[f"· of it: {row['title']} (s)"].append(row["seconds"])
    figure.keep(trace)


def rest(place: Place, figures: Figures) -> None:
    """Pause the cluster, look what it costs, and resume it."""
    ports = (state.read_handover(place) or {})["ports"]
    figures["pause (s)"].append(kubehop("pause"))
    figures["paused, share of one core (%)"].append(busy_percent(place, IDLE_SECONDS))
    began = time.monotonic()
    resume = subprocess.Popen([*KUBEHOP, "resume"], stdout=subprocess.DEVNULL)

    def thawed() -> float | None:
        return time.monotonic() if ingress_status(ports["ingress_http"]) == UNKNOWN_HOST else None

    answered = until(thawed, what="the Ingress to answer", interval_seconds=0.005)
    figures["resume, from the command until the Ingress answers (s)"].append((answered or 0) - began)
    resume.wait()
    figures["resume, until each node is well (s)"].append(time.monotonic() - began)


def ingress_status(port: int) -> int | None:
    """Return what the Ingress says to a host it does not know, None where nothing answers."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", "/")
        return connection.getresponse().status
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()


def measure(place: Place, figures: Figures) -> None:
    """Take one round: from nothing, restart, memory, idle, live (also `python -m tests.bench_live`), down."""
    began = time.monotonic()
    figures["up, from nothing, until the Ingress answers (s)"].append(kubehop("up"))
    figures["up, from nothing, until `kubectl top` answers (s)"].append(metrics_seconds(place, began))
    phases(place, figures)
    figures["up of a running cluster (s)"].append(kubehop("up"))
    rest(place, figures)
    figures["node add, until Pods may run there (s)"].append(kubehop("node", "add", "bench"))
    figures["node remove, drained (s)"].append(kubehop("node", "remove", "bench"))
    supervisor = sweep.supervisor(place)
    assert supervisor
    psutil.Process(supervisor).kill()
    until(lambda: sweep.supervisor(place) is None, what="the supervisor to be gone")
    began = time.monotonic()
    figures["up after kill -9 of everything, until the Ingress answers (s)"].append(kubehop("up"))
    figures["up after kill -9 of everything, until `kubectl top` answers (s)"].append(
        metrics_seconds(place, began)
    )
    figures["memory of the idle cluster, PSS (MiB)"].append(pss_mib(place))
    figures["idle, share of one core (%)"].append(busy_percent(place, IDLE_SECONDS))
    delays = bench_live.delays_ms(handover.wait_ready(handover.current()))
    figures["`kubectl delete pod` under load, until the picture shows it (ms)"] += delays
    figures["the same, 95th percentile of a round (ms)"].append(bench_live.p95(delays))
    figures["down (s)"].append(kubehop("down"))


def page_kib() -> Figures:
    """Return the compressed size of the first page with all it loads, in KiB; empty where not built."""
    html = ROOT / "_build" / "book" / "_build" / "html"
    first = html / "chapters" / "start" / "index.html"
    if not first.exists():
        return {}
    text = first.read_text()
    names = {part.split('"')[0].split("?")[0] for key in ('src="', 'href="') for part in text.split(key)[1:]}
    files = {
        first,
        *(
            (first.parent / name).resolve()
            for name in names
            if name.endswith((".css", ".js", ".svg", ".woff2"))
        ),
    }
    sizes = {file: len(gzip.compress(file.read_bytes())) / 1024 for file in files if file.is_file()}
    ours = sum(
        size
        for file, size in sizes.items()
        if file == first or file.name.endswith(".iife.js") or "/site/" in str(file)
    )
    return {"first page, all it loads, gzip (KiB)": [sum(sizes.values())], "of it ours (KiB)": [ours]}


def write(figures: Figures) -> None:
    """Print the figures and write the page, keeping what stands below the line `## Kept by hand`."""
    kept = PAGE.read_text().partition("## Kept by hand")[2] if PAGE.exists() else "\n"
    rows = [
        f"| {title} | {statistics.median(values):.1f}"
        f" | {min(values):.1f} to {max(values):.1f} | {len(values)} |"
        for title, values in figures.items()
        if values
    ]
    machine = (
        f"{os.cpu_count()} cores, {psutil.virtual_memory().total / 2**30:.0f} GiB, Linux {platform.release()}"
    )
    head = [
        "# Benchmarks",
        "",
        f"Written by `make bench` on {datetime.now(UTC):%Y-%m-%d}: {machine}, cgroup version 1, shared.",
        "",
        "| what | median | smallest to largest | runs |",
        "| --- | --- | --- | --- |",
    ]
    PAGE.write_text("\n".join([*head, *rows, "", "## Kept by hand"]) + kept)
    sys.stdout.write("\n".join([*head[4:], *rows, ""]))


def main() -> None:
    """Measure `KUBEHOP_BENCH_RUNS` times (3) on a cluster of its own; what is ended early is written, too."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    figures: Figures = defaultdict(list)
    with tempfile.TemporaryDirectory(prefix="kubehop-bench-") as folder:
        os.environ |= {"XDG_STATE_HOME": folder, "KUBEHOP_NAME": f"bench-{os.getpid()}"}
        place = Place(os.environ["KUBEHOP_NAME"])
        try:
            for number in range(RUNS):
                sys.stdout.write(f"Round {number + 1} of {RUNS}, about four minutes.\n")
                sys.stdout.flush()
                measure(place, figures)
        finally:
            write(figures | page_kib())
            kubehop("down")


if __name__ == "__main__":
    main()
