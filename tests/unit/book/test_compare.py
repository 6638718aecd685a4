"""The comparison is nbval's own, and the rules of tests/nbval.cfg do what they say."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from nbval.plugin import IPyNbFile
from notebooks import error, html, stream

from kubehop.book.compare import SKIPPED_KEYS, Comparer
from kubehop.errors import BookError

CONFIG = Path(__file__).parents[2] / "nbval.cfg"
SAME = {
    "Pod address": ("10.244.1.7", "10.244.2.19"),
    "Service address": ("10.96.14.2", "10.96.250.9"),
    "node address": ("172.30.0.11", "172.30.0.12"),
    "node in a column": (
        "Running   0     3s   10.244.1.7   node-1",
        "Running   0   9s   10.244.2.7   node-2",
    ),
    "node in words": ("Successfully assigned pods/web to node-1", "Successfully assigned pods/web to node-2"),
    "generated name": ("web-549b64fc9-rn4nb", "web-549b64fc9-xtkvc"),
    "age": ("web   1/1   Running   0   3s", "web   1/1   Running   0   2m11s"),
    "restarted": ("1 (3s ago)   8s", "1 (11s ago)   18s"),
    "namespace": ("pods-kh7f3a", "pods"),
    "uid": ("0b7c1f0e-6f0f-4b52-9d0c-1d2f3a4b5c6d", "1b7c1f0e-6f0f-4b52-9d0c-1d2f3a4b5c6e"),
    "API time": ("2026-11-24T10:19:31Z", "2026-11-25T01:02:03Z"),
    "HTTP date": ("Date: Tue, 24 Nov 2026 10:19:31 GMT", "Date: Fri, 04 Dec 2026 00:00:01 GMT"),
    "node port": ("80:31234/TCP", "80:30080/TCP"),
    "node port in a URL": ("http://172.30.0.11:31234/", "http://172.30.0.12:30999/"),
    "client port": ("10.244.1.7:43210", "10.244.2.9:60001"),
    "progress": (
        'Waiting for deployment "web" rollout to finish: 0 of 2\ndeployment "web" successfully rolled out',
        'deployment "web" successfully rolled out',
    ),
    "curl's patience": ("after 3002 milliseconds", "after 3001 milliseconds"),
    "resource version": ('resourceVersion: "123"', 'resourceVersion: "99"'),
    "container id": (f"containerd://{'a' * 64}", f"containerd://{'b' * 64}"),
    "access log": ('{"duration_us": 120, "request_id": "ab"}', '{"duration_us": 7, "request_id": "cd"}'),
    "column widths": ("NAME  AGE", "NAME      AGE"),
}
DIFFERENT = {
    "Pod address for a Service's": ("10.244.1.7", "10.96.1.7"),
    "Service address for a Pod's": ("10.96.14.2", "10.244.1.2"),
    "the API server's Service": ("10.96.0.1", "10.96.0.9"),
    "the DNS server": ("10.96.0.10", "10.96.0.53"),
    "the machine outside": ("172.30.0.1", "172.30.0.11"),
    "a Pod not ready": ("web   1/1   Running", "web   0/1   Running"),
    "a restart": ("Running   0   3s", "Running   1   3s"),
    "a probe's period": ("period=1s", "period=5s"),
    "a cpu request": ("cpu:     20m", "cpu:     200m"),
    "a template": ("web-549b64fc9-rn4nb", "web-77cdf8694-rn4nb"),
    "a port": ("80/TCP", "81/TCP"),
    "an endpoint gone": ("10.244.1.7,10.244.2.8", "10.244.1.7"),
    "a status": ("HTTP/1.1 200 OK", "HTTP/1.1 502 Bad Gateway"),
    "a row gone": ("a   1/1\nb   1/1\n", "a   1/1\n"),
    "not rolled out": ('deployment "web" successfully rolled out', "error: timed out waiting"),
    "which node is first": ("node-1   Ready", "node-2   Ready"),
    "a number in a sentence": ("40 answers from 2 Pods", "40 answers from 1 Pods"),
    "another failure": ("Connection refused", "Connection timed out"),
    "a fixed node port": ("nodePort 30080", "nodePort 30081"),
}


@pytest.fixture(scope="module")
def comparer() -> Comparer:
    """Return the comparison with the project's rules."""
    return Comparer.from_file(CONFIG)


@pytest.mark.parametrize("case", SAME)
def test_what_may_differ_is_equal(case: str, comparer: Comparer) -> None:
    """Two equal runs on a real cluster differ in this, and nbval must not mind."""
    left, right = SAME[case]
    assert left != right
    assert comparer.same([stream(left)], [stream(right)]), (comparer.sanitize(left), comparer.sanitize(right))


@pytest.mark.parametrize("case", DIFFERENT)
def test_what_must_not_differ_is_seen(case: str, comparer: Comparer) -> None:
    """A reader would be told something wrong, so nbval must be red."""
    left, right = DIFFERENT[case]
    assert not comparer.same([stream(left)], [stream(right)])


def test_streams_errors_and_displays_are_compared(comparer: Comparer) -> None:
    """What goes to stderr is not stdout, an error has a name and a message, HTML counts."""
    assert not comparer.same([stream("x")], [stream("x", name="stderr")])
    assert not comparer.same([error("exit code 1")], [error("exit code 7")])
    assert not comparer.same([error("x")], [error("x", name="OtherError")])
    assert not comparer.same([html("<p>a</p>")], [html("<p>b</p>")])
    assert not comparer.same([], [stream("x")])
    assert comparer.same([stream("a"), stream("b")], [stream("ab")])


def test_skips_what_nbval_skips(request: pytest.FixtureRequest, tmp_path: Path) -> None:
    """The list of keys is nbval's own."""
    (tmp_path / "x.ipynb").write_text("{}")
    file = IPyNbFile.from_parent(request.session, path=tmp_path / "x.ipynb")
    assert tuple(file.skip_compare) == SKIPPED_KEYS


def test_rules_are_few_and_have_reasons() -> None:
    """At most 20 rules, each below a comment with its number."""
    lines = CONFIG.read_text().splitlines()
    rules = [number for number, line in enumerate(lines) if line.startswith("regex: ")]
    assert 0 < len(rules) <= 20
    assert [int(re.match(r"# (\d+) ", lines[at - 1])[1]) for at in rules] == list(range(1, len(rules) + 1))
    assert all(lines[at + 1].startswith("replace: ") and lines[at + 1] != "replace: " for at in rules)


def test_says_where_the_rules_should_be(tmp_path: Path) -> None:
    """A missing file is named."""
    with pytest.raises(BookError, match=r"no sanitize file .*nbval\.cfg"):
        Comparer.from_file(tmp_path / "nbval.cfg")
