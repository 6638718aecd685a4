"""The fixtures that hold the TypeScript model to the Python one are what the Python one says now."""

from __future__ import annotations

import pytest
from hpa_fixture import DATA, files


@pytest.mark.parametrize("name", sorted(files()))
def test_fixture_is_what_the_model_says(name: str) -> None:
    """A change of the Python model must reach the fixture, and so the widget's own tests."""
    assert (DATA / name).read_text("utf-8") == files()[name], "Run: python tests/unit/widgets/hpa_fixture.py"
