from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

from tools.sound_windows import sound_windows

RATE = 100


@given(
    st.lists(st.integers(0, 700), max_size=8),
    st.integers(2, 9),
)
def test_the_windows_are_the_whole_sound(lengths: list[int], max_s: int) -> None:
    sound = np.random.default_rng(0).uniform(-1, 1, sum(lengths)).astype(np.float32)
    blocks = np.split(sound, np.cumsum(lengths)[:-1]) if lengths else []
    windows = list(sound_windows(blocks, sample_rate=RATE, max_s=max_s, search_s=1))
    if windows:
        assert_array_equal(np.concatenate([window.samples for window in windows]), sound)
    assert sum(len(window.samples) for window in windows) == len(sound)
    at = 0
    for window in windows:
        assert 0 < len(window.samples) <= max_s * RATE
        assert window.start_s == pytest.approx(at / RATE)
        at += len(window.samples)


def test_a_cut_is_made_in_a_pause() -> None:
    sound = np.ones(2_000, dtype=np.float32)
    sound[820:880] = 0
    first, *_ = sound_windows([sound], sample_rate=RATE, max_s=10, search_s=4)
    assert 835 <= len(first.samples) <= 865


def test_one_window_is_held_at_a_time() -> None:
    taken = 0

    def blocks() -> object:
        nonlocal taken
        for _ in range(50):
            taken += 1
            yield np.zeros(RATE, dtype=np.float32)

    windows = sound_windows(blocks(), sample_rate=RATE, max_s=10, search_s=2)  # type: ignore[arg-type]
    next(windows)
    assert taken == 10
