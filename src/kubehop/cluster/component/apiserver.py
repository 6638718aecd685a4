"""kube-apiserver: the only program that talks to etcd; everything else talks to it."""

from kubehop.cluster.component import etcd
from kubehop.cluster.layout import API_PORT, SERVICE_CIDR, Component, Health, Layout, flags


def component(layout: Layout) -> Component:
    """Return kube-apiserver with Node and RBAC authorization and the aggregation layer."""
    pki = layout.pki
    return Component(
        name="kube-apiserver",
        argv=(
            str(layout.binaries["kube"]),
            "kube-apiserver",
            *flags(
                etcd_servers=f"http://127.0.0.1:{etcd.PORT}",
                secure_port=API_PORT,
                advertise_address=layout.control_plane.address.ip,
                service_cluster_ip_range=SERVICE_CIDR,
                allow_privileged=True,
                authorization_mode="Node,RBAC",
                enable_admission_plugins="NodeRestriction",
                client_ca_file=pki("ca.crt"),
                tls_cert_file=pki("apiserver.crt"),
                tls_private_key_file=pki("apiserver.key"),
                kubelet_client_certificate=pki("apiserver-kubelet-client.crt"),
                kubelet_client_key=pki("apiserver-kubelet-client.key"),
                kubelet_certificate_authority=pki("ca.crt"),
                kubelet_preferred_address_types="InternalIP,Hostname",
                service_account_key_file=pki("sa.pub"),
                service_account_signing_key_file=pki("sa.key"),
                service_account_issuer="https://kubernetes.default.svc.cluster.local",
                requestheader_client_ca_file=pki("front-proxy-ca.crt"),
                requestheader_allowed_names="front-proxy-client",
                requestheader_username_headers="X-Remote-User",
                requestheader_group_headers="X-Remote-Group",
                requestheader_extra_headers_prefix="X-Remote-Extra-",
                proxy_client_cert_file=pki("front-proxy-client.crt"),
                proxy_client_key_file=pki("front-proxy-client.key"),
                event_ttl="2h",
                v=1,
            ),
        ),
        health=Health(port=API_PORT, path="/readyz", tls=True),
        # The schemas of the Gateway API live here; half of Go's usual headroom saves 80 MB.
        env={"GOGC": "50"},
        needs=("etcd",),
    )
