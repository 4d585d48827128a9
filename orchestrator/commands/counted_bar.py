"""How far a long command is, on stderr where that is a terminal."""

from __future__ import annotations

import sys
from types import TracebackType
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID


class CountedBar:
    """A bar of things done; nothing where it is not wanted, or nobody looks.

    Args:
        name: what stands before the bar, such as "rows".
        wanted: whether to show it at all.
    """

    def __init__(self, name: str, *, wanted: bool) -> None:
        self._progress: Progress | None = None
        self._task: TaskID | None = None
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
        self._task = self._progress.add_task("", total=None, name=name)

    def __enter__(self) -> Self:
        if self._progress is not None:
            self._progress.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._progress is not None:
            self._progress.stop()

    def show(self, done: int, total: int | None, note: str = "") -> None:
        """Draw so many of so many, with a note behind them. `total` is None while unknown."""
        if self._progress is not None and self._task is not None:
            self._progress.update(self._task, completed=done, total=total, description=note)
