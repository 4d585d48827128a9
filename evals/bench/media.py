"""What the media tools add to the work itself: each from file to result, against a plain script.

The scripts are in `_media_scripts`. What they work on is made here: drawn, and spoken by our own
voice.
"""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

from evals.bench._media_samples import TARGET, drawn_film, drawn_page, drawn_street
from evals.bench._media_scripts import BareModels, Scripts
from evals.bench.frame import WALL, Bench, Clock, Row, Subject, interleave, ratio_row, row
from model_servers.contracts import ModelError
from model_servers.serving import build_pool, factories
from model_servers.store import ModelStore
from orchestrator.settings import get_settings
from tools.artifacts import Artifact, FileArtifactStore
from tools.contracts import RunContext, Tool
from tools.knowledge import open_knowledge

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from model_servers.pool import ModelPool
    from tools.knowledge.base import KnowledgeBase

# Bounds of the issue "Eyes, ears and a voice".
TOOL_RATIO = 1.25
TRANSCRIPTION_RATIO = 1.1
FIRST_SOUND_SHARE = 0.2
"""Of the time that the whole of a long text takes."""

THREADS = 2
RECORDING_S = 60
AUDIBLE = 0.01
"""A sample from which on something is heard; full scale is 1."""
PATIENCE_S = 3_600.0
OURS = 60
"""Pictures of our own, among which one is looked up."""

SENTENCE = "Good morning, your parcel is in Chicago, and it will arrive on Friday."
STORY = (
    "The parcel left the warehouse on Monday morning. A driver took it to the station. "
    "There it waited for the night train. The train was late because of the snow. "
    "On Tuesday it crossed the mountains. A clerk read the label twice. "
    "The street on it had a new name. Nobody in the office knew it. "
    "So a postman asked an old friend. The friend had lived there for years. "
    "He drew a small map on a card. On Friday the parcel was at the door."
)


def run(repeats: int) -> Sequence[Row]:
    return asyncio.run(_run(repeats))


async def _run(repeats: int) -> Sequence[Row]:
    settings = get_settings()
    store = ModelStore(settings.cache_dir)
    pool = build_pool(
        settings.profile,
        store,
        memory_budget_mb=settings.models_memory_mb,
        idle_s=PATIENCE_S,
        threads=THREADS,
    )
    models = BareModels(factories(settings.profile, store, threads=THREADS))
    async with AsyncExitStack() as closing:
        folder = Path(closing.enter_context(tempfile.TemporaryDirectory(prefix="sb-media-")))
        closing.push_async_callback(pool.close)
        knowledge = await open_knowledge(folder / "vectors", pool)
        closing.push_async_callback(knowledge.close)
        ours = Tools(pool, folder / "files", knowledge)
        plain = Scripts(models, folder, THREADS)
        rows: list[Row] = []
        for name, bound, tool, script in await _pairs(ours, plain, store):
            seconds, alone = await interleave(repeats, tool, script)
            rows += [
                row(name, [1000 * each for each in seconds], "ms"),
                ratio_row(f"{name} over a script", seconds, alone, bound),
            ]
        first_sound_share = await _first_sound_shares(pool, repeats)
        return [
            *rows,
            row("first sound of a long text", first_sound_share, "×", FIRST_SOUND_SHARE),
        ]


async def _pairs(
    ours: Tools, plain: Scripts, store: ModelStore
) -> list[tuple[str, float, Subject, Subject]]:
    """What is compared: a name, the bound of the ratio, the tool and the script."""
    from tools.analyze_video import AnalyzeVideo
    from tools.classify_image import ClassifyImage
    from tools.describe_image import DescribeImage
    from tools.detect_objects import DetectObjects
    from tools.read_text import ReadText
    from tools.search_images import SearchImages
    from tools.segment_image import SegmentImage
    from tools.synthesize_speech import SynthesizeSpeech
    from tools.transcribe_audio import TranscribeAudio

    street, page, film = drawn_street(), drawn_page(), drawn_film()
    catalogue = {f"stop sign {number}": drawn_street(shift=4 * number) for number in range(OURS)}
    await ours.take_in(catalogue)
    plain.take_in(catalogue)
    recording = as_wav(await spoken(ours.pool, RECORDING_S))
    picture = ours.file(street, "street.png")
    sheet = ours.file(page, "page.png")
    video = ours.file(film, "film.mp4")
    sound = ours.file(recording, "recording.wav")
    listener = store.path("whisper-base")
    return [
        (
            "classify_image",
            TOOL_RATIO,
            ours.running(ClassifyImage(), image=picture),
            _subject(lambda: plain.classify(street)),
        ),
        (
            "detect_objects",
            TOOL_RATIO,
            ours.running(DetectObjects(), image=picture),
            _subject(lambda: plain.detect(street)),
        ),
        (
            "segment_image",
            TOOL_RATIO,
            ours.running(SegmentImage(), image=picture, target=TARGET),
            _subject(lambda: plain.segment(street)),
        ),
        (
            "read_text",
            TOOL_RATIO,
            ours.running(ReadText(), image=sheet),
            _subject(lambda: plain.read(page)),
        ),
        (
            "describe_image",
            TOOL_RATIO,
            ours.running(DescribeImage(), image=picture),
            _subject(lambda: plain.describe(street)),
        ),
        (
            f"search_images, among {OURS}",
            TOOL_RATIO,
            ours.running(SearchImages(), image=picture),
            _subject(lambda: plain.search(street)),
        ),
        (
            "analyze_video",
            TOOL_RATIO,
            ours.running(AnalyzeVideo(), video=video),
            _subject(lambda: plain.watch(film)),
        ),
        (
            "synthesize_speech",
            TOOL_RATIO,
            ours.running(SynthesizeSpeech(), text=STORY, language="en"),
            _subject(lambda: plain.speak(STORY)),
        ),
        (
            f"transcribe_audio, {RECORDING_S} s",
            TRANSCRIPTION_RATIO,
            ours.running(TranscribeAudio(), audio=sound),
            _subject(lambda: plain.transcribe(recording, listener)),
        ),
    ]


def _subject(script: Callable[[], Any]) -> Subject:
    async def run() -> None:
        script()

    return run


class Tools:
    """The tools as a step of a plan runs them, with a store of files and pictures of our own.

    Args:
        pool: the models.
        folder: where files are kept.
        knowledge: has the pictures.
    """

    def __init__(self, pool: ModelPool, folder: Path, knowledge: KnowledgeBase) -> None:
        self.pool = pool
        self._knowledge = knowledge
        self._files = FileArtifactStore(folder, max_file_bytes=10**8, quota_bytes=10**9)

    async def take_in(self, pictures: Mapping[str, bytes]) -> None:
        """Add pictures of our own, by their titles."""
        for title, content in pictures.items():
            await self._knowledge.pictures.add(f"{title}.png", content)

    def file(self, content: bytes, name: str) -> Artifact:
        return self._files.put(content, name=name, origin="user")

    def running(self, tool: Tool, **args: Any) -> Subject:
        """What runs the tool once."""

        async def run() -> None:
            nothing: Any = None
            ctx = RunContext(
                models=self.pool,
                chat=nothing,
                artifacts=self._files,
                knowledge=self._knowledge,
                deadline=time.monotonic() + PATIENCE_S,
            )
            await tool(tool.Args(**args), ctx)

        return run


async def _first_sound_shares(pool: ModelPool, repeats: int) -> list[float]:
    await first_sound_share(pool, SENTENCE)  # the model is loaded
    return [await first_sound_share(pool, STORY) for _ in range(repeats)]


async def first_sound_share(models: ModelPool, text: str, *, clock: Clock = WALL) -> float:
    """When the first audible sample is there, over when the last one is.

    Raises ModelError where nothing is audible.
    """
    import numpy as np

    from tools.speech import choose_voice, speak

    begun, first_s = clock(), None
    async for block in speak(text, choose_voice(text, language="en"), models):
        if first_s is None and np.abs(block).max() > AUDIBLE:
            first_s = clock() - begun
    if first_s is None:
        raise ModelError("The voice was silent from beginning to end.")
    return first_s / (clock() - begun)


async def spoken(models: ModelPool, length_s: float) -> NDArray[np.float32]:
    """Our voice telling the story again and again, for so long; mono at `voices.SAMPLE_RATE`."""
    import numpy as np

    from model_servers.voices import SAMPLE_RATE
    from tools.speech import choose_voice, speak

    wanted, held = round(length_s * SAMPLE_RATE), 0
    blocks: list[NDArray[np.float32]] = []
    voice = choose_voice(STORY, language="en")
    while held < wanted:
        async for block in speak(STORY, voice, models):
            blocks.append(block)
            held += len(block)
    return np.concatenate(blocks)[:wanted]


def as_wav(samples: NDArray[np.float32]) -> bytes:
    from model_servers.voices import SAMPLE_RATE
    from tools.sound_encoding import encode_sound

    return encode_sound([samples], "wav", SAMPLE_RATE)


BENCH = Bench("media", "each media tool from file to result, against a plain script", run)
