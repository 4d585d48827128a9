"""How good it is and how fast: datasets, metrics, runs, reports, benchmarks.

From Python: `evals.run("sentiment", data="…").figure("macro_f1")`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from evals.runner import Run, run, run_async

__all__ = ["Run", "run", "run_async"]


def __getattr__(name: str) -> Any:
    """Imported when it is first used: commands that evaluate nothing start without it."""
    if name in __all__:
        from evals import runner

        return getattr(runner, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
