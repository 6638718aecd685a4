"""The tests of the Go programs that are ours, run with the flags they are built with."""

from __future__ import annotations

import subprocess

import pytest

from kubehop.cluster import toolchain
from kubehop.cluster.product import KUBERNETES, STOREFRONT, Product
from kubehop.cluster.progress import Silent

pytestmark = pytest.mark.cluster


@pytest.mark.parametrize(
    ("product", "package"),
    [(KUBERNETES, "./cloud/balancer"), (STOREFRONT, ".")],
    ids=["load balancers", "storefront"],
)
def test_the_go_tests_pass(product: Product, package: str) -> None:
    """With the same flags and environment, so that what the build compiled is not compiled again."""
    go = toolchain.find(product.go_version, progress=Silent())
    argv = [str(go.program), "test", "-vet=off", *product.flags, package]
    done = subprocess.run(
        argv, cwd=product.folder, env=go.env(), capture_output=True, text=True, check=False, timeout=280
    )
    assert done.returncode == 0, done.stdout + done.stderr
