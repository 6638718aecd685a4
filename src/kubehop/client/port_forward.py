"""A local port that leads to a Pod, Service or Deployment while a block of code runs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from kubehop.client.kubectl import Kubectl

_READY_SECONDS = 20.0


@contextmanager
def port_forward(kubectl: Kubectl, target: str, port: int) -> Iterator[str]:
    """Forward a free local port to `port` of `target`; yield the URL, `http://127.0.0.1:PORT`.

    The API server and the kubelet carry the connection: no Service and no kube-proxy is on this way.
    A Service or Deployment as the target means one Pod of it, chosen when the forwarding begins.

    Args:
        kubectl: On the target's namespace.
        target: As kubectl names it: `pod/web`, `service/web-svc`, `deployment/web`.
        port: The target's port.

    Raises:
        CommandError: kubectl could not forward; the error has its words.
    """
    running = kubectl.start(["port-forward", "--address=127.0.0.1", target, f":{port}"])
    try:
        match = running.wait_for_line(r"Forwarding from 127\.0\.0\.1:(\d+)", timeout_seconds=_READY_SECONDS)
        yield f"http://127.0.0.1:{match[1]}"
    finally:
        running.stop()
