"""The virtual machine: QEMU with software emulation, no network, two serial lines into files."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from kubehop.wait import pause

ACCELERATOR = os.environ.get("KUBEHOP_VM_ACCEL", "tcg,thread=multi")
PROCESSORS, MEMORY_MIB = 2, 5120
LOOK_SECONDS = 0.5
KERNEL = (
    "root=/dev/vda rw console=ttyS0 quiet panic=-1"
    # All of version 1 is switched off, so no controller can hide there.
    " systemd.unified_cgroup_hierarchy=1 cgroup_no_v1=all"
    # Nothing that an emulated processor would only lose time with.
    " mitigations=off systemd.mask=apt-daily.timer systemd.mask=apt-daily-upgrade.timer"
)


class Machine:
    """One run of the virtual machine; nothing it writes to Debian's disk is kept.

    Args:
        debian: Debian's disk, kernel and initial file system, as `disk.debian` returns them.
        home: The reader's disk.
        folder: Where the two serial lines are written, `console` and `told`.
    """

    def __init__(self, debian: dict[str, Path], home: Path, folder: Path) -> None:
        self.console, self.told = folder / "console", folder / "told"
        self.console.touch()
        self.told.touch()
        self._argv = (
            "qemu-system-x86_64",
            *("-accel", ACCELERATOR, "-cpu", "max", "-smp", str(PROCESSORS), "-m", str(MEMORY_MIB)),
            *("-nodefaults", "-display", "none", "-nic", "none", "-no-reboot", "-device", "virtio-rng-pci"),
            *("-kernel", str(debian["vmlinuz"]), "-initrd", str(debian["initrd.img"]), "-append", KERNEL),
            *("-drive", f"file={debian['root.ext4']},format=raw,if=virtio,snapshot=on"),
            *("-drive", f"file={home},format=raw,if=virtio,cache=unsafe"),
            *("-serial", f"file:{self.console}", "-serial", f"file:{self.told}"),
        )
        self._qemu: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Machine:
        """Switch it on."""
        self._qemu = subprocess.Popen(self._argv, stdin=subprocess.DEVNULL)
        return self

    def __exit__(self, *_: object) -> None:
        """Switch it off, whatever it does."""
        if self._qemu:
            self._qemu.kill()
            self._qemu.wait()

    def lines(self, *, timeout_seconds: float) -> Iterator[dict[str, Any]]:
        """Yield what the steps tell, line by line, until the machine is off.

        Raises:
            TimeoutError: It was still on after `timeout_seconds`.
        """
        assert self._qemu  # it is switched on
        waited = 0.0
        with self.told.open() as told:
            rest = ""
            while True:
                off = self._qemu.poll() is not None
                *whole, rest = (rest + told.read()).split("\n")
                yield from (json.loads(line) for line in whole if line.startswith("{"))
                if off:
                    return
                if waited > timeout_seconds:
                    msg = f"The machine was still on after {timeout_seconds:g} s."
                    raise TimeoutError(msg)
                pause(LOOK_SECONDS)
                waited += LOOK_SECONDS
