"""Run everything that needs a cluster, on clusters of its own: `python -m tests.run`.

The folder of state is a temporary one, so a reader's own cluster is neither used nor disturbed.
Whatever happens, the clusters are removed at the end; what is left then is a failure, too.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from kubehop.cluster import sweep
from kubehop.cluster.linux import cgroup
from kubehop.cluster.state import Place

ROOT = Path(__file__).resolve().parents[1]
KUBEHOP = (sys.executable, "-m", "kubehop.cli")
# Two files at a time: most of their time is waiting.
PAIRS = ("-n", "2", "--dist", "loadfile")
PYTEST = (sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider")
# These start clusters of their own.
LIFE = [f"tests/cluster/test_{name}.py" for name in ("lifecycle", "hostile", "node", "pause", "proxy_mode")]


def stages() -> list[tuple[str, tuple[str, ...]]]:
    """List what runs on the one cluster of this run: title and command."""
    sights, solutions = (
        sorted(str(path.relative_to(ROOT)) for path in (ROOT / "labs").glob(f"*/{name}"))
        for name in ("first-sight.ipynb", "solution.ipynb")
    )
    return [
        ("rooms on a cluster", (*PYTEST, "tests/cluster", *(f"--ignore={file}" for file in LIFE), *PAIRS)),
        ("book on a cluster", (*PYTEST, "tests/book", "-m", "cluster")),
        ("chapters and labs, strict", (*PYTEST, "--nbval", "chapters", *sights, *PAIRS)),
        ("lab solutions", (*PYTEST, "--nbval-lax", *solutions, *PAIRS)),
    ]


def main() -> int:
    """Run all stages and return 0 if all of them passed."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    failed: list[str] = []
    os.environ.pop("KUBEHOP_CONTEXT", None)  # would lead to a cluster of the reader's
    with tempfile.TemporaryDirectory(prefix="kubehop-test-") as folder:
        os.environ["XDG_STATE_HOME"] = folder
        place = Place(f"test-{os.getpid()}")
        failed += _run("life of a cluster", (*PYTEST, *LIFE))
        os.environ["KUBEHOP_NAME"] = place.name
        try:
            failed += _run("up", (*KUBEHOP, "up"))
            if not failed or failed[-1] != "up":
                for title, command in stages():
                    failed += _run(title, command)
        finally:
            failed += _run("down", (*KUBEHOP, "down"))
        # A learner's progress is kept on purpose; everything else of a cluster has to be gone.
        left = [path for path in Path(folder).glob("kubehop/*") if path.name not in ("progress", "log")]
        left += cgroup.find(place.cgroup_prefix)
        if left or sweep.processes(place):
            failed.append(f"nothing left behind: {[str(path) for path in left]}")
    _say(f"failed: {', '.join(failed)}" if failed else "all stages passed")
    return 1 if failed else 0


def _run(title: str, command: tuple[str, ...]) -> list[str]:
    _say(title)
    began = time.monotonic()
    code = subprocess.run(command, cwd=ROOT, check=False).returncode
    _say(f"{title}: {'passed' if code == 0 else f'exit code {code}'} in {time.monotonic() - began:.0f} s")
    return [] if code == 0 else [title]


def _say(text: str) -> None:
    sys.stdout.write(f"== {text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
