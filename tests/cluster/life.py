"""A cluster of the tests' own, and the storefront that has to answer in it."""

from __future__ import annotations

import http.client
import os
import subprocess
import sys
from urllib.parse import urlparse

import psutil

from kubehop.cluster import state, sweep
from kubehop.cluster.state import Place
from kubehop.wait import until

KUBEHOP = [sys.executable, "-m", "kubehop.cli"]

SHOP = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: storefront}
spec:
  replicas: 2
  selector: {matchLabels: {app: storefront}}
  template:
    metadata: {labels: {app: storefront}}
    spec:
      containers:
      - name: app
        image: storefront:v1
        env: [{name: SHUTDOWN_DELAY_MS, value: "2000"}]
        readinessProbe: {httpGet: {path: /readyz, port: 8080}, periodSeconds: 1}
---
apiVersion: v1
kind: Service
metadata: {name: storefront}
spec: {selector: {app: storefront}, ports: [{port: 80, targetPort: 8080}]}
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: storefront}
spec:
  rules:
  - host: shop.localhost
    http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: storefront, port: {number: 80}}}}]}
"""


def kubehop(verb: str, name: str, *more: str, timeout: float = 240) -> subprocess.CompletedProcess[str]:
    """Run a verb of the command line, of one or two words, to its end."""
    argv = [*KUBEHOP, *verb.split(), *more, "--name", name]
    return subprocess.run(argv, capture_output=True, text=True, timeout=timeout, check=False)


def done(verb: str, name: str, *more: str) -> str:
    """Run a verb that has to succeed, and return what it said."""
    ended = kubehop(verb, name, *more)
    assert ended.returncode == 0, f"kubehop {verb} {more}: {ended.stdout}{ended.stderr}"
    return ended.stdout


def shop_status(place: Place) -> int | None:
    """Return the status of GET / through the Ingress, None where nothing answered."""
    told = state.read_handover(place) or {}
    address = urlparse(told.get("ingress_http", ""))
    if not address.port:
        return None
    connection = http.client.HTTPConnection("127.0.0.1", address.port, timeout=3)
    try:
        connection.request("GET", "/healthz", headers={"Host": "shop.localhost"})
        return connection.getresponse().status
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()


def cmdline(process: psutil.Process) -> list[str]:
    """Return a process's command; empty for our own, and for one that has ended."""
    try:
        return [] if process.pid == os.getpid() else process.cmdline()
    except psutil.Error:
        return []


def all_running(place: Place) -> bool:
    """Say whether each component of a cluster is said to run, and does."""
    told = state.read_handover(place) or {}
    rows = told.get("components", [])
    return bool(rows) and all(row["state"] == "running" and psutil.pid_exists(row["pid"]) for row in rows)


def no_orphans(place: Place) -> None:
    """Each process of the cluster belongs to the living supervisor's family, or soon does."""
    until(lambda: not _strangers(place), what=f"no orphans: {_strangers(place)}", timeout_seconds=15)


def _strangers(place: Place) -> list[list[str]]:
    supervisor = sweep.supervisor(place)
    assert supervisor
    found = sweep.processes(place)
    family = {child.pid for child in psutil.Process(supervisor).children(recursive=True)}
    return [cmdline(psutil.Process(pid)) for pid in found - family if psutil.pid_exists(pid)]
