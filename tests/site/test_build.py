"""The strict build."""

from __future__ import annotations

from published import Build


def test_strict_build_is_clean(build: Build) -> None:
    """`jupyter-book build . -W -n --keep-going --all` succeeds without a warning and without a network."""
    warnings = [line for line in build.log.splitlines() if "WARNING" in line or "ERROR" in line]
    assert (build.exit_code, warnings) == (0, [])
