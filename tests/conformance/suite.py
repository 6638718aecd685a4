"""Kubernetes' own conformance suite: its program, the list of its tests, and the images its Pods run."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import yaml

from kubehop.cluster import image
from kubehop.cluster.archive import Item, Recipe
from kubehop.cluster.product import KUBERNETES, KUBERNETES_VERSION, Product

ROOT = Path(__file__).resolve().parents[2]
GROUP = "[sig-network]"
SUITE = Product(
    name="conformance",
    folder=ROOT / "binaries" / "conformance",
    packages={"conformance": ".", "agnhost": "k8s.io/kubernetes/test/images/agnhost"},
    texts={
        "conformance.yaml": "test/conformance/testdata/conformance.yaml",
        "localhost.crt": "test/images/agnhost/porter/localhost.crt",
        "localhost.key": "test/images/agnhost/porter/localhost.key",
    },
    cold_seconds=240,
    module=KUBERNETES.module,
    tags=KUBERNETES.tags,  # the same, so that both builds share what they compile
    variables=KUBERNETES_VERSION,
)
# Where the suite looks for its images: under names of ours, because none is pulled.
REPOSITORY = "docker.io/kubehop-conformance"
REPOSITORIES = {"promoterE2eRegistry": REPOSITORY, "gcRegistry": REPOSITORY}


def official(binaries: Mapping[str, Path]) -> list[str]:
    """Return the names of the conformance tests of the network, as upstream's list has them, sorted."""
    tests = yaml.safe_load(binaries["conformance.yaml"].read_text())
    return sorted(" ".join(one["codename"].split()) for one in tests if GROUP in one["codename"])


def environment(folder: Path) -> dict[str, str]:
    """Return what the suite's environment needs; `folder` gets the file that names our images."""
    file = folder / "repositories.yaml"
    file.write_text(yaml.safe_dump(REPOSITORIES))
    return {**os.environ, "KUBE_TEST_REPO_LIST": str(file)}


def recipes(binaries: Mapping[str, Path]) -> list[Recipe]:
    """Return the recipes of the images that the tests of the network ask for.

    agnhost is upstream's program beside programs of this machine, where upstream adds Alpine's.
    glibc-dns-testing is what upstream's is, Debian's C library and `dig`.
    nginx is agnhost's web server under that name: the tests only want a Pod that runs, and ask it nothing.
    """
    names = _names(binaries["conformance"])
    agnhost = binaries["agnhost"]
    base = image.tools(
        names["agnhost"], binaries["pause"], more={"nc": "netcat-openbsd", "getent": "libc-bin"}
    )
    extra = (
        Item("/agnhost", source=agnhost),
        Item("/localhost.crt", 0o644, source=binaries["localhost.crt"]),
        Item("/localhost.key", 0o644, source=binaries["localhost.key"]),
        Item("/uploads", 0o777),
    )
    return [
        replace(base, layers=(*base.layers, extra), entrypoint=("/agnhost",), arguments=("pause",)),
        image.tools(names["glibc-dns-testing"], binaries["pause"], more={"getent": "libc-bin"}),
        replace(
            image.one_program(names["nginx"], agnhost), entrypoint=("/agnhost", "test-webserver"), user="0:0"
        ),
        image.one_program(names["pause"], binaries["pause"]),
    ]


def _names(program: Path) -> dict[str, str]:
    """Ask the suite which image it wants under each short name.

    Of two versions the tests of the network use the newer; of nginx, whose newer one upgrades use, the older.
    """
    with tempfile.TemporaryDirectory() as folder:
        argv = (str(program), "-list-images")
        said = subprocess.run(
            argv, env=environment(Path(folder)), check=True, capture_output=True, text=True
        ).stdout
    ours = sorted((line for line in said.split() if line.startswith(REPOSITORY)), key=_version)
    short = [(line.removeprefix(f"{REPOSITORY}/").partition(":")[0], line) for line in ours]
    return dict(short) | {"nginx": next(line for name, line in short if name == "nginx")}


def _version(name: str) -> tuple[int, ...]:
    return tuple(int(part) for part in name.rpartition(":")[2].replace("-", ".").split(".") if part.isdigit())
