"""Small pictures, sounds and videos, made where they are needed."""

from __future__ import annotations

import io
import struct
import wave
import zlib
from fractions import Fraction
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray
from PIL import Image


def picture(width: int = 64, height: int = 48, *, form: str = "PNG", **options: Any) -> bytes:
    """A picture of a fixed pattern."""
    across, down = np.meshgrid(np.arange(width), np.arange(height))
    pixels = np.stack([across * 3, down * 5, across + down], axis=-1).astype(np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, form, **options)
    return buffer.getvalue()


def png_of(width: int, height: int, pixels: bytes = b"") -> bytes:
    """A PNG whose header says this size, whatever its pixels are."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    body = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(pixels)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


def gif_of(frames: int) -> bytes:
    """An animation of this many frames of 16 × 16 pixels."""
    buffer = io.BytesIO()
    Image.new("P", (16, 16)).save(buffer, "GIF")
    start = buffer.getvalue().index(b"\x2c")
    head, frame = buffer.getvalue()[:start], buffer.getvalue()[start:-1]
    return head + (b"\x21\xf9\x04\x00\x05\x00\x00\x00" + frame) * frames + b";"


def tone(seconds: float, *, rate: int = 16_000, hertz: float = 440.0) -> NDArray[np.float32]:
    times = np.arange(int(seconds * rate)) / rate
    return (0.5 * np.sin(2 * np.pi * hertz * times)).astype(np.float32)


def wav(samples: NDArray[np.float32], rate: int = 16_000, channels: int = 1) -> bytes:
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes((samples * 32_767).astype("<i2").tobytes())
    return buffer.getvalue()


def sound(form: str, codec: str, seconds: float = 2.0, rate: int = 48_000) -> bytes:
    """A tone of 440 Hz in any container and codec."""
    buffer = io.BytesIO()
    with av.open(buffer, "w", format=form) as container:
        stream = container.add_stream(codec, rate=rate, layout="mono")
        frame = av.AudioFrame.from_ndarray(tone(seconds, rate=rate)[None], "flt", "mono")
        frame.sample_rate = rate
        context = stream.codec_context
        resampler = av.AudioResampler(context.format, "mono", rate, context.frame_size or 1_024)
        for piece in (*resampler.resample(frame), *resampler.resample(None), None):
            container.mux(stream.encode(piece))
    return buffer.getvalue()


def video(
    form: str = "mp4",
    codec: str = "libx264",
    *,
    frames: int = 50,
    fps: int = 25,
    width: int = 64,
    height: int = 48,
    turned: int = 0,
) -> bytes:
    """A video that grows brighter: frame n is grey of 4n."""
    buffer = io.BytesIO()
    with av.open(buffer, "w", format=form) as container:
        stream = container.add_stream(codec, rate=fps)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        if turned:
            stream.set_display_rotation(turned)
        for number in range(frames):
            grey = np.full((height, width, 3), number * 4 % 256, np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(grey, "rgb24")))
        container.mux(stream.encode(None))
    return buffer.getvalue()


def long_opus(hours: float, packet_bytes: int) -> bytes:
    """Opus in packets of 60 ms; what they hold decodes to noise, or to nothing."""
    packet_samples = 2_880
    content = b"\x18" + bytes(packet_bytes - 1)  # 60 ms of narrow-band speech
    buffer = io.BytesIO()
    with av.open(io.BytesIO(sound("ogg", "libopus", 0.1))) as short:
        template = short.streams.audio[0]
        with av.open(buffer, "w", format="ogg") as container:
            stream = container.add_stream_from_template(template)
            for number in range(int(hours * 3_600 / 0.06)):
                packet = av.Packet(content)
                packet.stream = stream
                packet.time_base = Fraction(1, 48_000)
                packet.pts = packet.dts = number * packet_samples
                packet.duration = packet_samples
                container.mux(packet)
    return buffer.getvalue()
