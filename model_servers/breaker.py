"""Leaves an endpoint alone that keeps failing, so that callers need not wait to hear of it."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from model_servers.chat_errors import EndpointFailed
from model_servers.contracts import ContextTooLong, ModelBusy, ModelRefused, ModelUnavailable

logger = logging.getLogger(__name__)

FAILURES = 5
OPEN_S = 10.0
_SHORTEST_WAIT_S = 1.0


class Breaker:
    """A circuit breaker. Closed, it counts failures in a row; after `failures` of them it opens
    for `open_s`: calls fail at once. Then it lets one call through, which closes it or opens it
    again. A call that was cancelled or ran out of time tells nothing of the endpoint.

    Args:
        clock: seconds that only go forward.
    """

    def __init__(
        self,
        *,
        failures: int = FAILURES,
        open_s: float = OPEN_S,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._limit = failures
        self._open_s = open_s
        self._clock = clock
        self._failures = 0
        self._open_until: float | None = None
        self._probing = False

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Put one try of a call inside. Raises ModelUnavailable instead while it is open."""
        probing = self._admit()
        try:
            yield
        except (ModelUnavailable, EndpointFailed):
            self._failed(probing)
            raise
        except (ModelBusy, ModelRefused, ContextTooLong):
            self._answered()
            raise
        else:
            self._answered()
        finally:
            if probing:
                self._probing = False

    def _admit(self) -> bool:
        """Whether this call is the one that is let through to see."""
        if self._open_until is None:
            return False
        wait_s = max(self._open_until - self._clock(), 0.0)
        if wait_s or self._probing:
            raise ModelUnavailable(
                "The chat model keeps failing, so it is left alone for a moment; try again later.",
                retry_after_s=max(wait_s, _SHORTEST_WAIT_S),
            )
        self._probing = True
        return True

    def _failed(self, probing: bool) -> None:
        self._failures += 1
        opens = self._open_until is None and self._failures >= self._limit
        if opens or probing:
            self._open_until = self._clock() + self._open_s
        if opens:
            logger.warning(
                "chat model: %d failures in a row; not asked for %g s", self._failures, self._open_s
            )

    def _answered(self) -> None:
        if self._open_until is not None:
            logger.warning("chat model: answers again")
        self._failures = 0
        self._open_until = None
