"""A private copy of the kubeconfig for each process, with its own namespace.

The copy is the file `config`, mode 0600, in `sessions/<host>+<pid>+<started>-<random>/` of the state folder.
It goes when the process ends; one left by a killed process goes with the next session.
"""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from pathlib import Path

from kubehop.client import owner
from kubehop.client.folder import state_root
from kubehop.client.handover import Cluster
from kubehop.client.kubectl import Kubectl
from kubehop.errors import ClusterError


def session(cluster: Cluster, *, namespace: str = "default") -> Path:
    """Write this process's own kubeconfig for `cluster`, with `namespace` as its default; return its path.

    One context is kept, certificates are embedded, and nothing else is in the file.

    Raises:
        ClusterError: The cluster's kubeconfig cannot be read, or the state folder not be written.
        CommandError: The kubeconfig is not one.
    """
    sweep()
    content = _flat(cluster)
    try:
        folder = _make_folder()
        file = folder / "config"
        with os.fdopen(os.open(file, os.O_CREAT | os.O_WRONLY | os.O_EXCL, 0o600), "w") as stream:
            stream.write(content)
    except OSError as error:
        hint = f"Check that {state_root()} is yours and that its disk is not full."
        what = f"No private kubeconfig could be written: {error}."
        raise ClusterError(what, next_command=hint) from error
    atexit.register(remove, file)
    set_namespace(file, namespace)
    return file


def set_namespace(file: Path, namespace: str) -> None:
    """Make `namespace` the default of the kubeconfig's current context.

    Raises:
        CommandError: The file is no kubeconfig.
    """
    Kubectl(file).run(["config", "set-context", "--current", f"--namespace={namespace}"], check=True)


def remove(file: Path) -> None:
    """Remove a session's folder; absent is as good as removed."""
    shutil.rmtree(file.parent, ignore_errors=True)


def sweep() -> list[Path]:
    """Remove the sessions whose processes have ended; return their folders."""
    removed = []
    for folder in sorted((state_root() / "sessions").glob("*")):
        whose = owner.parse(folder.name.rpartition("-")[0].replace("+", "/"))
        if whose is not None and whose.gone:
            shutil.rmtree(folder, ignore_errors=True)
            removed.append(folder)
    return removed


def _make_folder() -> Path:
    sessions = state_root() / "sessions"
    sessions.mkdir(mode=0o700, parents=True, exist_ok=True)
    return Path(tempfile.mkdtemp(prefix=str(owner.current()).replace("/", "+") + "-", dir=sessions))


def _flat(cluster: Cluster) -> str:
    """Return the one context that is used, with certificates in the text instead of paths."""
    for path in filter(None, cluster.kubeconfig.split(os.pathsep)):
        if not cluster.context and not os.access(path, os.R_OK):
            why = "It does not exist." if not Path(path).exists() else "It belongs to another user."
            what = f"Kubeconfig {path} cannot be read."
            raise ClusterError(what, why=why, next_command="Run `kubehop status`.")
    kubectl = Kubectl(cluster.kubeconfig, context=cluster.context)
    return kubectl.run(["config", "view", "--raw", "--flatten", "--minify"], check=True).text
