"""Measure `kubectl delete pod` under load, from the call to the screen: `python -m tests.bench_live`.

A chapter's notebook runs in JupyterLab with a live RequestJourney, requests come in by the Ingress, and one
Pod after the other is deleted through the API. The browser notes when the picture shows that Pod as
terminating, or no longer, and was painted. Both times are of this machine's one clock.
"""

from __future__ import annotations

import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, sync_playwright
from tests.site.running_lab import run_all, running_lab

from kubehop.client import handover
from kubehop.client.api import Api
from kubehop.client.handover import Cluster
from kubehop.wait import pause, until

ROOT = Path(__file__).resolve().parents[1]
CHAPTER = "live"
DELETES, SENDERS, RATE_EACH = 30, 4, 5
FLAGS = ["--no-sandbox", "--disable-gpu"]
CELLS = (
    f"import kubehop as kh\n%load_ext kubehop\nkh.chapter({CHAPTER!r})",
    f"""%%sh
cd {ROOT}/manifests/ingress
kubectl apply -f stable-deployment.yaml -f stable-svc-service.yaml -f canary-svc-service.yaml
sed "s/NAMESPACE/$NS/" app-ingress.yaml | kubectl apply -f -""",
    "kh.settle()",
    """import time
from IPython.display import display
with kh.observe("live", title="Pods come and go.", request_limit=20_000,
                summary="Requests by the Ingress while one Pod after the other is deleted.") as trace:
    display(kh.RequestJourney(trace))
    while True:
        time.sleep(1)""",
)

# `live.watch(name)` begins to wait; `live.seen` is then the time of the first paint of a picture that no
# longer shows that Pod as ready.
WATCH = """() => {
  const figure = document.querySelector('figure.kh');
  const nameOf = g => g.querySelector(':scope > title')?.textContent.match(/^Pod (\\S+) /)?.[1];
  const ready = () => [...figure.querySelectorAll('.kh-stage svg g')]
    .filter(g => nameOf(g) && g.querySelector('.kh-is-ready')).map(nameOf);
  window.live = {
    ready,
    watch(name) {
      this.seen = null;
      const watcher = new MutationObserver(() => {
        if (ready().includes(name)) return;
        watcher.disconnect();
        requestAnimationFrame(() => {
          const { port1, port2 } = new MessageChannel();
          port1.onmessage = () => { this.seen = Date.now(); };
          port2.postMessage(null);
        });
      });
      watcher.observe(figure, { subtree: true, childList: true, attributes: true, characterData: true });
    },
  };
}"""


def delays_ms(cluster: Cluster) -> list[float]:
    """Return the milliseconds from each deletion to the picture that shows it."""
    with (
        tempfile.TemporaryDirectory(prefix="kubehop-live-") as folder,
        sync_playwright() as playwright,
        running_lab(Path(folder), CELLS) as address,
    ):
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=FLAGS)
        page = browser.new_page(viewport={"width": 1280, "height": 1800})
        page.goto(address, timeout=120_000)
        run_all(page)
        page.wait_for_selector("figure.kh", timeout=120_000)
        page.evaluate(WATCH)
        api = Api(cluster.kubeconfig)
        with load(cluster, namespace := _namespace(api)):
            found = [_delete_one(api, namespace, page) for _ in range(DELETES)]
        browser.close()
    return found


@contextmanager
def load(cluster: Cluster, namespace: str) -> Iterator[None]:
    """Send requests by the Ingress while the block runs."""
    argv = ["hey", "-z", "1h", "-q", str(RATE_EACH), "-c", str(SENDERS), "-host", f"{namespace}.localhost"]
    sender = subprocess.Popen([*argv, f"{cluster.ingress_http}/"], stdout=subprocess.DEVNULL)
    try:
        yield
    finally:
        sender.terminate()
        sender.wait(10)


def _delete_one(api: Api, namespace: str, page: Page) -> float:
    until(lambda: len(_ready(page)) == 2, what="two ready Pods in the picture", timeout_seconds=60)
    pause(random.uniform(0.5, 1.0))
    name = random.choice(_ready(page))
    page.evaluate("name => live.watch(name)", name)
    called = 1000 * time.time()
    api.core.delete_namespaced_pod(name, namespace)
    page.wait_for_function("live.seen", polling=250, timeout=30_000)
    return float(page.evaluate("live.seen")) - called


def _ready(page: Page) -> list[str]:
    names: list[str] = page.evaluate("live.ready()")
    return names


def _namespace(api: Api) -> str:
    found: list[Any] = api.core.list_namespace(label_selector=f"kubehop.dev/chapter={CHAPTER}").items
    return str(found[-1].metadata.name)


def p95(values: list[float]) -> float:
    """Return the 95th percentile."""
    return statistics.quantiles(values, n=20, method="inclusive")[-1]


def main() -> None:
    """Print each delay, the median and the 95th percentile, on the running cluster."""
    found = delays_ms(handover.wait_ready(handover.current(), timeout_seconds=120))
    sys.stdout.write(" ".join(f"{each:.0f}" for each in found) + "\n")
    sys.stdout.write(f"median {statistics.median(found):.0f} ms, p95 {p95(found):.0f} ms\n")


if __name__ == "__main__":
    main()
