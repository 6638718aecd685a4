"""`%kubectl`, `%%kubectl` and `%%sh`: real commands whose exit code counts.

A bare `!` ignores exit codes; these do not. Nothing is expanded, so `{.metadata.name}` and `$NS` reach
kubectl and the shell as they are written. The two output streams arrive in the order they were written.
"""

from __future__ import annotations

import os
import shlex
import sys
from typing import Any

from IPython.core.magic import Magics, cell_magic, line_cell_magic, magics_class, no_var_expand

from kubehop.book import observation
from kubehop.client.kubectl import TIMED_OUT, Completed, Kubectl, run_script
from kubehop.errors import BookError, CommandError

# Under the 180 s that nbval gives a cell: our message names the command, nbval's does not.
_TIMEOUT_SECONDS = 170.0


@magics_class
class KubectlMagics(Magics):
    """The three magics of every chapter and lab."""

    @no_var_expand
    @line_cell_magic
    def kubectl(self, line: str, cell: str | None = None) -> None:
        """Run the real kubectl; the cell, if there is one, is its standard input.

        Raises:
            CommandError: kubectl ended with another exit code than 0.
        """
        arguments = shlex.split(line)
        observation.command(f"kubectl {line.strip()}")
        done = Kubectl(_kubeconfig()).run(arguments, stdin=cell, timeout_seconds=_TIMEOUT_SECONDS)
        verb = next((word for word in arguments if not word.startswith("-")), "")
        _report(done, f"kubectl {verb}".strip())

    @no_var_expand
    @cell_magic
    def sh(self, line: str, cell: str) -> None:
        """Run the cell with `bash -e -o pipefail`; KUBECONFIG, NS and the pinned kubectl are there.

        Raises:
            CommandError: a command of the cell failed.
        """
        if line.strip():
            message = f"%%sh takes no arguments, and got {line.strip()!r}."
            raise BookError(message, next_command="Write the commands below the %%sh line.")
        observation.command(cell.strip())
        done = run_script(cell, kubeconfig=_kubeconfig(), timeout_seconds=_TIMEOUT_SECONDS)
        _report(done, "the shell")


def _kubeconfig() -> str:
    """Return the kubeconfig that a chapter or lab has set, together with NS; never the reader's own."""
    kubeconfig, namespace = os.environ.get("KUBECONFIG"), os.environ.get("NS")
    if not kubeconfig or not namespace:
        message = "No chapter or lab is open in this kernel, so there is no namespace to work in."
        raise BookError(message, next_command='Run kh.chapter("…"), or lab.start() in a lab.')
    return kubeconfig


def _report(done: Completed, command: str) -> None:
    sys.stdout.write(done.text)
    if done.exit_code == TIMED_OUT:
        message = f"{command} had not finished after {_TIMEOUT_SECONDS:g} s"
        raise CommandError(message)
    if done.exit_code:
        message = f"{command} ended with exit code {done.exit_code}"
        raise CommandError(message)


def load_ipython_extension(shell: Any) -> None:
    """Register the magics; `%load_ext kubehop` calls this."""
    shell.register_magics(KubectlMagics)
