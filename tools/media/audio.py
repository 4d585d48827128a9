"""Sound as arrays: of a sound file, or of a video."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tools.media.limits import DEFAULT_LIMITS, MediaLimits

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

SAMPLE_RATE = 16_000
"""Of what `decode_audio` gives, in hertz."""


@dataclass(frozen=True, slots=True)
class AudioFacts:
    """What a file's header says of its sound.

    Attributes:
        duration_s: seconds, where the header tells.
        sample_rate: hertz.
        channels: how many.
        codec: by ffmpeg's name, such as "opus".
    """

    duration_s: float | None
    sample_rate: int
    channels: int
    codec: str


def audio_facts(
    data: bytes, limits: MediaLimits = DEFAULT_LIMITS, *, name: str = "The sound"
) -> AudioFacts:
    """What the header says, within the limits; nothing is decoded.

    Raises InvalidInput where there is no sound, or more than the limits allow.
    """
    raise NotImplementedError


def decode_audio(
    data: bytes, limits: MediaLimits = DEFAULT_LIMITS, *, name: str = "The sound"
) -> Iterator[NDArray[np.float32]]:
    """The sound, one block of a second after the other (the last is shorter).

    Each block is mono at SAMPLE_RATE, shape (samples,), float32 from -1 to 1. Works on sound files
    (WAV, MP3, FLAC, Ogg, Opus, M4A, AAC, AIFF …) and on videos with sound. Passages that are
    damaged are left out.

    Args:
        data: the file's bytes.
        limits: `max_audio_s` is held by what the header says, by the packets, and by the samples
            as they are decoded.
        name: the file's name, for errors.

    Raises:
        InvalidInput: while iterating: there is no sound in it, nothing in it can be decoded, its
            sample rate or channels are out of bounds, or it goes on for longer than allowed.
    """
    raise NotImplementedError
