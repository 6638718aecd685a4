"""Chapters on a real cluster: two at once, what a killed kernel leaves is swept, finish leaves nothing."""

from __future__ import annotations

import re
import subprocess
import sys
import time
from pathlib import Path

import pytest

from kubehop import wait
from kubehop.client import handover, kubeconfig
from kubehop.client.api import Api
from kubehop.client.folder import state_root

pytestmark = pytest.mark.cluster

OPEN = """
import sys, kubehop as kh
kh.chapter(sys.argv[1], client=True)
print(kh.namespace, flush=True)
sys.stdin.readline()
kh.finish()
"""
FINISH_SECONDS = 10.0  # on a busy machine; a quiet one takes half a second, kubectl's own way eleven


@pytest.fixture(scope="module")
def api() -> Api:
    """Return the API of the running cluster."""
    return Api(kubeconfig.session(handover.current()))


def kernel(name: str) -> tuple[subprocess.Popen[str], str]:
    """Start a process that opens a chapter as a kernel does, and return it with its namespace."""
    process = subprocess.Popen(
        [sys.executable, "-c", OPEN, name], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == f"namespace {name} is ready and holds one Pod, client\n"
    return process, process.stdout.readline().strip()


def gone(api: Api, name: str) -> bool:
    """Tell whether a namespace is gone or going."""
    found = [one for one in api.items("/api/v1/namespaces") if one["metadata"]["name"] == name]
    return all("deletionTimestamp" in one["metadata"] for one in found)


def sessions_of(process: subprocess.Popen[str]) -> list[Path]:
    """Return the private kubeconfigs of a process."""
    return list((state_root() / "sessions").glob(f"*+{process.pid}+*"))


def test_finish_leaves_nothing_and_is_fast(api: Api) -> None:
    """The namespace goes with its Pod, and the private kubeconfig with them."""
    process, space = kernel("life")
    assert re.fullmatch(r"life-kh\w{4}", space)
    assert sessions_of(process)
    begin = time.monotonic()
    out, _ = process.communicate("\n", timeout=60)
    assert time.monotonic() - begin < FINISH_SECONDS
    assert out == "namespace life is deleted, with everything in it\n"
    assert gone(api, space) and not sessions_of(process)
    assert api.items(f"/api/v1/namespaces/{space}/pods") == []


def test_a_killed_kernel_is_swept_by_the_next_chapter(api: Api) -> None:
    """Nobody finishes after kill -9, so the next first cell does; living kernels keep theirs."""
    killed, old = kernel("life")
    living, kept = kernel("life")
    try:
        killed.kill()
        killed.wait()
        assert not gone(api, old)
        third, _ = kernel("other")
        third.communicate("\n", timeout=60)
        wait.until(lambda: gone(api, old), what=f"namespace {old} to be swept", timeout_seconds=10)
        assert not gone(api, kept)
    finally:
        living.communicate("\n", timeout=60)


def test_a_kernel_that_is_shut_down_cleans_up(api: Api) -> None:
    """Leaving Python without `finish` is enough: closing a kernel leaves no Pod running."""
    script = "import kubehop as kh\nkh.chapter('life')\nprint(kh.namespace)"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=120, check=True
    )
    assert gone(api, done.stdout.splitlines()[-1])
