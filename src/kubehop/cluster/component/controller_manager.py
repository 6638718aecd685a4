"""kube-controller-manager: the loops that make what is match what is asked for."""

from kubehop.cluster.layout import POD_CIDR, SERVICE_CIDR, Component, Health, Layout, flags

PORT = 10257


def component(layout: Layout) -> Component:
    """Return kube-controller-manager, with intervals short enough for a lesson.

    Kubernetes' own: HPA sync 15s, downscale stabilization 5m, CPU initialization 5m, readiness delay 30s,
    node monitor grace 50s. `--vmodule=horizontal=4` logs every recommendation of the HPA.
    """
    kubeconfig = layout.pki("controller-manager.kubeconfig")
    return Component(
        name="kube-controller-manager",
        argv=(
            str(layout.binaries["kube"]),
            "kube-controller-manager",
            *flags(
                kubeconfig=kubeconfig,
                authentication_kubeconfig=kubeconfig,
                authorization_kubeconfig=kubeconfig,
                bind_address="127.0.0.1",
                leader_elect=False,
                use_service_account_credentials=True,
                service_account_private_key_file=layout.pki("sa.key"),
                root_ca_file=layout.pki("ca.crt"),
                cluster_signing_cert_file=layout.pki("ca.crt"),
                cluster_signing_key_file=layout.pki("ca.key"),
                controllers="*,bootstrapsigner,tokencleaner",
                allocate_node_cidrs=True,
                cluster_cidr=POD_CIDR,
                node_cidr_mask_size=24,
                service_cluster_ip_range=SERVICE_CIDR,
                cluster_name=layout.place.name,
                horizontal_pod_autoscaler_sync_period="5s",
                horizontal_pod_autoscaler_downscale_stabilization="30s",
                horizontal_pod_autoscaler_cpu_initialization_period="20s",
                horizontal_pod_autoscaler_initial_readiness_delay="5s",
                node_monitor_grace_period="20s",
                kube_api_qps=200,
                kube_api_burst=400,
                vmodule="horizontal=4",
                v=1,
            ),
        ),
        health=Health(port=PORT, tls=True),
        # A tenth less memory, for little work: it is idle most of the time.
        env={"GOGC": "50"},
        # It exits when RBAC has no rules yet, so it waits for /readyz.
        needs=("kube-apiserver",),
    )
