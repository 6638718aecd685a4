"""False alarms happen as rarely as promised, and what should be found is found."""

from __future__ import annotations

import json
import os
import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from kubehop.errors import TraceError
from kubehop.trace import statistics as statistic

FIXTURE = Path(__file__).parents[3] / "widgets" / "test" / "data" / "statistics.json"
SEED = 20_261_124


def test_interval_of_a_share() -> None:
    """The Wilson interval of 90 in 100 is the published one, and a share of 0 or 1 has one, too."""
    found = statistic.interval(90, 100)
    assert (round(found.low, 4), round(found.high, 4)) == (0.8256, 0.9448)
    assert 0.9 in found
    assert 0.82 not in found
    assert statistic.interval(0, 10).low == 0
    assert statistic.interval(10, 10).high == 1


def test_interval_contains_the_true_share_as_often_as_it_says() -> None:
    """Of 20,000 simulated 90/10 splits of 100 requests about 95 % have 0.9 in their interval."""
    counts = np.random.default_rng(SEED).binomial(100, 0.9, 20_000)
    inside = {int(count): 0.9 in statistic.interval(int(count), 100) for count in set(counts)}
    rate = sum(inside[int(count)] for count in counts) / len(counts)
    assert 0.935 < rate < 0.965


@pytest.mark.parametrize(
    ("counts", "shares", "method"),
    [
        ([55, 45], None, "exact binomial"),
        ([180, 20], [90, 10], "exact binomial"),
        ([10, 12, 8], None, "exact multinomial"),
        ([100, 90, 110, 120], None, "chi-square"),
    ],
)
def test_a_split_that_fits(counts: list[int], shares: list[float] | None, method: str) -> None:
    """Ordinary counts fit, by the method their size asks for."""
    found = statistic.split(counts, shares=shares)
    assert found.method == method
    assert found.fits()


@pytest.mark.parametrize(
    ("counts", "shares"),
    [
        ([100, 0], None),
        ([150, 50], None),
        ([160, 40], [90, 10]),
        ([30, 0, 0], None),
        ([300, 200, 100, 0], None),
    ],
)
def test_a_split_that_does_not_fit(counts: list[int], shares: list[float] | None) -> None:
    """Counts that chance would not give in ten thousand runs are refused."""
    assert not statistic.split(counts, shares=shares).fits()


@pytest.mark.parametrize("shares", [(0.5, 0.5), (0.9, 0.1)])
@pytest.mark.parametrize("requests", [20, 100])
def test_false_alarms_of_two_are_exactly_bounded(shares: tuple[float, float], requests: int) -> None:
    """All outcomes that are refused together have a probability of at most 1e-4, added up exactly."""
    refused = [
        count
        for count in range(requests + 1)
        if not statistic.split([count, requests - count], shares=shares).fits()
    ]
    assert stats.binom.pmf(refused, requests, shares[0]).sum() <= statistic.FALSE_ALARM


@pytest.mark.parametrize("pods", [3, 5])
def test_false_alarms_of_many_are_rare(pods: int) -> None:
    """In 50,000 fair runs of 400 requests over 3 or 5 Pods, at most 15 are refused (5 expected)."""
    runs = np.random.default_rng(SEED).multinomial(400, [1 / pods] * pods, 50_000)
    limit = stats.chi2.isf(statistic.FALSE_ALARM, pods - 1)
    values = ((runs - 400 / pods) ** 2 / (400 / pods)).sum(axis=1)
    alarms = int((values > limit).sum())
    assert alarms <= 15
    worst = runs[values.argmax()]
    assert statistic.split(worst.tolist()).fits() == bool(values.max() <= limit)


def test_a_wrong_split_is_found() -> None:
    """Of 2,000 runs at 75/25, at least 99 % are refused as 50/50 after 150 requests."""
    counts = np.random.default_rng(SEED).binomial(150, 0.75, 2_000)
    fits = {int(count): statistic.split([int(count), 150 - int(count)]).fits() for count in set(counts)}
    assert sum(not fits[int(count)] for count in counts) / 2_000 >= 0.99


def test_order_of_random_choice() -> None:
    """Of 1,000 random runs at most 2 % are called anything else, at 1 % false alarms on each side."""
    source = random.Random(SEED)
    verdicts = [
        statistic.order(source.choices("ab", k=100), pods=2, false_alarm=0.01).verdict for _ in range(1_000)
    ]
    others = sum(verdict != statistic.RANDOM for verdict in verdicts)
    assert 0 < others <= 2 * 0.01 * 1_000 * 1.3


@pytest.mark.parametrize("pods", [2, 3, 5])
def test_order_false_alarms_are_exactly_bounded(pods: int) -> None:
    """All numbers of changes that are not called random have together at most 2e-4, added up exactly."""
    requests, chance = 100, 1 - 1 / pods
    steps = np.arange(requests)
    few = stats.binom.cdf(steps, requests - 1, chance) < statistic.FALSE_ALARM
    many = stats.binom.sf(steps - 1, requests - 1, chance) < statistic.FALSE_ALARM
    weight = stats.binom.pmf(steps, requests - 1, chance)
    assert weight[few].sum() <= statistic.FALSE_ALARM
    assert weight[many].sum() <= statistic.FALSE_ALARM


@pytest.mark.parametrize("pods", [2, 3, 5])
def test_order_tells_the_three_apart(pods: int) -> None:
    """Round robin and one connection are recognized from the promised number of requests on, never before."""
    names = [f"web-{number}" for number in range(pods)]
    enough = statistic.requests_to_tell(pods)
    turns = [names[number % pods] for number in range(enough)]
    assert statistic.order(turns, pods=pods).verdict == statistic.ROUND_ROBIN
    assert statistic.order(turns[: enough - 1], pods=pods).verdict == statistic.UNDECIDED
    assert statistic.order([names[0]] * enough, pods=pods).verdict == statistic.ONE_CONNECTION
    source = random.Random(SEED)
    assert statistic.order(source.choices(names, k=200), pods=pods).verdict == statistic.RANDOM
    halves = [names[0]] * 100 + [names[1]] * 100
    assert statistic.order(halves, pods=pods).verdict == statistic.STICKY


def test_one_pod_tells_nothing() -> None:
    """With one Pod there is nothing to choose."""
    assert statistic.order(["web"] * 50).verdict == statistic.UNDECIDED
    with pytest.raises(TraceError, match="looks alike"):
        statistic.requests_to_tell(1)


def test_round_robin_is_more_regular_than_chance() -> None:
    """180 of 200 at 90/10 is ordinary once, and so is its regularity; 27,000 of 30,000 is not."""
    assert statistic.regularity([180, 20], shares=[90, 10]) == pytest.approx(0.0936, abs=1e-3)
    assert statistic.regularity([27_000, 3_000], shares=[90, 10]) < 0.01
    assert statistic.regularity([100, 100, 100]) < statistic.regularity([104, 96, 100]) < 0.2


def test_wrong_arguments_are_errors() -> None:
    """Counts of nothing, negative counts, and shares of others are refused."""
    with pytest.raises(TraceError, match=r"\[0, 0\]"):
        statistic.split([0, 0])
    with pytest.raises(TraceError, match=r"\[-1, 3\]"):
        statistic.split([-1, 3])
    with pytest.raises(TraceError, match="3 shares"):
        statistic.split([1, 3], shares=[1, 2, 3])
    with pytest.raises(TraceError, match="do not name"):
        statistic.split({"a": 1, "b": 2}, shares={"a": 1, "c": 2})
    with pytest.raises(TraceError, match="2 Pods answered"):
        statistic.order(["a", "b"], pods=1)


def test_names_and_shares_are_aligned() -> None:
    """Counts by name are compared with the share of the same name."""
    assert statistic.tally(["v1", "v1"], pods=["v2"]) == {"v1": 2, "v2": 0}
    named = statistic.split({"v2": 10, "v1": 90}, shares={"v1": 90, "v2": 10})
    assert named.expected == (90.0, 10.0)
    assert named.fits()


@settings(deadline=None, max_examples=20)
@given(st.lists(st.integers(0, 15), min_size=2, max_size=4).filter(lambda counts: sum(counts) > 0))
def test_p_values_are_probabilities(counts: list[int]) -> None:
    """A p-value lies between 0 and 1, and does not depend on which Pod is named first."""
    found = statistic.split(counts).p_value
    assert 0 <= found <= 1
    assert statistic.split(counts[::-1]).p_value == pytest.approx(found, rel=1e-6, abs=1e-12)


def cases() -> dict[str, Any]:
    """Return values that the TypeScript twin must reproduce."""
    shares: list[tuple[list[int], list[float]]] = [
        ([50, 50], [1, 1]),
        ([61, 39], [1, 1]),
        ([80, 20], [1, 1]),
        ([180, 20], [90, 10]),
        ([165, 35], [90, 10]),
        ([10, 12, 8], [1, 1, 1]),
        ([30, 2, 1], [1, 1, 1]),
        ([100, 90, 110, 120], [1, 1, 1, 1]),
        ([90, 60, 50, 200], [1, 1, 1, 1]),
    ]
    source = random.Random(SEED)
    orders = {
        "random, 2 Pods": (source.choices("ab", k=60), 2),
        "random, 3 Pods": (source.choices("abc", k=60), 3),
        "round robin, 2 Pods": (list("ab" * 20), 2),
        "round robin, 3 Pods": (list("abc" * 20), 3),
        "one connection": (["a"] * 40, 2),
        "sticky": (["a"] * 30 + ["b"] * 30, 2),
        "too few": (list("abab"), 2),
    }
    intervals = []
    for count, requests in ((0, 10), (5, 10), (9, 10), (90, 100), (180, 200), (1000, 1000)):
        found = statistic.interval(count, requests)
        intervals.append({"count": count, "requests": requests, "low": found.low, "high": found.high})
    splits = []
    for counts, wanted in shares:
        test = statistic.split(counts, shares=wanted)
        p = {"statistic": test.statistic, "p_value": test.p_value, "method": test.method, "fits": test.fits()}
        splits.append({"counts": counts, "shares": wanted, "expected": list(test.expected)} | p)
    judged = []
    for name, (answers, pods) in orders.items():
        seen = statistic.order(answers, pods=pods)
        judged.append({"name": name, "answers": "".join(answers)} | vars(seen))
    tell = [{"pods": pods, "requests": statistic.requests_to_tell(pods)} for pods in (2, 3, 4, 5, 10)]
    false_alarm = {"false_alarm": statistic.FALSE_ALARM, "level": statistic.LEVEL}
    return false_alarm | {"interval": intervals, "split": splits, "order": judged, "requests_to_tell": tell}


def _rounded(value: Any) -> Any:
    if isinstance(value, float):
        return float(f"{value:.10g}")
    if isinstance(value, list):
        return [_rounded(item) for item in value]
    if isinstance(value, dict):
        return {key: _rounded(item) for key, item in value.items()}
    return value


def test_fixture_of_the_widgets_is_current() -> None:
    """widgets/test/data/statistics.json holds these values; KUBEHOP_WRITE_FIXTURES=1 writes it."""
    text = json.dumps(_rounded(cases()), indent=1, sort_keys=True) + "\n"
    if os.environ.get("KUBEHOP_WRITE_FIXTURES"):
        FIXTURE.parent.mkdir(parents=True, exist_ok=True)
        FIXTURE.write_text(text)
    assert FIXTURE.read_text() == text
