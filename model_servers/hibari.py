"""American English by hibari: one small voice, spoken a hundred times faster than it is heard."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from model_servers.voices import Utterance

_SEED = 0
"""Of the noise in its consonants: the same sentence always sounds the same."""


class Hibari:
    """Each utterance as float32 samples from -1 to 1 at `voices.SAMPLE_RATE`, shape (samples,)."""

    memory_mb: ClassVar[float] = 200
    max_batch: ClassVar[int] = 4

    def __init__(self, threads: int) -> None:
        self._threads = threads
        self._speaker: Any = None

    def load(self) -> None:
        from hibari import Hibari as Speaker

        self._speaker = Speaker(threads=self._threads)
        self._speaker("Ready.")  # it reads its dictionaries when first used

    def predict(self, batch: Sequence[Utterance]) -> list[NDArray[np.float32]]:
        return [self._speak(utterance) for utterance in batch]

    def unload(self) -> None:
        self._speaker = None

    def _speak(self, utterance: Utterance) -> NDArray[np.float32]:
        spoken = self._speaker(utterance.text, speed=utterance.speed, seed=_SEED)
        return np.asarray(spoken, dtype=np.float32).clip(-1.0, 1.0)
