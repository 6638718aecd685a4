"""etcd: the store behind the API server."""

from kubehop.cluster.layout import Component, Health, Layout, flags

PORT = 2379


def component(layout: Layout) -> Component:
    """Return etcd, alone, on the control plane's loopback.

    A lone etcd elects itself after one election time-out, so short timers start it faster.
    `--unsafe-no-fsync`: the cluster is thrown away; a kill loses nothing, a power cut may.
    """
    url = f"http://127.0.0.1:{PORT}"
    return Component(
        name="etcd",
        argv=(
            str(layout.binaries["etcd"]),
            *flags(
                data_dir=layout.place.folder / "etcd",
                listen_client_urls=url,
                advertise_client_urls=url,
                listen_peer_urls="http://127.0.0.1:2380",
                unsafe_no_fsync=True,
                heartbeat_interval=50,
                election_timeout=500,
                auto_compaction_mode="periodic",
                auto_compaction_retention="10m",
                log_level="warn",
            ),
        ),
        health=Health(port=PORT, path="/health"),
    )
