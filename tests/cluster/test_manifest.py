"""What is applied without validation, validated."""

from __future__ import annotations

from importlib import resources

import pytest

from kubehop.client import tools
from kubehop.client.handover import Cluster
from kubehop.client.kubectl import Kubectl
from kubehop.cluster import manifest, member
from kubehop.cluster.binary import ensure
from kubehop.cluster.layout import Layout
from kubehop.cluster.product import PRODUCTS
from kubehop.cluster.progress import Silent
from kubehop.cluster.state import Place

pytestmark = pytest.mark.cluster


def test_every_field_is_one_the_api_server_knows(cluster: Cluster) -> None:
    """A misspelled field is refused here; where it is applied, nobody would notice."""
    place = Place(cluster.name)
    layout = Layout(place, ensure(PRODUCTS, progress=Silent()), nodes=member.staying(place))
    applied = (
        manifest.roles(),
        manifest.node_objects(layout, layout.nodes),
        manifest.api_types(layout),
        manifest.addons(layout),
        *(
            (resources.files("kubehop.client") / name).read_text()
            for name in ("tools.yaml", "client-pod.yaml")
        ),
    )
    tools.ensure(Kubectl(cluster.kubeconfig))  # its namespace has to be there for a dry run
    strict = ["apply", "--server-side", "--force-conflicts", "--field-manager=kubehop", "--dry-run=server"]
    said = Kubectl(cluster.kubeconfig).run(
        [*strict, "--validate=strict", "--filename=-"], stdin="---\n".join(applied), check=True
    )
    assert said.text.count("serverside-applied") >= 30, said.text
