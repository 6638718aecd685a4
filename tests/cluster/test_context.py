"""A cluster that somebody else made: ours, seen through a plain kubeconfig and nothing else."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from kubehop.client import handover
from kubehop.client.handover import Cluster
from kubehop.cluster import context

ROOT = Path(__file__).resolve().parents[2]
TITLES = ["API server", "rights", "nodes", "images", "metrics", "Ingress controller", "Ingress address"]


@pytest.fixture
def foreign(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Cluster:
    """Choose the cluster of these tests by KUBEHOP_CONTEXT, in a kubeconfig of its own."""
    ours = handover.current()
    file = tmp_path / "config"
    file.write_bytes(Path(ours.kubeconfig).read_bytes())
    name = yaml.safe_load(file.read_text())["current-context"]
    monkeypatch.setenv("KUBECONFIG", str(file))
    monkeypatch.setenv("KUBEHOP_CONTEXT", name)
    monkeypatch.setenv("KUBEHOP_INGRESS_HTTP", ours.ingress_http or "")
    return handover.from_context(name)


def lacking(cluster: Cluster) -> dict[str, str]:
    """Return what was found of each thing that is not as it should be."""
    return {finding.title: finding.found for finding in context.examine(cluster) if not finding.ok}


def test_a_complete_cluster_lacks_nothing(foreign: Cluster) -> None:
    """Everything is looked at, and everything is there."""
    assert [finding.title for finding in context.examine(foreign)] == TITLES
    assert lacking(foreign) == {}


def test_each_lack_is_named(foreign: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    """An image that no node has, an argument that Traefik was not given, an Ingress nobody told of."""
    monkeypatch.setattr(context, "OURS", (*context.OURS, "docker.io/library/storefront:v9"))
    monkeypatch.setattr(context, "TRAEFIK", (*context.TRAEFIK, "--no.such=flag"))
    monkeypatch.delenv("KUBEHOP_INGRESS_HTTP")
    assert lacking(handover.from_context(foreign.name)) == {
        "images": "node-1 lacks storefront:v9; node-2 lacks storefront:v9",
        "Ingress controller": "Traefik, without --no.such=flag",
        "Ingress address": f"The Ingress address of cluster {foreign.name!r} is not known",
    }


def test_an_old_cluster_is_named(foreign: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing else is asked of it."""
    monkeypatch.setattr(context, "OLDEST_MINOR", 99)
    (finding,) = context.examine(foreign)
    assert not finding.ok and finding.found.endswith("the chapters need v1.99 or newer")


@pytest.mark.parametrize("chapter", ["start/index", "ingress/ingress"])
def test_a_chapter_runs_there(chapter: str, foreign: Cluster) -> None:
    """Strictly, as on our own: these have no cell that needs our nodes."""
    command = (sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--nbval")
    done = subprocess.run(
        (*command, f"chapters/{chapter}.ipynb"), cwd=ROOT, env=os.environ, capture_output=True, check=False
    )
    assert done.returncode == 0, done.stdout.decode()[-3000:]
