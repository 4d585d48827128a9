"""What the shot network is given."""

from __future__ import annotations

import numpy as np
from numpy.testing import assert_allclose

from model_servers.shots import histograms


def test_a_frame_of_one_colour_has_one_bin() -> None:
    frames = np.zeros((2, 27, 48, 3), np.uint8)
    frames[1] = (255, 32, 0)
    found = histograms(frames)
    assert found.shape == (2, 512)
    assert found[0, 0] == 1
    assert found[1, (7 << 6) + (1 << 3)] == 1
    assert_allclose(found.sum(axis=1), 1)


def test_frames_of_the_same_colours_in_other_places_are_alike() -> None:
    random = np.random.default_rng(3)
    frame = random.integers(0, 256, (27, 48, 3), np.uint8)
    mixed = random.permutation(frame.reshape(-1, 3)).reshape(frame.shape)
    first, second = histograms(np.stack([frame, mixed]))
    assert_allclose(first @ second, 1, rtol=1e-6)
