"""A recorded call, from the request to the sound file: all steps on the packaged weights."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from pathlib import Path

import jiwer
import pytest

from model_servers.pool import ModelPool
from model_servers.serving import build_pool
from model_servers.store import ModelStore
from orchestrator.executor import InputValue, execute
from orchestrator.plan import Plan, Step
from orchestrator.settings import Settings
from orchestrator.turn import Event, StepChanged
from tests.contract.recorded_call import CALL, recorded_call
from tools.artifacts import FileArtifactStore
from tools.contracts import RunContext
from tools.registry import load_registry
from tools.transcribe_audio import TranscribeAudio

pytestmark = [
    pytest.mark.models,
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
]

PLAN = Plan(
    steps=(
        Step(id="s1", tool="transcribe_audio", args={"audio": "input:call.mp3"}),
        Step(id="s2", tool="translate_text", args={"text": "s1", "target_language": "pt"}),
        Step(id="s3", tool="extract_entities", args={"text": "s1", "types": ["person"]}),
        Step(id="s4", tool="synthesize_speech", args={"text": "s2"}),
    )
)
"""What the router makes of "Transcribe this call, translate it into Portuguese, list who is in it,
and read the translation to me.\""""


@pytest.fixture
async def pool() -> AsyncIterator[ModelPool]:
    store = ModelStore(Settings().cache_dir)
    pool = build_pool("embedded", store, memory_budget_mb=3_000, idle_s=600, threads=2)
    yield pool
    await pool.close()


async def test_a_call_is_written_down_translated_searched_and_read_aloud(
    pool: ModelPool, tmp_path: Path
) -> None:
    artifacts = FileArtifactStore(tmp_path, max_file_bytes=10**8, quota_bytes=10**9)
    ctx = RunContext(
        models=pool,
        chat=None,  # type: ignore[arg-type]
        artifacts=artifacts,
        knowledge=None,  # type: ignore[arg-type]
        deadline=time.monotonic() + 1_800,
    )
    call = artifacts.put(await recorded_call(pool, "mp3"), name="call.mp3", origin="user")
    events: list[Event] = []
    inputs = {"call.mp3": InputValue(kind="audio", artifact=call)}
    reports = await execute(PLAN, inputs, load_registry(), ctx, emit=events.append)
    assert [(report.status, report.error) for report in reports] == [("ok", None)] * 4
    transcript, translation, people, speech = (report.result for report in reports)
    assert transcript is not None
    assert translation is not None
    assert people is not None
    assert speech is not None

    plain = jiwer.Compose([jiwer.ToLowerCase(), jiwer.RemovePunctuation()])
    said = " ".join(text for _, text in CALL)
    assert jiwer.wer(plain(said), plain(transcript["text"])) <= 0.1
    assert "jaqueta azul" in translation["text"]
    names = " ".join(entity["text"] for entity in people["entities"])
    assert "Anna" in names
    assert "David" in names

    (sound,) = reports[-1].artifacts
    assert (sound.kind, sound.origin) == ("audio", "tool")
    assert speech["voice"] == "pf_dora"
    heard = await TranscribeAudio()(TranscribeAudio.Args(audio=sound), ctx)
    assert heard.data.language == "pt"  # type: ignore[attr-defined]
    spoken = heard.data.text  # type: ignore[attr-defined]
    assert jiwer.wer(plain(translation["text"]), plain(spoken)) <= 0.3

    # The names are looked for while the translation is made, and neither waits for the other.
    changes = [(e.step.id, e.step.status) for e in events if isinstance(e, StepChanged)]
    begun = [changes.index((step, "running")) for step in ("s2", "s3")]
    done = [changes.index((step, "ok")) for step in ("s2", "s3")]
    assert max(begun) < min(done)
