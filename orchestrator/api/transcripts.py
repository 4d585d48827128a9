"""What was heard in a recording, in the formats of OpenAI's transcriptions."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, Literal, get_args

from starlette.responses import PlainTextResponse, Response

from orchestrator.api.replies import Json
from tools.language_names import language_name
from tools.subtitles import cues, srt, vtt
from tools.transcription import Transcript

TranscriptFormat = Literal["json", "text", "srt", "verbose_json", "vtt"]
FORMATS: tuple[TranscriptFormat, ...] = get_args(TranscriptFormat)
Granularity = Literal["word", "segment"]
Task = Literal["transcribe", "translate"]


def as_response(
    transcript: Transcript,
    wanted: TranscriptFormat,
    *,
    task: Task,
    granularities: Collection[Granularity],
) -> Response:
    """The transcript in a format; `granularities` are those of "verbose_json"."""
    match wanted:
        case "text":
            return PlainTextResponse(f"{transcript.text}\n")
        case "srt":
            return PlainTextResponse(srt(cues(transcript.segments)))
        case "vtt":
            return PlainTextResponse(vtt(cues(transcript.segments)), media_type="text/vtt")
        case "verbose_json":
            return Json(_verbose(transcript, task, granularities))
    return Json({"text": transcript.text, "usage": usage(transcript)})


def usage(transcript: Transcript) -> dict[str, Any]:
    """What was listened to, in seconds."""
    return {"type": "duration", "seconds": round(transcript.duration_s, 2)}


def _verbose(
    transcript: Transcript, task: Task, granularities: Collection[Granularity]
) -> dict[str, Any]:
    told: dict[str, Any] = {
        "task": task,
        "language": _language(transcript, task),
        "duration": round(transcript.duration_s, 2),
        "text": transcript.text,
        "usage": usage(transcript),
    }
    if "word" in granularities:
        told["words"] = [
            {"word": word.text.strip(), "start": _s(word.start_s), "end": _s(word.end_s)}
            for segment in transcript.segments
            for word in segment.words
        ]
    if "segment" in granularities:
        told["segments"] = [
            {
                "id": number,
                "seek": round(segment.start_s * 100),
                "start": _s(segment.start_s),
                "end": _s(segment.end_s),
                "text": segment.text,
                "tokens": list(segment.tokens),
                "temperature": segment.temperature,
                "avg_logprob": segment.log_probability,
                "compression_ratio": segment.compression_ratio,
                "no_speech_prob": segment.no_speech_probability,
            }
            for number, segment in enumerate(transcript.segments)
        ]
    return told


def _language(transcript: Transcript, task: Task) -> str:
    """What the text is in, by its English name."""
    if task == "translate":
        return "english"
    return language_name(transcript.language or "und").lower()


def _s(seconds: float) -> float:
    return round(seconds, 2)
