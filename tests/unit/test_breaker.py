"""The circuit breaker, with a clock of the test's own."""

from __future__ import annotations

import pytest

from model_servers.breaker import Breaker
from model_servers.chat_errors import EndpointFailed, Unreachable
from model_servers.contracts import DeadlineExceeded, ModelBusy, ModelRefused, ModelUnavailable


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def breaker(clock: Clock) -> Breaker:
    return Breaker(failures=3, open_s=10.0, clock=clock)


def call(breaker: Breaker, error: BaseException | None = None) -> None:
    with breaker.watching():
        if error is not None:
            raise error


def fail(breaker: Breaker, times: int = 1) -> None:
    for _ in range(times):
        with pytest.raises(EndpointFailed):
            call(breaker, EndpointFailed("boom"))


def refused(breaker: Breaker) -> float | None:
    """Seconds to wait, as the open breaker says."""
    with pytest.raises(ModelUnavailable, match="left alone") as caught:
        call(breaker, AssertionError("it lets a call through"))
    return caught.value.retry_after_s


def test_it_opens_after_failures_in_a_row_only(breaker: Breaker) -> None:
    fail(breaker, 2)
    call(breaker)
    fail(breaker, 2)
    call(breaker)
    fail(breaker, 3)
    assert refused(breaker) == 10.0


def test_it_says_how_long_it_stays_open(breaker: Breaker, clock: Clock) -> None:
    fail(breaker, 3)
    clock.now += 4
    assert refused(breaker) == 6.0


def test_one_call_is_let_through_and_closes_it(breaker: Breaker, clock: Clock) -> None:
    fail(breaker, 3)
    clock.now += 10
    with breaker.watching():
        assert refused(breaker) == 1.0, "one at a time"
    call(breaker)
    fail(breaker, 2)
    call(breaker)


def test_the_call_that_fails_opens_it_again(breaker: Breaker, clock: Clock) -> None:
    fail(breaker, 3)
    clock.now += 10
    fail(breaker)
    assert refused(breaker) == 10.0
    clock.now += 10
    call(breaker)
    call(breaker)


def test_a_call_that_was_cancelled_gives_its_turn_to_the_next(
    breaker: Breaker, clock: Clock
) -> None:
    fail(breaker, 3)
    clock.now += 10
    with pytest.raises(KeyboardInterrupt):
        call(breaker, KeyboardInterrupt())
    call(breaker)


@pytest.mark.parametrize(
    "error", [DeadlineExceeded("slow"), ModelRefused("no"), ModelBusy("later")]
)
def test_what_is_no_failure_of_the_endpoint_does_not_open_it(
    breaker: Breaker, error: Exception
) -> None:
    for _ in range(5):
        with pytest.raises(type(error)):
            call(breaker, error)
    call(breaker)


def test_time_that_ran_out_forgives_nothing(breaker: Breaker) -> None:
    fail(breaker, 2)
    with pytest.raises(DeadlineExceeded):
        call(breaker, DeadlineExceeded("slow"))
    fail(breaker)
    refused(breaker)


def test_calls_that_began_before_do_not_keep_it_open(breaker: Breaker, clock: Clock) -> None:
    def meanwhile() -> None:
        with breaker.watching():
            fail(breaker, 3)
            clock.now += 9
            raise Unreachable("gone")

    with pytest.raises(Unreachable):
        meanwhile()
    assert refused(breaker) == 1.0
