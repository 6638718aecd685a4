"""The page docs/conformance.md: which tests ran, on what, with which result."""

from __future__ import annotations

import os
import platform
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import psutil

from kubehop.cluster.linux import cgroup

PAGE = Path(__file__).resolve().parents[2] / "docs" / "conformance.md"
_TAGS = re.compile(r"(\s*\[[^\]]+\])+$")


@dataclass(frozen=True)
class Result:
    """What became of one test.

    Attributes:
        name: Its full name, tags included.
        state: "passed", or what Ginkgo calls it otherwise.
        seconds: How long it took.
        message: Why it failed.
    """

    name: str
    state: str
    seconds: float
    message: str = ""

    @property
    def passed(self) -> bool:
        """Whether it did what it should."""
        return self.state == "passed"


def plain(name: str) -> str:
    """Return a test's name without group and tags, whose order differs between the list and the run."""
    return _TAGS.sub("", " ".join(name.split())).removeprefix("[sig-network] ")


def missing(wanted: list[str], results: list[Result]) -> list[str]:
    """Return the tests of upstream's list that did not run."""
    ran = {plain(one.name) for one in results}
    return [name for name in wanted if plain(name) not in ran]


def verdict(wanted: list[str], results: list[Result]) -> str:
    """Say in one line how the run ended: "47 of 47 passed"."""
    names = {plain(name) for name in wanted}
    passed = {plain(one.name) for one in results if one.passed} & names
    others = [one for one in results if plain(one.name) not in names and not one.passed]
    told = f"{len(passed)} of {len(wanted)} passed"
    return told + (f"; {others[0].name} failed" if others else "")


def write(
    wanted: list[str], results: list[Result], *, versions: dict[str, str], seconds: float, commit: str
) -> bool:
    """Write the page; return whether every test of upstream's list ran once, and nothing failed.

    Args:
        wanted: Upstream's list.
        results: What ran.
        versions: Of the cluster's components, by name.
        seconds: How long it took.
        commit: What the clone was at when it began.
    """
    rows = [
        f"| {plain(one.name)} | {'yes' if one.passed else '**no**'} | {one.seconds:.1f} |"
        for one in sorted(results, key=lambda one: one.name)
    ]
    rows += [f"| {plain(name)} | **did not run** | |" for name in missing(wanted, results)]
    machine = (
        f"{os.cpu_count()} cores, {psutil.virtual_memory().total / 2**30:.0f} GiB, Linux {platform.release()}"
    )
    built = ", ".join(f"{name} {version}" for name, version in sorted(versions.items()))
    page = [
        "# Conformance",
        "",
        f"**{verdict(wanted, results)}** in {seconds / 60:.0f} min.",
        f"Written by `make conformance` on {datetime.now(UTC):%Y-%m-%d} at commit {commit}.",
        "",
        f"These are the tests that Kubernetes {versions['kubernetes']} lists as conformance tests of its"
        " network group, sig-network, built from the same module as the cluster's components and unchanged.",
        "They ran one after the other on a cluster of two nodes with every add-on, in random order.",
        "",
        f"- Machine: {machine}, cgroup version {cgroup.version()}, shared with other work.",
        f"- Cluster: {built}.",
        "",
        "The images that the tests run are built here from the same module, with programs of this machine:",
        "agnhost stands on Debian's C library instead of Alpine's;",
        "the Pods named nginx, of which the tests only want that they run, are agnhost's web server.",
        "",
        "| test | passed | s |",
        "| --- | --- | --- |",
        *rows,
    ]
    PAGE.write_text("\n".join(page) + "\n")
    once = len({one.name for one in results}) == len(results)
    return once and not missing(wanted, results) and all(one.passed for one in results)
