"""A notebook that waits while components are built reads what the build tells."""

from __future__ import annotations

from build_progress import Remembered

from kubehop.client import handover
from kubehop.cluster.progress import Work
from kubehop.cluster.state import Place
from kubehop.cluster.teller import Teller


def test_a_build_can_be_read_from_its_first_word_to_its_last(place: Place, progress: Remembered) -> None:
    """The client finds the cluster, sees that somebody works on it, and what is left; a failure, too."""
    told = Teller(place, progress)
    told.write("building", "components")
    first = handover.current()
    assert (first.name, first.phase, first.alive) == ("demo", "building", True)
    told.planned([Work("etcd", "not built yet", 60), Work("kubernetes", "not built yet", 600)])
    told.finished("etcd", seconds=50)
    told.advanced("kubernetes", done=1, total=2, detail="")
    now = handover.current()
    assert (now.done, now.total) == (1, 2)
    assert now.step == "etcd is built"  # at most one word a second
    told.write("failed", "components", error="no network")
    assert handover.read(place.handover).error == "no network"
