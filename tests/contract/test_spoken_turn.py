"""A request that is spoken: a recording without a word of text beside it."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any, ClassVar

import httpx
import pytest
from httpx_sse import EventSource

from orchestrator.service import open_service
from orchestrator.settings import Settings
from tests.contract.api_fake import client_of as client_of_fake
from tests.contract.api_fake import fake_service
from tests.faults.small_service import CHAT, client_of, plan_of, small_service
from tests.media_files import picture, tone, wav
from tools.contracts import RunContext, Tool, ToolError, ToolResult
from tools.transcribe_audio import TranscribeAudioArgs, TranscribeAudioResult

REVIEW = "Is this review good or bad? The zip broke after two days and nobody answers my mails."


class Ears(Tool):
    """Hears what it was made to hear, and silence where that is nothing."""

    name = "transcribe_audio"
    description = "Writes down what is said."
    examples = ("Transcribe this",)
    outputs: ClassVar = {"text": "text"}
    Args = TranscribeAudioArgs
    Result = TranscribeAudioResult

    def __init__(self, said: str) -> None:
        self._said = said

    async def __call__(self, args: Any, ctx: RunContext) -> ToolResult:
        if not self._said:
            raise ToolError(f"No speech was heard in {args.audio.name}.")
        heard = TranscribeAudioResult(
            text=self._said,
            language="en",
            language_probability=0.98,
            duration_s=1.5,
            segments=[],
            noise_reduced=False,
        )
        return ToolResult(heard)


def audio(data: bytes, form: str = "wav") -> dict[str, Any]:
    sound = {"data": base64.b64encode(data).decode(), "format": form}
    return {"type": "input_audio", "input_audio": sound}


def image() -> dict[str, Any]:
    url = f"data:image/png;base64,{base64.b64encode(picture()).decode()}"
    return {"type": "image_url", "image_url": {"url": url}}


def text(words: str) -> dict[str, Any]:
    return {"type": "text", "text": words}


def body(*parts: dict[str, Any], **extension: Any) -> dict[str, Any]:
    messages = [{"role": "user", "content": list(parts)}]
    return {"model": "switchboard", "messages": messages, "switchboard": extension}


SPEECH = audio(wav(tone(0.2)))


async def test_a_recording_without_text_is_the_request_and_other_files_are_data(
    tmp_path: Path,
) -> None:
    async with fake_service(tmp_path) as service, client_of_fake(service) as client:
        for parts in ((image(), SPEECH), (text(" "), image(), SPEECH)):
            answer = await client.post(CHAT, json=body(*parts))
            assert answer.status_code == 200, answer.text
            turn = service.turns[-1]
            assert turn.speech is not None
            assert turn.speech.kind == "audio"
            assert [file.kind for file in turn.attachments] == ["image"]


async def test_a_recording_beside_text_is_data(tmp_path: Path) -> None:
    async with fake_service(tmp_path) as service, client_of_fake(service) as client:
        await client.post(CHAT, json=body(text("Who calls?"), SPEECH))
        assert service.turns[-1].speech is None
        assert [file.kind for file in service.turns[-1].attachments] == ["audio"]


async def test_of_two_recordings_none_is_taken_for_the_request(tmp_path: Path) -> None:
    async with fake_service(tmp_path) as service, client_of_fake(service) as client:
        answer = await client.post(CHAT, json=body(SPEECH, SPEECH))
        assert answer.status_code == 400
        assert "one alone can be the request" in answer.json()["error"]["message"]
        assert not service.turns


async def test_what_is_heard_is_planned_told_and_kept(tmp_path: Path) -> None:
    said = plan_of(("shout", {"text": "hello"}))
    async with small_service(tmp_path, tools=[Ears(said)]) as service, client_of(service) as client:
        answer = await client.post(CHAT, json=body(SPEECH, store=True))
        assert answer.status_code == 200, answer.text
        told = answer.json()["switchboard"]
        assert told["steps"][0]["result"] == {"text": "HELLO"}
        heard = told["heard"]
        assert (heard["text"], heard["language"], heard["seconds"]) == (said, "en", 1.5)
        sound = await client.get(heard["audio"]["url"])
        assert sound.content == wav(tone(0.2))

        kept = await service.conversations.messages(told["conversation_id"], "local")
        assert kept[0].content == said
        assert kept[0].outcome is not None
        assert kept[0].outcome["heard"]["text"] == said


async def test_a_stream_tells_first_what_was_heard(tmp_path: Path) -> None:
    said = plan_of(("shout", {"text": "hello"}))
    async with small_service(tmp_path, tools=[Ears(said)]) as service, client_of(service) as client:
        asked = {**body(SPEECH, progress=True), "stream": True}
        answer = await client.post(CHAT, json=asked)
        events = [event for event in EventSource(answer).iter_sse() if event.event == "switchboard"]
        assert json.loads(events[0].data)["type"] == "heard"
        assert "HELLO" in answer.text


async def test_where_nothing_is_heard_the_answer_says_so(tmp_path: Path) -> None:
    async with small_service(tmp_path, tools=[Ears("")]) as service, client_of(service) as client:
        answer = await client.post(CHAT, json=body(SPEECH))
        assert answer.status_code == 422
        assert "No speech was heard in audio.wav" in answer.json()["error"]["message"]


@pytest.mark.models
async def test_a_spoken_request_is_understood(tmp_path: Path) -> None:
    service = await open_service(Settings(home=tmp_path))
    try:
        async with client_of(service, timeout=httpx.Timeout(300)) as client:
            spoken = {"model": "tts-1", "voice": "alloy", "input": REVIEW}
            speech = await client.post("/v1/audio/speech", json=spoken)
            assert speech.is_success, speech.text
            answer = await client.post(CHAT, json=body(audio(speech.content, "mp3")))
            assert answer.is_success, answer.text
    finally:
        await service.close()
    told = answer.json()["switchboard"]
    assert "review good or bad" in told["heard"]["text"]
    assert told["heard"]["language"] == "en"
    assert told["route"]["path"] == "router"
    assert told["usage"]["llm_calls"] == 0
    assert [step["tool"] for step in told["steps"]] == ["classify_text"]
    assert told["steps"][0]["result"]["label"] == "bad"
