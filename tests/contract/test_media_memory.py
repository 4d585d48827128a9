"""A service gives back the memory that media work took."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = [
    pytest.mark.models,
    pytest.mark.skipif(sys.platform != "linux", reason="memory is read from /proc"),
]

MAX_GROWTH_MB = 200
"""Bound of the issue "Eyes, ears and a voice"."""


def test_memory_comes_back_after_a_burst_of_media_work(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.contract.media_burst", str(tmp_path)],
        capture_output=True,
        text=True,
        timeout=3_600,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    held = json.loads(done.stdout.splitlines()[-1])
    assert held["burst"] > held["text"] + MAX_GROWTH_MB  # else there was nothing to give back
    assert held["after"] < held["text"] + MAX_GROWTH_MB, held
