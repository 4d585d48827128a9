"""How noisy a recording of speech is, and the noise taken out of it."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

from tools.errors import ToolError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

SHORTEST = 1024
"""Samples that are needed to tell noise from speech."""
_TIMEOUT_S = 60.0
_FRAME_S = 0.02
_QUIET_SHARE, _LOUD_SHARE = 0.1, 0.9
"""Of the frames by their energy: the noise between words, and the words."""
_SILENT = 1e-10
"""Mean square below which nothing is heard: -100 dB."""


def signal_to_noise_db(samples: NDArray[np.float32], sample_rate: int) -> float:
    """How far the loud tenth of a recording stands out from its quiet tenth, in decibels.

    An estimate that needs pauses between the words. `inf` where the quiet parts are silent.
    """
    import numpy as np

    frame = round(_FRAME_S * sample_rate)
    frames = samples[: len(samples) // frame * frame].reshape(-1, frame)
    if not len(frames):
        return float("inf")
    energy = np.mean(np.square(frames, dtype=np.float64), axis=1)
    quiet, loud = np.quantile(energy, [_QUIET_SHARE, _LOUD_SHARE])
    if quiet < _SILENT:
        return float("inf")
    return float(10 * np.log10(max(loud, _SILENT) / quiet))


def reduce_noise(samples: NDArray[np.float32], sample_rate: int) -> NDArray[np.float32]:
    """The samples without their steady noise, by spectral gating; same shape. Blocks for seconds.

    Done in a process of its own: what noisereduce imports would stay in memory.
    Raises ToolError where that process fails.
    """
    import numpy as np

    if len(samples) < SHORTEST:
        return samples
    done = subprocess.run(  # noqa: S603 - our own module
        [sys.executable, "-P", "-m", "tools.noise_worker", str(sample_rate)],
        input=samples.astype("<f4").tobytes(),
        capture_output=True,
        timeout=_TIMEOUT_S,
        check=False,
    )
    cleaned = np.frombuffer(done.stdout, dtype="<f4")
    if done.returncode != 0 or cleaned.shape != samples.shape:
        raise ToolError("The noise in this recording could not be reduced; try without that.")
    return cleaned.astype(np.float32)
