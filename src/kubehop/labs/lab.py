"""`Lab`: a world to repair, from a notebook or from plain calls, in any order.

```python
lab = Lab("broken-selector")
lab.start()      # the failing request
lab.check()      # what holds, what does not, and the next command
lab.hint()       # one more hint
lab.reset()      # back to the start, within two seconds
lab.solution()   # the commands; they are not run
lab.finish()     # the namespace goes, the progress stays
```
"""

from __future__ import annotations

import getpass
import os
import shlex
import time
from functools import cached_property
from pathlib import Path

from kubehop.client.folder import state_root
from kubehop.client import handover, kubeconfig, kubectl
from kubehop.labs import check, folder, notebook, panel, progress
from kubehop.labs.certificate import Certificate
from kubehop.labs.check import Report
from kubehop.labs.folder import LabFolder
from kubehop.labs.learner import label, namespace_for
from kubehop.labs.note import Note, Verdict
from kubehop.labs.reader import ClusterReader
from kubehop.labs.stage import Stage
from kubehop.labs.world import World


class Lab:
    """One learner's lab: in a notebook, making it shows its panel.

    Args:
        slug: The name of its folder below `labs/`.
        learner: Who learns; None takes KUBEHOP_LEARNER, else the name of the user.

    Raises:
        LabError: There is no such lab, or its folder is malformed.
    """

    def __init__(self, slug: str, *, learner: str | None = None) -> None:
        self.folder: LabFolder = folder.load(slug)
        self.learner = label(learner or os.environ.get("KUBEHOP_LEARNER") or getpass.getuser())
        self.namespace = namespace_for(slug, learner=self.learner)
        self._progress = progress.ProgressFile(progress.folder(self.learner) / f"{slug}.json")
        panel.show(self)

    @property
    def progress(self) -> progress.Progress:
        """What the learner has reached in this lab, as stored."""
        return self._progress.read()

    @cached_property
    def reader(self) -> ClusterReader:
        """The cluster; from now on `%kubectl` talks to this lab's namespace."""
        cluster = handover.wait_ready(handover.current())
        file = kubeconfig.session(cluster, namespace=self.namespace)
        _use(file, namespace=self.namespace)
        return ClusterReader(file, namespace=self.namespace)

    @cached_property
    def stage(self) -> Stage:
        """The namespace and its start state."""
        return Stage(self.reader, start=self.folder.start, lab=self.folder.slug, learner=self.learner)

    def start(self) -> Note:
        """Make the world unless it is there already, and show the request that fails."""
        resumed = self.stage.begun
        if not resumed:
            self.stage.restore()
        self._progress.begun(title=self.folder.title)
        words = shlex.split(self.folder.symptom)
        done = self.reader.kubectl.run(words)
        lead = (
            "You are back where you left. The request now:" if resumed else "This is the request that fails."
        )
        return Note(lead, code=f"$ kubectl {self.folder.symptom}\n{done.text}")

    def check(self) -> Verdict:
        """Run every check, store what passed, and tell what to look at next."""
        report = self.report()
        stored = self._progress.checked(
            ((r.name, r.sentence) for r in report.results if r.outcome == "pass"), finished=report.passed
        )
        return Verdict(report, debrief=self.folder.debrief if report.passed else "", progress=stored)

    def report(self) -> Report:
        """Run every check and store nothing."""
        self._begin()
        return check.run(
            self.folder.checks,
            World(self.reader, start=self.folder.start),
            lab=self.folder.slug,
            deadline_seconds=self.folder.deadline_seconds,
            log_folder=state_root() / "log",
        )

    def hint(self) -> Note:
        """Show one more hint; after the last one, all of them."""
        hints = self.folder.hints
        number = min(self.progress.hints + 1, len(hints))
        repeated = self.progress.hints == len(hints)
        self._progress.update(hints=number, title=self.folder.title)
        if repeated:
            lines = "\n".join(f"{n}. {text}" for n, text in enumerate(hints, start=1))
            return Note("These were all the hints.", markdown=lines)
        return Note(f"Hint {number} of {len(hints)}", markdown=hints[number - 1])

    def reset(self) -> Note:
        """Put the world back to its start state, whatever was done to it."""
        began = time.monotonic()
        self.stage.restore()
        seconds = time.monotonic() - began
        return Note(f"The world is as it was at the start (took {seconds:.1f} s).")

    def solution(self) -> Note:
        """Show one solution; it is not run, and other repairs are right too."""
        self._progress.update(solution_seen=True, title=self.folder.title)
        cells = notebook.solution_cells(self.folder.path)
        return Note("One way to repair it. Others are right too.", code="\n\n".join(cells))

    def finish(self) -> Note:
        """Take the lab's namespace away; the progress stays."""
        if self.stage.remove():
            return Note(f"Namespace {self.namespace} is going. Your progress is kept.")
        lead = f"The cluster did not answer, so namespace {self.namespace} may still be there."
        return Note(f"{lead} Your progress is kept. Once it answers, run:", code=f"kubectl delete namespace {self.namespace}")

    def certificate(self) -> Certificate:
        """Return the page that lists every check this learner has passed, in all labs."""
        return Certificate(self.learner, tuple(progress.everything(self.learner)))

    def _begin(self) -> None:
        """Start silently when the first call is another one than `start`."""
        if not self.stage.begun:
            self.stage.restore()
        if not self.progress.started:
            self._progress.begun(title=self.folder.title)

    def _repr_mimebundle_(self, **options: object) -> object:
        return panel.bundle(self, **options)

    def __repr__(self) -> str:
        return f"Lab({self.folder.slug!r})"


def _use(file: Path, *, namespace: str) -> None:
    """Make the commands of later cells go to the lab's namespace."""
    os.environ.update(kubectl.environment(file))
    os.environ["NS"] = namespace
