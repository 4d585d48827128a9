"""A request that was spoken: it is written down first, and from there on it is like any other."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from model_servers.contracts import DeadlineExceeded
from model_servers.spans import span
from orchestrator.errors import BadRequest
from orchestrator.executor import run_tool
from orchestrator.guard import clean
from orchestrator.turn import HeardReport, Turn
from tools.artifacts import Artifact
from tools.contracts import RunContext
from tools.registry import Registry
from tools.transcribe_audio import TranscribeAudio, TranscribeAudioResult


def only_recording(recordings: Sequence[Artifact]) -> Artifact | None:
    """The recording that is the request, of those that came without a word of text; None where
    there are none. Raises BadRequest where there are several."""
    if len(recordings) > 1:
        raise BadRequest(
            f"{len(recordings)} recordings came without a text, and one alone can be the request; "
            "send one, or write what is to be done with them.",
            param="messages",
        )
    return recordings[0] if recordings else None


async def heard(turn: Turn, registry: Registry, ctx: RunContext) -> Turn:
    """The turn with what its recording says as its text.

    Raises InvalidInput, ToolError where nobody speaks, ModelError, DeadlineExceeded.
    """
    assert turn.speech is not None
    with span("hear", tool=TranscribeAudio.name):
        try:
            async with asyncio.timeout(ctx.remaining_s()):
                made = await run_tool(registry[TranscribeAudio.name], {"audio": turn.speech}, ctx)
        except TimeoutError:
            raise DeadlineExceeded(
                "The spoken request was not written down in the time for a request."
            ) from None
    transcript = made.data
    assert isinstance(transcript, TranscribeAudioResult)
    report = HeardReport(
        text=clean(transcript.text),
        language=transcript.language,
        confidence=transcript.language_probability,
        seconds=transcript.duration_s,
        audio=turn.speech,
    )
    return turn.model_copy(update={"text": report.text, "heard": report})
