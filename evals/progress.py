"""How far a run is, on stderr where that is a terminal."""

from __future__ import annotations

import sys
from types import TracebackType
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID


class Bar:
    """A bar of samples done; nothing where it is not wanted, or nobody looks."""

    def __init__(self, name: str, total: int, *, wanted: bool) -> None:
        self._progress: Progress | None = None
        self._samples: TaskID | None = None
        self._name, self._total = name, total
        if not wanted or not sys.stderr.isatty():
            return
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
        from rich.progress import TimeRemainingColumn as TimeLeft

        self._progress = Progress(
            TextColumn("{task.fields[name]}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeLeft(),
            TextColumn("{task.description}"),
            console=Console(stderr=True),
            transient=True,
        )

    def __enter__(self) -> Self:
        if self._progress is not None:
            self._progress.start()
            self._samples = self._progress.add_task("", total=self._total, name=self._name)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._progress is not None:
            self._progress.stop()

    def show(self, done: int, errors: int) -> None:
        if self._progress is not None and self._samples is not None:
            told = f"{errors:,} errors" if errors else ""
            self._progress.update(self._samples, completed=done, description=told)
