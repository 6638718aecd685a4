"""Requests with curl in a Pod: one exec for any number of them.

A fixed shell script runs curl; everything that varies is passed as arguments, never as text of the script.
Each response is framed by lines that begin with a random mark:

```text
<mark> begin 1700000000.123456789      before each curl
HTTP/1.1 200 OK ...                    headers and body (--include)
<mark> end 0 200 0.001234 1 40112 ...  after each response (--write-out)
<mark> note connect to ... failed: Connection refused
```
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from kubehop.client import response
from kubehop.client.response import Response, Responses

# %N of date is missing in some shells' date; then the line ends in a letter and `started` is worked out.
# Why a connection failed is only in curl's verbose output: without it, no route looks like refused.
SCRIPT = r"""
mark=$1; runs=$2; shift 2
while [ "$runs" -gt 0 ]; do
  runs=$((runs - 1))
  printf '\n%s begin %s\n' "$mark" "$(date +%s.%N)"
  { notes=$(curl --verbose "$@" 2>&1 >&3); } 3>&1 || {
    printf '%s\n' "$notes" | while IFS= read -r line; do
      case $line in *" failed: "*|*"connect fail for "*) printf '\n%s note %s\n' "$mark" "$line";; esac
    done
  }
done
"""
_FIELDS = "%{exitcode} %{http_code} %{time_total} %{num_connects} %{local_port} %{errormsg}"
_END = re.compile(r"(\d+) (\d+) ([\d.]+) (-?\d+) (-?\d+) ?(.*)")
_REASON = re.compile(r"(?: failed|connect fail for \S+): (.+)$")
_NO_HOST, _NO_CONNECTION, _EMPTY, _TIMEOUT, _RECEIVE = 6, 7, 52, 28, 56
_ERRORS = {
    5: response.NO_SUCH_HOST,
    _NO_HOST: response.NO_SUCH_HOST,
    _EMPTY: response.CLOSED,
    _TIMEOUT: response.TIMED_OUT,
    _RECEIVE: response.RESET,
}
_WORDS = {
    "network is unreachable": response.UNREACHABLE,
    "connection timed out": response.TIMED_OUT,
}


@dataclass(frozen=True)
class Script:
    """A shell command that makes requests, and what it needs to read its output again."""

    words: list[str]
    mark: str


def script(
    url: str, *, count: int, keep_alive: bool, headers: Mapping[str, str], max_time_seconds: float
) -> Script:
    """Return the command that asks for `url` `count` times.

    Kept alive is one curl with many URLs, which uses one connection for all; otherwise each request has a
    curl, and so a connection, of its own.
    """
    mark = f"kh{secrets.token_hex(8)}"
    curl = [
        "--silent",
        "--include",
        "--globoff",
        "--path-as-is",
        "--noproxy",
        "*",
        "--max-time",
        f"{max_time_seconds:g}",
    ]
    for name, value in headers.items():
        curl += ["--header", f"{name}: {value}"]
    curl += ["--write-out", rf"\n{mark} end {_FIELDS}\n"]
    runs, urls = (1, [url] * count) if keep_alive else (count, [url])
    return Script(["sh", "-c", SCRIPT, "sh", mark, str(runs), *curl, *urls], mark)


def parse(output: str, *, mark: str) -> Responses:
    """Read what the script printed."""
    found: list[Response] = []
    clock, connection, run = 0.0, 0, 0
    for kind, rest, text in _frames(output, mark):
        if kind == "begin":
            clock, run = _seconds(rest, clock), len(found)
        elif kind == "note":
            found[run:] = [_explained(one, rest) for one in found[run:]]
        elif match := _END.fullmatch(rest):
            connection += max(int(match[4]), 0)
            found.append(_response(text, match, connection=connection, started=clock))
            clock += float(match[3])
    return Responses(found)


def _frames(output: str, mark: str) -> Iterator[tuple[str, str, str]]:
    """Yield the kind and the rest of each marked line, and the text that stands before it."""
    begin = 0
    for match in re.finditer(rf"\n{mark} (begin|end|note) (.*)\n?", output):
        yield match[1], match[2], output[begin : match.start()]
        begin = match.end()


def _seconds(text: str, otherwise: float) -> float:
    try:
        return float(text)
    except ValueError:
        return otherwise


def _response(text: str, match: re.Match[str], *, connection: int, started: float) -> Response:
    exit_code, status, port = int(match[1]), int(match[2]), int(match[5])
    headers, body = _split(text)
    error = _ERRORS.get(exit_code, match[6] or f"curl exit code {exit_code}") if exit_code else None
    return Response(
        status=status or None,
        body=body,
        headers=headers,
        duration_ms=float(match[3]) * 1000,
        answered_by=headers.get(response.SERVED_BY),
        error=response.REFUSED if exit_code == _NO_CONNECTION else error,
        connection=connection if port > 0 else None,
        local_port=port if port > 0 else None,
        started=started,
    )


def _split(text: str) -> tuple[dict[str, str], str]:
    """Return the headers of the final answer, and the body."""
    while text.startswith("HTTP/"):
        head, _, text = text.partition("\n\n")
        lines = head.splitlines()
        if not lines[0].split()[1].startswith("1"):  # 100 Continue and its kin come before the answer
            pairs = (line.partition(":") for line in lines[1:])
            return {response.spelled(name): value.strip() for name, _, value in pairs}, text
    return {}, text


def _explained(one: Response, note: str) -> Response:
    """Replace "connection refused" by the reason in the note, where it was another one."""
    reason = _REASON.search(note)
    if one.error != response.REFUSED or reason is None:
        return one
    return replace(one, error=_WORDS.get(reason[1].lower(), reason[1].lower()))
