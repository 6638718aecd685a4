"""A cluster's life: it starts, survives, heals, and leaves nothing behind.

These tests start clusters of their own, beside any that runs.
"""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import time
from pathlib import Path

import psutil
import pytest
from tests.cluster.host import snapshot
from tests.cluster.life import KUBEHOP, all_running, cmdline, kubehop, no_orphans, shop_status

from kubehop.client.kubectl import Kubectl
from kubehop.cluster import state, sweep
from kubehop.cluster.state import Place
from kubehop.wait import until

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(300)]
ROUNDS = int(os.environ.get("KUBEHOP_KILL_ROUNDS", "4"))


def test_down_leaves_the_host_as_it_was(place: Place) -> None:
    """After up, up and down no process, mount, cgroup, rule, sysctl or file is left."""
    before = snapshot()
    first = kubehop("up", place.name)
    assert first.returncode == 0, first.stderr
    while_up = snapshot()
    assert while_up["cgroups"] != before["cgroups"], "the snapshot does not see a running cluster"
    assert while_up["nft"] == before["nft"]
    assert while_up["interfaces"] == before["interfaces"]
    again = kubehop("up", place.name)
    assert again.returncode == 0, again.stderr
    assert kubehop("down", place.name).returncode == 0
    assert snapshot() == before
    assert not [process for process in psutil.process_iter() if place.name in " ".join(cmdline(process))]


def test_survives_kills(shop: Place) -> None:
    """Whichever process is killed, the shop answers again: within 30 s, or after `up`; objects are kept."""
    seed = int(os.environ.get("KUBEHOP_SEED", random.SystemRandom().randrange(10**6)))
    print(f"seed {seed}")  # noqa: T201 - needed to repeat a failure
    dice = random.Random(seed)
    for number in range(ROUNDS):
        supervisor = sweep.supervisor(shop)
        assert supervisor
        victims = sorted([*sweep.processes(shop), supervisor])
        victim = psutil.Process(dice.choice(victims))
        told = f"round {number}, seed {seed}: {victim.name()} {' '.join(victim.cmdline())[:120]}"
        print(told)  # noqa: T201 - as above
        victim.kill()
        _heal(shop, told)
    listed = Kubectl(shop.kubeconfig).run(["get", "deploy,svc,ing", "-o", "name"], check=True).text
    assert "deployment.apps/storefront" in listed
    no_orphans(shop)


def test_survives_the_death_of_everything(shop: Place) -> None:
    """All processes vanish at once, as in a crash of the machine; `up` brings the same objects back."""
    supervisor = sweep.supervisor(shop)
    assert supervisor
    for pid in [supervisor, *sweep.processes(shop)]:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            continue
    assert kubehop("status", shop.name).returncode == 1
    done = kubehop("up", shop.name)
    assert done.returncode == 0, done.stderr
    until(lambda: shop_status(shop) == 200, what="the storefront to answer again", timeout_seconds=60)


def _heal(place: Place, told: str) -> None:
    end = time.monotonic() + 30
    while time.monotonic() < end and sweep.supervisor(place):
        if shop_status(place) == 200 and all_running(place):
            return
        time.sleep(0.5)
    done = kubehop("up", place.name)
    assert done.returncode == 0, f"{told}: {done.stderr}"
    until(lambda: shop_status(place) == 200, what=f"the shop to answer after {told}", timeout_seconds=60)


def test_taken_ports_move_on(place: Place) -> None:
    """A cluster beside others gets the next free ports, and says which."""
    done = kubehop("up", place.name)
    assert done.returncode == 0, done.stderr
    told = state.read_handover(place)
    assert told
    assert str(told["ports"]["ingress_http"]) in done.stdout
    with_port = json.loads(Kubectl(place.kubeconfig).run(["version", "-o", "json"], check=True).text)
    assert with_port["serverVersion"]["gitVersion"] == told["versions"]["kubernetes"]


def test_two_ups_at_once_make_one_cluster(place: Place) -> None:
    """Two `up` of the same name at the same time both succeed, with one supervisor."""
    argv = [*KUBEHOP, "up", "--name", place.name]
    both = [
        subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) for _ in range(2)
    ]
    said = [process.communicate(timeout=240)[0] for process in both]
    assert [process.returncode for process in both] == [0, 0], said
    holders = [
        p.pid for p in psutil.process_iter() if cmdline(p)[-2:] == ["kubehop.cluster.supervisor", place.name]
    ]
    assert holders == [sweep.supervisor(place)]


@pytest.mark.parametrize("seconds", [1.2, 3.0, 7.0])
def test_interrupted_up_leaves_nothing_running(place: Place, seconds: float) -> None:
    """Ctrl-C during `up` undoes what was begun, and the next `up` works."""
    process = subprocess.Popen(
        [*KUBEHOP, "up", "--name", place.name], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    time.sleep(seconds)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)
    assert process.returncode != 0
    assert not sweep.processes(place)
    assert sweep.supervisor(place) is None


def test_damaged_data_is_a_clear_error(place: Place) -> None:
    """An etcd that cannot read its data ends `up` with its last line, the log and the next command."""
    place.prepare()
    damaged = place.folder / "etcd" / "member" / "snap"
    damaged.mkdir(parents=True)
    (damaged / "db").write_bytes(b"not a database" * 1000)
    done = kubehop("up", place.name)
    assert done.returncode == 1
    assert "etcd exited with code" in done.stderr
    assert "kubehop down" in done.stderr
    assert str(place.log / "etcd.log") in done.stderr
    assert (place.log / "etcd.log").exists()
    assert not sweep.processes(place)
    assert kubehop("down", place.name).returncode == 0
    assert not place.folder.exists()


def test_a_foreign_file_in_the_place_of_the_handover_is_survived(place: Place) -> None:
    """A half-written handover file does not stop `up`."""
    place.prepare()
    place.handover.write_text('{"schema": "kubehop-cl')
    done = kubehop("up", place.name)
    assert done.returncode == 0, done.stderr
    assert Path(place.kubeconfig).exists()
