"""How many requests a check needs, so that chance alone almost never turns it red."""

from __future__ import annotations

from math import ceil, log

FALSE_ALARM = 1e-4


def unseen_probability(pods: int, requests: int) -> float:
    """Return how likely it is at most that fair random choice leaves one of the Pods without a request.

    Each Pod is missed with probability (1 - 1/pods) ** requests; the sum over the Pods is an upper bound
    (Boole's inequality), and round robin misses none.
    """
    return min(1.0, pods * (1 - 1 / pods) ** requests)


def requests_for(pods: int) -> int:
    """Return the fewest requests after which `unseen_probability` is at most `FALSE_ALARM`.

    Example:
        >>> requests_for(2)
        15
    """
    if pods <= 1:
        return 1
    return ceil(log(FALSE_ALARM / pods) / log(1 - 1 / pods))
