"""What a reader does on a new machine, inside the virtual machine: `python -m tests.vm.steps`.

It runs as an ordinary user in a login session; what needs root goes through sudo, by the verbs themselves.
Every step writes one line of JSON to standard output; the first that fails is the last.
To add a step, write a function and put it into `STEPS`.
"""

from __future__ import annotations

import json
import os
import platform
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from kubehop.client import handover, request, tools
from kubehop.client.kubectl import Kubectl
from kubehop.wait import patience, pause, until

ROOT = Path(__file__).resolve().parents[2]
KUBEHOP = str(ROOT / ".venv/bin/kubehop")
HOST = "shop.localhost"
MANIFESTS = ROOT / "manifests/start"
INGRESS = {
    "apiVersion": "networking.k8s.io/v1",
    "kind": "Ingress",
    "metadata": {"name": "shop"},
    "spec": {
        "rules": [
            {
                "host": HOST,
                "http": {
                    "paths": [
                        {
                            "path": "/",
                            "pathType": "Prefix",
                            "backend": {"service": {"name": "storefront-svc", "port": {"number": 80}}},
                        }
                    ]
                },
            }
        ]
    },
}
_SNAPSHOT = """
import json
from tests.cluster.host import snapshot
from kubehop.cluster.state import Place
print(json.dumps(snapshot(Place("kubehop"))))
"""
_before: list[dict[str, Any]] = []


def _run(*argv: str) -> str:
    """Run a command of the reader's and return what it printed; it has to succeed."""
    done = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{argv} exited with {done.returncode}: {done.stdout}{done.stderr}"
    return done.stdout.strip()


def _kubectl() -> Kubectl:
    return Kubectl(handover.current().kubeconfig)


def login() -> str:
    """An ordinary user, in a login session's scope, on a unified hierarchy."""
    assert os.geteuid() == 1000, "this is not the reader"
    assert _run("stat", "--file-system", "--format=%T", "/sys/fs/cgroup") == "cgroup2fs"
    scope = Path("/proc/self/cgroup").read_text().strip().rpartition("/")[2]
    assert re.fullmatch(r"session-\d+\.scope", scope), f"no login session: {scope}"
    assert _run("sudo", "--non-interactive", "id", "--user") == "0"
    return scope


def before() -> str:
    """The machine as it is before anything."""
    _before.append(_snapshot())
    given = Path("/sys/fs/cgroup/cgroup.subtree_control").read_text().strip()
    return f"{sum(map(len, _before[0].values()))} facts; systemd hands down {given}"


def _snapshot() -> dict[str, Any]:
    # -B: these are our own programs, and leave nothing of root's.
    told: dict[str, Any] = json.loads(_run("sudo", sys.executable, "-B", "-c", _SNAPSHOT))
    return told


def one_cgroup() -> str:
    """A node's cgroup alone: made, controllers handed down, frozen, removed."""
    argv = ("-B", "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/cluster/test_cgroup.py")
    return _run("sudo", f"KUBEHOP_PATIENCE={patience():g}", sys.executable, *argv).splitlines()[-1]


def build() -> str:
    """`kubehop build`: the components are there; the images are packed."""
    return _run(KUBEHOP, "build").splitlines()[-1]


def up() -> str:
    """`kubehop up`: it asks sudo for root itself."""
    argv = (KUBEHOP, "up")
    told = ""
    with subprocess.Popen(
        argv, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as verb:
        while verb.poll() is None:
            step = next((one.step for one in handover.clusters()), "")
            if step != told:
                _tell({"note": step})
                told = step
            pause(1)
        assert verb.stdout  # PIPE was asked for
        said = verb.stdout.read().strip()
    assert verb.returncode == 0, said
    return said.splitlines()[0]


def cgroups() -> str:
    """Each node has a cgroup at the root, outside the login session, with every controller handed down."""
    nodes = sorted(Path("/sys/fs/cgroup").glob("kubehop.*"))
    assert len(nodes) == 2, nodes
    given = {(node / "cgroup.subtree_control").read_text() for node in nodes}
    everything = Path("/sys/fs/cgroup/cgroup.controllers").read_text()
    assert given == {everything}, f"{given} is not {everything!r}"
    assert not any((node / "cgroup.procs").read_text() for node in nodes), "a process is not in a leaf"
    assert all((node / "kubepods").is_dir() for node in nodes), "the kubelet made no cgroup of its own"
    return everything.strip()


def ingress() -> str:
    """A request through the Ingress answers 200."""
    kubectl = _kubectl()
    for file in sorted(MANIFESTS.glob("*.yaml")):
        kubectl.run(["apply", "-f", str(file)], check=True)
    kubectl.run(["apply", "-f", "-"], stdin=json.dumps(INGRESS), check=True)
    until(lambda: _ingress_status() == 200, what="the Ingress to answer 200", timeout_seconds=120)
    return "200"


def _ingress_status() -> int:
    (answer,) = request.through_ingress(handover.current(), "/", host=HOST, max_time_seconds=30)
    return answer.status or 0


def service() -> str:
    """A Pod's requests to a Service are answered by Pods of both nodes."""
    kubectl = _kubectl()
    tools.ensure_client(kubectl, timeout_seconds=120)

    def nodes() -> set[str]:
        ask = ["exec", "client", "--", "curl", "-s", "--max-time", "20", "http://storefront-svc/whoami"]
        answers = [kubectl.run(ask, check=True).text for _ in range(8)]
        return {json.loads(answer)["node"] for answer in answers}

    until(lambda: nodes() == {"node-1", "node-2"}, what="both nodes to answer", timeout_seconds=120)
    where = kubectl.run(["get", "pod", "client", "-o", "jsonpath={.spec.nodeName}"], check=True).text
    return f"from {where}, answered on node-1 and node-2"


def files() -> str:
    """What the verbs wrote belongs to the reader, though root wrote it; no other user reads the key."""
    kubeconfig = Path(handover.current().kubeconfig)
    assert kubeconfig.stat().st_mode & 0o077 == 0, "others can read the kubeconfig"
    home = Path.home()
    inside = handover.current().file
    assert inside
    foreign = _run(
        "sudo", "find", str(home), "-not", "-user", "reader", "-not", "-path", f"{inside.parent}/*"
    )
    foreign = "\n".join(line for line in foreign.splitlines() if not line.endswith("/lost+found"))
    assert not foreign, f"not the reader's: {foreign}"
    return "all the reader's"


def paused() -> str:
    """`kubehop pause`: nothing of the nodes runs."""
    _run(KUBEHOP, "pause")
    frozen = [(node / "cgroup.events").read_text() for node in Path("/sys/fs/cgroup").glob("kubehop.*")]
    assert all("frozen 1" in text for text in frozen), frozen
    return f"{len(frozen)} nodes frozen"


def resumed() -> str:
    """`kubehop resume`: the same request answers again."""
    _run(KUBEHOP, "resume")
    until(lambda: _ingress_status() == 200, what="the Ingress to answer after resume", timeout_seconds=120)
    return "200"


def clock() -> str:
    """The clock jumps an hour ahead, then back: each time the Ingress answers, and a new Pod gets ready."""
    kubectl = _kubectl()
    for jump, replicas in (("+1 hour", 3), ("-1 hour", 4)):
        _run("sudo", "date", f"--set={jump}")
        _tell({"note": f"the clock jumped by {jump}"})
        kubectl.run(["scale", "deployment/storefront", f"--replicas={replicas}"], check=True)
        kubectl.run(["rollout", "status", "deployment/storefront", "--timeout=300s"], check=True)
        until(lambda: _ingress_status() == 200, what="the Ingress to answer", timeout_seconds=120)
        ready = kubectl.run(["get", "nodes", "--no-headers"], check=True).text.splitlines()
        assert all(line.split()[1] == "Ready" for line in ready), ready
    return f"{replicas} Pods ready, 200, and {len(ready)} nodes Ready"


def down() -> str:
    """`kubehop down`."""
    return _run(KUBEHOP, "down")


def after() -> str:
    """The machine is as it was, and no process of the cluster is left."""
    now = _snapshot()
    changed = {key: (_before[0][key], now[key]) for key in now if _before[0][key] != now[key]}
    assert not changed, f"left behind: {changed}"
    left = [
        line for line in _run("ps", "-eo", "args").splitlines() if "kube-" in line or "containerd" in line
    ]
    assert not left, f"still running: {left}"
    return f"{sum(map(len, now.values()))} facts, none changed"


STEPS: tuple[Callable[[], str], ...] = (
    login,
    before,
    one_cgroup,
    build,
    up,
    cgroups,
    ingress,
    service,
    files,
    paused,
    resumed,
    clock,
    down,
    after,
)


def facts() -> Iterator[tuple[str, str]]:
    """Tell what this machine is."""
    release = platform.freedesktop_os_release()
    yield "system", f"{release['PRETTY_NAME']}, Linux {platform.release()}"
    yield "systemd", _run("systemctl", "--version").splitlines()[0]
    yield "runc", _run("/usr/sbin/runc", "--version").splitlines()[0]
    yield "python", platform.python_version()
    yield "processors", str(os.cpu_count())


def main() -> int:
    """Run the steps in order and tell each; return how many failed, at most one."""
    for name, value in facts():
        _tell({"fact": name, "value": value})
    for step in STEPS:
        title = (step.__doc__ or step.__name__).splitlines()[0]
        _tell({"begin": title})
        began = time.monotonic()
        try:
            told, ok = step(), True
        except Exception as error:  # noqa: BLE001 - whatever it was, the page and the verb must say it
            told, ok = f"{type(error).__name__}: {error}", False
        _tell({"step": title, "ok": ok, "seconds": round(time.monotonic() - began, 1), "told": told})
        if not ok:
            _tell({"logs": _logs()})
            return 1
    return 0


def _logs() -> str:
    """Return the ends of the cluster's logs."""
    folder = Path.home() / ".local/state/kubehop"
    return _run("sudo", "sh", "-c", f"cd {folder} && find . -name '*.log' -exec tail -n 12 {{}} + || true")


def _tell(line: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    code = main()
    _tell({"end": code})
    sys.exit(code)
