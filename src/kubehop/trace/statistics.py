"""Is a split what it claims to be, how sure is a share, and in which order did the Pods answer?

Intervals are shown at 95 %; asserts use 1 in 10,000 as their rate of false alarms.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, pairwise

from scipy import special, stats

from kubehop.errors import TraceError

FALSE_ALARM = 1e-4
"""How often a check of something true may fail."""
LEVEL = 0.95
"""Confidence level of intervals that are shown."""

RANDOM, ROUND_ROBIN, ONE_CONNECTION, STICKY, UNDECIDED = (
    "random",
    "round robin",
    "one connection",
    "sticky",
    "undecided",
)

_OUTCOMES_LIMIT = 5_000
_TIE = 1 + 1e-7


@dataclass(frozen=True)
class Interval:
    """A share of requests and the interval it is known to lie in."""

    share: float
    low: float
    high: float
    level: float

    def __contains__(self, share: float) -> bool:
        return self.low <= share <= self.high


@dataclass(frozen=True)
class Split:
    """How well counts fit the shares that are claimed.

    Attributes:
        counts: Requests by Pod, or by version.
        expected: Requests each should have got.
        statistic: Pearson's chi-square.
        p_value: How often a fair choice with these shares gives counts that are as unlikely, or more so.
        method: exact binomial, exact multinomial or chi-square.
    """

    counts: tuple[int, ...]
    expected: tuple[float, ...]
    statistic: float
    p_value: float
    method: str

    def fits(self) -> bool:
        """Tell whether the counts are compatible with the shares; true ones fail in `FALSE_ALARM` of runs."""
        return self.p_value >= FALSE_ALARM


@dataclass(frozen=True)
class Order:
    """How often the answering Pod changed from one request to the next, and what that tells.

    Attributes:
        requests: Number of requests.
        pods: Number of Pods that could answer.
        changes: How often an answer came from another Pod than the answer before.
        expected: Changes to expect of random choice: (requests - 1) x (1 - 1/pods).
        p_few: Probability of so few changes, or fewer, when each request picks a Pod at random.
        p_many: Probability of so many changes, or more, likewise.
        verdict: random, round robin, one connection, sticky, or undecided (too few requests to tell).
    """

    requests: int
    pods: int
    changes: int
    expected: float
    p_few: float
    p_many: float
    verdict: str


def interval(count: int, requests: int) -> Interval:
    """Return the Wilson score interval of a share.

    Args:
        count: Requests that went there.
        requests: All requests, one or more.

    Source: https://docs.scipy.org/doc/scipy/reference/generated/scipy.stats.binomtest.html
    """
    _check([count, requests - count])
    found = stats.binomtest(count, requests).proportion_ci(confidence_level=LEVEL, method="wilson")
    return Interval(count / requests, float(found.low), float(found.high), LEVEL)


def split(
    counts: Mapping[str, int] | Sequence[int], *, shares: Mapping[str, float] | Sequence[float] | None = None
) -> Split:
    """Test counts against the shares that are claimed, as when each request is a draw of its own.

    Two counts are tested exactly (binomial), few requests exactly (multinomial), others by chi-square.

    Args:
        counts: Requests by Pod. A Pod that got none must be there with 0.
        shares: What each should get, in any unit; all alike when left out, as kube-proxy promises.

    Raises:
        TraceError: A negative count, no request, or other Pods in `shares` than in `counts`.
    """
    values, weights = _aligned(counts, shares)
    _check(values)
    total = sum(values)
    probabilities = [weight / sum(weights) for weight in weights]
    expected = [total * probability for probability in probabilities]
    pairs = zip(values, expected, strict=True)
    statistic = sum((value - want) ** 2 / want for value, want in pairs)
    p_value, method = _p_value(values, probabilities, statistic)
    return Split(tuple(values), tuple(expected), statistic, min(p_value, 1.0), method)


def order(answers: Sequence[str], *, pods: int | None = None, false_alarm: float = FALSE_ALARM) -> Order:
    """Tell random choice, round robin and one kept-alive connection apart, from who answered in which order.

    When each request picks one of k Pods at random, each answer differs from the one before with probability
    1 - 1/k, whatever came before: the changes are binomial, exactly. Round robin changes every time, one
    connection never. So random choice is called something else in at most `false_alarm` of runs on each side,
    and round robin or one connection is never called random once there are `requests_to_tell` requests.

    Args:
        answers: The Pod that answered each request, in the order of the requests.
        pods: Pods that could answer; those that did when left out.
        false_alarm: Probability, on each side, of a false verdict about random choice.

    Raises:
        TraceError: No answers, or fewer Pods than answered.
    """
    answered = len(set(answers))
    pods = answered if pods is None else pods
    if not answers or pods < answered:
        what = f"{answered} Pods answered {len(answers)} requests, of {pods} that could."
        raise TraceError(what, why="There should be an answer, and no more Pods than could answer.")
    changes = sum(before != after for before, after in pairwise(answers))
    steps, chance = len(answers) - 1, 1 - 1 / pods
    p_few = float(special.bdtr(changes, steps, chance))
    p_many = float(special.bdtrc(changes - 1, steps, chance)) if changes else 1.0
    verdict = _verdict(changes, p_few, p_many, pods, len(answers), false_alarm)
    return Order(len(answers), pods, changes, steps * chance, p_few, p_many, verdict)


def requests_to_tell(pods: int, *, false_alarm: float = FALSE_ALARM) -> int:
    """Return the fewest requests after which random choice looks like neither of the other two.

    Example:
        >>> requests_to_tell(2)
        15
    """
    if pods < 2:  # noqa: PLR2004 - one Pod always answers, whatever chooses
        what = f"With {pods} Pods every choice looks alike."
        raise TraceError(what, next_command="Run `kubectl scale` with 2 replicas or more.")
    rarest = max(1 - 1 / pods, 1 / pods)
    return math.floor(math.log(false_alarm) / math.log(rarest)) + 2


def regularity(counts: Sequence[int], *, shares: Sequence[float] | None = None) -> float:
    """Return how often chance alone gives counts that are as even as these, or more so.

    Weighted round robin gives 180 of 200 at 90/10 again and again: small here, while `split` fits well.
    """
    values, weights = _aligned(counts, shares)
    _check(values)
    if len(values) == 2:  # noqa: PLR2004 - two counts are one binomial, exactly
        total, share = sum(values), weights[0] / sum(weights)
        off = abs(values[0] - total * share) * _TIE
        low, high = math.ceil(total * share - off), math.floor(total * share + off)
        return float(stats.binom.cdf(high, total, share) - stats.binom.cdf(low - 1, total, share))
    return float(stats.chi2.cdf(split(values, shares=weights).statistic, len(values) - 1))


def tally(answers: Sequence[str], *, pods: Sequence[str] = ()) -> dict[str, int]:
    """Count answers by Pod, with 0 for each of `pods` that never answered."""
    counted = Counter(answers)
    return {pod: counted[pod] for pod in sorted({*pods, *counted})}


def _verdict(changes: int, p_few: float, p_many: float, pods: int, requests: int, false_alarm: float) -> str:
    if pods == 1:
        return UNDECIDED
    if p_few < false_alarm:
        return ONE_CONNECTION if changes == 0 else STICKY
    if p_many < false_alarm:
        return ROUND_ROBIN
    return RANDOM if requests >= requests_to_tell(pods, false_alarm=false_alarm) else UNDECIDED


def _aligned(
    counts: Mapping[str, int] | Sequence[int], shares: Mapping[str, float] | Sequence[float] | None
) -> tuple[list[int], list[float]]:
    """Return counts and shares as lists in the same order."""
    if isinstance(counts, Mapping):
        names = sorted(counts)
        if shares is not None and (not isinstance(shares, Mapping) or sorted(shares) != names):
            what = f"Shares {shares!r} do not name the Pods of the counts, {names}."
            raise TraceError(what, why="Each Pod needs its count and its share.")
        values = [counts[name] for name in names]
        weights = [shares[name] for name in names] if isinstance(shares, Mapping) else [1.0] * len(values)
        return values, weights
    values = list(counts)
    weights = [1.0] * len(values) if shares is None else list(shares)  # type: ignore[arg-type]  # not a Mapping here
    if len(weights) != len(values):
        what = f"{len(values)} counts have {len(weights)} shares."
        raise TraceError(what, why="Each count needs its share.")
    return values, weights


def _check(values: Sequence[int]) -> None:
    if not values or min(values) < 0 or sum(values) == 0:
        what = f"Counts {list(values)} are not the counts of any requests."
        raise TraceError(what, why="Counts are 0 or more, and at least one request is needed.")


def _p_value(values: list[int], probabilities: list[float], statistic: float) -> tuple[float, str]:
    if len(values) == 1:
        return 1.0, "exact binomial"
    total = sum(values)
    if len(values) == 2:  # noqa: PLR2004 - two counts are one binomial
        return float(stats.binomtest(values[0], total, probabilities[0]).pvalue), "exact binomial"
    if math.comb(total + len(values) - 1, len(values) - 1) <= _OUTCOMES_LIMIT:
        return _exact(values, probabilities), "exact multinomial"
    return float(stats.chi2.sf(statistic, len(values) - 1)), "chi-square"


def _exact(values: list[int], probabilities: list[float]) -> float:
    """Add up the probabilities of all outcomes that are at most as likely as the one observed."""
    total, parts = sum(values), len(values)
    outcomes = []
    for bars in combinations(range(total + parts - 1), parts - 1):
        edges = (-1, *bars, total + parts - 1)
        outcomes.append([after - before - 1 for before, after in pairwise(edges)])
    likely = stats.multinomial.pmf(outcomes, total, probabilities)
    observed = stats.multinomial.pmf(values, total, probabilities)
    return float(likely[likely <= observed * _TIE].sum())
