"""Writes an OCI image archive; the same input gives the same bytes.

Source: https://github.com/opencontainers/image-spec (layout, manifest, config).
The archive also carries a `manifest.json`, so that `docker load` and `minikube image load` read it.
"""

from __future__ import annotations

import hashlib
import io
import json
import platform
import tarfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

_MEDIA = "application/vnd.oci.image."
_EPOCH = "1970-01-01T00:00:00Z"
_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}


@dataclass(frozen=True)
class Item:
    """One path in a layer: a folder, unless it says what it holds or where it points.

    Args:
        path: Where it is in the image: "/bin/curl".
        mode: Its permission bits.
        source: The file it is copied from.
        text: What it holds, where there is no `source`.
        target: Where it points, if it is a symbolic link.
    """

    path: str
    mode: int = 0o755
    source: Path | None = None
    text: str | None = None
    target: str | None = None


@dataclass(frozen=True)
class Recipe:
    """All that an image is made of.

    Args:
        name: Its full name: "docker.io/library/storefront:v1".
        layers: The items of each layer, the lowest layer first.
        entrypoint: The program it runs and its first arguments.
        arguments: Further arguments, used where a Pod gives none.
        env: Environment variables.
        user: Who runs it, in numbers, so that `runAsNonRoot` can tell: "65532:65532".
    """

    name: str
    layers: tuple[tuple[Item, ...], ...]
    entrypoint: tuple[str, ...]
    env: Mapping[str, str] = field(default_factory=dict)
    user: str = "65532:65532"
    arguments: tuple[str, ...] = ()

    def items(self) -> list[Item]:
        """Return the items of all layers."""
        return [item for layer in self.layers for item in layer]


def write(recipe: Recipe, *, target: Path) -> str:
    """Write the archive of an image to `target` and return the digest of its manifest.

    Layers pass through files beside `target`, never through memory.
    """
    layers = [
        _write_layer(items, target.with_suffix(f".layer{number}"))
        for number, items in enumerate(recipe.layers)
    ]
    config = _as_json(_config(recipe, [layer.digest for layer in layers]))
    manifest = _as_json(
        {
            "schemaVersion": 2,
            "mediaType": f"{_MEDIA}manifest.v1+json",
            "config": _descriptor("config.v1+json", _digest(config), len(config)),
            "layers": [_descriptor("layer.v1.tar", layer.digest, layer.size) for layer in layers],
        }
    )
    with tarfile.open(target, "w", format=tarfile.GNU_FORMAT) as tar:
        _add(tar, "oci-layout", _as_json({"imageLayoutVersion": "1.0.0"}))
        _add(tar, "index.json", _as_json(_index(recipe.name, manifest)))
        _add(tar, "manifest.json", _as_json(_docker_manifest(recipe.name, config, layers)))
        for blob in (manifest, config):
            _add(tar, _blob_path(_digest(blob)), blob)
        for layer in {layer.digest: layer for layer in layers}.values():
            _add(tar, _blob_path(layer.digest), layer.path)
    for layer in layers:
        layer.path.unlink()
    return _digest(manifest)


@dataclass(frozen=True)
class _Layer:
    path: Path
    digest: str
    size: int


def _write_layer(items: Sequence[Item], path: Path) -> _Layer:
    """Write one layer, parents before children, in the order of the paths."""
    everything = {item.path.strip("/"): item for item in items}
    for name in list(everything):
        for parent in PurePosixPath(name).parents:
            everything.setdefault(str(parent), Item(str(parent)))
    everything.pop(".", None)
    with tarfile.open(path, "w", format=tarfile.GNU_FORMAT) as tar:
        for name in sorted(everything):
            _add_item(tar, name, everything[name])
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return _Layer(path, f"sha256:{digest}", path.stat().st_size)


def _add_item(tar: tarfile.TarFile, name: str, item: Item) -> None:
    if item.source is not None or item.text is not None:
        _add(tar, name, item.source or (item.text or "").encode(), mode=item.mode)
        return
    info = _info(name, item.mode)
    info.type = tarfile.DIRTYPE if item.target is None else tarfile.SYMTYPE
    info.linkname = item.target or ""
    tar.addfile(info)


def _add(tar: tarfile.TarFile, name: str, data: bytes | Path, *, mode: int = 0o644) -> None:
    info = _info(name, mode)
    if isinstance(data, bytes):
        info.size = len(data)
        tar.addfile(info, io.BytesIO(data))
        return
    info.size = data.stat().st_size
    with data.open("rb") as file:
        tar.addfile(info, file)


def _info(name: str, mode: int) -> tarfile.TarInfo:
    """Return a header that says nothing about who wrote it, or when: owner 0, time 0."""
    info = tarfile.TarInfo(name)
    info.mode = mode
    return info


def _config(recipe: Recipe, digests: list[str]) -> dict[str, Any]:
    return {
        "created": _EPOCH,
        **_platform(),
        "config": {
            "User": recipe.user,
            "Env": [f"{name}={value}" for name, value in sorted(recipe.env.items())],
            "Entrypoint": list(recipe.entrypoint),
            **({"Cmd": list(recipe.arguments)} if recipe.arguments else {}),
            "WorkingDir": "/",
        },
        "rootfs": {"type": "layers", "diff_ids": digests},
        "history": [{"created": _EPOCH, "created_by": "kubehop"} for _ in digests],
    }


def _index(name: str, manifest: bytes) -> dict[str, Any]:
    """Name the image for containerd, which reads the name from an annotation of the index."""
    descriptor = _descriptor("manifest.v1+json", _digest(manifest), len(manifest))
    descriptor["platform"] = _platform()
    descriptor["annotations"] = {
        "io.containerd.image.name": name,
        "org.opencontainers.image.ref.name": name.rpartition(":")[2],
    }
    return {"schemaVersion": 2, "mediaType": f"{_MEDIA}index.v1+json", "manifests": [descriptor]}


def _docker_manifest(name: str, config: bytes, layers: list[_Layer]) -> list[dict[str, Any]]:
    paths = [_blob_path(layer.digest) for layer in layers]
    return [{"Config": _blob_path(_digest(config)), "RepoTags": [name], "Layers": paths}]


def _platform() -> dict[str, str]:
    machine = platform.machine()
    return {"architecture": _ARCHITECTURES.get(machine, machine), "os": "linux"}


def _descriptor(kind: str, digest: str, size: int) -> dict[str, Any]:
    return {"mediaType": f"{_MEDIA}{kind}", "digest": digest, "size": size}


def _blob_path(digest: str) -> str:
    return f"blobs/sha256/{digest.removeprefix('sha256:')}"


def _digest(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def _as_json(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":"), sort_keys=True).encode()
