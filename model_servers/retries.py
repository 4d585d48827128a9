"""Which failed calls of the chat model are tried again, and when."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from tenacity import AsyncRetrying, RetryCallState, retry_if_exception_type
from tenacity.stop import stop_after_attempt, stop_before_delay
from tenacity.wait import wait_random_exponential

from model_servers.chat_errors import Unreachable, Unready
from model_servers.contracts import ModelBusy, SwitchboardError

TRIES = 3
FIRST_PAUSE_S = 0.5
LONGEST_PAUSE_S = 8.0
COME_BACK_S = 5.0
"""What a caller is told to wait where the endpoint does not say how long."""

T = TypeVar("T")
Sleep = Callable[[float], Awaitable[None]]

_jitter = wait_random_exponential(multiplier=FIRST_PAUSE_S, max=LONGEST_PAUSE_S)


async def with_retries(
    call: Callable[[], Awaitable[T]], *, timeout_s: float, sleep: Sleep = asyncio.sleep
) -> T:
    """Call, again where the failure may pass by itself: busy, not reached, not ready.

    Three tries at most. The pauses are random below a bound that doubles, and never shorter than
    the endpoint's Retry-After; a pause that would end after `timeout_s` is not begun. The last
    error is raised; one that may pass says when to come back, and that it was tried again.
    """
    tries = AsyncRetrying(
        retry=retry_if_exception_type((ModelBusy, Unreachable, Unready)),
        stop=stop_after_attempt(TRIES) | stop_before_delay(timeout_s),
        wait=_pause_s,
        sleep=sleep,
        reraise=True,
    )
    try:
        return await tries(call)
    except SwitchboardError as error:
        if error.retryable:
            error.retried = True
            if error.retry_after_s is None:
                error.retry_after_s = COME_BACK_S
        raise


def _pause_s(state: RetryCallState) -> float:
    error = state.outcome.exception() if state.outcome else None
    asked_s = error.retry_after_s if isinstance(error, SwitchboardError) else None
    return max(_jitter(state), asked_s or 0.0)
