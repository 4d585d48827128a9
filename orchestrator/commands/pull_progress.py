"""How a pull of models goes, on stderr: bars on a terminal, plain lines elsewhere."""

from __future__ import annotations

import threading
from types import TracebackType

from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
)

from orchestrator.commands.output import note

_LINE_EVERY = 0.1


class RichProgress:
    """A live bar for each model, by bytes of verified archives."""

    def __init__(self) -> None:
        self._bars = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            DownloadColumn(),
            TimeElapsedColumn(),
            TextColumn("{task.fields[doing]}"),
            console=Console(stderr=True),
        )
        self._tasks: dict[str, TaskID] = {}

    def __enter__(self) -> RichProgress:
        self._bars.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._bars.stop()

    def waiting(self, name: str) -> None:
        self._bars.console.print(f"{name}: another process is pulling it; waiting")

    def start(self, name: str, total_bytes: int | None, done_bytes: int) -> None:
        self._tasks[name] = self._bars.add_task(
            name,
            total=total_bytes,
            completed=done_bytes,
            doing="building" if total_bytes is None else "downloading",
        )

    def advance(self, name: str, more_bytes: int) -> None:
        self._bars.advance(self._tasks[name], more_bytes)

    def checking(self, name: str) -> None:
        self._bars.update(self._tasks[name], doing="checking")

    def finish(self, name: str) -> None:
        task = self._tasks[name]
        total = self._bars.tasks[task].total or 1
        self._bars.update(task, total=total, completed=total, doing="[green]ready[/]")


class PlainProgress:
    """A line when a model begins, at each tenth of it, and when it is ready."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._total: dict[str, int] = {}
        self._done: dict[str, int] = {}
        self._said: dict[str, float] = {}

    def waiting(self, name: str) -> None:
        note(f"{name}: another process is pulling it; waiting")

    def start(self, name: str, total_bytes: int | None, done_bytes: int) -> None:
        if total_bytes is None:
            note(f"{name}: building")
            return
        kept = f", {done_bytes / 1e6:,.0f} MB kept from before" if done_bytes else ""
        note(f"{name}: downloading {total_bytes / 1e6:,.0f} MB{kept}")
        self._total[name], self._done[name], self._said[name] = total_bytes, done_bytes, 0.0

    def advance(self, name: str, more_bytes: int) -> None:
        with self._lock:
            self._done[name] += more_bytes
            part = self._done[name] / self._total[name]
            if part - self._said[name] < _LINE_EVERY and part < 1:
                return
            self._said[name] = part
        note(f"{name}: {part:.0%} of {self._total[name] / 1e6:,.0f} MB")

    def checking(self, name: str) -> None:
        note(f"{name}: checking")

    def finish(self, name: str) -> None:
        note(f"{name}: ready")
