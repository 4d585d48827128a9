"""A tool that writes down each time it runs, and `switchboard` with it.

`python -m tests.faults.counted` serves on the home and port of the environment, with small parts
and without the chat page.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path
from typing import Any, ClassVar, Literal
from unittest.mock import patch

from tests.faults.small_service import small_parts
from tests.unit.small_tools import TextArgs, TextData
from tools.contracts import RunContext, Tool, ToolResult


class Counted(Tool):
    """Adds its mark to a text, slowly, and a line to a file when it begins and when it ends.

    With `how` "kill" it kills the process; with "wait" it waits until `go_on` is set.
    """

    name = "count"
    description = "Counts its runs."
    examples = ("Count this",)
    outputs: ClassVar = {"text": "text"}

    class Args(TextArgs):
        job: str
        mark: str
        how: Literal["work", "wait", "kill"] = "work"
        seconds: float = 0.03

    Result = TextData

    def __init__(self, ran: Path) -> None:
        self._ran = ran
        self.go_on = asyncio.Event()
        self.waiting = asyncio.Event()

    async def __call__(self, args: Any, ctx: RunContext) -> ToolResult:
        self._note("begin", args)
        if args.how == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        if args.how == "wait":
            self.waiting.set()
            await self.go_on.wait()
        await asyncio.sleep(args.seconds)
        self._note("end", args)
        return ToolResult(TextData(text=f"{args.text}>{args.mark}"))

    def _note(self, what: str, args: Any) -> None:
        with self._ran.open("a") as file:
            file.write(f"{what} {args.job} {args.mark}\n")


def ran(path: Path) -> list[tuple[str, str, str]]:
    """What was written down: begin or end, the job, the mark."""
    lines = path.read_text().splitlines() if path.exists() else []
    return [(what, job, mark) for what, job, mark in map(str.split, lines)]


if __name__ == "__main__":
    from orchestrator.cli import main

    counted = Counted(Path(sys.argv.pop(1)))
    with small_parts([counted]), patch("orchestrator.page.mount_page", lambda app, _: app):
        main()
