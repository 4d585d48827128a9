"""OpenAI's audio: recordings written down, or translated into English, and texts spoken."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import aclosing
from typing import Annotated, Any, Literal, get_args

from fastapi import APIRouter, File, Form, Request, UploadFile
from pydantic import Field
from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from model_servers.voices import SAMPLE_RATE, VOICES, Voice
from orchestrator.api.admitted import admitted, admitted_stream
from orchestrator.api.chat_request import Body
from orchestrator.api.facade import Owner, Service, TheService
from orchestrator.api.limits import CostlyRoute
from orchestrator.api.streams import Feed, sse, streamed
from orchestrator.api.transcripts import (
    FORMATS,
    Granularity,
    Task,
    TranscriptFormat,
    as_response,
    usage,
)
from orchestrator.errors import BadRequest, UnknownModel
from tools.artifacts import clean_name
from tools.contracts import LanguageCode
from tools.file_types import detect_file_type
from tools.sound_encoding import SoundFormat, SoundWriter, media_type
from tools.speech import NoVoice, check_speed, choose_voice, speak
from tools.transcription import Listening, Passage, joint, listen, whole

router = APIRouter(prefix="/v1/audio", tags=["OpenAI"], route_class=CostlyRoute)

LISTENERS = ("switchboard", "whisper-base", "whisper-1")
"""Names of the one model that writes recordings down."""
SPEAKERS = ("switchboard", "tts-1", "tts-1-hd")
"""Names that all stand for the voices; the one for the language speaks."""
MAX_INPUT_CHARS = 16_000
"""Of a text to speak: about twenty minutes."""

_OPENAI_VOICES: Mapping[str, Literal["female", "male"] | None] = {
    **dict.fromkeys(("alloy", "marin"), None),
    **dict.fromkeys(("coral", "nova", "sage", "shimmer"), "female"),
    **dict.fromkeys(("ash", "ballad", "cedar", "echo", "fable", "onyx", "verse"), "male"),
}
"""OpenAI's names, with the kind of voice that comes nearest."""

Upload = Annotated[UploadFile, File(description="A sound file, or a video with sound.")]
ModelName = Annotated[str, Form(description=f"One of {', '.join(LISTENERS)}.")]
Prompt = Annotated[
    str | None, Form(max_length=2_000, description="Names and words that are expected.")
]
FormatName = Annotated[str, Form(description=f"One of {', '.join(FORMATS)}.")]
Temperature = Annotated[float, Form(ge=0, le=1)]


@router.post("/transcriptions", summary="Write down what is said")
async def create_transcription(
    request: Request,
    service: TheService,
    owner: Owner,
    *,
    file: Upload,
    model: ModelName,
    language: Annotated[LanguageCode | None, Form(description="What is spoken.")] = None,
    prompt: Prompt = None,
    response_format: FormatName = "json",
    temperature: Temperature = 0.0,
    stream: Annotated[bool, Form()] = False,
    granularities: Annotated[
        list[str] | None, Form(alias="timestamp_granularities[]", description="word, segment")
    ] = None,
) -> Response:
    """The language is detected where it is left out. With `stream` the text comes in pieces, as
    server-sent events, while the recording is listened to."""
    wanted, content = _format(response_format), await _content(file, model)
    times = _granularities(granularities)
    by_word = wanted in ("srt", "vtt") or "word" in times
    how = Listening(language, _hints(prompt), temperature=temperature, words=by_word)
    if not stream:
        return await _transcript(content, how, wanted, service, owner, times=times)
    if wanted != "json":
        raise BadRequest(
            "response_format: a stream carries the text alone; leave it out.",
            param="response_format",
        )
    return await streamed(admitted_stream(service, owner, _events(content, how, service)), request)


@router.post("/translations", summary="Write down in English what is said in another language")
async def create_translation(
    service: TheService,
    owner: Owner,
    *,
    file: Upload,
    model: ModelName,
    prompt: Prompt = None,
    response_format: FormatName = "json",
    temperature: Temperature = 0.0,
) -> Response:
    wanted, content = _format(response_format), await _content(file, model)
    by_word = wanted in ("srt", "vtt")
    how = Listening(hints=_hints(prompt), to_english=True, temperature=temperature, words=by_word)
    return await _transcript(content, how, wanted, service, owner)


class VoiceId(Body):
    id: str


class SpeechRequest(Body):
    """`voice` is one of OpenAI's names, which stand for the voice that comes nearest, or one of
    our own. `language` is read from the text where it is left out."""

    model: str
    input: str
    voice: str | VoiceId
    response_format: SoundFormat = "mp3"
    speed: float = Field(default=1.0)
    stream_format: Literal["audio", "sse"] = "audio"
    instructions: str | None = None
    language: LanguageCode | None = None


@router.post(
    "/speech",
    summary="Speak a text",
    response_class=StreamingResponse,
    responses={200: {"content": {"audio/*": {}}, "description": "The sound, as it is made."}},
)
async def create_speech(
    request: Request, body: SpeechRequest, service: TheService, owner: Owner
) -> Response:
    """The sound is sent sentence by sentence, as soon as each is spoken. "pcm" is 16-bit samples
    at 24 kHz, mono, without a header; a WAV's header leaves its length open."""
    _check_speech(body)
    voice = await asyncio.to_thread(_voice, body)
    pieces = _spoken(body, voice, service)
    if body.stream_format == "sse":
        return await streamed(admitted_stream(service, owner, _speech_events(pieces)), request)
    feed = Feed(admitted_stream(service, owner, pieces))
    try:
        first = await feed.next()
    except BaseException:
        await feed.aclose()
        raise
    return _Sound(first, feed, media_type(body.response_format))


# Recordings


async def _content(file: UploadFile, model: str) -> tuple[bytes, str]:
    """The upload's bytes and name, once the bytes are known to be sound or video."""
    if model not in LISTENERS:
        raise UnknownModel(
            f"There is no model {model!r} for recordings; there are: {', '.join(LISTENERS)}.",
            param="model",
        )
    name = clean_name(file.filename or "recording")
    content = await file.read()
    kind = (await asyncio.to_thread(detect_file_type, content, name)).kind
    if kind not in {"audio", "video"}:
        raise BadRequest(f"file: {name} holds no sound; it is {kind}.", param="file")
    return content, name


def _hints(prompt: str | None) -> tuple[str, ...]:
    return (prompt.strip(),) if prompt and prompt.strip() else ()


def _format(name: str) -> TranscriptFormat:
    for known in FORMATS:
        if name == known:
            return known
    raise BadRequest(
        f"response_format: it is one of {', '.join(FORMATS)}.", param="response_format"
    )


def _granularities(names: list[str] | None) -> set[Granularity]:
    known: dict[str, Granularity] = {name: name for name in get_args(Granularity)}
    unknown = [name for name in names or () if name not in known]
    if unknown:
        raise BadRequest(
            f"timestamp_granularities: they are word and segment, not {unknown[0]!r}.",
            param="timestamp_granularities",
        )
    return {known[name] for name in names or ("segment",)}


async def _transcript(
    content: tuple[bytes, str],
    how: Listening,
    wanted: TranscriptFormat,
    service: Service,
    owner: str,
    *,
    times: set[Granularity] | None = None,
) -> Response:
    data, name = content
    async with admitted(service, owner) as deadline:
        passages = [
            passage async for passage in listen(data, name, service.models, how, deadline=deadline)
        ]
    task: Task = "translate" if how.to_english else "transcribe"
    return as_response(whole(passages), wanted, task=task, granularities=times or {"segment"})


async def _events(
    content: tuple[bytes, str], how: Listening, service: Service
) -> AsyncGenerator[bytes, None]:
    """The text in pieces, and whole at the end."""
    data, name = content
    passages: list[Passage] = []
    text = ""
    async with aclosing(listen(data, name, service.models, how)) as heard:
        async for passage in heard:
            piece = joint(text, passage.text, passage.language) + passage.text
            text += piece
            passages.append(passage)
            if piece:
                yield sse({"type": "transcript.text.delta", "delta": piece})
    yield sse({"type": "transcript.text.done", "text": text, "usage": usage(whole(passages))})


# Speech


def _check_speech(body: SpeechRequest) -> None:
    if body.model not in SPEAKERS:
        raise UnknownModel(
            f"There is no model {body.model!r} that speaks; there are: {', '.join(SPEAKERS)}.",
            param="model",
        )
    if not body.input.strip():
        raise BadRequest("input: the text is empty.", param="input")
    if len(body.input) > MAX_INPUT_CHARS:
        raise BadRequest(
            f"input: {len(body.input):,} characters are more than {MAX_INPUT_CHARS:,}; send the "
            "text in parts.",
            param="input",
        )
    if body.instructions:
        raise BadRequest(
            "instructions: these voices speak in one way only; leave them out.",
            param="instructions",
        )
    check_speed(body.speed)


def _voice(body: SpeechRequest) -> Voice:
    """The voice that was asked for. Raises NoVoice, VoicesMissing, InvalidInput."""
    name = body.voice if isinstance(body.voice, str) else body.voice.id
    if name in _OPENAI_VOICES:
        try:
            return choose_voice(body.input, language=body.language, wanted=_OPENAI_VOICES[name])
        except NoVoice:  # the language has voices of another kind, or none at all
            return choose_voice(body.input, language=body.language)
    if name not in VOICES:
        listed = ", ".join([*_OPENAI_VOICES, *VOICES])
        raise BadRequest(f"voice: it is one of {listed}.", param="voice")
    return choose_voice(body.input, language=body.language, wanted=name)


async def _spoken(
    body: SpeechRequest, voice: Voice, service: Service
) -> AsyncGenerator[bytes, None]:
    """The sound file in pieces, none of them empty."""
    writer = await asyncio.to_thread(SoundWriter, body.response_format, SAMPLE_RATE)
    async with aclosing(speak(body.input, voice, service.models, speed=body.speed)) as blocks:
        async for block in blocks:
            if piece := await asyncio.to_thread(writer.write, block):
                yield piece
    if piece := await asyncio.to_thread(writer.close):
        yield piece


async def _speech_events(pieces: AsyncGenerator[bytes, None]) -> AsyncIterator[bytes]:
    async with aclosing(pieces):
        async for piece in pieces:
            audio = base64.b64encode(piece).decode()
            yield sse({"type": "speech.audio.delta", "audio": audio})
    yield sse({"type": "speech.audio.done", "usage": _NO_TOKENS})


_NO_TOKENS: Mapping[str, Any] = {"input_tokens": 0, "output_tokens": 0, "total_tokens": 0}


class _Sound(StreamingResponse):
    """Sends a feed of bytes; where making them fails, the connection is cut."""

    def __init__(self, first: bytes | None, feed: Feed, media_type: str) -> None:
        super().__init__(self._pieces(first), media_type=media_type)
        self._feed = feed

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            await self._feed.aclose()

    async def _pieces(self, piece: bytes | None) -> AsyncIterator[bytes]:
        while piece is not None:
            yield piece
            piece = await self._feed.next()
