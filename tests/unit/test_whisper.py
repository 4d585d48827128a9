"""What the listener makes of what Whisper writes down; Whisper is scripted."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import faster_whisper.vad
import numpy as np
import pytest

from model_servers import whisper
from model_servers.whisper import SAMPLE_RATE, Heard, Recording, Whisper

LEAD_S = 0.5
"""Of silence before the voice."""


def segment(text: str, start_s: float, end_s: float, words: Any = None) -> SimpleNamespace:
    """A segment as it is found behind the silence."""
    return SimpleNamespace(
        text=text,
        start=LEAD_S + start_s,
        end=LEAD_S + end_s,
        words=words,
        tokens=[1, 2],
        temperature=0.0,
        avg_logprob=-0.5,
        compression_ratio=1.0,
        no_speech_prob=0.1,
    )


def word(text: str, start_s: float, end_s: float) -> SimpleNamespace:
    return SimpleNamespace(word=text, start=LEAD_S + start_s, end=LEAD_S + end_s, probability=0.5)


class Scripted:
    """Writes down the segments that it is given."""

    supported_languages = ("en",)

    def __init__(self, segments: Sequence[SimpleNamespace]) -> None:
        self.segments = segments
        self.hf_tokenizer = SimpleNamespace(
            encode=lambda text, **_: SimpleNamespace(ids=[len(text)] * len(text.split()))
        )
        self.most_tokens: int | None = None

    def transcribe(self, _: Any, **asked: Any) -> tuple[Sequence[SimpleNamespace], None]:
        self.most_tokens = asked["max_new_tokens"]
        return self.segments, None


def heard(
    monkeypatch: pytest.MonkeyPatch,
    segments: Sequence[SimpleNamespace],
    *,
    aligned: Sequence[SimpleNamespace] = (),
    words: bool = False,
) -> Heard:
    """What is heard in a voice of 0.4 s. `aligned` has the words' times, if asked for."""
    samples = np.zeros(round(0.4 * SAMPLE_RATE), np.float32)
    voice = [{"start": 0, "end": len(samples)}]
    monkeypatch.setattr(faster_whisper.vad, "get_speech_timestamps", lambda *_: voice)
    monkeypatch.setattr(whisper, "timed_words", lambda *_, **__: list(aligned))
    listener = Whisper(Path("nowhere"), threads=1)
    listener._model = Scripted(segments)
    (found,) = listener.predict([Recording(samples, language="en", hints="eight", words=words)])
    assert isinstance(found, Heard)
    return found


def test_a_word_that_is_written_twice_and_said_once(monkeypatch: pytest.MonkeyPatch) -> None:
    times = [word(" eight", 0.0, 0.35), word(" eight", 0.35, 0.9)]  # most of it after the voice
    found = heard(monkeypatch, [segment(" eight eight", 0.0, 0.9)], aligned=times)
    (only,) = found.segments
    assert (only.text, only.words, only.tokens) == (" eight", (), (6,))
    assert (only.start_s, only.end_s) == (0.0, 0.4)


def test_a_word_that_is_said_twice_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    def times() -> list[SimpleNamespace]:
        return [word(" no", 0.0, 0.2), word(" no", 0.2, 0.4)]

    found = heard(monkeypatch, [segment(" no no", 0.0, 0.4)], aligned=times())
    assert [part.text for part in found.segments] == [" no no"]
    found = heard(monkeypatch, [segment(" no no", 0.0, 0.4, times())], words=True)
    assert [part.text for part in found.segments[0].words] == [" no", " no"]


def test_times_are_looked_for_only_where_words_repeat(monkeypatch: pytest.MonkeyPatch) -> None:
    found = heard(monkeypatch, [segment(" one two one", 0.0, 0.4)], aligned=[word(" x", 0, 1)])
    assert found.segments[0].text == " one two one"


@pytest.mark.parametrize(
    ("seconds", "hints", "before", "bounds"),
    [
        (0.4, "eight", None, (20, 40)),
        (5.9, "eight", None, (150, 200)),
        (5.9, "word " * 300, "said " * 100, (90, 110)),
        (60, "eight", None, None),
    ],
)
def test_a_short_sound_becomes_no_long_text(
    monkeypatch: pytest.MonkeyPatch,
    seconds: float,
    hints: str,
    before: str | None,
    bounds: tuple[int, int] | None,
) -> None:
    samples = np.zeros(round(seconds * SAMPLE_RATE), np.float32)
    voice = [{"start": 0, "end": len(samples)}]
    monkeypatch.setattr(faster_whisper.vad, "get_speech_timestamps", lambda *_: voice)
    listener = Whisper(Path("nowhere"), threads=1)
    listener._model = scripted = Scripted([])
    listener.predict([Recording(samples, language="en", hints=hints, before=before)])
    if bounds is None:
        assert scripted.most_tokens is None
    else:
        assert scripted.most_tokens is not None
        assert bounds[0] <= scripted.most_tokens <= bounds[1]


def test_what_lies_in_the_silence_after_the_voice_was_not_said(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    said, made_up = segment(" eight", 0.0, 0.4), segment(" You", 0.5, 1.2)
    assert [s.text for s in heard(monkeypatch, [said, made_up]).segments] == [" eight"]
    # Whisper's times are rough: what stands alone is kept.
    alone = segment(" You", 0.5, 1.2)
    assert [s.text for s in heard(monkeypatch, [alone]).segments] == [" You"]
