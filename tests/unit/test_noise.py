from __future__ import annotations

import numpy as np
import pytest

from tools.noise import SHORTEST, reduce_noise, signal_to_noise_db

RATE = 16_000


def beeps(noise: float) -> np.ndarray:
    """A second of tone and a second of pause in turn, over noise of a standard deviation."""
    times = np.arange(10 * RATE) / RATE
    tone = np.where(times % 2 < 1, np.sin(2 * np.pi * 440 * times), 0)
    noisy = tone + np.random.default_rng(0).normal(0, noise, len(times))
    return noisy.astype(np.float32)


@pytest.mark.parametrize(("noise", "db"), [(0.5, 4.8), (0.1, 17.1), (0.01, 37.0)])
def test_speech_is_told_from_noise(noise: float, db: float) -> None:
    # The tone's mean square is 1/2, and the noise lies under it, too.
    assert signal_to_noise_db(beeps(noise), RATE) == pytest.approx(db, abs=1.0)


def test_what_is_silent_between_words_has_no_noise() -> None:
    assert signal_to_noise_db(beeps(0.0), RATE) == float("inf")
    assert signal_to_noise_db(np.zeros(0, dtype=np.float32), RATE) == float("inf")
    assert signal_to_noise_db(np.zeros(RATE, dtype=np.float32), RATE) == float("inf")


def test_noise_is_taken_out_and_what_changes_is_kept() -> None:
    times = np.arange(6 * RATE) / RATE
    sweep = np.sin(2 * np.pi * (200 + 1_500 * (times % 1)) * times) * (times % 1 < 0.3)
    noisy = (sweep + np.random.default_rng(0).normal(0, 0.1, len(times))).astype(np.float32)
    reduced = reduce_noise(noisy, RATE)
    assert (reduced.shape, reduced.dtype) == (noisy.shape, noisy.dtype)
    pauses = times % 1 > 0.4
    assert np.std(reduced[pauses]) < 0.2 * np.std(noisy[pauses])
    assert np.corrcoef(reduced, sweep)[0, 1] > 0.9


@pytest.mark.parametrize("length", [0, 1, SHORTEST - 1, SHORTEST, SHORTEST + 1])
def test_any_length_is_kept(length: int) -> None:
    assert reduce_noise(beeps(0.1)[:length], RATE).shape == (length,)
