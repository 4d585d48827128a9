from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from model_servers import kokoro
from model_servers.kokoro import VoicesMissing
from model_servers.voices import SAMPLE_RATE, VOICES, Utterance
from tools.errors import InvalidInput
from tools.speech import (
    PARAGRAPH_PAUSE_S,
    SENTENCE_PAUSE_S,
    NoVoice,
    choose_voice,
    speak,
    spoken_languages,
)

GERMAN = "Guten Tag, ich möchte gerne wissen, wo meine Bestellung geblieben ist."
PORTUGUESE = "Bom dia, eu gostaria de saber onde está o meu pedido, por favor."
ENGLISH = "Good morning, I would like to know where my order is, please."


@pytest.fixture
def all_voices(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tools.speech.check_installed", lambda: None)


class SilentSpeaker:
    """Half a second of tone between a second of silence on either side, for each sentence."""

    def __init__(self, *, dumb: bool = False) -> None:
        self.asked: list[tuple[str, Utterance]] = []
        self.dumb = dumb

    async def predict(self, name: str, items: Sequence[Utterance], **_: Any) -> list[Any]:
        self.asked += [(name, item) for item in items]
        silence = np.zeros(SAMPLE_RATE, dtype=np.float32)
        tone = np.full(SAMPLE_RATE // 2, 0.5, dtype=np.float32)
        sound = np.zeros(0) if self.dumb else np.concatenate([silence, tone, silence])
        return [sound for _ in items]


@pytest.mark.usefixtures("all_voices")
@pytest.mark.parametrize(
    ("text", "language", "wanted", "name"),
    [
        (ENGLISH, None, None, "heart"),
        (ENGLISH, "en", "male", "am_michael"),
        (ENGLISH, None, "british", "bf_emma"),
        (ENGLISH, None, "bm_george", "bm_george"),
        (PORTUGUESE, None, None, "pf_dora"),
        (PORTUGUESE, None, "male", "pm_alex"),
        ("您好，我的订单在哪里？", None, None, "zf_xiaoxiao"),
        ("Où est ma commande ? Je ne l'ai pas reçue.", None, None, "ff_siwis"),
        ("Sí.", "es", None, "ef_dora"),
        ("1234", None, None, "heart"),
        ("OK", "it", None, "if_sara"),
    ],
)
def test_the_voice_for_a_text(
    text: str, language: str | None, wanted: str | None, name: str
) -> None:
    assert choose_voice(text, language=language, wanted=wanted).name == name


@pytest.mark.usefixtures("all_voices")
@pytest.mark.parametrize(
    ("text", "language", "wanted", "problem"),
    [
        (GERMAN, None, None, "no voice that speaks German"),
        (GERMAN, "de", None, "no voice that speaks German"),
        (PORTUGUESE, None, "heart", "heart doesn't speak Portuguese"),
        ("Où est ma commande ? Je ne l'ai pas reçue.", None, "male", "no male voice"),
        (ENGLISH, None, "klaus", "no voice 'klaus'"),
    ],
)
def test_never_the_wrong_accent(
    text: str, language: str | None, wanted: str | None, problem: str
) -> None:
    with pytest.raises(NoVoice, match=problem):
        choose_voice(text, language=language, wanted=wanted)


@pytest.mark.usefixtures("all_voices")
def test_a_text_that_is_plainly_in_another_language_is_not_spoken() -> None:
    with pytest.raises(InvalidInput, match="in English, not in Portuguese"):
        choose_voice(ENGLISH, language="pt")


def test_without_the_extra_only_the_fast_voice_speaks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kokoro, "find_spec", lambda _: None)
    assert choose_voice(ENGLISH).name == "heart"
    for text, wanted in ((PORTUGUESE, None), (ENGLISH, "british")):
        with pytest.raises(VoicesMissing, match="make setup"):
            choose_voice(text, wanted=wanted)


def test_each_voice_is_of_a_language_that_is_listed() -> None:
    assert set(spoken_languages()) == {"en", "es", "fr", "hi", "it", "ja", "pt", "zh"}
    assert all(name == voice.name for name, voice in VOICES.items())


async def test_a_text_is_spoken_sentence_by_sentence() -> None:
    models, progress = SilentSpeaker(), list[float]()
    heart = VOICES["heart"]
    blocks = [
        block
        async for block in speak(
            "One. Two.\n\nThree.",
            heart,
            models,
            speed=2.0,
            progress=progress.append,  # type: ignore[arg-type]
        )
    ]
    assert [utterance for _, utterance in models.asked] == [
        Utterance(text, heart, 2.0) for text in ("One.", "Two.", "Three.")
    ]
    assert {name for name, _ in models.asked} == {"hibari"}
    assert progress == pytest.approx([1 / 3, 2 / 3, 1])
    # The model's own silence is gone, and ours is there: shorter for who speaks faster.
    pauses = [SENTENCE_PAUSE_S, PARAGRAPH_PAUSE_S, PARAGRAPH_PAUSE_S]
    for block, pause_s in zip(blocks, pauses, strict=True):
        assert len(block) / SAMPLE_RATE == pytest.approx(0.5 + 0.06 + pause_s / 2, abs=0.001)
        assert np.abs(block[: SAMPLE_RATE // 10]).max() == 0.5


@pytest.mark.parametrize(
    ("text", "speed", "dumb"), [("…", 1.0, False), ("One.", 3.0, False), ("One.", 1.0, True)]
)
async def test_what_cant_be_spoken_is_told(text: str, speed: float, dumb: bool) -> None:
    with pytest.raises(InvalidInput):
        async for _ in speak(
            text,
            VOICES["heart"],
            SilentSpeaker(dumb=dumb),
            speed=speed,  # type: ignore[arg-type]
        ):
            pass
