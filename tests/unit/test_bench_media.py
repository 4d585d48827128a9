"""What the bench `media` measures with, on a voice that is not one."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from PIL import Image

from evals.bench import _media_samples, media
from model_servers.contracts import ModelError
from model_servers.voices import SAMPLE_RATE
from tools.media import open_video


class Voice:
    """A pool whose voice takes a second for each sentence, which lasts as long."""

    def __init__(self, loudness: float = 0.5, silent: int = 0) -> None:
        self.now = 0.0
        self._loudness = loudness
        self._silent = silent

    def clock(self) -> float:
        return self.now

    async def predict(self, name: str, items: Sequence[Any], **_: Any) -> list[Any]:
        self.now += 1.0
        loud = self.now > self._silent
        return [np.full(SAMPLE_RATE, self._loudness if loud else 0.0, np.float32) for _ in items]


@pytest.mark.parametrize(("silent", "share"), [(0, 1 / 12), (5, 6 / 12)])
async def test_the_first_sound_is_the_first_that_is_heard(silent: int, share: float) -> None:
    voice = Voice(silent=silent)
    found = await media.first_sound_share(voice, media.STORY, clock=voice.clock)  # type: ignore[arg-type]
    assert found == pytest.approx(share)


async def test_a_silent_voice_is_no_fast_one() -> None:
    voice = Voice(loudness=0.001)
    with pytest.raises(ModelError, match="silent"):
        await media.first_sound_share(voice, media.STORY, clock=voice.clock)  # type: ignore[arg-type]


async def test_a_recording_is_as_long_as_it_is_said_to_be() -> None:
    samples = await media.spoken(Voice(), 40)  # type: ignore[arg-type]
    assert len(samples) == 40 * SAMPLE_RATE
    assert media.as_wav(samples)[:4] == b"RIFF"


def test_pictures_and_a_video_are_drawn() -> None:
    for picture, size in (
        (_media_samples.drawn_street(), (1280, 960)),
        (_media_samples.drawn_page(), (1000, 600)),
    ):
        image = Image.open(io.BytesIO(picture))
        assert image.size == size
        assert len(image.getcolors(100_000)) > 2
    assert _media_samples.drawn_street(8) != _media_samples.drawn_street()
    with open_video(_media_samples.drawn_film()) as film:
        assert (film.width, film.height, film.fps) == (640, 480, 25)
        assert film.duration_s == pytest.approx(_media_samples.FILM_S, abs=0.1)
        first, *_, last = film.frames(per_second=1)
    # The street, and then the page.
    assert last.image.mean() > first.image.mean() + 50
