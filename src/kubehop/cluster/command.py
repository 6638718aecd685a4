"""Run a program to its end and hand over each line it prints."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path


def run(
    argv: Sequence[str | Path],
    *,
    cwd: Path,
    env: Mapping[str, str],
    on_line: Callable[[str], None],
) -> int:
    """Run `argv` to its end; output and errors arrive merged, line by line, as they are printed.

    Args:
        argv: The program and its arguments; no shell is involved.
        cwd: The folder it runs in.
        env: Its whole environment.
        on_line: Called with each line, without its line end.

    Returns:
        The exit code; a negative number is the signal that ended the program.

    Raises:
        FileNotFoundError: The program does not exist.
    """
    with subprocess.Popen(
        [str(part) for part in argv],
        cwd=cwd,
        env=dict(env),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    ) as process:
        assert process.stdout is not None  # PIPE was asked for
        try:
            for line in process.stdout:
                on_line(line.rstrip("\n"))
        except BaseException:  # Ctrl-C too: nothing may run on after its caller has gone
            process.terminate()
            raise
    return process.returncode
