"""Kubernetes quantities of CPU."""

from __future__ import annotations

import math
from decimal import Decimal

_SUFFIXES = {"n": -9, "u": -6, "m": -3, "": 0, "k": 3, "M": 6, "G": 9}


def millicores(quantity: str) -> int:
    """Return thousandths of a CPU, rounded up as the API's MilliValue rounds.

    Example:
        >>> millicores("1500u"), millicores("0.5")
        (2, 500)

    Source: https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/
    """
    digits = quantity.rstrip("numkMG")
    exponent = _SUFFIXES[quantity[len(digits) :]]
    return math.ceil(Decimal(digits).scaleb(exponent + 3))
