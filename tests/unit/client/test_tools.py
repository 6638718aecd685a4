"""The tools Pods and port forwarding, with a stand-in for kubectl; the cluster tests use the real one."""

from __future__ import annotations

import json
from importlib import resources
from pathlib import Path
from typing import Any

import psutil
import pytest
import yaml

from kubehop.client import tools
from kubehop.client.kubectl import Kubectl
from kubehop.client.port_forward import port_forward
from kubehop.errors import ClusterError, CommandError

STAND_IN = """#!/bin/sh
cd "$(dirname "$0")"
printf '%s\\n' "$*" >> calls
case "$1 $2" in
  "get daemonset") cat daemonset.json;;
  "get pods") cat pods.json;;
  "exec "*) while [ "$1" != -- ]; do shift; done; echo "$@";;
  "port-forward "*) echo "Forwarding from 127.0.0.1:41999 -> 8080"; exec sleep 30;;
esac
"""


@pytest.fixture
def kubectl(tmp_path: Path, kubeconfig: Path) -> Kubectl:
    """Return a kubectl that notes its calls and answers from files: two nodes with a tools Pod each."""
    program = tmp_path / "kubectl-stand-in"
    program.write_text(STAND_IN)
    program.chmod(0o755)
    (tmp_path / "daemonset.json").write_text('{"status": {"desiredNumberScheduled": 2, "numberReady": 2}}')
    _pods(tmp_path, [_pod("tools-a", "node-1"), _pod("tools-b", "node-2")])
    return Kubectl(kubeconfig, namespace="pods-kh", program=program)


def test_a_program_runs_in_the_network_of_its_node(kubectl: Kubectl, tmp_path: Path) -> None:
    """The Pod of that node enters the network of process 1; nothing is applied again."""
    done = tools.node_exec(kubectl, "node-2", ["nft", "list", "tables"])
    assert done.text == "-- nsenter --target=1 --net --uts -- nft list tables\n"
    calls = (tmp_path / "calls").read_text()
    assert "exec --namespace=kubehop-tools --quiet tools-b -- nsenter" in calls
    assert "pods-kh" not in calls
    assert "apply" not in calls


def test_a_program_of_the_node_itself_enters_its_files(kubectl: Kubectl) -> None:
    """With `files`, the mount namespace is entered too."""
    done = tools.node_exec(kubectl, "node-1", ["ls"], files=True)
    path = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
    assert done.text == f"-- nsenter --target=1 --net --uts --mount -- env {path} ls\n"


def test_a_node_that_is_not_there_is_named(kubectl: Kubectl, tmp_path: Path) -> None:
    """A node without a Pod gets the DaemonSet applied once, and then an error."""
    with pytest.raises(ClusterError, match=r"'node-9' has no tools Pod.*kubectl get nodes"):
        tools.node_exec(kubectl, "node-9", ["ls"])
    assert (tmp_path / "calls").read_text().count("apply") == 1


def test_a_missing_image_ends_the_wait(kubectl: Kubectl, tmp_path: Path) -> None:
    """An image that cannot be pulled is not waited for."""
    (tmp_path / "daemonset.json").write_text('{"status": {"desiredNumberScheduled": 2, "numberReady": 1}}')
    waiting = {"containerStatuses": [{"state": {"waiting": {"reason": "ErrImagePull"}}}]}
    _pods(tmp_path, [_pod("tools-a", "node-1"), _pod("tools-b", "node-2") | {"status": waiting}])
    with pytest.raises(ClusterError, match=r"tools-b cannot start: ErrImagePull on node-2.*kubehop doctor"):
        tools.ensure(kubectl, timeout_seconds=5)


def test_the_manifests_say_what_the_rooms_promise() -> None:
    """The tools Pod is privileged in its own namespace; the client Pod has no rights."""
    folder = resources.files("kubehop.client")
    space, daemon = yaml.safe_load_all((folder / "tools.yaml").read_text())
    assert space["metadata"]["name"] == daemon["metadata"]["namespace"] == tools.NAMESPACE
    pod = daemon["spec"]["template"]["spec"]
    assert pod["hostPID"] and pod["containers"][0]["securityContext"]["privileged"]
    assert "hostNetwork" not in pod
    client = yaml.safe_load((folder / "client-pod.yaml").read_text())["spec"]
    assert client["containers"][0]["securityContext"] == {"allowPrivilegeEscalation": False}
    assert {pod["containers"][0]["image"], client["containers"][0]["image"]} == {tools.IMAGE}


def test_a_forwarded_port_is_closed_with_its_block(kubectl: Kubectl) -> None:
    """The URL has the port that kubectl chose, and kubectl has ended after the block, also after an error."""
    with pytest.raises(ZeroDivisionError), port_forward(kubectl, "pod/web", 8080) as url:
        assert url == "http://127.0.0.1:41999"
        assert len(psutil.Process().children()) == 1
        raise ZeroDivisionError
    assert psutil.Process().children() == []


def test_a_port_that_cannot_be_forwarded_says_why(kubeconfig: Path, tmp_path: Path) -> None:
    """What kubectl said is in the error, and no process is left."""
    program = tmp_path / "kubectl-fails"
    program.write_text("#!/bin/sh\necho 'Error from server (NotFound): pods \"web\" not found' >&2; exit 1\n")
    program.chmod(0o755)
    with (
        pytest.raises(CommandError, match=r"NotFound.*kubectl port-forward"),
        port_forward(Kubectl(kubeconfig, program=program), "pod/web", 8080),
    ):
        pass
    assert psutil.Process().children() == []


def _pods(folder: Path, pods: list[dict[str, Any]]) -> None:
    (folder / "pods.json").write_text(json.dumps({"items": pods}))


def _pod(name: str, node: str) -> dict[str, Any]:
    conditions = [{"type": "Ready", "status": "True"}]
    return {"metadata": {"name": name}, "spec": {"nodeName": node}, "status": {"conditions": conditions}}
