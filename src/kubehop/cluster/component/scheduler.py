"""kube-scheduler: gives each Pod a node."""

from kubehop.cluster.layout import Component, Health, Layout, flags

PORT = 10259


def component(layout: Layout) -> Component:
    """Return kube-scheduler with its own defaults."""
    kubeconfig = layout.pki("scheduler.kubeconfig")
    return Component(
        name="kube-scheduler",
        argv=(
            str(layout.binaries["kube"]),
            "kube-scheduler",
            *flags(
                kubeconfig=kubeconfig,
                authentication_kubeconfig=kubeconfig,
                authorization_kubeconfig=kubeconfig,
                bind_address="127.0.0.1",
                leader_elect=False,
                kube_api_qps=200,
                kube_api_burst=400,
                v=1,
            ),
        ),
        health=Health(port=PORT, tls=True),
        needs=("kube-apiserver",),
    )
