"""OpenAI's audio routes, on the packaged weights, by the stock client."""

from __future__ import annotations

import io
import re
import wave
from collections.abc import AsyncIterator

import numpy as np
import openai
import pytest
import pytest_asyncio

from model_servers import kokoro
from model_servers.serving import build_pool
from model_servers.store import ModelStore
from orchestrator.settings import Settings
from tests.contract.api_fake import FakeService, client_of, fake_service
from tools.media import decode_audio
from tools.sound_encoding import SoundFormat

pytestmark = [pytest.mark.models, pytest.mark.asyncio(loop_scope="module")]

TEXT = "Good morning. The parcel has arrived in Lisbon."


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def service(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[FakeService]:
    store = ModelStore(Settings().cache_dir)
    pool = build_pool("embedded", store, memory_budget_mb=2_000, idle_s=600, threads=2)
    async with fake_service(tmp_path_factory.mktemp("service")) as service:
        service.models = pool
        yield service
    await pool.close()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def client(service: FakeService) -> AsyncIterator[openai.AsyncOpenAI]:
    async with openai.AsyncOpenAI(
        base_url="http://127.0.0.1:8000/v1",
        api_key="none",
        http_client=client_of(service),
        max_retries=0,
    ) as client:
        yield client


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def recording(client: openai.AsyncOpenAI) -> tuple[str, bytes]:
    spoken = await client.audio.speech.create(model="tts-1", voice="alloy", input=TEXT)
    return "recording.mp3", spoken.content


@pytest.mark.parametrize(
    ("name", "media_type"),
    [
        ("mp3", "audio/mpeg"),
        ("opus", "audio/ogg"),
        ("aac", "audio/aac"),
        ("flac", "audio/flac"),
        ("wav", "audio/wav"),
        ("pcm", "audio/pcm"),
    ],
)
async def test_every_format_of_speech(
    client: openai.AsyncOpenAI, name: SoundFormat, media_type: str
) -> None:
    spoken = await client.audio.speech.create(
        model="tts-1", voice="alloy", input=TEXT, response_format=name
    )
    assert spoken.response.headers["content-type"] == media_type
    if name == "pcm":
        samples = np.frombuffer(spoken.content, "<i2") / 32_767
        seconds = len(samples) / 24_000
    else:
        samples = np.concatenate(list(decode_audio(spoken.content)))
        seconds = len(samples) / 16_000
    assert 3 < seconds < 8
    assert np.abs(samples).max() > 0.1


async def test_speech_as_events(client: openai.AsyncOpenAI) -> None:
    spoken = await client.audio.speech.create(
        model="switchboard", voice="heart", input=TEXT, response_format="wav", stream_format="sse"
    )
    lines = spoken.text.split("\n\n")
    assert spoken.response.headers["content-type"].startswith("text/event-stream")
    assert sum('"speech.audio.delta"' in line for line in lines) >= 2
    assert '"speech.audio.done"' in lines[-3]
    assert lines[-2:] == ["data: [DONE]", ""]


async def test_faster_speech_is_shorter(client: openai.AsyncOpenAI) -> None:
    slow, fast = [
        await client.audio.speech.create(
            model="tts-1", voice="alloy", input=TEXT, response_format="pcm", speed=speed
        )
        for speed in (0.8, 1.6)
    ]
    assert len(fast.content) < 0.65 * len(slow.content)


@pytest.mark.parametrize(
    ("change", "status", "param"),
    [
        ({"input": " "}, 400, "input"),
        ({"input": "x" * 20_000}, 400, "input"),
        ({"input": "Guten Tag, wo ist meine Bestellung geblieben?"}, 422, "language"),
        ({"input": "😀"}, 400, "text"),
        ({"voice": "klaus"}, 400, "voice"),
        ({"voice": "pf_dora"}, 422, "voice"),
        ({"speed": 4.0}, 400, "speed"),
        ({"model": "tts-9"}, 404, "model"),
        ({"instructions": "Whisper."}, 400, "instructions"),
        ({"response_format": "ogg"}, 400, "response_format"),
    ],
)
async def test_speech_that_is_refused(
    client: openai.AsyncOpenAI, change: dict[str, object], status: int, param: str
) -> None:
    wanted = {"model": "tts-1", "voice": "alloy", "input": TEXT, **change}
    with pytest.raises(openai.APIStatusError) as refused:
        await client.audio.speech.create(**wanted)  # type: ignore[arg-type]
    assert (refused.value.status_code, refused.value.param) == (status, param)


async def test_without_the_extra_other_languages_are_refused(
    client: openai.AsyncOpenAI, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kokoro, "find_spec", lambda _: None)
    with pytest.raises(openai.APIStatusError) as refused:
        await client.audio.speech.create(
            model="tts-1", voice="nova", input="¿Dónde está mi pedido?"
        )
    assert (refused.value.status_code, refused.value.code) == (501, "voices_missing")


async def test_every_format_of_a_transcription(
    client: openai.AsyncOpenAI, recording: tuple[str, bytes]
) -> None:
    create = client.audio.transcriptions.create
    plain = await create(model="whisper-1", file=recording)
    assert "parcel has arrived" in plain.text
    assert plain.usage is not None
    assert plain.usage.type == "duration"
    assert await create(model="whisper-1", file=recording, response_format="text") == (
        f"{plain.text}\n"
    )
    subrip = await create(model="whisper-1", file=recording, response_format="srt")
    assert subrip.startswith("1\n00:00:0")
    webvtt = await create(model="whisper-1", file=recording, response_format="vtt")
    assert webvtt.startswith("WEBVTT\n\n00:00:0")
    verbose = await create(
        model="whisper-base",
        file=recording,
        language="en",
        response_format="verbose_json",
        timestamp_granularities=["word", "segment"],
    )
    assert (verbose.language, verbose.text) == ("english", plain.text)
    assert verbose.words is not None
    assert verbose.segments is not None
    assert [word.word for word in verbose.words] == plain.text.split()
    assert verbose.words[-1].end <= verbose.duration
    assert "".join(segment.text for segment in verbose.segments).strip() == plain.text
    assert all(segment.avg_logprob < 0 < len(segment.tokens) for segment in verbose.segments)


async def test_a_streamed_transcription(
    client: openai.AsyncOpenAI, recording: tuple[str, bytes]
) -> None:
    stream = await client.audio.transcriptions.create(
        model="whisper-1", file=recording, stream=True
    )
    found = [event async for event in stream]
    assert [event.type for event in found[-1:]] == ["transcript.text.done"]
    deltas = [event.delta for event in found if event.type == "transcript.text.delta"]
    assert "".join(deltas) == found[-1].text  # type: ignore[union-attr]
    assert "parcel has arrived" in found[-1].text  # type: ignore[union-attr]


async def test_a_translation(client: openai.AsyncOpenAI) -> None:
    spoken = await client.audio.speech.create(
        model="tts-1", voice="nova", input="Bom dia, onde está o meu pedido? Moro em Lisboa."
    )
    heard = await client.audio.translations.create(
        model="whisper-1", file=("call.mp3", spoken.content), response_format="verbose_json"
    )
    assert heard.language == "english"
    # The listener draws when it is unsure: both are right for "Bom dia".
    assert re.search("good (morning|day)", heard.text, re.IGNORECASE)
    assert "where is my" in heard.text


async def test_silence_is_an_empty_transcription(client: openai.AsyncOpenAI) -> None:
    file = io.BytesIO()
    with wave.open(file, "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(8_000)
        sound.writeframes(bytes(32_000))
    heard = await client.audio.transcriptions.create(
        model="whisper-1", file=("silence.wav", file.getvalue())
    )
    assert heard.text == ""


@pytest.mark.parametrize(
    ("name", "data", "more", "status"),
    [
        ("empty.wav", b"", {}, 400),
        ("note.txt", b"Hello", {}, 400),
        ("call.mp3", b"ID3" + bytes(2_000), {}, 400),
        ("call.wav", None, {"model": "whisper-9"}, 404),
        ("call.wav", None, {"response_format": "diarized_json"}, 400),
        ("call.wav", None, {"language": "english"}, 400),
        ("call.wav", None, {"language": "xx"}, 422),
        ("call.wav", None, {"temperature": 2}, 400),
        ("call.wav", None, {"timestamp_granularities": ["line"]}, 400),
        ("call.wav", None, {"stream": True, "response_format": "srt"}, 400),
    ],
)
async def test_a_transcription_that_is_refused(
    client: openai.AsyncOpenAI,
    recording: tuple[str, bytes],
    name: str,
    data: bytes | None,
    more: dict[str, object],
    status: int,
) -> None:
    file = recording if data is None else (name, data)
    with pytest.raises(openai.APIStatusError) as refused:
        await client.audio.transcriptions.create(
            **{"model": "whisper-1", "file": file, **more}  # type: ignore[arg-type]
        )
    assert refused.value.status_code == status
