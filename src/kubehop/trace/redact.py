"""What may enter a trace: no credentials, no headers, no host names from outside the scenario."""

from __future__ import annotations

import json
import re
from typing import Any
from urllib.parse import parse_qsl, urlsplit

TRAEFIK_FIELDS = (
    *("StartUTC", "RequestMethod", "RequestHost", "RequestPath", "RouterName", "ServiceName", "ServiceAddr"),
    *("DownstreamStatus", "OriginStatus", "RetryAttempts", "Duration", "OriginDuration", "Overhead"),
    *("ClientHost", "request_X-Request-Id", "downstream_X-Request-Id"),
)
"""Fields of Traefik's access log that are kept; all others, headers among them, are dropped."""

STOREFRONT_FIELDS = (
    *("time", "method", "path", "status", "duration_us", "pod", "client", "connection", "request_id"),
)
"""Fields of the storefront's access log that are kept."""

_SECRET_NAME = re.compile(r"(?i)token|secret|passw|key|auth|session|signature|credential|code|jwt")
_PLAIN_VALUE = re.compile(r"[\w.,:+-]{0,32}\Z")
_SUFFIX = re.compile(r"-kh[0-9a-z]{4}\Z")
_HTTP_ECHO_HOST = re.compile(r"\A\S+ \S+ (\S+) \S+ \"")
_CREDENTIAL = re.compile(
    r"(?i)\b(?:bearer\s+[\w.~+/-]{8,}|basic\s+[\w+/]{12,}=*|eyJ[\w-]{8,}\.[\w-]{8,})|-----BEGIN"
    r"|(?:cookie|authorization|password)[\"']?\s*[:=]\s*[\"']?(?:bearer\s|basic\s)?[^\s'\",}&]{3,}"
)


def path(text: str) -> str:
    """Return a request path without its fragment, and with values that may be secret replaced.

    Example:
        >>> path("/burn?ms=200&token=abc")
        '/burn?ms=200&token=redacted'
    """
    parts = urlsplit(text if text.startswith("/") else f"/{text}")
    pairs = parse_qsl(parts.query, keep_blank_values=True)
    query = "&".join(f"{name}={_value(name, value)}" for name, value in pairs)
    return without_credentials(parts.path + (f"?{query}" if query else ""))


def without_credentials(text: str) -> str:
    """Replace what looks like a credential by the word `redacted`."""
    return _CREDENTIAL.sub("redacted", text)


def credential_in(text: str) -> str | None:
    """Return the first thing in a text that looks like a credential."""
    found = _CREDENTIAL.search(text)
    return found[0] if found else None


def line(fields: dict[str, Any], *, keep: tuple[str, ...]) -> str:
    """Return a JSON log line with the kept fields only, their values as the program wrote them."""
    kept = {name: fields[name] for name in keep if name in fields}
    for name in ("RequestPath", "path"):
        if name in kept:
            kept[name] = path(str(kept[name]))
    return without_credentials(json.dumps(kept, separators=(",", ":"), ensure_ascii=False))


def host(text: str) -> str:
    """Return a host name without its port."""
    return text.rsplit(":", 1)[0] if re.search(r":\d+\Z", text) else text


def hosts_in(log_line: str) -> list[str]:
    """Return the host names that a log line of Traefik or http-echo says were asked for."""
    try:
        fields = json.loads(log_line)
    except ValueError:
        found = _HTTP_ECHO_HOST.match(log_line)
        return [host(found[1])] if found else []
    if not isinstance(fields, dict):
        return []
    names = (fields.get("RequestHost"), fields.get("RequestAddr"), fields.get("host"))
    return [host(str(name)) for name in names if name]


def shown_namespace(namespace: str) -> str:
    """Return a chapter's namespace without the suffix that changes with each run.

    Example:
        >>> shown_namespace("pods-kh7f3a")
        'pods'
    """
    return _SUFFIX.sub("", namespace)


def rename(value: Any, old: str, new: str) -> Any:
    """Return plain data with one text replaced by another everywhere, in keys and in values."""
    if old == new:
        return value
    if isinstance(value, str):
        return value.replace(old, new)
    if isinstance(value, list):
        return [rename(item, old, new) for item in value]
    if isinstance(value, dict):
        return {rename(key, old, new): rename(item, old, new) for key, item in value.items()}
    return value


def _value(name: str, value: str) -> str:
    plain = _PLAIN_VALUE.match(value) and not _SECRET_NAME.search(name)
    return value if plain else "redacted"
