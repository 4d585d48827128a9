"""How many threads numpy's and scikit-learn's matrix products take."""

from __future__ import annotations

from contextlib import AbstractContextManager
from functools import cache
from typing import Any


def one_thread() -> AbstractContextManager[Any]:
    """One thread for each matrix product inside.

    OpenBLAS's threads wait for each other by spinning. On a machine with other work a product of
    a thousand rows then takes ten times as long with two threads as with one.
    """
    limited: AbstractContextManager[Any] = _controller().limit(limits=1, user_api="blas")
    return limited


@cache
def _controller() -> Any:
    # It controls what is loaded by now, and to look for that takes milliseconds.
    import sklearn.linear_model  # noqa: F401
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()
