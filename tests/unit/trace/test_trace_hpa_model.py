"""The model gives what upstream's own tables expect, restated here case by case.

Source: https://github.com/kubernetes/kubernetes/tree/v1.37.2/pkg/controller/podautoscaler (*_test.go)
"""

from __future__ import annotations

import pytest

from kubehop.trace.hpa.limit import Behavior, History, Policy, Rules, behavior, decide
from kubehop.trace.hpa.model import Pod, propose

NO_SAMPLE, UNREADY = "no sample", "unready"


def pods(*usage: int | str | tuple[str, int], request: int | list[int] = 1000) -> list[Pod]:
    """Return Pods with a usage, without a sample, or unready."""
    made = []
    for number, one in enumerate(usage):
        asked = request[number] if isinstance(request, list) else request
        name = f"web-{number}"
        if one == NO_SAMPLE:
            made.append(Pod(name, asked, None))
        elif one == UNREADY:
            made.append(Pod(name, asked, None, ready=False, unready_reason="pending"))
        elif isinstance(one, tuple):
            made.append(Pod(name, asked, one[1], ready=False, unready_reason="not ready"))
        else:
            made.append(Pod(name, asked, int(one)))
    return made


CASES = [
    # name, current, target, pods, expected replicas, expected utilization
    ("scale up", 3, 30, pods(300, 500, 700), 5, 50),
    ("scale up: unready Pod scales less", 3, 30, pods((UNREADY, 300), 500, 700), 4, 60),
    ("no scale: unready Pods ignored", 3, 30, pods(400, (UNREADY, 500), (UNREADY, 700)), 3, 40),
    ("scale up: failed Pods ignored", 2, 30, pods(500, 700), 4, 60),
    ("scale down", 5, 50, pods(100, 300, 500, 250, 250), 3, 28),
    ("scale down: unready Pods excluded", 5, 50, pods(100, 300, 500, (UNREADY, 250), (UNREADY, 250)), 2, 30),
    ("scale down: unscheduled Pods excluded", 5, 50, pods(100, UNREADY, UNREADY, UNREADY, UNREADY), 1, 10),
    ("missing samples: scales down less", 4, 100, pods(400, 95, NO_SAMPLE, NO_SAMPLE), 3, 24),
    ("missing sample: equal to target", 2, 100, pods(1000, NO_SAMPLE), 2, 100),
    ("missing sample: above target", 2, 100, pods(1900, NO_SAMPLE), 2, 190),
    ("missing sample: below target", 2, 100, pods(600, NO_SAMPLE), 2, 60),
    ("missing sample and unready", 3, 50, pods((UNREADY, 100), 450, NO_SAMPLE), 3, 45),
    ("scale up: missing and unready", 3, 50, pods((UNREADY, 100), 2000, NO_SAMPLE), 4, 200),
    ("scale down: missing and unready", 4, 50, pods((UNREADY, 100), 100, 100, NO_SAMPLE), 3, 10),
    (
        *("scale down: target over 100", 4, 300),
        *(pods((UNREADY, 200), 100, 100, NO_SAMPLE, request=[1000, 1000, 2000, 2000]), 2, 6),
    ),
    ("rolling update: surplus Pod without a sample", 2, 50, pods(100, 100, NO_SAMPLE), 2, 10),
    # The book's own examples.
    ("3 ready at 90 %, 2 unready", 5, 50, pods(900, 900, 900, UNREADY, UNREADY), 5, 90),
    ("within tolerance at 110 %", 2, 50, pods(550, 550), 2, 55),
    ("just outside of it", 2, 50, pods(560, 560), 3, 56),
    ("utilization is cut, not rounded", 2, 34, pods(101, 102, request=300), 2, 33),
    ("one Pod at 600 %", 1, 50, pods(6000), 12, 600),
]


@pytest.mark.parametrize(
    ("current", "target", "counted", "replicas", "utilization"),
    [case[1:] for case in CASES],
    ids=[case[0] for case in CASES],
)
def test_proposal(current: int, target: int, counted: list[Pod], replicas: int, utilization: int) -> None:
    """Replicas and utilization are the controller's, and the last step is the one that decided."""
    found = propose(counted, current=current, target=target)
    assert (found.replicas, found.utilization) == (replicas, utilization)
    assert found.steps[-1].value == replicas
    assert found.error == ""


def test_the_textbook_formula_differs_where_it_should() -> None:
    """For 3 ready Pods at 90 % and 2 unready ones the formula says 9, the controller 5."""
    current, usage, target = 5, 90, 50
    assert -(-current * usage // target) == 9
    found = propose(pods(900, 900, 900, UNREADY, UNREADY), current=current, target=target)
    assert found.replicas == 5
    assert [step.name for step in found.steps] == [
        "utilization",
        "ratio",
        "unready",
        "corrected ratio",
        "tolerance",
    ]


def test_tolerances_of_the_behavior_count() -> None:
    """A tolerance of 0 acts on the smallest difference."""
    assert propose(pods(510), current=1, target=50).replicas == 1
    assert propose(pods(510), current=1, target=50, tolerance_up=0).replicas == 2
    assert propose(pods(100, 340), current=2, target=25, tolerance_down=0.05).replicas == 2
    assert propose(pods(100, 80), current=2, target=10, tolerance_down=0.05).replicas == 2


def test_no_numbers_are_errors() -> None:
    """Without Pods, samples or requests the controller cannot tell, and says why."""
    assert "no pods" in propose([], current=1, target=50).error
    assert "did not receive metrics" in propose(pods(UNREADY), current=1, target=50).error
    assert "did not receive metrics" in propose(pods(NO_SAMPLE), current=1, target=50).error
    assert "missing request for cpu in Pod web" in propose([Pod("web", None, 5)], current=1, target=50).error


@pytest.mark.parametrize(
    ("current", "proposal", "minimum", "maximum", "desired", "limited"),
    [
        (5, 7, 3, 8, 7, None),
        (3, 1, 2, 8, 2, "TooFewReplicas"),
        (1, 0, 0, 10, 0, None),
        (20, 1000, 1, 10, 10, "TooManyReplicas"),
        (3, 1000, 1, 2000, 6, "ScaleUpLimit"),
        (1, 12, 1, 20, 4, "ScaleUpLimit"),
        (1, 12, 1, 3, 3, "TooManyReplicas"),
    ],
)
def test_limits_without_behavior(
    current: int, proposal: int, minimum: int, maximum: int, desired: int, limited: str | None
) -> None:
    """One sync at most doubles or makes four; minimum and maximum hold."""
    history = History([(0.0, 0)])
    found = decide(
        proposal,
        current=current,
        minimum=minimum,
        maximum=maximum,
        history=history,
        when=1000.0,
        window_seconds=300,
    )
    assert (found.desired, found.limited) == (desired, limited)


def test_downscale_waits_for_the_window() -> None:
    """The highest proposal of the window decides; when it is over, the count falls at once."""
    history = History()
    desired = []
    for when, proposal in ((0, 6), (5, 6), (10, 1), (20, 2), (35.1, 1), (40.2, 1)):
        found = decide(
            proposal, current=6, minimum=1, maximum=10, history=history, when=float(when), window_seconds=30
        )
        desired.append(found.desired)
    assert desired == [6, 6, 6, 6, 2, 2]


def test_first_proposal_is_the_count_itself() -> None:
    """A new HPA does not shrink at once: the count of its first tick is its first proposal."""
    history = History()
    first = decide(1, current=5, minimum=1, maximum=10, history=history, when=0.0, window_seconds=30)
    assert first.desired == 5


def rules(pod_value: int, pod_period: float, percent: int, percent_period: float, window: float) -> Rules:
    """Return rules with a policy for Pods and one for percent, each left out when it is 0."""
    policies = []
    if pod_value:
        policies.append(Policy("Pods", pod_value, pod_period))
    if percent:
        policies.append(Policy("Percent", percent, percent_period))
    return Rules(window, "Max", tuple(policies))


def spread(changes: list[int], period: float) -> list[tuple[float, int]]:
    """Return changes spread evenly over a period that ends at 1000 s."""
    part = period / max(len(changes), 1)
    return [(1000.0 - int(period - part * (n + 1) + part / 2), change) for n, change in enumerate(changes)]


UP, DOWN = rules(4, 15, 100, 15, 0), rules(0, 0, 100, 15, 300)


@pytest.mark.parametrize(
    ("current", "proposal", "bounds", "up", "down", "added", "removed", "desired", "limited"),
    [
        (5, 7, (3, 8), UP, DOWN, [], [], 7, None),
        (3, 1, (2, 8), UP, DOWN, [], [], 2, "TooFewReplicas"),
        (100, 1000, (100, 150), UP, DOWN, [], [], 150, "TooManyReplicas"),
        (3, 1000, (1, 2000), rules(0, 0, 1, 60, 0), DOWN, [], [], 4, "ScaleUpLimit"),
        (10, 50, (1, 1000), UP, DOWN, [], [], 20, "ScaleUpLimit"),
        (10, 500, (1, 1000), rules(100, 60, 100, 60, 0), DOWN, [], [], 110, "ScaleUpLimit"),
        (10, 500, (1, 1000), rules(2, 60, 100, 60, 0), DOWN, [], [], 20, "ScaleUpLimit"),
        (10, 50, (1, 1000), rules(100, 60, 0, 0, 0), DOWN, [], [], 50, None),
        (10, 50, (1, 1000), rules(30, 60, 0, 0, 0), DOWN, [], [], 40, "ScaleUpLimit"),
        (10, 50, (1, 1000), rules(0, 0, 200, 60, 0), DOWN, [], [], 30, "ScaleUpLimit"),
        (100, 2, (1, 1000), UP, rules(20, 60, 1, 60, 300), [], [], 80, "ScaleDownLimit"),
        (100, 2, (1, 1000), UP, rules(2, 60, 1, 60, 300), [], [], 98, "ScaleDownLimit"),
        (10, 0, (1, 1000), UP, rules(100, 60, 0, 0, 300), [], [], 1, "TooFewReplicas"),
        (10, 2, (5, 1000), UP, rules(0, 0, 100, 60, 300), [], [], 5, "TooFewReplicas"),
        (10, 2, (1, 1000), UP, rules(5, 60, 0, 0, 300), [], [], 5, "ScaleDownLimit"),
        (10, 5, (1, 1000), UP, rules(0, 0, 50, 60, 300), [], [], 5, None),
        (100, 500, (1, 200), rules(300, 60, 0, 0, 0), DOWN, [1, 5, 9], [], 200, "TooManyReplicas"),
        (100, 500, (1, 1000), rules(5, 120, 0, 0, 0), DOWN, [1, 5, 9], [], 100, "ScaleUpLimit"),
        (100, 500, (1, 1000), rules(150, 120, 0, 0, 0), DOWN, [1, 5, 9], [], 235, "ScaleUpLimit"),
        (100, 500, (1, 1000), rules(0, 0, 200, 120, 0), DOWN, [1, 5, 9], [], 255, "ScaleUpLimit"),
        (6, 24, (1, 1000), rules(0, 0, 300, 300, 0), DOWN, [4], [2], 16, "ScaleUpLimit"),
        (100, 2, (1, 1000), UP, rules(5, 120, 0, 0, 300), [], [1, 5, 9], 100, "ScaleDownLimit"),
        (100, 0, (1, 1000), UP, rules(0, 0, 50, 120, 300), [], [2, 4, 6], 56, "ScaleDownLimit"),
        (10, 1, (1, 1000), UP, rules(0, 0, 50, 180, 0), [2], [4], 6, "ScaleDownLimit"),
        (100, 0, (1, 1000), UP, rules(0, 0, 10, 120, 300), [], [10, 10, 10], 100, "ScaleDownLimit"),
        (10, 5, (1, 1000), UP, rules(0, 0, 1000, 120, 300), [], [10, 10, 10], 5, None),
    ],
)
def test_policies(
    current: int,
    proposal: int,
    bounds: tuple[int, int],
    up: Rules,
    down: Rules,
    added: list[int],
    removed: list[int],
    desired: int,
    limited: str | None,
) -> None:
    """Policies limit the change in their period, counting what was added and removed in it."""
    history = History(
        [(0.0, 0)], spread(added, 120) if added else [], spread(removed, 120) if removed else []
    )
    found = decide(
        proposal,
        current=current,
        minimum=bounds[0],
        maximum=bounds[1],
        history=history,
        when=1000.0,
        rules=Behavior(up, down),
    )
    assert (found.desired, found.limited) == (desired, limited)


@pytest.mark.parametrize(
    ("past", "current", "proposal", "up_window", "down_window", "stabilized"),
    [
        ([(-120, 4), (-60, 5)], 100, 3, 0, 180, 5),
        ([(-120, 4), (-60, 5)], 1, 7, 300, 0, 4),
        ([(-120, 1), (-60, 2)], 100, 3, 300, 0, 3),
        ([(-120, 4), (-60, 5)], 1, 3, 0, 300, 3),
        ([(-600, 10), (-540, 9)], 100, 3, 0, 0, 3),
        ([(-600, 10), (-60, 4), (-120, 5), (-540, 9)], 100, 3, 0, 180, 5),
    ],
)
def test_stabilization_with_behavior(
    past: list[tuple[int, int]],
    current: int,
    proposal: int,
    up_window: int,
    down_window: int,
    stabilized: int,
) -> None:
    """Growing takes the lowest proposal of its window, shrinking the highest of its own."""
    history = History([(1000.0 + then, replicas) for then, replicas in past])
    both = Behavior(rules(1000, 60, 0, 0, up_window), rules(1000, 60, 0, 0, down_window))
    found = decide(
        proposal, current=current, minimum=1, maximum=1000, history=history, when=1000.0, rules=both
    )
    assert found.stabilized == stabilized


def test_behavior_is_read_as_the_api_prints_it() -> None:
    """What is not set has the API server's default, and a tolerance may be written in thousandths."""
    assert behavior(None) is None
    assert behavior({}) is None
    found = behavior(
        {
            "scaleUp": {"stabilizationWindowSeconds": 10, "selectPolicy": "Min", "tolerance": "50m"},
            "scaleDown": {"policies": [{"type": "Pods", "value": 1, "periodSeconds": 20}]},
        }
    )
    assert found is not None
    assert found.up == Rules(10.0, "Min", UP.policies, 0.05)
    assert found.down == Rules(None, "Max", (Policy("Pods", 1, 20.0),))


def test_select_policy() -> None:
    """Min takes the smallest change, Disabled none."""
    for select, desired in (("Max", 20), ("Min", 14), ("Disabled", 10)):
        both = Behavior(Rules(0.0, select, UP.policies), DOWN)
        found = decide(
            50, current=10, minimum=1, maximum=100, history=History([(0.0, 0)]), when=1000.0, rules=both
        )
        assert found.desired == desired
