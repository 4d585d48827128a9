"""Gives memory that is no longer used back to the system."""

from __future__ import annotations

import ctypes
import gc
from functools import cache
from typing import Any

# What `mallopt` calls them; see mallopt(3).
_M_MMAP_THRESHOLD = -3
_M_ARENA_MAX = -8

_LARGE_BYTES = 2**17
"""The size that glibc begins with."""
_ARENAS = 2


def return_large_blocks() -> None:
    """Have the allocator return each large block as soon as it is freed, from now on.

    glibc raises the size from which it does so up to 32 MiB as a program frees such blocks, and
    weights and pictures then leave holes in its heaps that can't be returned: after a burst of
    media work 280 MB stayed, with this less than 200. It also keeps one heap for a core, and not
    eight: each holds on to what was freed in it. Elsewhere it does nothing.
    """
    if choose := getattr(ctypes.CDLL(None), "mallopt", None):
        choose(_M_MMAP_THRESHOLD, _LARGE_BYTES)
        choose(_M_ARENA_MAX, _ARENAS)


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
