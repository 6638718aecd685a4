"""What must not enter a trace does not."""

from __future__ import annotations

import pytest

from kubehop.trace import redact


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("/", "/"),
        ("", "/"),
        ("/burn?ms=200", "/burn?ms=200"),
        ("/a?session=1&page=2", "/a?session=redacted&page=2"),
        ("/a?next=https%3A%2F%2Fexample.com", "/a?next=redacted"),
        ("/a#part", "/a"),
        ("/a?q=0123456789012345678901234567890123456789", "/a?q=redacted"),
    ],
)
def test_paths(text: str, expected: str) -> None:
    """Short plain values stay; names that sound secret and long or odd values do not."""
    assert redact.path(text) == expected


@pytest.mark.parametrize(
    "secret",
    [
        "Authorization: Bearer 0123456789abcdef",
        'Authorization="Basic dXNlcjpwYXNzd29yZA=="',
        "bearer 0123456789abcdef",
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abc",
        '"Set-Cookie":"session=5f2a"',
        "password=hunter2",
        "-----BEGIN PRIVATE KEY-----",
    ],
)
def test_credentials(secret: str) -> None:
    """Each is found, and nothing of it that could be used is left."""
    assert redact.credential_in(f"curl {secret} /") is not None
    cleaned = redact.without_credentials(f"curl {secret} /")
    assert "redacted" in cleaned
    for part in ("0123456789abcdef", "dXNlcjpwYXNzd29yZA", "eyJzdWIiOiIxIn0", "5f2a", "hunter2", "BEGIN"):
        assert part not in cleaned


@pytest.mark.parametrize(
    "plain", ["one cookie, please", "the password is asked for", "basic auth", "a bearer"]
)
def test_words_are_not_credentials(plain: str) -> None:
    """Prose about credentials is none."""
    assert redact.credential_in(plain) is None


def test_hosts_of_lines() -> None:
    """The hosts that lines of both kinds say are found, without ports."""
    echo = '2026/11/24 10:21:41 shop.localhost:8080 10.244.1.3:59306 "GET / HTTP/1.1" 200 14 "curl" 9µs'
    assert redact.hosts_in(echo) == ["shop.localhost"]
    assert redact.hosts_in('{"RequestHost":"a.localhost","RequestAddr":"b.localhost:80"}') == [
        "a.localhost",
        "b.localhost",
    ]
    assert redact.hosts_in("[]") == redact.hosts_in("listening") == []


def test_names_without_the_suffix_of_a_run() -> None:
    """Only a chapter's own suffix is taken off, in keys and values alike."""
    assert redact.shown_namespace("pods-kh7f3a") == "pods"
    assert redact.shown_namespace("kube-system") == "kube-system"
    data = {"route:pods-kh7f3a/app#0": ["http://pods-kh7f3a.localhost", 1]}
    assert redact.rename(data, "pods-kh7f3a", "pods") == {"route:pods/app#0": ["http://pods.localhost", 1]}
