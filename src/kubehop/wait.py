"""Waiting for facts. The only module that sleeps.

`KUBEHOP_PATIENCE` multiplies how long: a machine that is emulated, or busy, needs longer.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from kubehop.errors import KubehopError, WaitTimeoutError

T = TypeVar("T")


def until(
    fact: Callable[[], T],
    *,
    what: str,
    timeout_seconds: float = 60.0,
    interval_seconds: float = 0.05,
    next_command: str = "",
) -> T:
    """Call `fact` until it returns something true, and return that.

    Args:
        fact: Called again and again; an exception it raises ends the wait.
        what: The fact in words, for the error: "Deployment web to be available".
        timeout_seconds: Seconds until the wait is given up.
        interval_seconds: Seconds between two calls.
        next_command: What to run when the wait fails.

    Raises:
        WaitTimeoutError: `fact` returned nothing true in time.
    """
    timeout_seconds *= patience()
    end = time.monotonic() + timeout_seconds
    while not (value := fact()):
        if time.monotonic() > end:
            raise _late(what, timeout_seconds, value, next_command)
        time.sleep(interval_seconds)
    return value


async def until_async(
    fact: Callable[[], Awaitable[T]],
    *,
    what: str,
    timeout_seconds: float = 60.0,
    interval_seconds: float = 0.02,
    next_command: str = "",
) -> T:
    """Do what `until` does, inside an event loop.

    Raises:
        WaitTimeoutError: `fact` returned nothing true in time.
    """
    timeout_seconds *= patience()
    end = time.monotonic() + timeout_seconds
    while not (value := await fact()):
        if time.monotonic() > end:
            raise _late(what, timeout_seconds, value, next_command)
        await asyncio.sleep(interval_seconds)
    return value


async def end(*tasks: asyncio.Future[Any] | None) -> None:
    """Cancel what still runs in the background, and wait until it has ended; how it ended does not matter."""
    begun = [task for task in tasks if task]
    for task in begun:
        task.cancel()
    await asyncio.gather(*begun, return_exceptions=True)


def patience() -> float:
    """Return how many times longer than usual to wait: 1, or what the environment says.

    Raises:
        KubehopError: It says no number.
    """
    text = os.environ.get("KUBEHOP_PATIENCE") or "1"
    try:
        return float(text)
    except ValueError:
        msg = f"KUBEHOP_PATIENCE is {text!r}."
        why = "It says how many times longer than usual to wait, such as 3."
        raise KubehopError(msg, why=why, next_command="Run `unset KUBEHOP_PATIENCE`.") from None


def pause(seconds: float) -> None:
    """Sleep for `seconds`: for intervals that are part of what is measured, never to hope."""
    time.sleep(seconds)


def _late(what: str, timeout_seconds: float, value: object, next_command: str) -> WaitTimeoutError:
    return WaitTimeoutError(
        f"Waited {timeout_seconds:g} s for {what}.",
        why=f"The last look returned {value!r}.",
        next_command=next_command,
    )
