"""What is built from source, in the order in which the cluster needs it.

A version stands in one place only, the product's `go.mod`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from kubehop.errors import BuildError

_CLONE = Path(__file__).resolve().parents[3]


@dataclass(frozen=True)
class Product:
    """One Go module of ours and the files made from it.

    Args:
        name: Its name in messages and in the cache.
        folder: Where its `go.mod` is.
        packages: The Go package of each file made, by file name.
        texts: The files of `module` that each file made is joined from, as a glob, by file name;
            nothing of them is compiled.
        cold_seconds: How long it takes with nothing cached, downloads included, on two cores.
        module: The module whose version is the product's; empty for a program of this book.
        tags: Build tags.
        variables: Go string variables set by the linker; `{version}`, `{number}` (without the v),
            `{major}` and `{minor}` in a value are replaced.
    """

    name: str
    folder: Path
    packages: Mapping[str, str]
    cold_seconds: int
    texts: Mapping[str, str] = field(default_factory=dict)
    module: str = ""
    tags: tuple[str, ...] = ()
    variables: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def version(self) -> str:
        """The version of the product, as `go.mod` has it: "v1.37.2"; empty for a program of this book."""
        if not self.module:
            return ""
        found = re.search(rf"^(?:require )?\s*{re.escape(self.module)} (v\S+)", self._go_mod, re.MULTILINE)
        if not found:
            msg = f"{self.folder / 'go.mod'} requires no module {self.module!r}."
            raise BuildError(
                msg,
                why=f"The version of {self.name} is read from there.",
                next_command=f"Run `go get {self.module}@VERSION` in {str(self.folder)!r}.",
            )
        return found[1]

    @cached_property
    def go_version(self) -> str:
        """The oldest Go that may build it: "1.26.8"."""
        found = re.search(r"^go (\S+)", self._go_mod, re.MULTILINE)
        return found[1] if found else "1.26"

    @property
    def flags(self) -> tuple[str, ...]:
        """The arguments of `go build` that shape the result."""
        number = self.version.removeprefix("v")
        major, _, rest = number.partition(".")
        words = {"version": self.version, "number": number, "major": major, "minor": rest.partition(".")[0]}
        link = ["-s", "-w", *(f"-X {name}={value.format(**words)}" for name, value in self.variables.items())]
        return (
            "-trimpath",
            "-mod=readonly",
            "-buildvcs=false",
            f"-tags={','.join(self.tags)}",
            f"-ldflags={' '.join(link)}",
        )

    def sources(self) -> list[Path]:
        """Return every file that shapes the result, sorted: all but tests and documents."""
        return sorted(
            path
            for path in self.folder.rglob("*")
            if path.is_file() and not path.name.endswith(("_test.go", ".md"))
        )

    @cached_property
    def _go_mod(self) -> str:
        path = self.folder / "go.mod"
        try:
            return path.read_text()
        except OSError as error:
            msg = f"{str(path)!r} cannot be read: {error.strerror}."
            raise BuildError(
                msg,
                why=f"{self.name} is built from it, so kubehop must run from a clone of the book.",
                next_command="Run `pip install --editable .` in the clone.",
            ) from error


# What `kubectl version` and the nodes report; Kubernetes keeps it in two packages.
KUBERNETES_VERSION = {
    f"{package}.{variable}": value
    for package in ("k8s.io/component-base/version", "k8s.io/client-go/pkg/version")
    for variable, value in {
        "gitVersion": "{version}",
        "gitMajor": "{major}",
        "gitMinor": "{minor}",
        "gitTreeState": "clean",
    }.items()
}
_CONTAINERD = "github.com/containerd/containerd/v2"
_CNI = "github.com/containernetworking/plugins"

PAUSE = Product(
    name="pause",
    folder=_CLONE / "images" / "pause",
    packages={"pause": "."},
    cold_seconds=2,
)
ETCD = Product(
    name="etcd",
    folder=_CLONE / "binaries" / "etcd",
    packages={"etcd": "go.etcd.io/etcd/server/v3"},
    cold_seconds=30,
    module="go.etcd.io/etcd/server/v3",
)
CONTAINERD = Product(
    name="containerd",
    folder=_CLONE / "binaries" / "containerd",
    packages={
        "containerd": f"{_CONTAINERD}/cmd/containerd",
        "containerd-shim-runc-v2": f"{_CONTAINERD}/cmd/containerd-shim-runc-v2",
        "ctr": f"{_CONTAINERD}/cmd/ctr",
    },
    cold_seconds=68,
    module=_CONTAINERD,
    # No btrfs, devicemapper or zfs: overlayfs and the native snapshotter are what nodes use.
    tags=(
        "no_btrfs",
        "no_devmapper",
        "no_zfs",
        "urfave_cli_no_docs",
        "osusergo",
        "netgo",
        "static_build",
    ),
    variables={f"{_CONTAINERD}/version.Version": "{version}"},
)
CNI_PLUGINS = Product(
    name="cni-plugins",
    folder=_CLONE / "binaries" / "cni-plugins",
    packages={
        "host-local": f"{_CNI}/plugins/ipam/host-local",
        "loopback": f"{_CNI}/plugins/main/loopback",
        "ptp": f"{_CNI}/plugins/main/ptp",
        "portmap": f"{_CNI}/plugins/meta/portmap",
    },
    cold_seconds=5,
    module=_CNI,
)
KUBERNETES = Product(
    name="kubernetes",
    folder=_CLONE / "binaries" / "kubernetes",
    packages={"kube": "."},
    cold_seconds=490,
    module="k8s.io/kubernetes",
    tags=("selinux", "notest", "grpcnotrace"),
    variables=KUBERNETES_VERSION,
)
COREDNS = Product(
    name="coredns",
    folder=_CLONE / "binaries" / "coredns",
    packages={"coredns": "."},
    cold_seconds=65,
    module="github.com/coredns/coredns",
    tags=("grpcnotrace",),
)
HTTP_ECHO = Product(
    name="http-echo",
    folder=_CLONE / "binaries" / "http-echo",
    packages={"http-echo": "github.com/hashicorp/http-echo"},
    cold_seconds=2,
    module="github.com/hashicorp/http-echo",
    variables={"github.com/hashicorp/http-echo/version.Version": "{number}"},
)
STOREFRONT = Product(
    name="storefront",
    folder=_CLONE / "images" / "storefront",
    packages={"storefront": "."},
    cold_seconds=4,
)
METRICS_SERVER = Product(
    name="metrics-server",
    folder=_CLONE / "binaries" / "metrics-server",
    packages={"metrics-server": "sigs.k8s.io/metrics-server/cmd/metrics-server"},
    cold_seconds=125,
    module="sigs.k8s.io/metrics-server",
    variables={"k8s.io/client-go/pkg/version.gitVersion": "{version}"},
)
KUBE_ROUTER = Product(
    name="kube-router",
    folder=_CLONE / "binaries" / "kube-router",
    packages={"kube-router": "."},
    cold_seconds=105,
    module="github.com/cloudnativelabs/kube-router/v2",
)
GATEWAY_API = Product(
    name="gateway-api",
    folder=_CLONE / "binaries" / "gateway-api",
    packages={},
    texts={"gateway-api.yaml": "config/crd/standard/*.yaml"},
    cold_seconds=3,
    module="sigs.k8s.io/gateway-api",
)

PRODUCTS = (
    PAUSE,
    ETCD,
    CONTAINERD,
    CNI_PLUGINS,
    KUBERNETES,
    COREDNS,
    HTTP_ECHO,
    STOREFRONT,
    METRICS_SERVER,
    KUBE_ROUTER,
    GATEWAY_API,
)
"""All products, those a node needs first at the front."""
