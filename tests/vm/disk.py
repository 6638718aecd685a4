"""The two disks of the virtual machine: Debian, made once and cached, and a reader's home, made anew.

Debian's disk holds systemd, the programs that `kubehop doctor` asks for, and the Python packages of the lock.
The home holds the clone as it is now and the components this machine has built; the machine has no network.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tomllib
from functools import partial
from pathlib import Path
from typing import Any

from tests import git

from kubehop.client.folder import cache_root
from kubehop.cluster import binary, cache, doctor, image, toolchain
from kubehop.cluster.product import PRODUCTS
from kubehop.cluster.progress import Progress, Silent
from kubehop.cluster.toolchain import Go

ROOT = Path(__file__).resolve().parents[2]
USER, UID = "reader", 1000
SUITE = "bookworm"
SYSTEM = (
    *("systemd-sysv", "libpam-systemd", "dbus", "udev", "kmod", "sudo", "login", "procps"),
    *("linux-image-cloud-amd64", "initramfs-tools", "python3", "python3-venv"),
)
ROOT_SIZE_GB, HOME_SIZE_GB = 6, 24  # sparse: only what is written takes room
VENV = "/opt/kubehop"
FILES = {
    "etc/hostname": "reader-pc\n",
    "etc/hosts": "127.0.0.1 localhost reader-pc\n",
    "etc/fstab": f"/dev/vda / ext4 defaults 0 0\n/dev/vdb /home/{USER} ext4 defaults 0 0\n",
    "etc/sudoers.d/reader": f"{USER} ALL=(ALL) NOPASSWD: ALL\n",
    "etc/systemd/system/serial-getty@ttyS0.service.d/login.conf": (
        f"[Service]\nExecStart=\nExecStart=-/sbin/agetty --autologin {USER} --noclear %I dumb\n"
    ),
}
PROFILE = """\
# The one login of this machine: run the steps, tell how they ended, switch off.
if [ "$(tty)" = /dev/ttyS0 ]; then
    cd ~/kubehop
    export KUBEHOP_PATIENCE=8
    .venv/bin/python -m tests.vm.steps > /dev/ttyS1
    sudo systemctl poweroff
fi
"""


def packages() -> list[str]:
    """List the Debian packages of the machine: a system, what `up` needs, what the tools image carries."""
    tools = tomllib.loads((ROOT / "images/tools/programs.toml").read_text())["programs"]
    return sorted({*SYSTEM, *doctor.PROGRAMS.values(), *tools.values()})


def debian() -> dict[str, Path]:
    """Return Debian's disk, kernel and initial file system, `root.ext4`, `vmlinuz` and `initrd.img`.

    They are made where they are not cached yet, by mmdebstrap and uv, from Debian's archive and PyPI.

    Raises:
        CalledProcessError: A program failed; it has said why.
        BuildError: The cache cannot be written.
    """
    go = toolchain.find(max(one.go_version for one in PRODUCTS), progress=Silent())
    lock = (ROOT / "requirements.lock").read_bytes()
    recipe = Path(__file__).read_bytes()
    parts = (*packages(), go.version, recipe, lock)
    entry = cache.Entry(cache_root() / "vm", "debian", cache.key_of(*parts))
    if cache.inspect(entry) != "whole":
        _say(f"Making Debian's disk from {len(packages())} packages and the lock, once: about 5 minutes.")
        cache.make(
            entry,
            maker=partial(_make_debian, go),
            on_wait=partial(_say, "Another process makes it: waiting."),
        )
    return entry.files()


def _make_debian(go: Go, folder: Path) -> None:
    tree = folder / "tree"
    include = f"--include={','.join(packages())}"
    # In a mount namespace of its own, what it mounts in the tree goes with it, however it ends.
    apart = ("unshare", "--mount", "--propagation=private", "--")
    _run(*apart, "mmdebstrap", "--mode=root", "--variant=minbase", "--quiet", include, SUITE, str(tree))
    for name, text in FILES.items():
        path = tree / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    (tree / "etc/sudoers.d/reader").chmod(0o440)
    _run("chroot", str(tree), "useradd", "--shell=/bin/bash", f"--uid={UID}", "--groups=dialout", USER)
    (tree / f"home/{USER}").mkdir()
    _run("chroot", str(tree), "python3", "-m", "venv", "--without-pip", VENV)
    _install_python(tree)
    _install_go(go, tree / "usr/local/go")
    for name in ("vmlinuz", "initrd.img"):  # Debian's links to its newest kernel
        shutil.copyfile(tree / str((tree / name).readlink()).lstrip("/"), folder / name)
    _format(folder / "root.ext4", tree, ROOT_SIZE_GB)


def _install_python(tree: Path) -> None:
    """Install the lock for the machine's Python, from outside: pip is not needed there, nor a network."""
    (site,) = (tree / VENV.lstrip("/")).glob("lib/python3*/site-packages")
    version = site.parent.name.removeprefix("python")
    how = (
        "--target",
        str(site),
        f"--python-version={version}",
        "--require-hashes",
        "--no-deps",
        "--link-mode=copy",
    )
    _run(
        str(Path(sys.prefix) / "bin/uv"), "pip", "install", "--quiet", *how, "--requirement=requirements.lock"
    )
    _run("chroot", str(tree), "python3", "-m", "compileall", "-q", "-j0", f"/{site.relative_to(tree)}")
    (tree / VENV.lstrip("/") / "bin/kubectl").symlink_to(f"/{site.relative_to(tree)}/bin/kubectl")
    (site / "kubehop.pth").write_text(f"/home/{USER}/kubehop/src\n")
    command = tree / VENV.lstrip("/") / "bin/kubehop"
    command.write_text(f"#!/home/{USER}/kubehop/.venv/bin/python\nfrom kubehop.cli import main\nmain()\n")
    command.chmod(0o755)


def _install_go(go: Go, folder: Path) -> None:
    """Install the `go` command without its compiler: its version is part of the name of what is cached."""
    program = go.program.resolve()
    (folder / "bin").mkdir(parents=True)
    (folder / "pkg/tool").mkdir(parents=True)
    shutil.copy2(program, folder / "bin/go")
    shutil.copy2(program.parents[1] / "VERSION", folder / "VERSION")


def home(folder: Path, *, progress: Progress) -> Path:
    """Make the reader's home in `folder`, a disk with the clone and the components and images made here.

    An image that carries programs of this machine is packed anew there if Debian's are other ones.

    Raises:
        BuildError: A component could not be built.
        CalledProcessError: A program failed; it has said why.
    """
    tree = folder / "home"
    for name in git.files():
        target = tree / "kubehop" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, target, follow_symlinks=False)
    (tree / "kubehop/.venv").symlink_to(VENV)
    (tree / ".bash_profile").write_text(PROFILE)
    binaries = binary.ensure(progress=progress)
    archives = [one.archive for one in image.ensure_images(binaries, progress=progress)]
    entries = {path.parent for path in (*binaries.values(), *archives)}
    copies = [tree / ".cache/kubehop" / entry.relative_to(cache_root()) for entry in entries]
    for entry, copy in zip(entries, copies, strict=True):
        shutil.copytree(entry, copy)
    (tree / ".cache/kubehop/images/sources.json").touch()
    _run("chown", "--recursive", "--no-dereference", f"{UID}:{UID}", str(tree))
    known: dict[str, Any] = {}
    for copy in copies:
        known |= _note_times(copy, at=f"/home/{USER}/{copy.relative_to(tree)}")
    (tree / ".cache/kubehop/images/sources.json").write_text(json.dumps(known))
    disk = folder / "home.ext4"
    _format(disk, tree, HOME_SIZE_GB, f"-Eroot_owner={UID}:{UID}")
    return disk


def _note_times(entry: Path, *, at: str) -> dict[str, Any]:
    """Write down the times that an entry's files will have on the disk: mke2fs keeps whole seconds.

    Without it the machine would read every file once to see that it is whole: minutes, when emulated.

    Args:
        entry: The entry's folder.
        at: Where it will be.

    Returns:
        The same facts by the files' later paths, as `cache.digests` remembers them.
    """
    record = entry / "entry.json"
    facts: dict[str, dict[str, Any]] = json.loads(record.read_text())
    for name, fact in facts.items():
        status = (entry / name).stat()
        fact["changed_ns"] = [int(status.st_mtime) * 10**9, int(status.st_ctime) * 10**9]
    record.write_text(json.dumps(facts))
    return {f"{at}/{name}": fact for name, fact in facts.items()}


def _format(disk: Path, tree: Path, size_gb: int, *options: str) -> None:
    """Turn a tree of files into a disk; the tree is gone then."""
    disk.touch()
    os.truncate(disk, size_gb << 30)
    _run("mke2fs", "-q", "-t", "ext4", *options, "-d", str(tree), str(disk))
    shutil.rmtree(tree)


def _run(*argv: str) -> None:
    subprocess.run(argv, cwd=ROOT, check=True)


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()
