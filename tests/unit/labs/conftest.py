"""Shared by the tests of the exercise engine: one lab, a cluster in memory, a state folder that goes."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from fake_cluster import FakeCluster

from kubehop.labs import check, folder
from kubehop.labs.check import Report
from kubehop.labs.folder import LabFolder
from kubehop.labs.world import World

ROOT = Path(__file__).parents[3]


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Keep progress and logs out of the reader's own state folder."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    monkeypatch.delitem(os.environ, "KUBEHOP_LEARNER", raising=False)
    return tmp_path / "kubehop"


@pytest.fixture(scope="session")
def lab() -> LabFolder:
    """The lab broken-selector as its folder says."""
    return folder.read(ROOT / "labs" / "broken-selector")


@pytest.fixture
def cluster(lab: LabFolder) -> FakeCluster:
    """A cluster in memory that holds the lab's start state."""
    made = FakeCluster()
    for manifest in lab.start:
        made.apply(manifest)
    made.reconcile()
    return made


@pytest.fixture
def report(lab: LabFolder, cluster: FakeCluster, tmp_path: Path) -> Callable[[], Report]:
    """Run the lab's checks on the cluster in memory."""

    def run() -> Report:
        world = World(cluster, start=lab.start, grace_seconds=0)
        return check.run(lab.checks, world, lab=lab.slug, deadline_seconds=0, log_folder=tmp_path / "log")

    return run
