"""The steps of a turn as they run, on stderr, where that is a terminal."""

from __future__ import annotations

import sys
from types import TracebackType
from typing import TYPE_CHECKING

from orchestrator.commands.output import printable
from orchestrator.turn import Event, StepReport

if TYPE_CHECKING:
    from rich.console import Console
    from rich.status import Status

_MARKS = {"ok": "[green]✓[/]", "failed": "[red]✗[/]", "skipped": "[yellow]-[/]"}


class StepProgress:
    """Shows what runs, and a line for each step that ended. Silent off a terminal.

    The spinner stops where the answer begins: they may share a screen. Steps that end after that
    are shown at the end.
    """

    def __init__(self, *, quiet: bool = False) -> None:
        self._running: dict[str, str] = {}
        self._late: list[StepReport] = []
        self._answering = False
        self._console: Console | None = None
        self._status: Status | None = None
        if quiet or not sys.stderr.isatty():
            return
        from rich.console import Console

        self._console = Console(stderr=True, highlight=False)
        self._status = self._console.status("understanding the request")

    def __enter__(self) -> StepProgress:
        if self._status is not None:
            self._status.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.answer_begins()
        for step in self._late:
            self._print(step)

    def answer_begins(self) -> None:
        """Leave the screen to the answer."""
        self._answering = True
        if self._status is not None:
            self._status.stop()

    def show(self, event: Event) -> None:
        if self._status is None:
            return
        if event.type == "plan" and event.plan.steps:
            self._status.update("running " + ", ".join(step.tool for step in event.plan.steps))
        elif event.type == "step" and event.step.status == "running":
            self._running[event.step.id] = event.step.tool
        elif event.type == "step":
            self._running.pop(event.step.id, None)
            if self._answering:
                self._late.append(event.step)
            else:
                self._print(event.step)
        elif event.type == "progress" and event.id in self._running:
            tool = self._running[event.id].partition(" ")[0]
            self._running[event.id] = f"{tool} {event.fraction:.0%}"
        if self._running:
            self._status.update("running " + ", ".join(self._running.values()))
        elif event.type == "step":
            self._status.update("writing the answer")

    def _print(self, step: StepReport) -> None:
        if self._console is None:
            return
        from rich.markup import escape

        said = f" {step.error.message}" if step.error is not None else ""
        self._console.print(
            f"{_MARKS[step.status]} {step.tool} {step.seconds:.1f} s{escape(printable(said))}"
        )
