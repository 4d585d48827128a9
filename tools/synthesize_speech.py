"""The tool `synthesize_speech`: a text read aloud, as a sound file."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from model_servers.voices import FASTEST, SAMPLE_RATE, SLOWEST
from tools.artifacts import Artifact
from tools.contracts import (
    Kind,
    LanguageCode,
    RunContext,
    TextSlot,
    Tool,
    ToolArgs,
    ToolData,
    ToolResult,
)
from tools.sound_encoding import SoundWriter, extension
from tools.speech import choose_voice, speak
from tools.synthesize_speech_words import ANNOUNCED, EXAMPLES, TITLES

FileFormat = Literal["wav", "mp3", "opus", "flac", "aac"]
VoiceName = Annotated[str, Field(pattern=r"^[a-z_]{1,40}$")]


class SynthesizeSpeechArgs(ToolArgs):
    text: TextSlot
    language: LanguageCode | None = Field(
        default=None, description="What the text is written in; read from it where it is left out."
    )
    voice: Literal["female", "male", "british"] | VoiceName | None = Field(
        default=None, description="The kind of voice, or its name."
    )
    speed: float = Field(
        default=1.0, ge=SLOWEST, le=FASTEST, description="1 is the voice's own pace."
    )
    format: FileFormat = "mp3"


class SynthesizeSpeechResult(ToolData):
    """`voice` is the name of the one that speaks; `duration_s` in seconds."""

    audio: Artifact
    language: str
    voice: str
    duration_s: float


class SynthesizeSpeech(Tool):
    """See `description`."""

    name = "synthesize_speech"
    description = (
        "Reads a text aloud: makes a sound file of it, in the language that the text is written "
        "in. Use it when someone wants to hear something, have it read or spoken, or wants audio; "
        "to hear it in another language, translate it first."
    )
    examples = EXAMPLES
    Args = SynthesizeSpeechArgs
    Result = SynthesizeSpeechResult
    outputs: ClassVar[Mapping[str, Kind]] = {"audio": "audio"}
    titles = TITLES

    async def __call__(self, args: SynthesizeSpeechArgs, ctx: RunContext) -> ToolResult:
        """Raises InvalidInput, NoVoice, VoicesMissing, ModelError, DeadlineExceeded."""
        voice = choose_voice(args.text, language=args.language, wanted=args.voice)
        writer = await asyncio.to_thread(SoundWriter, args.format, SAMPLE_RATE, whole=True)
        samples = 0
        async for block in speak(
            args.text,
            voice,
            ctx.models,
            speed=args.speed,
            deadline=ctx.deadline,
            progress=ctx.progress,
        ):
            samples += len(block)
            await asyncio.to_thread(writer.write, block)
        content = await asyncio.to_thread(writer.close)
        audio = await asyncio.to_thread(
            ctx.artifacts.put, content, name=f"speech.{extension(args.format)}", origin="tool"
        )
        data = SynthesizeSpeechResult(
            audio=audio,
            language=voice.language,
            voice=voice.name,
            duration_s=round(samples / SAMPLE_RATE, 2),
        )
        return ToolResult(data, (audio,))

    def render(self, data: Any, language: str) -> str:
        assert isinstance(data, SynthesizeSpeechResult)
        announced = ANNOUNCED.get(language, ANNOUNCED["en"])
        return announced.format(data.audio.name, max(1, round(data.duration_s)))
