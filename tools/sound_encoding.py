"""Sound as files: WAV, MP3, Opus, FLAC, AAC and bare samples, whole or while it is made."""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

SoundFormat = Literal["wav", "mp3", "opus", "flac", "aac", "pcm"]


@dataclass(frozen=True, slots=True)
class _Coding:
    """How PyAV writes a format: its container and codec, the sample rate that the codec wants."""

    media_type: str
    extension: str
    container: str
    codec: str
    sample_rate: int | None = None
    bits_per_s: int | None = None


_CODINGS: Mapping[SoundFormat, _Coding] = {
    "wav": _Coding("audio/wav", "wav", "wav", "pcm_s16le"),
    "mp3": _Coding("audio/mpeg", "mp3", "mp3", "libmp3lame", bits_per_s=96_000),
    "opus": _Coding("audio/ogg", "opus", "ogg", "libopus", 48_000, bits_per_s=48_000),
    "flac": _Coding("audio/flac", "flac", "flac", "flac"),
    "aac": _Coding("audio/aac", "aac", "adts", "aac", bits_per_s=96_000),
    "pcm": _Coding("audio/pcm", "pcm", "s16le", "pcm_s16le"),
}
FORMATS: tuple[SoundFormat, ...] = tuple(_CODINGS)


def media_type(sound_format: SoundFormat) -> str:
    """What HTTP calls the format."""
    return _CODINGS[sound_format].media_type


def extension(sound_format: SoundFormat) -> str:
    """Of a file in the format, without the dot."""
    return _CODINGS[sound_format].extension


class SoundWriter:
    """Encodes one mono sound piece by piece; `close` gives what is left.

    Args:
        sound_format: of the file. "pcm" is 16-bit little-endian samples without a header.
        sample_rate: of the samples given, in hertz.
        whole: the file can be read from its start once it is closed, so lengths are written into
            its header then; else bytes are given away as they come, and a WAV's length is open.
    """

    def __init__(self, sound_format: SoundFormat, sample_rate: int, *, whole: bool = False) -> None:
        import av

        coding = _CODINGS[sound_format]
        self._file = io.BytesIO() if whole else _Outlet()
        self._container: Any = av.open(self._file, mode="w", format=coding.container)
        self._stream: Any = self._container.add_stream(
            coding.codec,
            rate=coding.sample_rate or sample_rate,
            layout="mono",
            options={"b": str(coding.bits_per_s)} if coding.bits_per_s else {},
        )
        self._sample_rate = sample_rate

    def write(self, samples: NDArray[np.float32]) -> bytes:
        """Take samples from -1 to 1, shape (n,); give the bytes that are ready by now."""
        import av
        import numpy as np

        if len(samples):
            scaled = np.rint(samples.clip(-1.0, 1.0) * 32_767).astype(np.int16)
            frame = av.AudioFrame.from_ndarray(scaled[None], format="s16", layout="mono")
            frame.sample_rate = self._sample_rate
            self._container.mux(self._stream.encode(frame))
        return self._taken()

    def close(self) -> bytes:
        """The bytes that are left; the whole file where it was asked for."""
        self._container.mux(self._stream.encode(None))
        self._container.close()
        return self._file.getvalue() if isinstance(self._file, io.BytesIO) else self._taken()

    def _taken(self) -> bytes:
        return self._file.take() if isinstance(self._file, _Outlet) else b""


class _Outlet:
    """A file that can't be gone back in: what is written is given away."""

    def __init__(self) -> None:
        self._ready = bytearray()

    def write(self, data: bytes) -> int:
        self._ready += data
        return len(data)

    def take(self) -> bytes:
        ready, self._ready = bytes(self._ready), bytearray()
        return ready


def encode_sound(
    blocks: Iterable[NDArray[np.float32]], sound_format: SoundFormat, sample_rate: int
) -> bytes:
    """A whole sound file of the samples, mono, from -1 to 1."""
    writer = SoundWriter(sound_format, sample_rate, whole=True)
    for block in blocks:
        writer.write(block)
    return writer.close()
