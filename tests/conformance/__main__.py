"""Run Kubernetes' conformance tests of the network on a cluster of its own: `make conformance`.

The report goes to docs/conformance.md, whatever the result.
A test that fails, or does not run, fails the verb.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from tests.conformance import report, suite
from tests.conformance.report import Result
from tests.git import head

from kubehop.client.kubectl import Kubectl
from kubehop.cluster import state
from kubehop.cluster.binary import ensure
from kubehop.cluster.component.containerd import SOCKET
from kubehop.cluster.image import Image, pack
from kubehop.cluster.product import CONTAINERD, PAUSE
from kubehop.cluster.show import BuildShow, node_pid
from kubehop.cluster.state import Place

KUBEHOP = (sys.executable, "-m", "kubehop.cli")
FOCUS = os.environ.get(
    "KUBEHOP_CONFORMANCE", ""
)  # a regular expression: run these tests only, write no report
EVERY = r"\[sig-network\].*\[Conformance\]"
TIMEOUT = os.environ.get("KUBEHOP_CONFORMANCE_TIMEOUT", "2h")


def main() -> int:
    """Build, start, run, report, remove; return 0 if every test passed."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    commit = head()
    with BuildShow(Console()) as progress:
        binaries = ensure((suite.SUITE, PAUSE, CONTAINERD), progress=progress)
        images = pack(suite.recipes(binaries), progress=progress)
    wanted = suite.official(binaries)
    with tempfile.TemporaryDirectory(prefix="kubehop-conformance-") as name, _cluster(Path(name)) as place:
        began = time.monotonic()
        for node in ("node-1", "node-2"):
            _import(place, node, images, ctr=binaries["ctr"])
        results = _run(place, binaries["conformance"], Path(name), len(wanted))
        seconds = time.monotonic() - began
        told = state.read_handover(place) or {}
    if FOCUS:
        return 0 if results and all(one.passed for one in results) else 1
    ok = report.write(wanted, results, versions=told["versions"], seconds=seconds, commit=commit)
    _say(report.verdict(wanted, results))
    return 0 if ok else 1


@contextmanager
def _cluster(folder: Path) -> Iterator[Place]:
    """Start a cluster with its state in `folder`, and remove it at the end, whatever happens."""
    os.environ["XDG_STATE_HOME"] = str(folder)
    place = Place(f"conformance-{os.getpid()}")
    os.environ["KUBEHOP_NAME"] = place.name
    try:
        subprocess.run([*KUBEHOP, "up"], check=True)
        yield place
    finally:
        subprocess.run([*KUBEHOP, "down"], check=True)


def _import(place: Place, node: str, images: list[Image], *, ctr: Path) -> None:
    """Give a node the suite's images."""
    sudo = () if os.geteuid() == 0 else ("sudo",)
    inside = (*sudo, "nsenter", f"--target={node_pid(place, node)}", "--all", "--")
    for image in images:
        command = (str(ctr), f"--address={SOCKET}", "--namespace=k8s.io", "images", "import")
        subprocess.run([*inside, *command, str(image.archive)], check=True, capture_output=True)


def _run(place: Place, program: Path, folder: Path, total: int) -> list[Result]:
    """Run the suite, one test after the other, and show each as it ends."""
    reader, writer = os.pipe()
    log = Path(tempfile.gettempdir()) / "kubehop-conformance.log"
    argv = (
        str(program),
        f"-kubeconfig={place.kubeconfig}",
        f"-kubectl-path={Kubectl(place.kubeconfig).program}",
        f"-results=/dev/fd/{writer}",
        f"-ginkgo.focus={FOCUS or EVERY}",
        f"-ginkgo.timeout={TIMEOUT}",
        "-ginkgo.v",
        "-ginkgo.no-color",
        "-provider=skeleton",
        "-disable-log-dump",
    )
    _say(f"{total} tests; what they say: {log}")
    results: list[Result] = []
    with log.open("w") as output:
        process = subprocess.Popen(
            argv, stdout=output, stderr=output, pass_fds=[writer], env=suite.environment(folder), cwd=folder
        )
        os.close(writer)
        try:
            with os.fdopen(reader) as lines:
                for line in lines:
                    results.append(Result(**json.loads(line)))
                    _show(results[-1], len(results), total)
        finally:
            process.terminate()
            process.wait()
    if process.returncode and all(one.passed for one in results):
        results.append(Result("the suite itself", "failed", 0.0, f"It exited with {process.returncode}."))
    return results


def _show(result: Result, number: int, total: int) -> None:
    mark = "✓" if result.passed else "✗"
    _say(f"{number:3} of {total} {mark} {result.seconds:6.1f} s  {result.name}")
    if not result.passed:
        _say("".join(f"      {line}\n" for line in result.message.splitlines()[:12]))


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
