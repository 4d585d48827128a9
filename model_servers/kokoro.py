"""Speech in several languages and accents by Kokoro-82M, on kokoro-onnx; the extra `voices`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from model_servers.contracts import ModelError
from model_servers.phonemes import phonemizer
from model_servers.voices import Utterance

_STYLE_SHAPE = (510, 1, 256)
"""Of a voice: a style vector for each number of phonemes."""
_PACKAGES = ("kokoro_onnx", "phonemizer", "espeakng_loader", "misaki")


class VoicesMissing(ModelError):
    """The extra `voices` is not installed."""

    code = "voices_missing"
    http_status = 501


def check_installed() -> None:
    """Raises VoicesMissing where the extra `voices` was left out."""
    if any(find_spec(package) is None for package in _PACKAGES):
        raise VoicesMissing(
            "Only the American English voice is installed here. All others need the extra "
            "`voices`: run `make setup` without VOICES=en."
        )


class Kokoro:
    """Each utterance as float32 samples from -1 to 1 at `voices.SAMPLE_RATE`, shape (samples,).

    Silence before and after is trimmed. A text without anything to pronounce gives no samples.

    Args:
        model: the ONNX file.
        styles: the voices, as `build_styles` writes them.
        threads: that one utterance may use.
    """

    memory_mb: ClassVar[float] = 500
    max_batch: ClassVar[int] = 1

    def __init__(self, model: Path, styles: Path, threads: int) -> None:
        self._model = model
        self._styles = styles
        self._threads = threads
        self._speaker: Any = None

    def load(self) -> None:
        check_installed()
        import onnxruntime
        from kokoro_onnx import Kokoro as Speaker

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = self._threads
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        session = onnxruntime.InferenceSession(
            str(self._model), options, providers=["CPUExecutionProvider"]
        )
        self._speaker = Speaker.from_session(session, str(self._styles))

    def predict(self, batch: Sequence[Utterance]) -> list[NDArray[np.float32]]:
        return [self._speak(utterance) for utterance in batch]

    def unload(self) -> None:
        self._speaker = None

    def _speak(self, utterance: Utterance) -> NDArray[np.float32]:
        voice = utterance.voice
        phonemes = phonemizer(voice.language, voice.region)(utterance.text)
        if not any(sound.isalpha() for sound in self._speaker.tokenizer.known(phonemes)):
            return np.zeros(0, dtype=np.float32)
        samples, _ = self._speaker.create(
            phonemes, voice.name, speed=utterance.speed, is_phonemes=True
        )
        return np.asarray(samples, dtype=np.float32).clip(-1.0, 1.0)


def build_styles(inputs: Mapping[str, Path], target: Path) -> None:
    """The voices' raw float32 files, in the one archive of arrays that kokoro-onnx reads."""
    (folder,) = inputs.values()
    styles = {
        file.stem: np.fromfile(file, dtype="<f4").reshape(_STYLE_SHAPE)
        for file in sorted(folder.glob("*.bin"))
    }
    with target.open("wb") as file:
        np.savez(file, **styles)  # type: ignore[arg-type]
