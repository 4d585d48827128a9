"""A telephone call between two people, spoken by our own voices: a recording to test with."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from model_servers.pool import ModelPool
from model_servers.voices import SAMPLE_RATE, VOICES
from tools.sound_encoding import SoundFormat, encode_sound
from tools.speech import speak

CALL: Sequence[tuple[str, str]] = (
    ("heart", "Good morning, this is Anna Carter. How can I help you?"),
    ("am_michael", "Hello, my name is David Miller. I live in Boston."),
    ("am_michael", "I ordered a blue jacket last week, and it has not arrived."),
    ("heart", "I am sorry to hear that, David. What is your order number?"),
    ("am_michael", "It is four seven one two."),
    ("heart", "Thank you. Your parcel is in Chicago, and it will arrive on Friday."),
    ("am_michael", "That is great news. Thank you, Anna. Goodbye."),
)
"""Who says what: a voice's name and a text."""


async def call_samples(
    models: ModelPool, lines: Sequence[tuple[str, str]] = CALL
) -> NDArray[np.float32]:
    """The call as mono samples at `SAMPLE_RATE`."""
    blocks = [block for voice, text in lines async for block in speak(text, VOICES[voice], models)]
    return np.concatenate(blocks)


async def recorded_call(models: ModelPool, sound_format: SoundFormat = "wav") -> bytes:
    """The call as a sound file."""
    return encode_sound([await call_samples(models)], sound_format, SAMPLE_RATE)
