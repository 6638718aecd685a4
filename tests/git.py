"""What git says of this clone."""

from __future__ import annotations

import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def run(*arguments: str) -> str:
    """Return what a git command prints, also where root looks at somebody else's clone."""
    argv = ("git", "-c", f"safe.directory={ROOT}", *arguments)
    return subprocess.run(argv, cwd=ROOT, check=True, capture_output=True, text=True).stdout


def head() -> str:
    """Return the commit of the clone, with a + where files were changed since."""
    changed = "+" if run("status", "--porcelain", "--untracked-files=no").strip() else ""
    return f"`{run('rev-parse', '--short', 'HEAD').strip()}{changed}`"


def files() -> list[str]:
    """List the files of the clone, those not committed yet too, but none that git ignores."""
    names = run("ls-files", "-z", "--cached", "--others", "--exclude-standard").split("\0")
    return [name for name in names if name and (ROOT / name).exists()]
