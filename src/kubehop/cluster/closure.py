"""Finds what a program of this machine needs to run in an image: itself and its shared libraries."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path

from kubehop.cluster.command import run
from kubehop.errors import BuildError

_SEARCH = os.pathsep.join(("/usr/local/bin", "/usr/bin", "/usr/sbin", "/bin", "/sbin"))
_LIBRARY = re.compile(r"^\s+(?:\S+ => )?(/\S+) \(0x")
_LOADED_LATE = ("libnss_dns.so.2", "libnss_files.so.2", "libresolv.so.2")


def locate(program: str, *, package: str) -> Path:
    """Return where a program is on this machine.

    Raises:
        BuildError: It is not installed; the error names the package that has it.
    """
    found = shutil.which(program, path=_SEARCH)
    if not found:
        msg = f"{program!r} is not installed on this machine."
        raise BuildError(
            msg,
            why=f"The image kubehop/tools:1 carries it; Debian's package {package!r} has it.",
            next_command=f"Run `sudo apt-get install {package}`, then `kubehop build`.",
        )
    return Path(found)


def libraries(programs: list[Path]) -> list[Path]:
    """Return every shared library and loader that `programs` load, sorted, each once.

    The name service's libraries are added where the C library keeps them apart:
    it opens them by name at run time, so no list of dependencies has them.
    """
    lines: list[str] = []
    # The exit code only says that one of the programs is static, which is fine.
    run(["ldd", *programs], cwd=Path("/"), env={**os.environ, "LC_ALL": "C"}, on_line=lines.append)
    missing = [line.strip() for line in lines if "not found" in line]
    if missing:
        msg = f"A shared library is missing on this machine: {missing[0]!r}."
        raise BuildError(
            msg,
            why="The image kubehop/tools:1 carries the libraries of its programs.",
            next_command="Reinstall the package that has it, then run `kubehop build`.",
        )
    found = {Path(match[1]) for line in lines if (match := _LIBRARY.match(line))}
    folders = {path.parent for path in found if path.name == "libc.so.6"}
    late = {folder / name for folder in folders for name in _LOADED_LATE}
    return sorted(found | {path for path in late if path.exists()})


def applets(busybox: Path) -> list[str]:
    """Return the names of the commands that a busybox can be called by."""
    lines: list[str] = []
    run([busybox, "--list"], cwd=Path("/"), env=os.environ, on_line=lines.append)
    return lines
