"""CPU quantities."""

from __future__ import annotations

import pytest

from kubehop.trace.quantity import millicores


@pytest.mark.parametrize(
    ("text", "expected"),
    [("100m", 100), ("1", 1000), ("0.5", 500), ("523338n", 1), ("1500u", 2), ("2k", 2_000_000)],
)
def test_cpu_quantities(text: str, expected: int) -> None:
    """Every suffix is read, and rounded up."""
    assert millicores(text) == expected
