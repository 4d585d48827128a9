"""Sound as arrays: of a sound file, or of a video."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tools.errors import InvalidInput
from tools.media.demuxing import decoded, opened
from tools.media.limits import DEFAULT_LIMITS, MediaLimits

if TYPE_CHECKING:
    import numpy as np
    from av.audio.resampler import AudioResampler
    from av.audio.stream import AudioStream
    from av.container import InputContainer
    from numpy.typing import NDArray

SAMPLE_RATE = 16_000
"""Of what `decode_audio` gives, in hertz."""
MIN_SAMPLE_RATE, MAX_SAMPLE_RATE = 4_000, 384_000
MAX_CHANNELS = 16
_MICROSECONDS = 1_000_000
_GUESSED_DURATION = frozenset(("mp3", "aac"))
"""Formats whose header tells no duration: ffmpeg guesses it from the first packets."""


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
    with opened(data, limits, name) as container:
        stream = _sound(container, name)
        _check_length(container, stream, limits, name)
        return AudioFacts(
            duration_s=None if container.duration is None else container.duration / _MICROSECONDS,
            sample_rate=stream.codec_context.sample_rate,
            channels=stream.codec_context.layout.nb_channels,
            codec=stream.codec_context.name,
        )


def decode_audio(
    data: bytes, limits: MediaLimits = DEFAULT_LIMITS, *, name: str = "The sound"
) -> Iterator[NDArray[np.float32]]:
    """The sound, one block of a second after the other (the last is shorter).

    Each block is mono at SAMPLE_RATE, shape (samples,), float32 from -1 to 1. Works on sound files
    (WAV, MP3, FLAC, Ogg, Opus, M4A, AAC, AIFF …) and on videos with sound. Passages that are
    damaged are left out.

    Args:
        data: the file's bytes.
        limits: `max_audio_s` is held by the header and the packets before the first block, and by
            the samples as they are decoded.
        name: the file's name, for errors.

    Raises:
        InvalidInput: while iterating: there is no sound in it, nothing in it can be decoded, its
            sample rate or channels are out of bounds, or it goes on for longer than allowed.
    """
    # Counted before it is decoded: hours of silence take a second to skip and minutes to decode.
    with opened(data, limits, name) as container:
        _check_length(container, _sound(container, name), limits, name)
    samples = 0
    with opened(data, limits, name) as container:
        for block in _blocks(container, _sound(container, name)):
            samples += block.size
            if samples > limits.max_audio_s * SAMPLE_RATE:
                raise _too_long(limits, name)
            yield block
    if not samples:
        raise _undecodable(name)


def _undecodable(name: str) -> InvalidInput:
    return InvalidInput(
        f"{name} holds no sound that can be decoded: it is empty or damaged. Record it again."
    )


def _sound(container: InputContainer, name: str) -> AudioStream:
    stream = next(iter(container.streams.audio), None)
    if stream is None:
        raise InvalidInput(f"{name} has no sound in it.")
    if stream.codec_context is None:
        raise InvalidInput(f"{name} has sound in a format that can't be decoded; save it as MP3.")
    rate = stream.codec_context.sample_rate
    if not rate:
        raise _undecodable(name)
    if not MIN_SAMPLE_RATE <= rate <= MAX_SAMPLE_RATE:
        raise InvalidInput(
            f"{name} has a sample rate of {rate:,} Hz; sound of {MIN_SAMPLE_RATE:,} to "
            f"{MAX_SAMPLE_RATE:,} Hz is taken. Record or save it again."
        )
    if not 1 <= stream.codec_context.layout.nb_channels <= MAX_CHANNELS:
        raise InvalidInput(
            f"{name} has none or more than {MAX_CHANNELS} channels of sound; mix them down."
        )
    return stream


def _check_length(
    container: InputContainer, stream: AudioStream, limits: MediaLimits, name: str
) -> None:
    declared_s = (container.duration or 0) / _MICROSECONDS
    if declared_s > limits.max_audio_s and container.format.name not in _GUESSED_DURATION:
        raise _too_long(limits, name)
    most = limits.max_audio_s / float(stream.time_base or 1)
    ticks, empty = 0, True
    for packet in container.demux(stream):
        ticks += packet.duration or 0
        empty = empty and not packet.size
        if ticks > most:
            raise _too_long(limits, name)
    if empty:
        raise _undecodable(name)


def _too_long(limits: MediaLimits, name: str) -> InvalidInput:
    return InvalidInput(
        f"{name} goes on for more than {limits.max_audio_s / 60:g} minutes, the most that is "
        "taken. Split it."
    )


def _blocks(container: InputContainer, stream: AudioStream) -> Iterator[NDArray[np.float32]]:
    import numpy as np

    pending: list[NDArray[np.float32]] = []
    held = 0
    for piece in _resampled(container, stream):
        pending.append(piece)
        held += piece.size
        if held >= SAMPLE_RATE:
            joined = np.concatenate(pending)
            whole = held - held % SAMPLE_RATE
            for start in range(0, whole, SAMPLE_RATE):
                yield joined[start : start + SAMPLE_RATE]
            pending, held = [joined[whole:]], held - whole
    if held:
        yield np.concatenate(pending)


def _resampled(container: InputContainer, stream: AudioStream) -> Iterator[NDArray[np.float32]]:
    """Mono pieces at SAMPLE_RATE of any length. Rate and channels may change on the way."""
    resampler: AudioResampler | None = None
    shape: Any = None
    for packet in container.demux(stream):
        for frame in decoded(stream.decode, packet) or []:
            if (found := (frame.format.name, frame.layout.name, frame.sample_rate)) != shape:
                yield from _flushed(resampler)
                resampler, shape = _resampler(), found
            assert resampler is not None
            frame.pts = None  # gaps and repeats in the times are none in the sound
            yield from (piece.to_ndarray()[0] for piece in resampler.resample(frame))
    yield from _flushed(resampler)


def _resampler() -> AudioResampler:
    from av.audio.resampler import AudioResampler

    # Channels that say the same add up to that, not to more than full scale.
    mixing = {"rematrix_maxval": "1.0"}
    return AudioResampler(format="flt", layout="mono", rate=SAMPLE_RATE, options=mixing)


def _flushed(resampler: AudioResampler | None) -> Iterator[NDArray[np.float32]]:
    if resampler is not None:
        yield from (piece.to_ndarray()[0] for piece in resampler.resample(None))
