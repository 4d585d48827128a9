"""How a sound is listened to, window by window; the listener is scripted."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from model_servers.whisper import Heard, HeardSegment, HeardWord, Recording
from tools.errors import InvalidInput
from tools.sound_encoding import encode_sound
from tools.transcription import WINDOW_S, Listening, Passage, joint, listen, whole

RATE = 16_000


class ScriptedListener:
    """Hears one segment in each window, a second after it begins."""

    def __init__(self, *texts: str, language: str = "en") -> None:
        self.texts = list(texts)
        self.language = language
        self.asked: list[Recording] = []

    async def predict(self, name: str, items: Sequence[Recording], **_: Any) -> list[Heard]:
        assert name == "whisper"
        (recording,) = items
        self.asked.append(recording)
        text = self.texts.pop(0)
        if not text:
            return [Heard((), None, 0.0)]
        word = HeardWord(text, 1.0, 1.5, 0.9)
        segment = HeardSegment(text, 1.0, 2.0, (word,), (), 0.0, -0.1, 1.0, 0.0)
        return [Heard((segment,), self.language, 0.8)]


def sound(seconds: float, noise: float = 0.0) -> bytes:
    """Beeps of a second each, with pauses between them."""
    times = np.arange(round(seconds * RATE)) / RATE
    beeps = np.where(times % 2 < 1, 0.3 * np.sin(2 * np.pi * 440 * times), 0)
    noisy = beeps + np.random.default_rng(0).normal(0, noise, len(times))
    return encode_sound([noisy.astype(np.float32)], "flac", RATE)


async def heard(
    listener: ScriptedListener, data: bytes, how: Listening | None = None
) -> list[Passage]:
    passages = listen(data, "call.flac", listener, how or Listening())  # type: ignore[arg-type]
    return [passage async for passage in passages]


async def test_windows_follow_each_other() -> None:
    listener = ScriptedListener("", " One.", " Two.")
    passages = await heard(listener, sound(2.4 * WINDOW_S))
    transcript = whole(passages)
    assert transcript.text == "One. Two."
    assert (transcript.language, transcript.language_probability) == ("en", 0.8)
    assert transcript.duration_s == pytest.approx(2.4 * WINDOW_S, abs=0.1)
    # Silent at first, the language is still to be detected in the second window, and then known.
    assert [asked.language for asked in listener.asked] == [None, None, "en"]
    assert [asked.before for asked in listener.asked] == [None, None, "One."]
    assert all(len(asked.samples) <= WINDOW_S * RATE for asked in listener.asked)
    first, second = transcript.segments
    assert first.start_s == pytest.approx(passages[0].end_s + 1.0)
    assert second.words[0].end_s == pytest.approx(passages[1].end_s + 1.5)
    progress = [passage.progress for passage in passages]
    assert progress == sorted(progress)
    assert progress[-1] == pytest.approx(1.0, abs=0.01)


async def test_where_nobody_speaks_there_is_no_text() -> None:
    transcript = whole(await heard(ScriptedListener(""), sound(1)))
    assert (transcript.text, transcript.language, transcript.segments) == ("", None, ())


async def test_what_is_asked_reaches_the_listener() -> None:
    listener = ScriptedListener(" Yes.")
    how = Listening("pt", ("Aoife", "Zylinthos"), to_english=True, temperature=0.4, words=True)
    await heard(listener, sound(1), how)
    (asked,) = listener.asked
    assert (asked.language, asked.hints) == ("pt", "Aoife Zylinthos")
    assert (asked.to_english, asked.temperature, asked.words) == (True, 0.4, True)


@pytest.mark.parametrize(
    ("noise", "wanted", "reduced"),
    [(0.005, None, False), (0.5, None, True), (0.5, False, False), (0.005, True, True)],
)
async def test_noise_is_taken_out_where_it_drowns_the_words(
    noise: float, wanted: bool | None, reduced: bool
) -> None:
    how = Listening(reduce_noise=wanted)
    transcript = whole(await heard(ScriptedListener(" Yes."), sound(4, noise), how))
    assert transcript.noise_reduced is reduced


async def test_what_is_no_sound_is_refused() -> None:
    with pytest.raises(InvalidInput):
        await heard(ScriptedListener(), b"RIFF" + bytes(100))


@pytest.mark.parametrize(
    ("before", "after", "language", "between"),
    [
        ("One.", "Two.", "en", " "),
        ("", "Two.", "en", ""),
        ("One.", "", "en", ""),
        ("你好。", "再见。", "zh", ""),
        ("你好", "再见", "zh", " "),
    ],
)
def test_pieces_are_joined(before: str, after: str, language: str, between: str) -> None:
    assert joint(before, after, language) == between
