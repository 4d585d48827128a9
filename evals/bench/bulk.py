"""What running a request over rows costs: the whole of it, against the bare tools on the same rows.

The rows are reviews written for this bench, each a little different, so that nothing is the same
twice. The plan is what the router makes of the acceptance request: a label and the products.
"""

from __future__ import annotations

import asyncio
import csv
import io
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from evals.bench.frame import Bench, Row, interleave, ratio_row, row
from orchestrator.turn import Finished, Outcome, Turn

if TYPE_CHECKING:
    from orchestrator.service import Service

ROWS = 64
SLOWDOWN = 1 / 0.7
"""Bound of the issue "It holds": the throughput is at least 0.7 of the bare tools'."""
_REQUEST = "Is each review good or bad, and which product is it about?"
_OPENINGS = ("I bought the {} in May", "My sister gave me a {}", "We have had our {} for {n} weeks")
_PRODUCTS = ("Aurora lamp", "Trailmaster backpack", "Brewline coffee machine", "Nimbus tent")
_VERDICTS = (
    "and it works better than I had hoped for the price",
    "but it broke on day {n} and nobody answers my mails",
    "and I would buy it again without thinking twice",
    "but the colour is nothing like the picture",
    "and after {n} washes it still looks new",
)


def reviews(count: int) -> list[str]:
    """So many different reviews in English."""
    return [
        f"{_OPENINGS[n % 3]} {_VERDICTS[n % 5]}.".replace("{}", _PRODUCTS[n % 4]).replace(
            "{n}", str(n + 2)
        )
        for n in range(count)
    ]


def run(repeats: int) -> Sequence[Row]:
    return asyncio.run(_run(repeats))


async def _run(repeats: int) -> Sequence[Row]:
    from orchestrator.bulk import IN_FLIGHT

    texts = reviews(ROWS)
    async with _open_service() as service:
        table = io.StringIO()
        csv.writer(table).writerows([["review"], *([text] for text in texts)])
        file = service.artifacts.put(table.getvalue().encode(), name="rows.csv", origin="user")

        async def bulk() -> Outcome:
            told: list[Any] = []
            turn = Turn(text=_REQUEST, attachments=(file,))
            await service.bulk.run(turn, told.append, job_id=f"bench_{uuid4().hex}")
            assert isinstance(told[-1], Finished)
            outcome = told[-1].outcome
            if outcome.rows is None or outcome.rows.total != ROWS or outcome.rows.failed:
                raise AssertionError(f"every row was to have a result: {outcome.answer}")
            return outcome

        plan = (await bulk()).plan
        places = asyncio.Semaphore(IN_FLIGHT)

        async def bare_row(text: str) -> None:
            async with places:
                await asyncio.gather(
                    *(
                        _call(service, step.tool, dict(step.args) | {"text": text})
                        for step in plan.steps
                    )
                )

        async def bare() -> None:
            await asyncio.gather(*map(bare_row, texts))

        ours, calls = await interleave(repeats, bulk, bare)
    return [
        row("rows a second, in bulk", [ROWS / seconds for seconds in ours], "rows/s"),
        row("rows a second, the bare tools", [ROWS / seconds for seconds in calls], "rows/s"),
        ratio_row("time in bulk over the bare tools", ours, calls, SLOWDOWN),
    ]


async def _call(service: Service, name: str, args: dict[str, Any]) -> None:
    from tools.contracts import RunContext

    tool = service.registry[name]
    await tool(
        tool.Args.model_validate(args),
        RunContext(
            models=service.models,
            chat=service.chat,
            artifacts=service.artifacts,
            knowledge=service.knowledge,
            deadline=time.monotonic() + 300,
        ),
    )


@asynccontextmanager
async def _open_service() -> AsyncIterator[Service]:
    """A service of its own in a folder of its own; the models are the user's."""
    from orchestrator.service import open_service
    from orchestrator.settings import Settings

    with tempfile.TemporaryDirectory() as folder:
        service = await open_service(Settings(home=Path(folder)))
        try:
            yield service
        finally:
            await service.close()


BENCH = Bench("bulk", "a request over rows on the real models, against the bare tools", run, 3)
