"""A request that is spoken into the page's microphone, in Chromium, and heard by the listener."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Browser, expect

from model_servers.hibari import Hibari
from model_servers.serving import build_pool
from model_servers.store import ModelStore
from model_servers.voices import SAMPLE_RATE, VOICES, Utterance
from orchestrator.settings import Settings
from orchestrator.spoken import heard
from orchestrator.turn import HeardReport, Turn
from tests.e2e.chat_page import ChatPage, chromium, served
from tests.e2e.scripted import ScriptedService, scripted_app
from tests.media_files import wav
from tools.artifacts import Artifact, FileArtifactStore
from tools.contracts import RunContext
from tools.registry import Registry
from tools.transcribe_audio import TranscribeAudio

pytestmark = [
    pytest.mark.browser,
    pytest.mark.models,
    # From the statistics that Gradio 6.31 makes of its queue.
    pytest.mark.filterwarnings("ignore::pandas.errors.Pandas4Warning"),
]

QUESTION = "How long do I have to send a laptop back?"
LEAD_S = 1.0
"""Silence before the question: the microphone is on before the recording is."""
MAX_RECORDING_BYTES = 4_000_000


@dataclass
class ListeningService(ScriptedService):
    """Writes down what was said with the packaged weights; the answers are the script's."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.settings = self.settings.model_copy(update={"max_request_bytes": MAX_RECORDING_BYTES})
        self.artifacts = FileArtifactStore(
            self.home / "files", max_file_bytes=MAX_RECORDING_BYTES, quota_bytes=10**8
        )

    async def open(self) -> None:
        await super().open()
        store = ModelStore(Settings().cache_dir)
        self._pool = build_pool("embedded", store, memory_budget_mb=1_000, idle_s=600, threads=2)

    async def close(self) -> None:
        await self._pool.close()
        await super().close()

    async def hear(self, speech: Artifact) -> HeardReport:
        ctx = RunContext(
            models=self._pool,
            chat=None,  # type: ignore[arg-type]
            artifacts=self.artifacts,
            knowledge=None,  # type: ignore[arg-type]
        )
        turn = await heard(Turn(text="", speech=speech), Registry([TranscribeAudio()]), ctx)
        assert turn.heard is not None
        return turn.heard


@pytest.fixture(scope="module")
def said(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, float]:
    """Our voice asking QUESTION, as a file, and how many seconds it takes with the lead."""
    voice = Hibari(threads=2)
    voice.load()
    (samples,) = voice.predict([Utterance(QUESTION, VOICES["heart"])])
    samples = np.pad(samples, (round(LEAD_S * SAMPLE_RATE), 0))
    file = tmp_path_factory.mktemp("said") / "question.wav"
    file.write_bytes(wav(samples, SAMPLE_RATE))
    return file, len(samples) / SAMPLE_RATE


@pytest.fixture(scope="module")
def browser(said: tuple[Path, float]) -> Iterator[Browser]:
    """Its microphone hears the question, once for each page that turns it on."""
    with chromium(f"--use-file-for-fake-audio-capture={said[0]}%noloop") as browser:
        yield browser


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> ScriptedService:
    return ListeningService(tmp_path_factory.mktemp("home"))


@pytest.fixture(scope="module")
def address(service: ScriptedService) -> Iterator[str]:
    with served(scripted_app(service)) as address:
        yield address


def test_what_is_said_into_the_microphone_is_the_request(
    chat: ChatPage, service: ScriptedService, said: tuple[Path, float]
) -> None:
    _, seconds = said
    chat.record(math.ceil(seconds))
    chat.box.press("Enter")
    request = chat.page.locator(".request")
    expect(request.locator(".voice")).to_have_text("You said", timeout=chat.patience_ms)
    expect(request).to_contain_text(QUESTION)
    expect(chat.answers).to_have_count(1, timeout=chat.patience_ms)
    chat.wait()
    expect(chat.answers).to_contain_text("30 days from delivery")

    (turn,) = service.turns
    assert turn.text == ""
    assert turn.attachments == ()
    assert turn.speech is not None
    assert turn.speech.kind == "audio"
    # Before the page is left: what it still fetches then is cut off, and says so.
    assert chat.errors == []

    chat.reload()
    expect(chat.page.locator(".request")).to_contain_text(QUESTION)
    assert chat.hosts == {"127.0.0.1"}
