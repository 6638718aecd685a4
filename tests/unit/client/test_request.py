"""Requests: real curl, real sockets, and errors that are values."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from api_server import ApiServer
from kubernetes.client.exceptions import ApiException
from servers import exec_program, free_port, http_server, socks_server

from kubehop.client import request
from kubehop.client.api import Api
from kubehop.client.handover import Cluster
from kubehop.client.kubectl import Kubectl
from kubehop.client.response import Responses
from kubehop.errors import RequestError

Ask = Callable[..., Responses]


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    """Serve HTTP; return the port."""
    with http_server() as number:
        yield number


@pytest.fixture
def cluster(port: int) -> Iterator[Cluster]:
    """Return a cluster whose Ingress is the test server, and whose outside door knows `node-1`."""
    with socks_server({"node-1": "127.0.0.1"}) as door:
        yield Cluster(
            name="test",
            phase="ready",
            kubeconfig="",
            ingress_http=f"http://127.0.0.1:{port}",
            outside_proxy=f"socks5h://127.0.0.1:{door}",
        )


@pytest.fixture(params=["pod", "ingress", "outside"])
def ask(request: pytest.FixtureRequest, cluster: Cluster, port: int, kubeconfig: Path, tmp_path: Path) -> Ask:
    """Return each of the three ways to ask the test server for a path."""
    kubectl = Kubectl(kubeconfig, program=exec_program(tmp_path))
    return {
        "pod": _from_pod(kubectl, port),
        "ingress": _ingress(cluster),
        "outside": _outside(cluster, port),
    }[request.param]


def test_an_answer_has_status_headers_body_and_who(ask: Ask) -> None:
    """Status, headers in one spelling, the whole body, the time and the Pod are read."""
    before = time.time()
    one = ask("/cart?x=1", headers={"Host": "shop.localhost"}).only
    assert (one.status, one.error) == (200, None)
    assert one.body == "/cart?x=1 at shop.localhost\n\nlast line"
    assert one.headers["X-Served-By"] == one.answered_by
    assert one.answered_by in ("pod-0", "pod-1")
    assert one.headers["Content-Length"] == str(len(one.body))
    assert 0 < one.duration_ms < 2000
    assert before - 0.01 <= one.started <= time.time()


def test_each_request_has_a_connection_of_its_own(ask: Ask) -> None:
    """Without keep-alive, every request comes from another port."""
    found = ask("/", count=5)
    assert found.statuses == [200] * 5
    assert [one.connection for one in found] == [1, 2, 3, 4, 5]
    assert len({one.local_port for one in found}) == 5
    assert all(a.started < b.started for a, b in itertools.pairwise(found))


def test_a_kept_alive_connection_carries_all_requests(ask: Ask) -> None:
    """With keep-alive, one port asks for all, and so one Pod answers all."""
    found = ask("/", count=5, keep_alive=True)
    assert found.statuses == [200] * 5
    assert {one.connection for one in found} == {1}
    assert len({one.local_port for one in found}) == 1
    assert list(found.counts().values()) == [5]
    assert all(a.started < b.started for a, b in itertools.pairwise(found))


def test_a_server_may_close_a_kept_alive_connection(ask: Ask) -> None:
    """Where the server says `Connection: close`, the next request has a new connection, and no error."""
    found = ask("/close", count=3, keep_alive=True)
    assert found.statuses == [200] * 3
    assert [one.connection for one in found] == [1, 2, 3]


def test_a_missing_page_is_an_answer(ask: Ask) -> None:
    """404 is a status, not an error."""
    assert (ask("/missing").status, ask("/missing").error) == (404, None)


def test_the_path_is_sent_as_it_is(ask: Ask) -> None:
    """Dots in the path reach the server."""
    assert ask("/canary/../cart").body.startswith("/canary/../cart at ")


def test_an_early_answer_is_not_the_answer(ask: Ask) -> None:
    """Answers of the 100 class before the final one are passed over."""
    assert ask("/continue").body.startswith("/continue at")


def test_a_slow_answer_is_timed_out_in_time(ask: Ask) -> None:
    """A request ends after its own time limit, with the error as a value."""
    begin = time.monotonic()
    one = ask("/slow", max_time_seconds=0.2).only
    assert (one.status, one.error) == (None, "timed out")
    assert time.monotonic() - begin < 0.45


def test_a_closed_connection_is_a_value(ask: Ask) -> None:
    """A server that hangs up without an answer is told apart from one that refuses."""
    found = ask("/drop", count=2)
    assert found.errors == {"connection closed": 2}
    assert found.statuses == [None, None]


def test_nobody_listening_is_refused_each_time(cluster: Cluster, kubeconfig: Path, tmp_path: Path) -> None:
    """A closed port is "connection refused" in all three ways, also with keep-alive."""
    closed = free_port()
    kubectl = Kubectl(kubeconfig, program=exec_program(tmp_path))
    nowhere = replace(cluster, ingress_http=f"http://127.0.0.1:{closed}")
    for keep_alive in (False, True):
        for way in (_from_pod(kubectl, closed), _ingress(nowhere), _outside(cluster, closed)):
            assert way("/", count=2, keep_alive=keep_alive).errors == {"connection refused": 2}


def test_no_route_is_not_called_refused(kubeconfig: Path, tmp_path: Path) -> None:
    """Curl has one exit code for every failed connection; the reason is told apart all the same."""
    kubectl = Kubectl(kubeconfig, program=exec_program(tmp_path))
    found = request.from_pod(kubectl, "http://255.255.255.255/", count=2)
    assert found.errors == {"network unreachable": 2}


def test_an_unknown_name_is_no_such_host(kubeconfig: Path, tmp_path: Path) -> None:
    """A name that nobody knows is told apart from a server that is not there."""
    kubectl = Kubectl(kubeconfig, program=exec_program(tmp_path))
    too_long_for_any_server = "a" * 64 + ".test"
    assert request.from_pod(kubectl, f"http://{too_long_for_any_server}/").error == "no such host"


def test_a_name_unknown_outside_is_unreachable(cluster: Cluster) -> None:
    """The far end resolves names; what it cannot reach is a value."""
    assert request.from_outside(cluster, "http://web-svc/").error == "no route to host"


def test_a_pod_that_cannot_be_entered_is_an_error(kubeconfig: Path, tmp_path: Path) -> None:
    """No request was made, so there is nothing to return; the error says what kubectl said."""
    program = tmp_path / "kubectl-fails"
    program.write_text(
        "#!/bin/sh\necho 'Error from server (NotFound): pods \"client\" not found' >&2; exit 1\n"
    )
    program.chmod(0o755)
    with pytest.raises(RequestError, match=r"2 of 2 requests.*NotFound.*kubectl get pod client"):
        request.from_pod(Kubectl(kubeconfig, program=program), "http://web/", count=2)


def test_a_closed_outside_door_is_an_error(cluster: Cluster) -> None:
    """A door that is not there is no fact about the cluster's network."""
    shut = replace(cluster, outside_proxy=f"socks5h://127.0.0.1:{free_port()}")
    with pytest.raises(RequestError, match=r"outside door at 127\.0\.0\.1:\d+ is closed"):
        request.from_outside(shut, "http://node-1/")


def test_unknown_addresses_say_what_to_set(cluster: Cluster) -> None:
    """Without an Ingress address or a door, the error ends in what to do."""
    bare = replace(cluster, ingress_http=None, outside_proxy=None)
    with pytest.raises(RequestError, match="export KUBEHOP_INGRESS_HTTP"):
        request.through_ingress(bare, "/", host="shop.localhost")
    with pytest.raises(RequestError, match="no door"):
        request.from_outside(bare, "http://node-1/")
    with pytest.raises(RequestError, match="begin with http://"):
        request.from_outside(cluster, "https://node-1/")


def test_many_responses_have_no_single_status(ask: Ask) -> None:
    """Reading one status of several is an error, not the first one."""
    with pytest.raises(RequestError, match="2 responses do not have one status"):
        _ = ask("/", count=2).status


def test_responses_read_well(ask: Ask) -> None:
    """What a notebook shows holds no time and no random order."""
    assert repr(ask("/", count=3)) == "<Responses 3 x 200>"
    assert repr(ask("/missing")[0]).startswith("<Response 404 from pod-")


@pytest.mark.parametrize(
    ("line", "counted"),
    [
        (
            '2026-01-01T00:00:05.5Z 2026/01/01 00:00:05 web 10.0.0.1:4 "GET / HTTP/1.1" 200 14 "curl" 9µs',
            True,
        ),
        (
            '2026-01-01T00:00:04.9Z 2026/01/01 00:00:04 web 10.0.0.1:4 "GET / HTTP/1.1" 200 14 "curl" 9µs',
            False,
        ),
        (
            '2026-01-01T00:00:06Z 2026/01/01 00:00:06 web 10.0.0.1:4 "GET / HTTP/1.1" 200 4 "kube-probe/1"',
            False,
        ),
        ("2026-01-01T00:00:06Z 2026/01/01 00:00:06 [INFO] server is listening on :8080", False),
        ('2026-01-01T01:00:06.123456789+01:00 {"method":"GET","path":"/cart","status":200}', True),
        ('2026-01-01T00:00:06.1Z {"method":"GET","path":"/readyz","status":200}', False),
        ('2026-01-01T00:00:06.1Z {"event":"shutdown"}', False),
    ],
)
def test_only_requests_since_then_are_counted(line: str, counted: bool) -> None:
    """Of a Pod's log, the request lines after the moment count; probes and other lines do not."""
    after = request.moment("2026-01-01T00:00:05.000000001Z")
    assert request._is_request(line, after) is counted


PODS = "/api/v1/namespaces/shop/pods"
LINE = '2026-01-01T00:00:06Z 2026/01/01 00:00:06 web 10.0.0.1:4 "GET / HTTP/1.1" 200 14 "curl" 9µs\n'


def _pod(server: ApiServer, name: str, *containers: str) -> None:
    spec = {"containers": [{"name": container} for container in containers]}
    server.put(f"{PODS}/{name}", {"metadata": {"namespace": "shop", "labels": {"app": "web"}}, "spec": spec})


def test_a_pod_that_has_not_started_answered_nothing(server: ApiServer, api: Api) -> None:
    """It has no log yet, which is no error; another one's requests are counted as ever."""
    _pod(server, "runs", "app")
    _pod(server, "waits", "app")
    server.texts[f"{PODS}/runs/log"] = LINE * 3
    server.waiting.add(f"{PODS}/waits/log")
    counted = request.who_answered(api, namespace="shop", selector="app=web")
    assert counted == {"runs": 3, "waits": 0} and set(counted) == {"runs", "waits"}


def test_a_log_that_is_refused_is_an_error(server: ApiServer, api: Api) -> None:
    """Who may not read logs is not told that nobody answered."""
    _pod(server, "runs", "app")
    server.refused.add(f"{PODS}/runs/log")
    with pytest.raises(ApiException, match="403"):
        request.who_answered(api, namespace="shop", selector="app=web")


def test_of_several_containers_the_first_one_is_asked(server: ApiServer, api: Api) -> None:
    """The API server refuses to choose one."""
    _pod(server, "two", "app", "sidecar")
    server.texts[f"{PODS}/two/log"] = LINE
    request.who_answered(api, namespace="shop", selector="app=web")
    assert server.requests[-1] == ("GET", f"{PODS}/two/log", {"container": "app", "timestamps": "true"})


def _from_pod(kubectl: Kubectl, port: int) -> Ask:
    return lambda path, **options: request.from_pod(kubectl, f"http://127.0.0.1:{port}{path}", **options)


def _ingress(cluster: Cluster) -> Ask:
    return lambda path, **options: request.through_ingress(cluster, path, host="any.localhost", **options)


def _outside(cluster: Cluster, port: int) -> Ask:
    return lambda path, **options: request.from_outside(cluster, f"http://node-1:{port}{path}", **options)
