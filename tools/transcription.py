"""Turns the sound of a file into text with times, window by window."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from model_servers.whisper import Heard, HeardSegment, Recording
from tools.media import SAMPLE_RATE, audio_facts, decode_audio
from tools.noise import reduce_noise, signal_to_noise_db
from tools.sound_windows import SoundWindow, sound_windows

if TYPE_CHECKING:
    from model_servers.pool import ModelPool

WINDOW_S, SEARCH_S = 120.0, 20.0
"""The longest passage that is listened to at once, and where a pause to cut at is looked for."""
NOISY_DB = 6.0
"""Speech that stands out by less than this has its noise taken out first."""
_REMEMBERED_CHARS = 200
"""Of what was said before a window, for names and spelling."""
_UNSPACED = {"zh", "ja", "yue"}


@dataclass(frozen=True, slots=True)
class Passage:
    """What was heard in one window.

    Attributes:
        text: the window's, which `join_texts` puts after that of the windows before.
        segments: with times from the start of the whole sound.
        language: None as long as nobody has spoken.
        end_s: how far into the sound it goes.
        progress: from 0 to 1, by the length that the file's header tells.
        noise_reduced: whether noise was taken out first.
    """

    text: str
    segments: tuple[HeardSegment, ...]
    language: str | None
    language_probability: float
    end_s: float
    progress: float
    noise_reduced: bool


@dataclass(frozen=True, slots=True)
class Transcript:
    """What is said in a sound; no text where nobody speaks."""

    text: str
    segments: tuple[HeardSegment, ...]
    language: str | None
    language_probability: float
    duration_s: float
    noise_reduced: bool


@dataclass(frozen=True, slots=True)
class Listening:
    """How to listen.

    Attributes:
        language: ISO 639-1; None has it detected.
        hints: names and words that are expected.
        to_english: write an English translation instead.
        reduce_noise: always or never; None does it where the speech hardly stands out.
        temperature: 0 takes the likeliest words; up to 1, more varied ones.
        words: whether to tell when each word is said, which takes longer.
    """

    language: str | None = None
    hints: tuple[str, ...] = ()
    to_english: bool = False
    reduce_noise: bool | None = None
    temperature: float = 0.0
    words: bool = False


async def listen(
    data: bytes,
    name: str,
    models: ModelPool,
    how: Listening,
    *,
    deadline: float | None = None,
) -> AsyncGenerator[Passage, None]:
    """What is said in a sound file or a video, a passage of at most WINDOW_S at a time.

    Only one passage is decoded at a time. Raises InvalidInput where there is no sound, it is
    damaged, or longer than is taken, and what `ModelPool.predict` raises.
    """
    facts = await asyncio.to_thread(audio_facts, data, name=name)
    windows = sound_windows(
        decode_audio(data, name=name), sample_rate=SAMPLE_RATE, max_s=WINDOW_S, search_s=SEARCH_S
    )
    language, probability, before = how.language, 1.0, ""
    while (window := await asyncio.to_thread(next, windows, None)) is not None:
        recording, reduced = await asyncio.to_thread(_recording, window, how, language, before)
        heard: Heard
        (heard,) = await models.predict("whisper", [recording], deadline=deadline)
        if language is None and heard.language is not None:
            language, probability = heard.language, heard.language_probability
        text = _text(heard.segments, language)
        before = f"{before} {text}"[-_REMEMBERED_CHARS:].strip()
        end_s = window.start_s + len(window.samples) / SAMPLE_RATE
        yield Passage(
            text=text,
            segments=tuple(_shifted(segment, window.start_s) for segment in heard.segments),
            language=language,
            language_probability=probability,
            end_s=end_s,
            progress=min(1.0, end_s / facts.duration_s) if facts.duration_s else 0.0,
            noise_reduced=reduced,
        )


def whole(passages: Sequence[Passage]) -> Transcript:
    """The transcript of all passages of a sound."""
    last = passages[-1]
    text = ""
    for passage in passages:
        text += joint(text, passage.text, passage.language) + passage.text
    return Transcript(
        text=text,
        segments=tuple(segment for passage in passages for segment in passage.segments),
        language=last.language if text else None,
        language_probability=last.language_probability if text else 0.0,
        duration_s=last.end_s,
        noise_reduced=any(passage.noise_reduced for passage in passages),
    )


def joint(before: str, after: str, language: str | None) -> str:
    """What stands between two pieces of a transcript: nothing, or a space."""
    if not before or not after:
        return ""
    unspaced = language in _UNSPACED and not before[-1].isalnum()
    return "" if unspaced else " "


def _recording(
    window: SoundWindow, how: Listening, language: str | None, before: str
) -> tuple[Recording, bool]:
    samples, reduce = window.samples, how.reduce_noise
    if reduce is None:
        reduce = signal_to_noise_db(samples, SAMPLE_RATE) < NOISY_DB
    if reduce:
        samples = reduce_noise(samples, SAMPLE_RATE)
    recording = Recording(
        samples,
        language=language,
        hints=" ".join(how.hints) or None,
        before=before or None,
        to_english=how.to_english,
        temperature=how.temperature,
        words=how.words,
    )
    return recording, reduce


def _text(segments: Iterable[HeardSegment], language: str | None) -> str:
    text = ""
    for segment in segments:
        piece = segment.text.strip()
        text += joint(text, piece, language) + piece
    return text


def _shifted(segment: HeardSegment, by_s: float) -> HeardSegment:
    return replace(
        segment,
        start_s=segment.start_s + by_s,
        end_s=segment.end_s + by_s,
        words=tuple(
            replace(word, start_s=word.start_s + by_s, end_s=word.end_s + by_s)
            for word in segment.words
        ),
    )
