"""What a benchmark is, and how its figures are made, shown and checked.

A benchmark is a module in this folder with a `BENCH`; a module whose name begins with "_" is a part
of others. Figures are medians with their spread (the distance between the quartiles). Where two
things are compared they run in turns, so that what else the machine does falls on both.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict, dataclass
from importlib import import_module
from pkgutil import iter_modules
from typing import Any


@dataclass(frozen=True, slots=True)
class Row:
    """One figure.

    Attributes:
        median, spread: over the repetitions, in `unit`; the spread is the interquartile range.
        bound: the largest median that is accepted, where an issue states one.
    """

    name: str
    median: float
    spread: float
    unit: str
    bound: float | None = None

    @property
    def ok(self) -> bool:
        return self.bound is None or self.median <= self.bound


@dataclass(frozen=True, slots=True)
class Bench:
    """A benchmark. `run` is given how often to repeat; more is slower and steadier."""

    name: str
    summary: str
    run: Callable[[int], Sequence[Row]]
    repeats: int = 5


def row(name: str, samples: Sequence[float], unit: str, bound: float | None = None) -> Row:
    """Median and interquartile range of at least one sample."""
    spread = 0.0
    if len(samples) > 1:
        low, _, high = statistics.quantiles(samples, n=4, method="inclusive")
        spread = high - low
    return Row(name, statistics.median(samples), spread, unit, bound)


def ratio_row(
    name: str, ours: Sequence[float], baseline: Sequence[float], bound: float | None = None
) -> Row:
    """Ours over the baseline, repetition by repetition: both saw the same state of the machine."""
    return row(name, [a / b for a, b in zip(ours, baseline, strict=True)], "×", bound)


Subject = Callable[[], Awaitable[Any]]
Clock = Callable[[], float]

_PACKAGE = __name__.rpartition(".")[0]

WALL: Clock = time.perf_counter
"""Seconds that pass."""
CPU: Clock = time.process_time
"""Seconds that this process's threads compute."""


async def interleave(
    repeats: int, *subjects: Subject, clock: Clock = WALL, warm: bool = True
) -> list[list[float]]:
    """Run the subjects in turns, and give the seconds of each subject's runs.

    With `warm` each runs once before anything is measured.
    """
    if warm:
        for subject in subjects:
            await subject()
    seconds: list[list[float]] = [[] for _ in subjects]
    for _ in range(repeats):
        for subject, taken in zip(subjects, seconds, strict=True):
            begun = clock()
            await subject()
            taken.append(clock() - begun)
    return seconds


def bench_names() -> list[str]:
    """The benchmarks of this folder: its modules but this one and the parts of others, each called
    as its benchmark."""
    names = (module.name for module in iter_modules(import_module(_PACKAGE).__path__))
    return [name for name in names if not name.startswith("_") and f"{_PACKAGE}.{name}" != __name__]


def load_bench(name: str) -> Bench:
    """The benchmark of that name."""
    bench = import_module(f"{_PACKAGE}.{name}").BENCH
    assert isinstance(bench, Bench)
    return bench


def as_json(bench: Bench, rows: Sequence[Row]) -> dict[str, Any]:
    return {"bench": bench.name, "rows": [asdict(row) | {"ok": row.ok} for row in rows]}


def as_cells(row: Row) -> tuple[str, str, str, str, str]:
    """The row as it stands in a table: name, median, spread, bound, whether it is met."""
    if row.bound is None:
        bound, met = "", ""
    else:
        bound, met = f"≤ {_figure(row.bound, row.unit)}", "ok" if row.ok else "MISSED"
    return (
        row.name,
        _figure(row.median, row.unit),
        f"± {_figure(row.spread, row.unit)}",
        bound,
        met,
    )


def _figure(value: float, unit: str) -> str:
    return f"{value:.3g} {unit}" if abs(value) < 1000 else f"{value:,.0f} {unit}"
