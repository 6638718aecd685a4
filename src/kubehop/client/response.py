"""What came back for a request: an answer, or the error in place of one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import overload

from kubehop.errors import RequestError

SERVED_BY = "X-Served-By"
REFUSED = "connection refused"
TIMED_OUT = "timed out"
NO_SUCH_HOST = "no such host"
NO_ROUTE = "no route to host"
UNREACHABLE = "network unreachable"
RESET = "connection reset"
CLOSED = "connection closed"


@dataclass(frozen=True, repr=False)
class Response:
    """One answer, or none.

    Attributes:
        status: The HTTP status, or None when no answer came.
        body: The body as text.
        headers: By name, spelled as in `Content-Type`; of repeated ones the last.
        duration_ms: From the start of the request, name look-up and connection included, to the last byte.
        answered_by: The Pod that says it answered (header X-Served-By), or None when the answer does not say.
        error: None, or why no answer came: "connection refused", "timed out", "no such host",
            "no route to host", "network unreachable", "connection reset", "connection closed", or the
            client's own words.
        connection: Number of the TCP connection among the requests made together, from 1; None without one.
        local_port: The client's port of that connection; None when it is not known.
        started: When the request began, in seconds since 1970.
    """

    status: int | None
    body: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    duration_ms: float = 0.0
    answered_by: str | None = None
    error: str | None = None
    connection: int | None = None
    local_port: int | None = None
    started: float = 0.0

    @property
    def outcome(self) -> str:
        """The status, or the error, as text: what `Responses` counts and prints."""
        return str(self.status) if self.error is None else self.error

    def __repr__(self) -> str:
        by = f" from {self.answered_by}" if self.answered_by else ""
        return f"<Response {self.outcome}{by}>"


class Responses(tuple[Response, ...]):
    """The responses to requests made together, in their order.

    For a single request, its fields can be read from here: `from_pod(url).status`.
    """

    __slots__ = ()

    @property
    def statuses(self) -> list[int | None]:
        """The HTTP statuses; None where no answer came."""
        return [response.status for response in self]

    @property
    def errors(self) -> Counter[str]:
        """How often each error came."""
        return Counter(response.error for response in self if response.error is not None)

    def counts(self) -> Counter[str]:
        """Count who answered, by Pod; answers that do not say are not in it."""
        return Counter(response.answered_by for response in self if response.answered_by is not None)

    @property
    def only(self) -> Response:
        """The one response.

        Raises:
            RequestError: There is another number of them.
        """
        if len(self) != 1:
            hint = "Use an index, or loop over them."
            what = f"{len(self)} responses do not have one status, body or error."
            raise RequestError(what, next_command=hint)
        return self[0]

    @property
    def status(self) -> int | None:
        """The status of the only response."""
        return self.only.status

    @property
    def body(self) -> str:
        """The body of the only response."""
        return self.only.body

    @property
    def headers(self) -> dict[str, str]:
        """The headers of the only response."""
        return self.only.headers

    @property
    def duration_ms(self) -> float:
        """The duration of the only response."""
        return self.only.duration_ms

    @property
    def answered_by(self) -> str | None:
        """Who gave the only response."""
        return self.only.answered_by

    @property
    def error(self) -> str | None:
        """The error of the only response."""
        return self.only.error

    def __iter__(self) -> Iterator[Response]:
        return super().__iter__()

    @overload  # type: ignore[override]  # a slice of responses is responses, not a plain tuple
    def __getitem__(self, index: int) -> Response: ...
    @overload
    def __getitem__(self, index: slice) -> Responses: ...
    def __getitem__(self, index: int | slice) -> Response | Responses:
        if isinstance(index, slice):
            return Responses(super().__getitem__(index))
        return super().__getitem__(index)

    def __repr__(self) -> str:
        outcomes = Counter(response.outcome for response in self).most_common()
        said = ", ".join(f"{count} x {outcome}" for outcome, count in sorted(outcomes))
        return f"<Responses {said or 'none'}>"


def spelled(name: str) -> str:
    """Return a header's name in the spelling that Go uses: `content-type` is `Content-Type`."""
    return "-".join(part[:1].upper() + part[1:].lower() for part in name.split("-"))
