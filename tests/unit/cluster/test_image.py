"""Images: the same bytes from the same input, readable by any OCI tool, whole in the cache."""

from __future__ import annotations

import dataclasses
import hashlib
import io
import json
import os
import subprocess
import tarfile
import tomllib
from pathlib import Path
from typing import Any

import pytest
from build_progress import Remembered

from kubehop.cluster import archive, closure, image
from kubehop.cluster.archive import Item, Recipe
from kubehop.cluster.product import PRODUCTS
from kubehop.cluster.progress import Silent
from kubehop.errors import BuildError

VERSION_ARGUMENTS = {
    "conntrack": "--version",
    "curl": "--version",
    "date": "--version",
    "dig": "-v",
    "env": "--version",
    "hey": "-h",
    "ip": "-V",
    "jq": "--version",
    "nft": "--version",
    "nsenter": "--version",
    "nslookup": "-version",
    "ss": "-V",
    "tcpdump": "--version",
    "timeout": "--version",
    "xargs": "--version",
}


@pytest.fixture
def recipe(tmp_path: Path) -> Recipe:
    """Return the recipe of a small image with each kind of item."""
    program = tmp_path / "program"
    program.write_text("#!/bin/sh\n")
    items = (Item("/tmp", 0o1777), Item("/usr/bin/program", source=program), Item("/bin", target="usr/bin"))
    return Recipe(
        "docker.io/kubehop/small:1",
        ((Item("/etc/passwd", 0o644, text="root:x:0:0\n"),), items),
        ("/bin/program",),
        {"B": "2", "A": "1"},
    )


@pytest.fixture
def binaries(tmp_path: Path) -> dict[str, Path]:
    """Return a stand-in for every file that products give."""
    found = {}
    for name in (name for item in PRODUCTS for name in item.packages):
        found[name] = tmp_path / name
        found[name].write_text(f"I am {name}.\n")
    return found


class Opened:
    """An image archive, read as an OCI tool reads it: from the index down, each digest checked."""

    def __init__(self, path: Path) -> None:
        self._tar = tarfile.open(path)  # noqa: SIM115 - read by the methods, closed with the test
        self.descriptor: dict[str, Any] = json.loads(self._read("index.json"))["manifests"][0]
        self.manifest = json.loads(self.blob(self.descriptor))
        self.config = json.loads(self.blob(self.manifest["config"]))

    def _read(self, name: str) -> bytes:
        file = self._tar.extractfile(name)
        assert file is not None
        return file.read()

    def blob(self, descriptor: dict[str, Any]) -> bytes:
        """Return a blob whose size and digest are as its descriptor says."""
        data = self._read(f"blobs/sha256/{descriptor['digest'].removeprefix('sha256:')}")
        assert len(data) == descriptor["size"]
        assert f"sha256:{hashlib.sha256(data).hexdigest()}" == descriptor["digest"]
        return data

    def layers(self) -> list[tarfile.TarFile]:
        """Return every layer, the lowest first."""
        return [tarfile.open(fileobj=io.BytesIO(self.blob(layer))) for layer in self.manifest["layers"]]

    def docker_manifest(self) -> dict[str, Any]:
        """Return what `docker load` reads."""
        found: dict[str, Any] = json.loads(self._read("manifest.json"))[0]
        return found


def test_the_same_input_gives_the_same_bytes(recipe: Recipe, tmp_path: Path) -> None:
    """Other times, another folder, items in another order: not one byte differs."""
    one, other = tmp_path / "one.tar", tmp_path / "there" / "other.tar"
    other.parent.mkdir()
    archive.write(recipe, target=one)
    os.utime(tmp_path / "program", ns=(0, 0))
    (tmp_path / "program").chmod(0o600)
    shuffled = dataclasses.replace(
        recipe, layers=tuple(layer[::-1] for layer in recipe.layers), env={"A": "1", "B": "2"}
    )
    archive.write(shuffled, target=other)
    assert one.read_bytes() == other.read_bytes()
    assert [path.name for path in other.parent.iterdir()] == ["other.tar"], "no layer file stays"


def test_an_archive_reads_as_an_oci_image(recipe: Recipe, tmp_path: Path) -> None:
    """Name, platform, configuration and layers are where the specification has them."""
    digest = archive.write(recipe, target=tmp_path / "image.tar")
    opened = Opened(tmp_path / "image.tar")
    assert opened.descriptor["digest"] == digest
    assert opened.descriptor["annotations"]["io.containerd.image.name"] == "docker.io/kubehop/small:1"
    assert opened.descriptor["platform"] == {"architecture": opened.config["architecture"], "os": "linux"}
    assert opened.config["config"]["Entrypoint"] == ["/bin/program"]
    assert opened.config["config"]["Env"] == ["A=1", "B=2"]
    assert opened.config["config"]["User"] == "65532:65532"
    assert opened.config["rootfs"]["diff_ids"] == [layer["digest"] for layer in opened.manifest["layers"]]
    assert opened.docker_manifest()["RepoTags"] == ["docker.io/kubehop/small:1"]


def test_a_layer_says_nothing_about_its_maker(recipe: Recipe, tmp_path: Path) -> None:
    """Parents come before children; owner and time are zero; modes and links are as asked for."""
    archive.write(recipe, target=tmp_path / "image.tar")
    members = Opened(tmp_path / "image.tar").layers()[1].getmembers()
    assert [member.name for member in members] == ["bin", "tmp", "usr", "usr/bin", "usr/bin/program"]
    assert {(member.uid, member.gid, member.mtime, member.uname) for member in members} == {(0, 0, 0, "")}
    modes = {member.name: member.mode for member in members}
    assert (modes["tmp"], modes["usr/bin/program"]) == (0o1777, 0o755)
    assert members[0].linkname == "usr/bin"


def test_every_image_is_packed_once(
    binaries: dict[str, Path], own_cache: Path, progress: Remembered, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second time nothing is planned; a changed program packs its images anew, and no others."""
    without = [r for r in image._recipes(binaries) if "traefik" not in r.name and "tools" not in r.name]
    monkeypatch.setattr(image, "_recipes", lambda _: without)
    first = image.ensure_images(binaries, progress=progress)
    assert [one.name for one in first] == [r.name for r in without]
    assert len(progress.done) == len(without)
    assert image.ensure_images(binaries, progress=progress) == first
    assert len(progress.plans) == 1
    binaries["storefront"].write_text("I am another storefront.\n")
    again = image.ensure_images(binaries, progress=progress)
    changed = {one.name for one, before in zip(again, first, strict=True) if one != before}
    assert changed == {image.STOREFRONT_V1, image.STOREFRONT_V2}
    assert own_cache in again[0].archive.parents


def test_a_damaged_image_is_packed_again(
    binaries: dict[str, Path], own_cache: Path, progress: Remembered, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The plan says why, and the bytes are as before."""
    monkeypatch.setattr(image, "_recipes", lambda _: [image.one_program(image.PAUSE, binaries["pause"])])
    path = image.ensure_images(binaries, progress=progress)[0].archive
    good = path.read_bytes()
    path.write_bytes(good[:-1])
    assert image.ensure_images(binaries, progress=progress)[0].archive.read_bytes() == good
    assert progress.plans[-1][0].reason == "damaged"


def test_the_storefronts_differ_in_their_version_only(binaries: dict[str, Path], tmp_path: Path) -> None:
    """One program, one layer, two images."""
    one, two = (r for r in image._recipes(binaries) if "storefront" in r.name)
    archive.write(one, target=tmp_path / "one.tar")
    archive.write(two, target=tmp_path / "two.tar")
    first, second = Opened(tmp_path / "one.tar"), Opened(tmp_path / "two.tar")
    assert first.manifest["layers"] == second.manifest["layers"]
    assert (first.config["config"]["Env"], second.config["config"]["Env"]) == (["VERSION=v1"], ["VERSION=v2"])


def test_images_carry_the_versions_of_their_products(binaries: dict[str, Path]) -> None:
    """A tag says what is inside."""
    names = {r.name for r in image._recipes(binaries)}
    version = {item.name: item.version.removeprefix("v") for item in PRODUCTS}
    assert f"docker.io/kubehop/coredns:{version['coredns']}" in names
    assert f"docker.io/kubehop/metrics-server:{version['metrics-server']}" in names
    assert f"docker.io/hashicorp/http-echo:{version['http-echo']}" == image.HTTP_ECHO


def test_a_missing_program_names_its_package() -> None:
    """The error says what to install."""
    with pytest.raises(BuildError, match=r"'no-such-program' is not installed.*apt-get install some-package"):
        closure.locate("no-such-program", package="some-package")


def test_libraries_of_a_static_program_are_none(binaries: dict[str, Path]) -> None:
    """A static program needs nothing; a dynamic one needs the C library and the loader."""
    assert closure.libraries([closure.locate("busybox", package="busybox-static")]) == []
    names = {path.name.split("-")[0].split(".")[0] for path in closure.libraries([Path("/usr/bin/env")])}
    assert {"libc", "ld"} <= names


def test_every_tool_runs_from_the_images_own_files(binaries: dict[str, Path], tmp_path: Path) -> None:
    """Each program of the list starts with the image's loader and libraries, and none of this machine's."""
    archive.write(image.tools(image.TOOLS, binaries["pause"]), target=tmp_path / "tools.tar")
    root = tmp_path / "root"
    for layer in Opened(tmp_path / "tools.tar").layers():
        layer.extractall(root, filter="tar")
    loader = next(root.glob("lib*/ld-linux*"), None) or next(root.glob("lib/*/ld-linux*"))
    folders = ":".join(sorted({str(path.parent) for path in root.glob("**/*.so.*")}))
    programs = tomllib.loads(image._PROGRAMS.read_text())["programs"]
    assert set(programs) == {*VERSION_ARGUMENTS, "bash", "busybox"}, "every program has its line above"
    for name, argument in {**VERSION_ARGUMENTS, "bash": "--version"}.items():
        start = [loader, "--inhibit-cache", "--library-path", folders]
        listed = subprocess.run(
            [*start, "--list", root / "usr/bin" / name], capture_output=True, text=True
        ).stdout
        strangers = [line for line in listed.splitlines() if " => " in line and f" => {root}" not in line]
        assert not strangers, f"{name} loads what the image lacks: {strangers}"
        done = subprocess.run(
            [*start, root / "usr/bin" / name, argument], env={}, capture_output=True, text=True
        )
        said = done.stdout + done.stderr
        assert done.returncode == 0 or (name == "hey" and "Usage: hey" in said), f"{name}: {said}"
    sequence = [root / "usr/bin/busybox", "seq", "2"]
    assert subprocess.run(sequence, capture_output=True, text=True).stdout == "1\n2\n"
    assert (root / "usr/bin/sh").readlink() == Path("bash")
    assert (root / "bin/hold").read_text() == "I am pause.\n"


def test_nothing_in_the_real_list_is_unknown_to_the_real_images() -> None:
    """The tools' shell and applets do not hide a program that is listed."""
    programs = tomllib.loads(image._PROGRAMS.read_text())["programs"]
    recipe = image.tools(image.TOOLS, Path("/usr/bin/env"))
    paths = [item.path for layer in recipe.layers for item in layer]
    assert len(paths) == len(set(paths))
    linked = {
        item.path.rpartition("/")[2] for layer in recipe.layers for item in layer if item.target == "busybox"
    }
    assert not linked & set(programs)
    assert {"seq", "sleep", "ls", "sed", "grep", "awk"} <= linked


def test_silence_is_a_progress() -> None:
    """`Silent` can stand wherever progress is asked for."""
    silent = Silent()
    silent.planned([])
    silent.advanced("x", done=0, total=0, detail="")
    silent.finished("x", seconds=0.0)
