"""Opens ONNX models on the CPU, in a way that leaves the cores to others between two batches."""

from __future__ import annotations

from pathlib import Path
from typing import Any


def open_session(path: Path, threads: int, *, arena: bool = True) -> Any:
    """An onnxruntime session.

    Args:
        path: the ONNX file.
        threads: that one run may use.
        arena: whether the memory of a run is kept for the next one, which is faster where runs are
            short, and too much to keep where one takes hundreds of megabytes.
    """
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.enable_cpu_mem_arena = arena
    # Threads that spin between batches would take the cores from everything else.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
