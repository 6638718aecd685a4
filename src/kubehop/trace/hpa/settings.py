"""The controller-manager's flags that shape the HPA controller."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import psutil

_GO_SECONDS = {"ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}
_FLAGS = {
    "--horizontal-pod-autoscaler-cpu-initialization-period": "initialization_seconds",
    "--horizontal-pod-autoscaler-initial-readiness-delay": "readiness_seconds",
    "--horizontal-pod-autoscaler-downscale-stabilization": "stabilization_seconds",
    "--horizontal-pod-autoscaler-sync-period": "sync_seconds",
}


@dataclass(frozen=True)
class Settings:
    """Seconds and a fraction; the defaults are Kubernetes' own.

    Attributes:
        initialization_seconds: --horizontal-pod-autoscaler-cpu-initialization-period
        readiness_seconds: --horizontal-pod-autoscaler-initial-readiness-delay
        stabilization_seconds: --horizontal-pod-autoscaler-downscale-stabilization
        sync_seconds: --horizontal-pod-autoscaler-sync-period
    """

    initialization_seconds: float = 300.0
    readiness_seconds: float = 30.0
    stabilization_seconds: float = 300.0
    sync_seconds: float = 15.0


def of_flags(flags: Sequence[str]) -> Settings:
    """Return what a command line sets, `--flag=value`."""
    given = dict(flag.split("=", 1) for flag in flags if "=" in flag)
    return replace(
        Settings(), **{name: seconds(given[flag]) for flag, name in _FLAGS.items() if flag in given}
    )


def of_process(pid: int | None) -> Settings:
    """Return the settings of a controller-manager on this machine; the defaults when it is not there."""
    try:
        return of_flags(psutil.Process(pid).cmdline()) if pid else Settings()
    except psutil.Error:
        return Settings()


def seconds(duration: str) -> float:
    """Return the seconds of a duration as Go prints it.

    Example:
        >>> seconds("15.167s"), seconds("1m30s"), seconds("250ms")
        (15.167, 90.0, 0.25)
    """
    total, number, unit = 0.0, "", ""
    for letter in f"{duration} ":
        if letter.isalpha():
            unit += letter
            continue
        if unit:
            total += float(number) * _GO_SECONDS[unit]
            number = unit = ""
        number += letter
    return total
