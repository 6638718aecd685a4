"""What a build takes from the caller's Go settings, and what it does not."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from kubehop.cluster import toolchain
from kubehop.cluster.progress import Silent
from kubehop.errors import BuildError

SHAPING = {
    "CGO_ENABLED": "1",
    "GOAMD64": "v3",
    "GOARCH": "arm64",
    "GOARM64": "v9.0",
    "GOEXPERIMENT": "of-another-go",
    "GOFIPS140": "latest",
    "GOFLAGS": "-tags=theirs",
    "GOOS": "windows",
    "GOTOOLCHAIN": "go1.99.0",
    "GOWORK": "/nonexistent/go.work",
}
FETCHING = {
    "GOINSECURE": "example.com",
    "GOMODCACHE": "/their/modules",
    "GOPRIVATE": "example.com/private",
    "GOPROXY": "https://proxy.example.com",
    "GOSUMDB": "off",
}


def settings(env: dict[str, str]) -> dict[str, str]:
    """Return what Go says of its settings in this environment."""
    done = subprocess.run(
        ["go", "env", "-json"], cwd="/", env=env, capture_output=True, text=True, check=True
    )
    told: dict[str, str] = json.loads(done.stdout)
    return told


@pytest.mark.parametrize("how", ["go env -w", "variables"])
def test_what_shapes_a_program_is_ours_and_where_modules_come_from_is_the_callers(
    how: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An entry's key leaves the caller's settings out, so they may not change the result."""
    for name in [*SHAPING, *FETCHING]:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("GOENV", "off")
    plain = settings(toolchain.find("1.20", progress=Silent()).env())
    if how == "variables":
        for name, value in (SHAPING | FETCHING).items():
            monkeypatch.setenv(name, value)
    else:
        (tmp_path / "env").write_text("".join(f"{k}={v}\n" for k, v in (SHAPING | FETCHING).items()))
        monkeypatch.setenv("GOENV", str(tmp_path / "env"))
    told = settings(toolchain.find("1.20", progress=Silent()).env())
    assert {name: told.get(name) for name in SHAPING} == {name: plain.get(name) for name in SHAPING}
    assert {name: told[name] for name in FETCHING} == FETCHING


def test_a_go_that_cannot_tell_its_settings_is_an_error(tmp_path: Path) -> None:
    """Its own words are in the error, and the command that shows them again."""
    program = tmp_path / "go"
    program.write_text("#!/bin/sh\necho go: no home; exit 2\n")
    program.chmod(0o755)
    with pytest.raises(BuildError, match=r"exited with code 2.*go: no home.*go env"):
        toolchain.Go(program, "1.99").env()
