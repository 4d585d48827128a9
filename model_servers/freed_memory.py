"""Gives memory that is no longer used back to the system."""

from __future__ import annotations

import ctypes
import gc
from functools import cache
from typing import Any


def give_back_memory() -> None:
    """Collect objects that only refer to each other, and have the allocator return its free pages.

    What is freed otherwise stays with the process for its next allocations: hundreds of megabytes
    after a model was unloaded. Of the C libraries only glibc can be asked to return it; elsewhere
    nothing but the collection is done. Takes tenths of a second, during which Python stands still:
    for moments when models go, not for requests.
    """
    gc.collect()
    if trim := _malloc_trim():
        trim(0)


@cache
def _malloc_trim() -> Any:
    """glibc's function; None where the C library is another one."""
    return getattr(ctypes.CDLL(None), "malloc_trim", None)
