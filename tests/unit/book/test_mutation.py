"""Mutations of recorded outputs: they are made where they apply, and nbval's comparison judges them."""

from __future__ import annotations

from pathlib import Path

import pytest
from notebooks import book, code, error, html, stream

from kubehop.book.compare import Comparer
from kubehop.book.mutation import KINDS, mutations, score

CONFIG = Path(__file__).parents[2] / "nbval.cfg"
PODS = (
    "NAME                  READY   STATUS    RESTARTS   AGE   IP            NODE\n"
    "web-549b64fc9-rn4nb   1/1     Running   0          12s   10.244.2.54   node-2\n"
    "web-549b64fc9-xtkvc   1/1     Running   0          12s   10.244.1.51   node-1\n"
)
EXAMPLES = {
    "row missing": PODS,
    "last line missing": PODS,
    "Pods not ready": PODS,
    "endpoint gone": "web-svc-2c4vk   IPv4   8080   10.244.2.54,10.244.1.51   4s\n",
    "Pod address is a Service's": PODS,
    "Service address is a Pod's": "web-svc   ClusterIP   10.96.58.225   <none>   80/TCP   1s\n",
    "node address is a Pod's": "172.30.0.11\n",
    "DNS server": "nameserver 10.96.0.10\n",
    "status code": "HTTP/1.1 404 Not Found\n",
    "API reason": 'Error from server (NotFound): pods "nope" not found\n',
    "phase": PODS,
    "what kubectl did": "service/web-svc created\n",
    "how it failed": "curl: (7) Failed to connect: Connection refused\n",
    "Service type": "web-svc   ClusterIP   10.96.58.225   <none>   80/TCP   1s\n",
    "claim": "same IP:  False\n",
    "None": "web-svc   ClusterIP   10.96.58.225   <none>   80/TCP   1s\n",
    "port": "web-svc   ClusterIP   10.96.58.225   <none>   80:31234/TCP   1s\n",
    "version": "storefront v2\n",
    "count": "40 answers from 2 Pods\n",
    "exit code": "ended with exit code 7\n",
    "label": "Selector:   app=web\n",
    "template hash": "app=web,pod-template-hash=549b64fc9\n",
    "seconds of a field": "http-get http://:8080/ delay=0s timeout=1s period=5s\n",
    "quantity": "      cpu:        20m\n",
    "path": "Pod saw /canary/cart\n",
    "trace": '<figure class="kh-widget" data-trace="services-split"></figure>',
    "right answer": '<input type="radio" data-correct="true">',
    "error name": "CommandError",
}


@pytest.fixture(scope="module")
def comparer() -> Comparer:
    """Return the comparison with the project's rules."""
    return Comparer.from_file(CONFIG)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_every_kind_applies_and_is_noticed(kind: object, comparer: Comparer) -> None:
    """For each kind there is an output where it applies, and the project's rules do not hide it."""
    name = kind.name  # type: ignore[attr-defined]
    text = EXAMPLES[name]
    output = error("x", name=text) if name == "error name" else html(text) if text[0] == "<" else stream(text)
    notebook = book(code("look()", output))
    mine = [one for one in mutations(notebook, seed=1) if one.kind == name]
    assert len(mine) == 1
    assert mine[0].before != mine[0].after
    assert not comparer.same(mine[0].outputs, notebook.cells[0].outputs), mine[0]


def test_the_original_is_left_alone() -> None:
    """Mutating copies; the notebook stays as it was recorded."""
    notebook = book(code("%kubectl get pods", stream(PODS)))
    assert len(mutations(notebook, seed=1)) >= 8
    assert notebook.cells[0].outputs == [stream(PODS)]


def test_the_seed_decides_alone() -> None:
    """The same seed gives the same mutations, another one other places."""
    notebook = book(code("%kubectl get pods", stream(PODS * 5)))
    shown = [[(one.kind, one.after) for one in mutations(notebook, seed=seed)] for seed in (1, 1, 2)]
    assert shown[0] == shown[1]
    assert shown[0] != shown[2]


def test_a_blind_rule_shows_as_a_survivor() -> None:
    """The test can fail: a rule that hides too much lets mutations live, and they are named."""
    notebook = book(code("ask()", stream("HTTP/1.1 200 OK\n")))
    assert score(notebook, Comparer({}), seed=1).survivors == ()
    blind = score(notebook, Comparer({r"\d+": "<n>"}), seed=1)
    assert [(one.kind, one.before, one.after) for one in blind.survivors] == [
        ("status code", "HTTP/1.1 200 OK", "HTTP/1.1 503 OK"),
        ("count", "HTTP/1.1 200 OK", "HTTP/1.1 201 OK"),
    ]
    assert blind.detected == blind.seeded - 2


def test_only_what_nbval_compares_is_mutated() -> None:
    """Ignored cells and cells that never ran have no part in the score."""
    ignored = code("a", stream(PODS), tags=("nbval-ignore-output",))
    assert mutations(book(ignored, code("b", count=None)), seed=1) == []
    quiet = mutations(book(code("c")), seed=1)
    assert [one.kind for one in quiet] == ["warning besides"]
