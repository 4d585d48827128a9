"""The process that takes the noise out of one passage: float32 samples in, as many out.

Run as `python -m tools.noise_worker SAMPLE_RATE`.
"""

from __future__ import annotations

import sys


def main() -> None:
    import numpy as np
    import scipy.signal  # noqa: F401 - before torch is hidden, which it looks for, too

    # noisereduce imports torch where it can, only for a way of its own that isn't taken here.
    sys.modules["torch"] = None  # type: ignore[assignment]
    import noisereduce

    del sys.modules["torch"]
    samples = np.frombuffer(sys.stdin.buffer.read(), dtype="<f4")
    cleaned = noisereduce.reduce_noise(y=samples, sr=int(sys.argv[1]), stationary=True)
    sys.stdout.buffer.write(np.asarray(cleaned, dtype="<f4").tobytes())


if __name__ == "__main__":
    main()
