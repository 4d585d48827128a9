"""What the media tools add to the work itself: each from file to result, against a plain script.

A script decodes the file with the library that anyone would take, has the same model look, listen
or speak, does with the answer what the tool does, and writes the same files; no pool, no store, no
limits. Pictures and recordings are made here: drawn, and spoken by our own voice.
"""

from __future__ import annotations

import asyncio
import io
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from evals.bench.frame import WALL, Bench, Clock, Row, Subject, interleave, ratio_row, row
from model_servers.coco_labels import COCO_LABELS
from model_servers.contracts import ItemError, ModelError
from model_servers.serving import build_pool, factories
from model_servers.store import ModelStore
from orchestrator.settings import get_settings
from tools.artifacts import Artifact, FileArtifactStore
from tools.contracts import RunContext, Tool

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from model_servers.images import Image
    from model_servers.pool import Factory, ModelPool
    from tools.detect_objects import FoundObject

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

TARGET = "stop sign"
LINES = (
    "Delivery note 4712",
    "Blue rain jacket, size M",
    "Please return the parcel within thirty days.",
    "Thank you for shopping with us.",
)
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
    try:
        with tempfile.TemporaryDirectory(prefix="switchboard-media-") as folder:
            ours, plain = Tools(pool, Path(folder)), Scripts(models, Path(folder))
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
    finally:
        await pool.close()


async def _pairs(
    ours: Tools, plain: Scripts, store: ModelStore
) -> list[tuple[str, float, Subject, Subject]]:
    """What is compared: a name, the bound of the ratio, the tool and the script."""
    from tools.classify_image import ClassifyImage
    from tools.detect_objects import DetectObjects
    from tools.read_text import ReadText
    from tools.segment_image import SegmentImage
    from tools.synthesize_speech import SynthesizeSpeech
    from tools.transcribe_audio import TranscribeAudio

    street, page = drawn_street(), drawn_page()
    recording = as_wav(await spoken(ours.pool, RECORDING_S))
    picture = ours.file(street, "street.png")
    sheet = ours.file(page, "page.png")
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
    """The tools as a step of a plan runs them, with a store of files.

    Args:
        pool: the models.
        folder: where files are kept.
    """

    def __init__(self, pool: ModelPool, folder: Path) -> None:
        self.pool = pool
        self._files = FileArtifactStore(folder, max_file_bytes=10**8, quota_bytes=10**9)

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
                knowledge=nothing,
                deadline=time.monotonic() + PATIENCE_S,
            )
            await tool(tool.Args(**args), ctx)

        return run


class BareModels:
    """The models themselves, each loaded when it is first used."""

    def __init__(self, makers: Mapping[str, Factory]) -> None:
        self._makers = makers
        self._loaded: dict[str, Any] = {}

    def predict(self, name: str, item: Any) -> Any:
        """The result of one item. Raises ModelError where it failed."""
        if name not in self._loaded:
            server = self._makers[name]()
            server.load()
            self._loaded[name] = server
        (result,) = self._loaded[name].predict([item])
        if isinstance(result, ItemError):
            raise ModelError(result.message)
        return result


class Scripts:
    """The same work as the tools', each written down as plainly as it can be.

    Args:
        models: have their own weights in memory, apart from the tools'.
        folder: where files are written.
    """

    def __init__(self, models: BareModels, folder: Path) -> None:
        self._models = models
        self._folder = folder
        self._listener: Any = None

    def classify(self, picture: bytes) -> str:
        glance = self._models.predict("image-classifier", _pixels(picture))
        return str(glance.classes[0][0])

    def detect(self, picture: bytes) -> list[FoundObject]:
        from tools.detect_objects import MIN_SCORE, found_objects, mark_of
        from tools.drawing import draw_marks

        image = _pixels(picture)
        found = found_objects(self._models.predict("object-detector", image), MIN_SCORE)
        self._write("objects.jpg", draw_marks(image, [mark_of(thing) for thing in found]))
        return found

    def segment(self, picture: bytes) -> None:
        import numpy as np

        from model_servers.object_mask import BoxInPicture
        from tools.drawing import Mark, draw_masks
        from tools.masks import cut_out, mask_picture

        image = _pixels(picture)
        boxes = self._models.predict("object-detector", image)
        # Surest first.
        place = int(np.flatnonzero(boxes.classes == COCO_LABELS.index(TARGET))[0])
        left, top, right, bottom = map(float, boxes.edges[place])
        box = (left, top, right, bottom)
        mask = self._models.predict("object-mask", BoxInPicture(image, box))
        alpha = mask.astype(np.float32)
        self._write("cutout.png", cut_out(image, alpha))
        self._write("masks.jpg", draw_masks(image, [mask], [Mark(box, TARGET, TARGET)]))
        self._write("mask.png", mask_picture(alpha))

    def read(self, picture: bytes) -> str:
        from tools.drawing import Mark, draw_marks
        from tools.read_text import page_text

        image = _pixels(picture)
        lines, text = page_text(self._models.predict("text-reader", image), 1)
        marks = [Mark(line.box, str(n), "text") for n, line in enumerate(lines, start=1)]
        self._write("text.jpg", draw_marks(image, marks, beside=True))
        return text

    def speak(self, text: str) -> None:
        from model_servers.voices import SAMPLE_RATE, Utterance
        from tools.sound_encoding import encode_sound
        from tools.speech import choose_voice
        from tools.spoken_text import spoken_sentences

        voice = choose_voice(text, language="en")
        blocks = [
            self._models.predict(voice.model, Utterance(sentence.text, voice, 1.0))
            for sentence in spoken_sentences(text)
        ]
        (self._folder / "speech.mp3").write_bytes(encode_sound(blocks, "mp3", SAMPLE_RATE))

    def transcribe(self, recording: bytes, listener: Path) -> str:
        """faster-whisper by itself, as it comes."""
        from faster_whisper import WhisperModel

        if self._listener is None:
            self._listener = WhisperModel(
                str(listener),
                device="cpu",
                compute_type="int8",
                cpu_threads=THREADS,
                local_files_only=True,
            )
        segments, _ = self._listener.transcribe(io.BytesIO(recording))
        return "".join(segment.text for segment in segments)

    def _write(self, name: str, image: Image) -> None:
        from tools.pictures import encode

        form = "png" if name.endswith(".png") else "jpeg"
        (self._folder / name).write_bytes(encode(image, form))  # type: ignore[arg-type]


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


def drawn_street() -> bytes:
    """A PNG of a stop sign between sky and grass, 1280 × 960."""
    from PIL import Image, ImageDraw, ImageFont

    image = Image.new("RGB", (1280, 960), (150, 190, 230))
    draw = ImageDraw.Draw(image)
    draw.rectangle((0, 760, 1280, 960), fill=(90, 140, 70))
    draw.rectangle((626, 360, 654, 920), fill=(120, 120, 120))
    for radius, colour in ((220, "white"), (207, (190, 25, 35))):
        draw.regular_polygon((640, 360, radius), 8, rotation=22.5, fill=colour)
    font = ImageFont.load_default(136)
    draw.text((640, 360), "STOP", fill="white", font=font, anchor="mm", stroke_width=6)
    return _png(image)


def drawn_page() -> bytes:
    """A PNG of a white page with LINES on it, 1000 × 600."""
    from PIL import Image, ImageDraw, ImageFont

    image = Image.new("RGB", (1000, 600), "white")
    draw = ImageDraw.Draw(image)
    for number, line in enumerate(LINES):
        draw.text((60, 60 + 120 * number), line, fill="black", font=ImageFont.load_default(34))
    return _png(image)


def _png(image: Any) -> bytes:
    written = io.BytesIO()
    image.save(written, "PNG")
    return written.getvalue()


def _pixels(picture: bytes) -> Image:
    import numpy as np
    from PIL import Image as Pillow

    return np.asarray(Pillow.open(io.BytesIO(picture)).convert("RGB"))


BENCH = Bench("media", "each media tool from file to result, against a plain script", run)
