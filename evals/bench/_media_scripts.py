"""The work of the media tools, each written down as plainly as it can be.

A script decodes the file with the library that anyone would take, has the same model look, listen
or speak, does with the answer what the tool does, and writes the same files; no pool, no store, no
limits.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from evals.bench._media_samples import TARGET
from model_servers.coco_labels import COCO_LABELS
from model_servers.contracts import ItemError, ModelError

if TYPE_CHECKING:
    from model_servers.images import Image
    from model_servers.pool import Factory
    from tools.detect_objects import FoundObject
    from tools.video_analysis import Analysis, Seen
    from tools.video_looks import Pace


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
        threads: that a model of the script's own may use.
    """

    def __init__(self, models: BareModels, folder: Path, threads: int) -> None:
        self._models = models
        self._folder = folder
        self._threads = threads
        self._listener: Any = None
        self._titles: list[str] = []
        self._features: Any = None

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

    def describe(self, picture: bytes) -> str:
        from tools.classify_image import IMAGENET_THRESHOLD
        from tools.describe_image_words import assemble
        from tools.detect_objects import MIN_SCORE, count_labels, found_objects
        from tools.read_text import page_text

        image = _pixels(picture)
        (name, score), *_ = self._models.predict("image-classifier", image).classes
        boxes = self._models.predict("object-detector", image)
        _, text = page_text(self._models.predict("text-reader", image), 1)
        counts = count_labels(found_objects(boxes, MIN_SCORE))
        return assemble(name if score >= IMAGENET_THRESHOLD else None, counts, text, "en")

    def take_in(self, pictures: Mapping[str, bytes]) -> None:
        """Pictures of our own by their titles: their features, and small copies to show."""
        import numpy as np
        from PIL import Image as Pillow

        from tools.knowledge.pictures import SHOWN_SIDE

        self._titles, features = list(pictures), []
        for title, content in pictures.items():
            image = _pixels(content)
            features.append(self._models.predict("image-classifier", image).features)
            small = Pillow.fromarray(image)
            small.thumbnail((SHOWN_SIDE, SHOWN_SIDE))
            self._write(f"{title}.jpg", np.asarray(small, dtype=np.uint8))
        self._features = np.stack(features)

    def search(self, picture: bytes, count: int = 3) -> list[str]:
        """The titles of those most alike, whose copies are written."""
        import numpy as np

        seen = self._models.predict("image-classifier", _pixels(picture)).features
        likest = np.argsort(-(self._features @ seen))[:count]
        titles = [self._titles[place] for place in likest]
        for title in titles:
            copy = (self._folder / f"{title}.jpg").read_bytes()
            (self._folder / f"found {title}.jpg").write_bytes(copy)
        return titles

    def watch(self, film: bytes) -> Analysis:
        from tools.analyze_video import facts_of, key_looks, plot_of, timeline_of
        from tools.detect_objects import mark_of
        from tools.drawing import draw_marks
        from tools.video_analysis import CUT_THRESHOLD, Analysis, over_time
        from tools.video_clip import clip_frames, draw_clip
        from tools.video_looks import choose_pace, shot_starts

        duration_s = _length_s(film)
        pace = choose_pace(duration_s)
        seen, small, times = self._looks(film, pace)
        starts = shot_starts(times, self._models.predict("shot-cuts", small), CUT_THRESHOLD)
        analysis = Analysis(pace, times[-1], starts, seen)
        analysis.tracks, analysis.unusual = over_time(seen, starts, 1 / pace.looks_per_s)
        for number, (one, image) in enumerate(key_looks(analysis)):
            self._write(f"key-{number}.jpg", draw_marks(image, [mark_of(t) for t in one.things]))
        timeline = timeline_of({**facts_of(analysis, duration_s, 1.0), "actions": None})
        (self._folder / "timeline.json").write_bytes(timeline)
        clip = draw_clip(clip_frames(analysis), analysis.end_s)
        (self._folder / "annotated.mp4").write_bytes(clip)
        (self._folder / "counts.png").write_bytes(plot_of(analysis, duration_s))
        return analysis

    def _looks(self, film: bytes, pace: Pace) -> tuple[list[Seen], Image, list[float]]:
        """What is seen at an even pace, and small frames for the shots with their times."""
        import av
        import numpy as np

        from model_servers.images import resize
        from model_servers.transnet import HEIGHT, WIDTH
        from tools.detect_objects import MIN_SCORE, found_objects
        from tools.video_analysis import Seen
        from tools.video_looks import Look

        assert pace.shot_frames_per_s is not None
        seen: list[Seen] = []
        small: list[Image] = []
        times: list[float] = []
        before: Any = None
        next_frame_s = next_look_s = 0.0
        with av.open(io.BytesIO(film), "r") as container:
            for frame in container.decode(video=0):
                assert frame.time is not None
                if frame.time < next_frame_s:
                    continue
                next_frame_s += 1 / pace.shot_frames_per_s
                image = np.asarray(frame.to_ndarray(format="rgb24"), dtype=np.uint8)
                small.append(resize(image, WIDTH, HEIGHT))
                times.append(frame.time)
                if frame.time < next_look_s:
                    continue
                next_look_s += 1 / pace.looks_per_s
                grey = resize(image, 64, 36).mean(axis=2, dtype=np.float32)
                motion = float("nan") if before is None else float(np.abs(grey - before).mean())
                before = grey
                boxes = self._models.predict("object-detector", image)
                glance = self._models.predict("image-classifier", image)
                look = Look(frame.time, image, float(grey.mean()), motion)
                seen.append(Seen(look, found_objects(boxes, MIN_SCORE), glance))
        return seen, np.stack(small), times

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
                cpu_threads=self._threads,
                local_files_only=True,
            )
        segments, _ = self._listener.transcribe(io.BytesIO(recording))
        return "".join(segment.text for segment in segments)

    def _write(self, name: str, image: Image) -> None:
        from tools.pictures import encode

        form = "png" if name.endswith(".png") else "jpeg"
        (self._folder / name).write_bytes(encode(image, form))  # type: ignore[arg-type]


def _length_s(film: bytes) -> float:
    import av

    with av.open(io.BytesIO(film), "r") as container:
        assert container.duration is not None
        return container.duration / 1_000_000


def _pixels(picture: bytes) -> Image:
    import numpy as np
    from PIL import Image as Pillow

    return np.asarray(Pillow.open(io.BytesIO(picture)).convert("RGB"))
