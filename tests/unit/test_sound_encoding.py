from __future__ import annotations

import io
import wave

import numpy as np
import pytest

from tools.file_types import detect_file_type
from tools.media import decode_audio
from tools.sound_encoding import FORMATS, SoundFormat, SoundWriter, encode_sound, extension

RATE = 24_000
TONE = (0.3 * np.sin(2 * np.pi * 440 * np.arange(2 * RATE) / RATE)).astype(np.float32)
CODED = [name for name in FORMATS if name != "pcm"]


def written(sound_format: SoundFormat) -> bytes:
    writer = SoundWriter(sound_format, RATE)
    pieces = [writer.write(block) for block in np.array_split(TONE, 9)]
    return b"".join([*pieces, writer.close()])


@pytest.mark.parametrize("sound_format", CODED)
@pytest.mark.parametrize("whole", [True, False])
def test_what_is_written_can_be_heard(sound_format: SoundFormat, whole: bool) -> None:
    data = encode_sound([TONE], sound_format, RATE) if whole else written(sound_format)
    assert detect_file_type(data, f"tone.{extension(sound_format)}").kind == "audio"
    heard = np.concatenate(list(decode_audio(data)))
    assert len(heard) / 16_000 == pytest.approx(2.0, abs=0.12)
    middle = heard[8_000:24_000]
    assert np.abs(middle).max() == pytest.approx(0.3, abs=0.05)
    assert np.abs(np.fft.rfft(middle)).argmax() == 440


def test_pcm_is_bare_samples() -> None:
    data = written("pcm")
    assert len(data) == 2 * len(TONE)
    assert np.abs(np.frombuffer(data, "<i2") / 32_767 - TONE).max() < 1e-4


def test_a_whole_wav_knows_its_length() -> None:
    with wave.open(io.BytesIO(encode_sound([TONE, TONE], "wav", RATE))) as sound:
        assert sound.getnframes() == 2 * len(TONE)
        assert (sound.getframerate(), sound.getnchannels(), sound.getsampwidth()) == (RATE, 1, 2)


def test_bytes_come_while_the_sound_is_made() -> None:
    writer = SoundWriter("mp3", RATE)
    assert len(writer.write(TONE)) > 10_000


def test_what_is_too_loud_is_cut() -> None:
    data = encode_sound([np.array([2.0, -2.0], dtype=np.float32)], "pcm", RATE)
    assert np.frombuffer(data, "<i2").tolist() == [32_767, -32_767]
