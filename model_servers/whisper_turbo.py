"""What is said in a recording, by Whisper large-v3-turbo on a GPU; for the gpu profile."""

from __future__ import annotations

from typing import ClassVar

from model_servers.whisper import Whisper


class WhisperTurbo(Whisper):
    """A `Whisper` on a GPU where there is one, with its weights as they were published."""

    memory_mb: ClassVar[float] = 2_500
    device: ClassVar[str] = "auto"
    compute_type: ClassVar[str] = "default"
