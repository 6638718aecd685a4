"""The exercise engine: a lab is one folder; a learner repairs a world, and checks look at its behavior.

`Lab` is what notebooks use. The other names are what a lab's `checks.py` is written with.
"""

from __future__ import annotations

from kubehop.labs.check import Check
from kubehop.labs.diagnosis import first_broken_hop
from kubehop.labs.failure import Failure, Mismatch, Missing, shown
from kubehop.labs.lab import Lab
from kubehop.labs.readiness import why_unready
from kubehop.labs.statistic import requests_for
from kubehop.labs.world import Object, World, labels_of, name_of, ready, template_labels, who

__all__ = [
    "Check",
    "Failure",
    "Lab",
    "Mismatch",
    "Missing",
    "Object",
    "World",
    "first_broken_hop",
    "labels_of",
    "name_of",
    "ready",
    "requests_for",
    "shown",
    "template_labels",
    "who",
    "why_unready",
]
