"""First and last cell: what they make, what they set, what they leave, against a cluster that only notes."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import kubehop as kh
from kubehop.book import chapter, observation, progress, session
from kubehop.client.handover import Cluster
from kubehop.client.response import Response, Responses
from kubehop.errors import BookError, ClusterError

CLUSTER = Cluster(name="kubehop", phase="ready", kubeconfig="", versions={"kubernetes": "v1.37.2"})


@pytest.fixture
def calls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Replace the client by one that notes what it was asked to do."""
    noted: list[str] = []
    config = tmp_path / "config"

    def note(what: str, answer: Any = None) -> Any:
        return lambda *words, **_: (
            noted.append(f"{what} {' '.join(w for w in words if isinstance(w, str))}".strip()) or answer
        )

    monkeypatch.setenv("KUBECONFIG", "/the/reader's/own")
    monkeypatch.delenv("NS", raising=False)
    monkeypatch.setattr(chapter.handover, "current", lambda: CLUSTER)
    monkeypatch.setattr(chapter.kubeconfig, "session", note("kubeconfig", config))
    monkeypatch.setattr(chapter.kubeconfig, "remove", note("forget"))
    monkeypatch.setattr(chapter, "Api", lambda _: SimpleNamespace(core="the core API"))
    monkeypatch.setattr(chapter.namespace, "sweep", note("sweep"))
    monkeypatch.setattr(chapter.namespace, "create", note("create"))
    monkeypatch.setattr(chapter.namespace, "delete", note("delete", True))
    monkeypatch.setattr(chapter.tools, "ensure_client", note("client"))
    monkeypatch.setattr(session, "Kubectl", lambda _: None)
    yield noted
    session.leave()


def test_opens_and_closes(calls: list[str], capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """The namespace is new, commands go to it, the printed lines are the same in every run."""
    kh.chapter("pods")
    space = kh.namespace
    assert re.fullmatch(r"pods-kh[a-z0-9]{4}", space)
    assert (os.environ["NS"], os.environ["KUBECONFIG"]) == (space, str(tmp_path / "config"))
    assert kh.core == "the core API"
    assert kh.cluster_info.versions["kubernetes"] == "v1.37.2"
    kh.finish()
    assert calls == ["kubeconfig", "sweep", f"create {space}", f"delete {space}", "forget"]
    assert capsys.readouterr().out == (
        "namespace pods is ready and empty\nnamespace pods is deleted, with everything in it\n"
    )
    assert os.environ["KUBECONFIG"] == "/the/reader's/own" and "NS" not in os.environ


def test_a_cluster_that_is_gone_is_told_at_the_end(
    calls: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing was deleted: the line names the namespace and how to remove it, and the chapter is closed."""
    kh.chapter("pods")
    space = kh.namespace
    capsys.readouterr()
    monkeypatch.setattr(chapter.namespace, "delete", lambda *_: False)
    kh.finish()
    assert capsys.readouterr().out == (
        f"The cluster did not answer, so namespace {space} may still be there. "
        f"Once it answers, run `kubectl delete namespace {space}`.\n"
    )
    assert calls[-1] == "forget" and not session.is_open()


def test_each_run_has_another_namespace(calls: list[str]) -> None:
    """DNS caches of an earlier run must not matter; running the first cell again closes what was open."""
    kh.chapter("pods")
    first = kh.namespace
    kh.chapter("pods")
    assert kh.namespace != first
    assert calls.index(f"delete {first}") < calls.index(f"create {kh.namespace}")


def test_settling_says_what_is_not_certain(
    calls: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A controller that did not follow is told, and no more than that."""
    monkeypatch.setattr(chapter.settling, "settle", lambda *_, **__: SimpleNamespace(note=""))
    monkeypatch.setattr(chapter.ingress, "follow", lambda *_: "the ingress controller is late")
    kh.chapter("pods")
    capsys.readouterr()
    kh.settle()
    assert capsys.readouterr().out == "not certain: the ingress controller is late\n"


def test_a_client_is_announced(calls: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """A Pod the reader did not start is never a surprise in `get pods`."""
    kh.chapter("services", client=True)
    assert "client" in calls
    assert capsys.readouterr().out == "namespace services is ready and holds one Pod, client\n"


def test_a_failed_start_leaves_nothing(calls: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither namespace nor kubeconfig stays, and no later command goes astray."""

    def refuse(*_: object, **__: object) -> None:
        what = "no quota"
        raise ClusterError(what)

    monkeypatch.setattr(chapter.namespace, "create", refuse)
    with pytest.raises(ClusterError, match="no quota"):
        kh.chapter("pods")
    assert [call.split()[0] for call in calls] == ["kubeconfig", "sweep", "delete", "forget"]
    assert "NS" not in os.environ
    with pytest.raises(BookError, match="No chapter is open"):
        kh.finish()


@pytest.mark.parametrize("name", ["Pods", "your_cluster", "", "9lives", "a" * 43, "x-"])
def test_a_name_must_fit_a_namespace(name: str, calls: list[str]) -> None:
    """The name is refused before anything is made."""
    with pytest.raises(BookError, match="cannot name a namespace"):
        kh.chapter(name)
    assert calls == []


def test_names_outside_a_chapter() -> None:
    """Each name says what to do first; an unknown one is an AttributeError, as hasattr needs it."""
    with pytest.raises(BookError, match=r"Run the first cell"):
        kh.namespace  # noqa: B018  # reading it is the test
    assert not hasattr(kh, "nonsense")
    assert {"chapter", "from_pod", "core", "observe"} <= set(dir(kh))


def test_every_name_exists() -> None:
    """The lazy table of `import kubehop` points at real things in this room."""
    ours = {name: where for name, where in kh._WHERE.items() if where.startswith("kubehop.book")}
    assert all(callable(getattr(kh, name)) for name in ours)


def test_requests_join_the_running_observation(calls: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """What a client saw of its own requests belongs to the trace, with the host it asked for."""
    kh.chapter("pods")
    answers = Responses([Response(200)])
    for name in ("from_pod", "through_ingress", "from_outside"):
        monkeypatch.setattr(chapter.request, name, lambda *_, **__: answers)
    seen: list[tuple[str, str, str]] = []
    trace = SimpleNamespace(add=lambda _, url, asker, host: seen.append((url, asker, host)))
    kh.from_pod("http://before/")
    observation._RUNNING.append(trace)
    try:
        kh.from_pod("http://web-svc/")
        kh.through_ingress("/cart")
        kh.through_ingress("/", headers={"Host": "shop.localhost"})
        kh.from_outside("http://172.30.0.11:30080/")
    finally:
        observation._RUNNING.clear()
    assert seen == [
        ("http://web-svc/", "pod", ""),
        ("/cart", "ingress", f"{kh.namespace}.localhost"),
        ("/", "ingress", "shop.localhost"),
        ("http://172.30.0.11:30080/", "outside", ""),
    ]


def test_only_ready_endpoints_count(calls: list[str]) -> None:
    """Addresses are sorted; an endpoint without the condition counts as ready, as the API says."""

    def endpoint(address: str, ready: bool | None) -> Any:
        return SimpleNamespace(addresses=[address], conditions=SimpleNamespace(ready=ready))

    kh.chapter("pods")
    some = [endpoint("10.244.2.9", True), endpoint("10.244.1.3", None), endpoint("10.244.1.4", False)]
    slices = SimpleNamespace(items=[SimpleNamespace(endpoints=some), SimpleNamespace(endpoints=None)])
    asked: list[str] = []
    lists = lambda _, label_selector: asked.append(label_selector) or slices  # noqa: E731  # one use, one line
    session.current().api.discovery = SimpleNamespace(list_namespaced_endpoint_slice=lists)  # type: ignore[misc]
    assert kh.endpoints("web-svc") == ["10.244.1.3", "10.244.2.9"]
    assert asked == ["kubernetes.io/service-name=web-svc"]


def test_an_unknown_question_names_the_known(
    calls: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The error lists what the chapter has; a known one is shown."""
    options = '[{text = "a", correct = true, why = "x"}, {text = "b", correct = false, why = "y"}]'
    (tmp_path / "questions.toml").write_text(f'[pods.one]\nprompt = "?"\noptions = {options}\n')
    monkeypatch.chdir(tmp_path)
    kh.chapter("pods")
    assert repr(kh.predict("one")) == "Prediction: ? [a / b]"
    with pytest.raises(BookError, match=r"no question 'two' for chapter 'pods'\. It has: one\."):
        kh.predict("two")


def test_progress_shows_the_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """One line, updated in place: the step's own words, and how many are done."""
    shown: list[str] = []
    handle = SimpleNamespace(update=lambda data, raw: shown.append(data["text/plain"]))
    monkeypatch.setattr(progress, "display", lambda data, **_: shown.append(data["text/plain"]) or handle)
    monkeypatch.delenv("KUBEHOP_STATIC", raising=False)
    line = progress.ClusterProgress()
    for done in (2, 3):
        line(Cluster("x", "building", "", step="building kubernetes, about 3 min left", done=done, total=7))
    line(Cluster("x", "ready", "", step="ready", done=7, total=7))
    assert shown == [
        "building kubernetes, about 3 min left (2/7)",
        "building kubernetes, about 3 min left (3/7)",
        "Cluster x is ready.",
    ]


@pytest.mark.parametrize(("static", "phase"), [("1", "building"), ("0", "ready")])
def test_progress_is_silent(static: str, phase: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """While recording, and for a cluster that is ready already."""
    monkeypatch.setenv("KUBEHOP_STATIC", static)
    monkeypatch.setattr(progress, "display", lambda *_, **__: pytest.fail("it showed something"))
    progress.ClusterProgress()(Cluster("x", phase, "", step="s", done=1, total=1))
