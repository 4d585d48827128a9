"""Plans that begin with a recording, or end with a voice; the router's scores are scripted."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from orchestrator.composer import Composer
from orchestrator.router import CHAT, Scores
from tools.contracts import Kind
from tools.registry import Registry
from tools.synthesize_speech import SynthesizeSpeech
from tools.transcribe_audio import TranscribeAudio

from .small_tools import registry

TOOLS = Registry([*registry().values(), TranscribeAudio(), SynthesizeSpeech()])
CUES = {
    "transcribe_audio": r"transcribe|subtitle",
    "synthesize_speech": r"\bread\b|aloud",
    "translate_text": r"translate",
    "summarize_text": r"summarize",
    "extract_entities": r"who|people",
}


class ScriptedRouter:
    async def score(self, wishes: Sequence[str], *, language: str) -> list[Scores]:
        return [self._one(wish) for wish in wishes]

    async def encode(self, texts: Sequence[str], *, language: str) -> NDArray[np.float32]:
        return np.zeros((len(texts), 1), dtype=np.float32)

    def _one(self, wish: str) -> Scores:
        found = [name for name, cue in CUES.items() if re.search(cue, wish, re.IGNORECASE)]
        best = found[0] if found else CHAT
        return {name: 0.95 if name == best else 0.01 for name in (*CUES, CHAT)}


async def steps_of(request: str, **kinds: Kind) -> list[tuple[str, dict[str, Any]]]:
    named = {name.replace("_", "."): kind for name, kind in kinds.items()}
    composer = Composer(TOOLS, ScriptedRouter())  # type: ignore[arg-type]
    draft = await composer.compose(request, named, language="en")
    return [(step.tool, dict(step.args)) for step in draft.plan.steps]


@pytest.mark.parametrize("people", ["list who is in it", "list the people in it"])
async def test_a_call_is_searched_beside_its_translation(people: str) -> None:
    steps = await steps_of(
        f"Transcribe this call, translate it into Portuguese, {people}, and read the translation "
        "to me.",
        call_wav="audio",
    )
    assert steps == [
        ("transcribe_audio", {"audio": "input:call.wav"}),
        ("translate_text", {"text": "s1", "target_language": "pt"}),
        ("extract_entities", {"text": "s1", "types": ["person"]}),
        ("synthesize_speech", {"text": "s2"}),
    ]


async def test_it_is_what_was_just_made_when_it_is_read_aloud() -> None:
    steps = await steps_of("Translate 'good morning' into Spanish and read it aloud as wav")
    assert steps == [
        ("translate_text", {"text": "input:text", "target_language": "es"}),
        ("synthesize_speech", {"text": "s1", "format": "wav"}),
    ]


async def test_a_summary_is_made_of_the_translation_that_it_follows() -> None:
    steps = await steps_of(
        "Transcribe this call, translate it into Portuguese and summarize it.", call_wav="audio"
    )
    assert [args.get("text") for _, args in steps] == [None, "s1", "s2"]


async def test_a_video_has_sound() -> None:
    assert await steps_of("Subtitle this video", clip_mp4="video") == [
        ("transcribe_audio", {"audio": "input:clip.mp4", "subtitles": "srt"})
    ]


async def lacking(request: str) -> str | None:
    composer = Composer(TOOLS, ScriptedRouter())  # type: ignore[arg-type]
    return (await composer.compose(request, {}, language="en")).lacks


async def test_a_forgotten_recording_is_asked_for() -> None:
    assert await lacking("Please transcribe the voice note") == "audio"


async def test_words_of_no_recording_ask_for_none() -> None:
    assert await lacking("the subtitle of my thesis, is it any good?") is None


async def test_what_another_step_speaks_needs_no_recording() -> None:
    steps = await steps_of("Read 'good morning' aloud, then transcribe it")
    assert [tool for tool, _ in steps] == ["synthesize_speech", "transcribe_audio"]
