"""What a chapter's cells call: the first cell, the last, and requests, waiting and looking in between.

Thin on purpose: each function hands the open chapter's namespace to `kubehop.client`.
"""

from __future__ import annotations

import atexit
import re
import secrets
import sys
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

from kubehop import wait
from kubehop.book import observation, question, session
from kubehop.book.progress import ClusterProgress
from kubehop.client import handover, ingress, kubeconfig, namespace, request, tools
from kubehop.client import port_forward as forwarding
from kubehop.client import settle as settling
from kubehop.client.api import Api
from kubehop.client.kubectl import failure
from kubehop.client.response import Responses
from kubehop.errors import BookError

T = TypeVar("T")
# No letters and digits that look alike; `-kh` and four of them is what recorded outputs leave out.
_LETTERS = "abcdefghijkmnpqrstuvwxyz23456789"
_NAME = re.compile(r"[a-z]([a-z0-9-]{0,40}[a-z0-9])?")


def chapter(name: str, *, client: bool = False) -> None:
    """Open a chapter: wait for the cluster and make an empty namespace of its own, `<name>-kh<4 random>`.

    The suffix is new each time, so that nothing in a DNS cache is right by accident. This kernel gets its own
    kubeconfig; namespaces left by kernels that were killed are removed.

    Args:
        name: The notebook's file name without its suffix.
        client: Also start the Pod `client`, from which `from_pod` asks. It is visible in `get pods`, and the
            line this prints says that it is there.

    Raises:
        BookError: `name` cannot name a namespace.
        NoClusterError: No cluster is running, or several are and none was chosen.
        ClusterError: The cluster failed while it was built.
    """
    if not _NAME.fullmatch(name):
        message = f"Chapter {name!r} cannot name a namespace."
        raise BookError(message, why="Small letters, digits and dashes are allowed, at most 42.")
    _close()
    cluster = handover.wait_ready(handover.current(), on_progress=ClusterProgress())
    space = f"{name}-kh{''.join(secrets.choice(_LETTERS) for _ in range(4))}"
    file = kubeconfig.session(cluster, namespace=space)
    opened = session.Session(name, space, cluster, file, Api(file))
    try:
        namespace.sweep(opened.api)
        namespace.create(opened.api, space, chapter=name)
        if client:
            tools.ensure_client(opened.kubectl)
    except BaseException:  # an interrupt, too, must not leave a namespace behind
        _remove(opened)
        raise
    session.enter(opened)
    atexit.register(_close)
    inside = "holds one Pod, client" if client else "empty"
    sys.stdout.write(f"namespace {name} is ready and {inside}\n")


def finish() -> None:
    """Close the chapter: its namespace goes with everything in it, in less than a second.

    When the cluster does not answer, the printed line says so, and how to remove the namespace later.

    Raises:
        BookError: No chapter is open.
    """
    opened = session.current()
    if _close():
        sys.stdout.write(f"namespace {opened.name} is deleted, with everything in it\n")
        return
    sys.stdout.write(
        f"The cluster did not answer, so namespace {opened.namespace} may still be there. "
        f"Once it answers, run `kubectl delete namespace {opened.namespace}`.\n"
    )


def _close() -> bool:
    """Close the chapter that is open, if any; False when its namespace may still be there."""
    if not session.is_open():
        return True
    opened = session.current()
    session.leave()
    return _remove(opened)


def _remove(opened: session.Session) -> bool:
    try:
        return namespace.delete(opened.api, opened.namespace)
    finally:
        kubeconfig.remove(opened.kubeconfig)


def from_pod(
    url: str,
    *,
    count: int = 1,
    keep_alive: bool = False,
    headers: Mapping[str, str] | None = None,
    pod: str = "client",
) -> Responses:
    """Ask for `url` from inside the cluster, with curl in a Pod of this namespace.

    Args:
        url: Names resolve as the Pod resolves them: `http://web-svc`.
        count: Number of requests, one after the other.
        keep_alive: Use one connection for all of them.
        headers: Sent with each request.
        pod: The Pod that asks.

    Raises:
        RequestError: The Pod could not be entered. No answer is no error: `status` is None then.
    """
    kubectl = session.current().kubectl
    found = request.from_pod(kubectl, url, pod=pod, count=count, keep_alive=keep_alive, headers=headers)
    observation.add(found, url, asker="pod", host=_host(headers))
    return found


def through_ingress(
    path: str,
    *,
    host: str | None = None,
    count: int = 1,
    keep_alive: bool = False,
    headers: Mapping[str, str] | None = None,
) -> Responses:
    """Ask the Ingress for `path`, as a browser on this machine does.

    Args:
        path: `/`, `/canary`.
        host: The host name to ask for; by default `<namespace>.localhost`.
        count: Number of requests, one after the other.
        keep_alive: Use one connection for all of them.
        headers: Sent with each request.

    Raises:
        RequestError: Nobody knows the address of the Ingress.
    """
    opened = session.current()
    wanted = host or f"{opened.namespace}.localhost"
    options: dict[str, Any] = {"count": count, "keep_alive": keep_alive, "headers": headers}
    found = request.through_ingress(opened.cluster, path, host=wanted, **options)
    observation.add(found, path, asker="ingress", host=_host(headers) or wanted)
    return found


def from_outside(
    url: str, *, count: int = 1, keep_alive: bool = False, headers: Mapping[str, str] | None = None
) -> Responses:
    """Ask for `url` from a machine that stands beside the nodes and is no part of the cluster.

    Raises:
        RequestError: This cluster has no such machine.
    """
    options: dict[str, Any] = {"count": count, "keep_alive": keep_alive, "headers": headers}
    found = request.from_outside(session.current().cluster, url, **options)
    observation.add(found, url, asker="outside", host=_host(headers))
    return found


def _host(headers: Mapping[str, str] | None) -> str:
    """Return the Host header that was asked for by hand, or nothing."""
    return next((value for name, value in (headers or {}).items() if name.lower() == "host"), "")


def who_answered(selector: str, *, since: datetime | float | None = None) -> Counter[str]:
    """Count the requests in the log of each Pod that `selector` (`app=web`) selects, from `since` on."""
    opened = session.current()
    return request.who_answered(opened.api, namespace=opened.namespace, selector=selector, since=since)


def settle(*, rollouts: bool = True, timeout_seconds: float = 90.0) -> None:
    """Wait until what was applied is what answers.

    Rollouts, EndpointSlices, the rules of every kube-proxy, and the routes of the ingress controller where
    the namespace has an Ingress. What could not be made certain is printed.

    Args:
        rollouts: False where Pods that never get ready are the lesson.
        timeout_seconds: Seconds until the wait is given up.

    Raises:
        WaitTimeoutError: Something still moves; the error names it.
    """
    opened = session.current()
    settled = settling.settle(
        opened.api, opened.namespace, rollouts=rollouts, timeout_seconds=timeout_seconds
    )
    followed = ingress.follow(opened.api, opened.cluster, opened.namespace)
    for doubt in filter(None, (settled.note, followed)):
        sys.stdout.write(f"not certain: {doubt}\n")


def wait_for(fact: Callable[[], T], *, what: str, timeout_seconds: float = 60.0) -> T:
    """Call `fact` until it returns something true, and return that.

    Raises:
        WaitTimeoutError: It did not in time; `what` says in words what was awaited.
    """
    return wait.until(fact, what=what, timeout_seconds=timeout_seconds)


def endpoints(service: str) -> list[str]:
    """Return the addresses of a Service's ready endpoints, sorted, from its EndpointSlices."""
    opened = session.current()
    label = f"kubernetes.io/service-name={service}"
    slices = opened.discovery.list_namespaced_endpoint_slice(opened.namespace, label_selector=label).items
    found = [endpoint for one in slices for endpoint in one.endpoints or () if _ready(endpoint)]
    return sorted(address for endpoint in found for address in endpoint.addresses)


def _ready(endpoint: Any) -> bool:
    """Take an endpoint without the condition as ready, as the API reference says."""
    return endpoint.conditions is None or endpoint.conditions.ready is not False


def port_forward(target: str, port: int) -> AbstractContextManager[str]:
    """Forward a free local port to `port` of `target` (`pod/web`) while the block runs; gives the URL."""
    return forwarding.port_forward(session.current().kubectl, target, port)


def node_exec(node: str, arguments: Sequence[str]) -> str:
    """Run a program in the network of a node, as root, and return what it printed.

    Raises:
        CommandError: It ended with another exit code than 0.
        ClusterError: The node has no tools Pod and could not be given one.
    """
    done = tools.node_exec(session.current().kubectl, node, arguments)
    if done.exit_code:
        raise failure(done)
    return done.text


def predict(name: str) -> question.Prediction:
    """Ask the question `name` of this chapter, from the file questions.toml beside the notebook.

    Raises:
        BookError: The file or the question is missing or malformed.
    """
    opened = session.current()
    questions = question.load(Path(question.FILE))
    if (opened.name, name) not in questions:
        known = ", ".join(sorted(one for chapter_, one in questions if chapter_ == opened.name)) or "none"
        message = f"There is no question {name!r} for chapter {opened.name!r}. It has: {known}."
        raise BookError(message, next_command=f"Add [{opened.name}.{name}] to {question.FILE}.")
    return question.Prediction(questions[opened.name, name])
