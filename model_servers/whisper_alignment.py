"""When each word of a segment is said, by Whisper's own attention, after it was written down."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

_SAMPLE_RATE = 16_000
_AROUND_S = 0.5
"""Of sound that is looked at before and after the segment: its times are rough."""
_BEFORE, _AFTER = "\"'“¿([{-", "\"'.。,，!！?？:：”)]}、"
"""Signs that belong to the word after or before them."""


def timed_words(
    model: Any, sound: NDArray[np.float32], segment: Any, *, language: str, task: str
) -> list[Any]:
    """The segment's words as faster-whisper's `Word`; times in seconds of the sound.

    Costs as much as listening to half a minute.

    Args:
        model: a faster-whisper `WhisperModel`.
        sound: what it listened to, mono, 16 kHz.
        segment: faster-whisper's, of at most half a minute.
        language: by which it was written down.
        task: "transcribe" or "translate".
    """
    from faster_whisper.audio import pad_or_trim
    from faster_whisper.tokenizer import Tokenizer
    from faster_whisper.transcribe import Word, merge_punctuations

    tokenizer = Tokenizer(model.hf_tokenizer, model.model.is_multilingual, task, language)
    begin_s = max(0.0, segment.start - _AROUND_S)
    edges = slice(round(begin_s * _SAMPLE_RATE), round((segment.end + _AROUND_S) * _SAMPLE_RATE))
    features = model.feature_extractor(sound[edges])[..., :-1]
    tokens = [token for token in segment.tokens if token < tokenizer.eot]
    seen = min(features.shape[-1], model.feature_extractor.nb_max_frames)
    (words,) = model.find_alignment(tokenizer, [tokens], model.encode(pad_or_trim(features)), seen)
    merge_punctuations(words, _BEFORE, _AFTER)
    return [
        Word(begin_s + word["start"], begin_s + word["end"], word["word"], word["probability"])
        for word in words
        if word["word"]
    ]
