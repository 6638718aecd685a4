"""Every error kubehop raises on purpose.

```text
KubehopError
├── WaitTimeoutError      a fact did not become true in time
├── ClusterError          the cluster under the book
│   ├── BuildError        a component could not be built
│   ├── DoctorError       the machine lacks something `up` needs
│   ├── ProcessError      an operating-system process failed
│   └── NoClusterError    no running cluster, or more than one to choose from
├── CommandError          kubectl ended with another exit code than 0
├── RequestError          a request could not be made at all (no answer is an answer)
├── TraceError            a recording breaks its schema or one of its invariants
├── LabError              a lab folder is malformed
└── BookError             a chapter, question or recording cannot be read or written
```

A message has three parts: what happened (with the value), why or what was expected, the next command.
"""

from __future__ import annotations


class KubehopError(Exception):
    """Base of every error raised on purpose.

    Args:
        what: What happened, with the value that caused it.
        why: What was expected, or the likely cause.
        next_command: The sentence that tells what to run or read next.
    """

    def __init__(self, what: str, *, why: str = "", next_command: str = "") -> None:
        self.what = what
        self.why = why
        self.next_command = next_command
        super().__init__(" ".join(part for part in (what, why, next_command) if part))

    def _render_traceback_(self) -> list[str]:
        """Show one line in a notebook; IPython calls this instead of printing the stack."""
        return [f"{type(self).__name__}: {self}"]


class WaitTimeoutError(KubehopError):
    """A fact did not become true in time."""


class ClusterError(KubehopError):
    """The cluster under the book could not do what was asked."""


class BuildError(ClusterError):
    """A component could not be built."""


class DoctorError(ClusterError):
    """The machine lacks something that `kubehop up` needs."""


class ProcessError(ClusterError):
    """An operating-system process failed."""


class NoClusterError(ClusterError):
    """No cluster is running, or several are and none was chosen."""


class CommandError(KubehopError):
    """Command kubectl ended with another exit code than 0."""


class RequestError(KubehopError):
    """A request could not be made at all."""


class TraceError(KubehopError):
    """A recording breaks its schema or one of its invariants."""


class LabError(KubehopError):
    """A lab folder is malformed."""


class BookError(KubehopError):
    """A chapter, question or recording cannot be read or written."""
