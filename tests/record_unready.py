"""Record `traces/hpa-unready.json` on the running cluster: `python -m tests.record_unready`.

No chapter shows this run: its Pods need 40 seconds until they are ready, which is too long to wait for while
reading. The model of the HPA controller is compared with it, as with the recordings of the chapter.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from IPython.core.interactiveshell import InteractiveShell

ROOT = Path(__file__).resolve().parents[1]
CELLS = (
    '%load_ext kubehop\nimport kubehop as kh\nkh.chapter("hpa")',
    """%%sh
cd manifests/scaling
kubectl apply -f storefront-service.yaml -f load-pod.yaml
sed 's/initialDelaySeconds: 5/initialDelaySeconds: 40/' storefront-requests-deployment.yaml |
  kubectl apply -f -
kubectl rollout status deployment/storefront --timeout=120s""",
    """from kubehop.trace.hpa.group import samples
metrics = dict(group="metrics.k8s.io", version="v1beta1", plural="pods", namespace=kh.namespace,
               label_selector="app=storefront")
busy = lambda: any(one.usage_m > 115 for one in samples(
    kh.custom.list_namespaced_custom_object(**metrics)).values())
kh.wait_for(busy, what="a sample under full load", timeout_seconds=110)""",
    """with kh.observe(
    "hpa-unready", title="Pods that are not ready count as idle", requests=False,
    summary="An HPA grows a Deployment whose Pods need 40 seconds to become ready: until then they count "
            "as using nothing, and the number rests.",
) as unready:
    unready.load(10)
    %kubectl apply -f manifests/scaling/storefront-hpa.yaml
    kh.wait_for(
        lambda: [look for look in unready.data["events"] if look["e"] == "hpa"
                 and look["current"] == look["desired"] == len(look["pods"]) > 1
                 and all(pod["ready"] and pod["usage_m"] for pod in look["pods"])],
        what="all new Pods to be counted", timeout_seconds=170)""",
    """from kubehop.trace.hpa.verify import verify
print(verify(unready.data))
kh.finish()""",
)


def main() -> int:
    """Run the cells in this process as a notebook would, and return 1 when one of them fails."""
    os.chdir(ROOT)
    os.environ |= {"KUBEHOP_RECORD": "1", "KUBEHOP_TRACES": str(ROOT / "traces")}
    shell = InteractiveShell.instance()
    for cell in CELLS:
        if not shell.run_cell(cell, store_history=True).success:
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
