"""What the process does with memory that it no longer needs."""

from __future__ import annotations

import ctypes

_MMAP_THRESHOLD = -3
_LARGE_BYTES = 1024 * 1024


def return_large_blocks() -> None:
    """Have glibc give large blocks back to the system as soon as they are freed.

    By itself it keeps ever larger ones once some were freed, and a big upload would stay with the
    process. Does nothing where there is another C library.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_MMAP_THRESHOLD, _LARGE_BYTES)
