"""A hostile machine: whatever is wrong, a cluster ends healed, or in a clear error with nothing left behind.

`make test` runs it short: all that is bad at once, four kills, two interrupts, by a seed that is printed.
`make hostile` runs each alone, sixty kills, and an interrupt in each phase.
"""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
from tests.cluster import bad
from tests.cluster.life import KUBEHOP, all_running, cmdline, done, kubehop, no_orphans, shop_status
from tests.cluster.load import load

from kubehop.client import owner
from kubehop.client.kubectl import Kubectl
from kubehop.cluster import state, sweep
from kubehop.cluster.cluster import PORTS
from kubehop.cluster.linux import cgroup
from kubehop.cluster.linux.forward import PORTS_TRIED
from kubehop.cluster.state import Place
from kubehop.wait import until

pytestmark = [pytest.mark.cluster, pytest.mark.hostile, pytest.mark.timeout(3600)]
LONG = os.environ.get("KUBEHOP_HOSTILE") == "long"
ROUNDS = int(os.environ.get("KUBEHOP_KILL_ROUNDS", "60" if LONG else "4"))
SEED = int(os.environ.get("KUBEHOP_SEED", random.SystemRandom().randrange(10**6)))
WORD = "x" * 900_000
PHASES = range(-1, 14)
BAD = ("names", "cache", "files", "ports")


def _nothing_runs(place: Place) -> None:
    """No process, cgroup, mount or network namespace of the cluster is there."""
    assert sweep.supervisor(place) is None
    assert not sweep.processes(place)
    assert cgroup.find(place.cgroup_prefix) == []
    assert sweep.mounts(place.folder) == []
    assert not place.namespaces.exists()


def _up(place: Place, *before: str) -> subprocess.Popen[str]:
    argv = [*KUBEHOP, "up", "--name", place.name]
    command = bad.apart("; ".join(before), argv) if before else argv
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, preexec_fn=_interruptible
    )


def _interruptible() -> None:
    """Take Ctrl-C, which a shell makes its background jobs ignore."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@pytest.mark.parametrize("what", BAD if LONG else [BAD])
def test_up_in_a_bad_place(place: Place, tmp_path: Path, what: str | tuple[str, ...]) -> None:
    """No name service, a read-only cache, half-written files, taken ports, two `up` at once: one cluster."""
    names = {"names": bad.without_names(tmp_path)} if "names" in what else {}
    scripts = names | ({"cache": bad.read_only_cache()} if "cache" in what else {})
    if "files" in what:
        bad.half_written(place)
    with bad.taken(*(PORTS.values() if "ports" in what else ())):
        both = [_up(place, *scripts.values()) for _ in range(2)]
        said = [process.communicate(timeout=240)[0] for process in both]
    assert [process.returncode for process in both] == [0, 0], said
    told = state.read_handover(place)
    assert told
    assert str(told["ports"]["ingress_http"]) in said[0]
    if "ports" in what:
        assert not set(told["ports"].values()) & set(PORTS.values())
    version = Kubectl(place.kubeconfig).json(["version"])["serverVersion"]["gitVersion"]
    assert version == told["versions"]["kubernetes"]
    holders = [
        p.pid for p in psutil.process_iter() if cmdline(p)[-2:] == ["kubehop.cluster.supervisor", place.name]
    ]
    assert holders == [sweep.supervisor(place)]
    for file in tmp_path.glob("*"):
        file.unlink() if file.is_file() else None


def test_no_free_port_is_a_clear_error(place: Place) -> None:
    """A hundred taken ports end `up` with the range and the command that shows by whom."""
    first = PORTS["outside_proxy"]
    with bad.taken(*range(first, first + PORTS_TRIED)):
        refused = kubehop("up", place.name)
    assert refused.returncode == 1
    assert f"No port from {first} to {first + PORTS_TRIED - 1}" in refused.stderr
    assert "ss -ltnp" in refused.stderr
    _nothing_runs(place)


def test_little_memory_is_refused(place: Place) -> None:
    """In a cgroup with too little memory `up` says how much there is, before it changes anything."""
    with bad.little_memory() as join:

        def enter() -> None:
            Path(join).write_text("0")

        argv = [*KUBEHOP, "up", "--name", place.name]
        refused = subprocess.run(argv, preexec_fn=enter, capture_output=True, text=True, check=False)
    assert refused.returncode == 1
    assert "memory: 0." in refused.stderr
    assert "Nothing was started." in refused.stderr
    assert not place.folder.exists()


@pytest.fixture
def small(
    place: Place, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Path]:
    """A small disk, on which the state folder is; what a failed test left running goes before the disk."""
    with bad.disk(tmp_path_factory.mktemp("small")) as point:
        monkeypatch.setenv("XDG_STATE_HOME", str(point / "state"))
        yield point
        kubehop("down", place.name)


def test_a_disk_that_is_or_gets_full(place: Place, small: Path) -> None:
    """Full before: refused. Full during `up`: a clear error, and everything undone."""
    with bad.filled(small):
        refused = kubehop("up", place.name)
        assert (refused.returncode, "GB free" in refused.stderr) == (1, True), refused.stderr
    process = _up(place)
    _until_step(place, process, 3)
    with bad.filled(small):
        said, _ = process.communicate(timeout=240)
        assert process.returncode == 1
        assert "The disk is full" in said
        _nothing_runs(place)
    done("down", place.name)


@pytest.mark.skipif(not LONG, reason="takes a minute: `make hostile`")
def test_a_disk_that_was_full_for_a_while(place: Place, small: Path) -> None:
    """A cluster whose etcd had no room left heals when there is room again."""
    done("up", place.name)
    kubectl = Kubectl(place.kubeconfig)
    maps = [
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": f"big-{number}"},
            "data": {"word": WORD},
        }
        for number in range(30)
    ]
    with bad.filled(small):
        lost = kubectl.run(
            ["create", "-f", "-"], stdin=json.dumps({"apiVersion": "v1", "kind": "List", "items": maps})
        )
        assert lost.exit_code != 0, "there was room for all of it"
    until(
        lambda: all_running(place) and kubectl.run(["create", "configmap", "small"]).exit_code == 0,
        what="the cluster to heal",
        timeout_seconds=90,
    )
    done("down", place.name)


def _until_step(place: Place, process: subprocess.Popen[str], number: int) -> str:
    """Wait until `up` takes the step with this number, -1 is before the first; return its title.

    A step may be over before it is seen; then `up` ends, and this returns "missed".
    """

    def reached() -> str:
        if process.poll() is not None:
            return "missed"
        told = state.read_handover(place) or {}
        if told.get("phase") == "building":
            return "building" if number < 0 else ""
        begun = told.get("phase") == "starting" and told["done"] >= number
        return str(told["step"]) if begun else ""

    return until(reached, what=f"step {number}", timeout_seconds=120, interval_seconds=0.005)


def test_interrupted_up_leaves_nothing_running(place: Place) -> None:
    """Ctrl-C in any phase undoes what was begun, and the next `up` works."""
    print(f"seed {SEED}")  # noqa: T201 - needed to repeat a failure
    phases = PHASES if LONG else sorted(random.Random(SEED).sample(PHASES, 2))
    missed = 0
    for number in phases:
        process = _up(place)
        title = _until_step(place, process, number)
        if title == "missed":
            assert (process.wait(), number >= 10) == (0, True), process.communicate()[0]
            missed += 1
            done("down", place.name)
            continue
        process.send_signal(signal.SIGINT)
        said, _ = process.communicate(timeout=60)
        assert process.returncode != 0, f"{title}: {said}"
        print(f"interrupted in {number}: {title}")  # noqa: T201 - as above
        _nothing_runs(place)
    assert missed < len(phases)
    if LONG:
        done("up", place.name)


def test_damaged_data_is_a_clear_error(place: Place) -> None:
    """An etcd that cannot read its data ends `up` with its last line, the log and the next command."""
    place.prepare()
    damaged = place.folder / "etcd" / "member" / "snap"
    damaged.mkdir(parents=True)
    (damaged / "db").write_bytes(b"not a database" * 1000)
    refused = kubehop("up", place.name)
    assert refused.returncode == 1
    assert "etcd exited with code" in refused.stderr
    assert "kubehop down" in refused.stderr
    assert str(place.log / "etcd.log") in refused.stderr
    assert (place.log / "etcd.log").exists()
    _nothing_runs(place)
    done("down", place.name)
    assert not place.folder.exists()


def _kind(pid: int) -> str:
    """Say which program a process is: the five of Kubernetes are one file."""
    words = cmdline(psutil.Process(pid)) if psutil.pid_exists(pid) else []
    name = Path(words[0]).name if words else ""
    return words[1] if name == "kube" else "supervisor" if "kubehop.cluster.supervisor" in words else name


def test_survives_kills_under_load(shop: Place) -> None:
    """Whichever process is killed, the shop answers again: within 30 s, or after `up`; objects are kept."""
    print(f"seed {SEED}")  # noqa: T201 - needed to repeat a failure
    dice, left = random.Random(SEED), list[str]()
    with load(shop) as seen:
        for number in range(ROUNDS):
            supervisor = sweep.supervisor(shop)
            assert supervisor
            by_kind: dict[str, list[int]] = {}
            for pid in sorted([*sweep.processes(shop), supervisor]):
                by_kind.setdefault(_kind(pid), []).append(pid)
            by_kind.pop("", None)
            left = [kind for kind in left if kind in by_kind] or dice.sample(sorted(by_kind), len(by_kind))
            kind = left.pop()
            victim = dice.choice(by_kind[kind])
            told = f"round {number}, seed {SEED}: {kind}"
            print(told)  # noqa: T201 - as above
            if owner.started(victim):
                os.kill(victim, signal.SIGKILL)
            _heal(shop, told)
    assert seen.statuses[200] > 10 * ROUNDS
    listed = Kubectl(shop.kubeconfig).run(["get", "deploy,svc,ing", "-o", "name"], check=True).text
    assert "deployment.apps/storefront" in listed
    no_orphans(shop)


def _heal(place: Place, told: str) -> None:
    healed: Callable[[], bool] = lambda: shop_status(place) == 200 and all_running(place)  # noqa: E731 - used twice
    end = time.monotonic() + 30
    time.sleep(0.2)  # what was killed is noticed
    while time.monotonic() < end and sweep.supervisor(place):
        if healed():
            return
        time.sleep(0.2)
    again = kubehop("up", place.name)
    assert again.returncode == 0, f"{told}: {again.stderr}"
    until(healed, what=f"the shop to answer after {told}", timeout_seconds=60)
