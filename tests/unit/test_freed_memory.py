"""Memory that was freed goes back to the system."""

from __future__ import annotations

import platform
import sys
from pathlib import Path
from typing import Any

import pytest

from model_servers.freed_memory import give_back_memory

BLOCKS, BLOCK_BYTES = 60_000, 1_000


def resident_mb() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4096 / 1e6


@pytest.mark.skipif(
    sys.platform != "linux" or platform.libc_ver()[0] != "glibc",
    reason="only glibc can be asked to return memory",
)
def test_what_is_freed_between_things_that_stay_goes_back() -> None:
    blocks: list[Any] = [bytes(BLOCK_BYTES) for _ in range(BLOCKS)]
    last = blocks[-1]  # what lies before it can't be cut off at the end
    blocks.append(blocks)  # only the collector finds it
    held = resident_mb()
    del blocks
    give_back_memory()
    assert held - resident_mb() > 0.7 * BLOCKS * BLOCK_BYTES / 1e6
    assert len(last) == BLOCK_BYTES
