"""Long sound in windows that a model can take, cut where it is quietest."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_PAUSE_S = 0.3
"""Of the stretch that must be quiet on the whole for a cut in its middle."""


@dataclass(frozen=True, slots=True)
class SoundWindow:
    """A passage: its samples, shape (samples,), and where it begins, in seconds."""

    samples: NDArray[np.float32]
    start_s: float


def sound_windows(
    blocks: Iterable[NDArray[np.float32]], *, sample_rate: int, max_s: float, search_s: float
) -> Iterator[SoundWindow]:
    """Consecutive windows that together are the whole sound; holds no more than one at a time.

    Args:
        blocks: the sound in pieces, mono, of any lengths.
        max_s: the longest window, in seconds.
        search_s: how far from a window's end the quietest place is looked for.
    """
    import numpy as np

    longest = round(max_s * sample_rate)
    search = round(search_s * sample_rate)
    held: list[NDArray[np.float32]] = []
    size = begun = 0
    for block in blocks:
        held.append(block)
        size += len(block)
        while size >= longest:
            sound = np.concatenate(held)
            cut = longest - search + _quietest(sound[longest - search : longest], sample_rate)
            yield SoundWindow(sound[:cut], begun / sample_rate)
            held, size, begun = [sound[cut:]], size - cut, begun + cut
    if size:
        yield SoundWindow(np.concatenate(held), begun / sample_rate)


def _quietest(samples: NDArray[np.float32], sample_rate: int) -> int:
    """The middle of the quietest stretch; the last of several that are alike."""
    import numpy as np

    stretch = min(round(_PAUSE_S * sample_rate), len(samples))
    sums = np.concatenate([[0.0], np.cumsum(np.square(samples, dtype=np.float64))])
    energy = sums[stretch:] - sums[: len(sums) - stretch]
    return len(energy) - 1 - int(np.argmin(energy[::-1])) + stretch // 2
