"""One line that tells how far the cluster is, while the first cell waits for it."""

from __future__ import annotations

import os
from html import escape
from typing import Any

from IPython.display import display

from kubehop.client.handover import Cluster


class ClusterProgress:
    """Shows each step of a cluster that is still being built; shows nothing for a ready one.

    A step that takes long says itself how much is left.

    Pass it as `on_progress` to `handover.wait_ready`. While a notebook is recorded or tested
    (`KUBEHOP_STATIC=1`) it stays silent, because how long one waits differs from run to run.
    """

    def __init__(self) -> None:
        self._handle: Any = None

    def __call__(self, cluster: Cluster) -> None:
        """Show the cluster's step; the first call for a ready cluster shows nothing."""
        if os.environ.get("KUBEHOP_STATIC") == "1":
            return
        if cluster.phase == "ready":
            self._show(f"Cluster {cluster.name} is ready.", 1, 1)
            return
        self._show(f"{cluster.step} ({cluster.done}/{cluster.total})", cluster.done, cluster.total)

    def _show(self, text: str, done: int, total: int) -> None:
        bar = f'<progress aria-label="cluster" value="{done}" max="{max(total, 1)}"></progress>'
        data = {"text/plain": text, "text/html": f'<p role="status">{bar} {escape(text)}</p>'}
        if self._handle is not None:
            self._handle.update(data, raw=True)
        elif done < total:
            self._handle = display(  # type: ignore[no-untyped-call]  # IPython is half typed
                data, raw=True, display_id=True
            )
