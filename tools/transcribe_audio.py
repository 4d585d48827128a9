"""The tool `transcribe_audio`: what is said in a recording or a video, with times."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field

from model_servers.whisper import HeardSegment
from tools.artifacts import Artifact
from tools.contracts import (
    Kind,
    LanguageCode,
    RunContext,
    Slot,
    Tool,
    ToolArgs,
    ToolData,
    ToolResult,
)
from tools.errors import ToolError
from tools.pictures import read_bytes
from tools.subtitles import cues, srt, vtt
from tools.transcribe_audio_words import EXAMPLES, SUBTITLES_ATTACHED, TITLES
from tools.transcription import Listening, Passage, Transcript, joint, listen, whole

AudioSlot = Annotated[Artifact, Slot("audio")]
"""A file whose sound is to be worked on: a recording, or a video."""

Hint = Annotated[str, Field(min_length=1, max_length=80)]
SubtitleFormat = Literal["srt", "vtt"]


class SpokenWord(BaseModel):
    """A word with its times in seconds, and how likely it was heard right."""

    model_config = ConfigDict(frozen=True)

    text: str
    start_s: float
    end_s: float
    probability: float


class SpokenSegment(BaseModel):
    """A sentence or a part of one, its times in seconds, its words where they are asked for."""

    model_config = ConfigDict(frozen=True)

    text: str
    start_s: float
    end_s: float
    words: list[SpokenWord]


class TranscribeAudioArgs(ToolArgs):
    audio: AudioSlot
    spoken_language: LanguageCode | None = Field(
        default=None, description="What is spoken; detected where it is left out."
    )
    hints: list[Hint] | None = Field(
        default=None, max_length=50, description="Names and words that are expected."
    )
    subtitles: SubtitleFormat | None = Field(
        default=None, description="Make a file of subtitles, too."
    )
    words: bool = Field(default=False, description="Tell when each word is said, too.")
    denoise: bool | None = Field(
        default=None,
        description="Take noise out first: always or never; left out, where it is needed.",
    )


class TranscribeAudioResult(ToolData):
    """`language` was detected or given; times in seconds."""

    text: str
    language: str
    language_probability: float
    duration_s: float
    segments: list[SpokenSegment]
    noise_reduced: bool
    subtitles: Artifact | None = None


class TranscribeAudio(Tool):
    """See `description`."""

    name = "transcribe_audio"
    description = (
        "Writes down what is said in a recording, a call, a voice message or a video, with times, "
        "in the language that is spoken; makes subtitles. Use it first whenever a request is about "
        "what someone says in a sound or video file."
    )
    examples = EXAMPLES
    Args = TranscribeAudioArgs
    Result = TranscribeAudioResult
    outputs: ClassVar[Mapping[str, Kind]] = {"text": "text"}
    prose = True
    titles = TITLES

    async def __call__(self, args: TranscribeAudioArgs, ctx: RunContext) -> ToolResult:
        """Raises InvalidInput, ToolError where nobody speaks, ModelError, DeadlineExceeded."""
        how = Listening(
            args.spoken_language,
            tuple(args.hints or ()),
            reduce_noise=args.denoise,
            words=args.words or args.subtitles is not None,
        )
        transcript = whole(await _listened(args.audio, how, ctx))
        if not transcript.text:
            raise ToolError(
                f"No speech was heard in {args.audio.name}: it is silent, or holds only music or "
                "noise."
            )
        subtitles = await _subtitles(args, transcript, ctx) if args.subtitles else None
        data = TranscribeAudioResult(
            text=transcript.text,
            language=transcript.language or "und",
            language_probability=round(transcript.language_probability, 4),
            duration_s=round(transcript.duration_s, 2),
            segments=[_spoken(segment) for segment in transcript.segments],
            noise_reduced=transcript.noise_reduced,
            subtitles=subtitles,
        )
        return ToolResult(data, (subtitles,) if subtitles else ())

    def render(self, data: Any, language: str) -> str:
        assert isinstance(data, TranscribeAudioResult)
        if data.subtitles is None:
            return data.text
        remark = SUBTITLES_ATTACHED.get(language, SUBTITLES_ATTACHED["en"])
        return f"{data.text}\n\n_{remark.format(data.subtitles.name)}_"


async def _listened(audio: Artifact, how: Listening, ctx: RunContext) -> list[Passage]:
    """The passages; their text is written as it is heard."""
    content = await asyncio.to_thread(read_bytes, audio, ctx)
    passages: list[Passage] = []
    text = ""
    async for passage in listen(content, audio.name, ctx.models, how, deadline=ctx.deadline):
        piece = joint(text, passage.text, passage.language) + passage.text
        if piece:
            ctx.write(piece)
        text += piece
        ctx.progress(passage.progress)
        passages.append(passage)
    return passages


async def _subtitles(
    args: TranscribeAudioArgs, transcript: Transcript, ctx: RunContext
) -> Artifact:
    shown = cues(transcript.segments)
    content = srt(shown) if args.subtitles == "srt" else vtt(shown)
    name = f"{PurePosixPath(args.audio.name).stem}.{args.subtitles}"
    return await asyncio.to_thread(ctx.artifacts.put, content.encode(), name=name, origin="tool")


def _spoken(segment: HeardSegment) -> SpokenSegment:
    return SpokenSegment(
        text=segment.text.strip(),
        start_s=round(segment.start_s, 2),
        end_s=round(segment.end_s, 2),
        words=[
            SpokenWord(
                text=word.text.strip(),
                start_s=round(word.start_s, 2),
                end_s=round(word.end_s, 2),
                probability=round(word.probability, 3),
            )
            for word in segment.words
        ],
    )
