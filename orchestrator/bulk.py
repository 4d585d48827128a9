"""One request over the rows of a file: planned once, run for every row.

The plan is made from the request alone. A row's text fills the plan's `input:text` and nothing
else, so that what a row says can neither change the plan nor add a step to it.
"""

from __future__ import annotations

import asyncio
import itertools
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict

from model_servers.spans import note, span, spanned
from orchestrator.asking_back import ask_back
from orchestrator.budget import BudgetExceeded
from orchestrator.composer import Composer
from orchestrator.errors import BadRequest
from orchestrator.executor import InputValue, execute
from orchestrator.guard import admit
from orchestrator.plan import Plan
from orchestrator.planner import make_plan
from orchestrator.router import CHAT
from orchestrator.row_files import Row, RowFile, read_rows
from orchestrator.row_results import ResultColumns, ResultTable
from orchestrator.row_run import KeptRows, run_rows
from orchestrator.row_store import RowStore, StoredRow
from orchestrator.row_text import text_columns, text_of
from orchestrator.shapes import shape
from orchestrator.task import RowsDone, TaskEvent
from orchestrator.tracing import outcome_facts
from orchestrator.turn import (
    Finished,
    Outcome,
    Planned,
    Routed,
    RouteReport,
    RowsReport,
    StepReport,
    Turn,
)
from orchestrator.wishes import TEXT_INPUT, request_language
from tools.artifacts import Artifact
from tools.contracts import Kind
from tools.file_types import CSV, TEXT

if TYPE_CHECKING:
    from orchestrator.turns import Work

IN_FLIGHT = 32
"""Rows that run at the same time: as many as a model takes in one batch."""
MAX_TOLD = 100
_MAX_SHORTLIST = 5
_SAMPLE_ROWS = 50

Emit = Callable[[TaskEvent], None]


class Head(BaseModel):
    """What is settled before the first row runs, and kept with the rows.

    `outcome` is set once all rows are done and the results are written.
    """

    model_config = ConfigDict(frozen=True)

    plan: Plan
    route: RouteReport
    text_columns: tuple[str, ...]
    outcome: Outcome | None = None


class Bulk:
    """Runs requests over rows.

    Args:
        work: what every turn works with.
        store: where finished rows are kept.
    """

    def __init__(self, work: Work, composer: Composer, store: RowStore) -> None:
        self._work = work
        self._composer = composer
        self._store = store

    async def read(self, turn: Turn) -> RowFile:
        """The rows of the turn's one file. Raises BadRequest, InvalidInput, NotFound."""
        if len(turn.attachments) != 1:
            raise BadRequest(
                "A request for each row comes with one file, the CSV or JSONL; "
                f"this one came with {len(turn.attachments)}."
            )
        (artifact,) = turn.attachments
        return await asyncio.to_thread(self._read, artifact)

    def _read(self, artifact: Artifact) -> RowFile:
        with self._work.artifacts.open(artifact.id) as file:
            return read_rows(file.read(), artifact.name)

    async def run(self, turn: Turn, emit: Emit, *, job_id: str) -> None:
        """Run a request for every row of its file; the last event is the outcome.

        A job that was cut off goes on where it stopped, with the plan that it was begun with.
        Rows that fail are part of the results. Raises SwitchboardError where nothing can be run:
        no rows, no plan, no database.
        """
        with self._work.tracer.trace(job_id, "task", turn.owner):
            note(request=shape(turn.text), attachments=[shape(file) for file in turn.attachments])
            await self._run(turn, emit, job_id)

    async def _run(self, turn: Turn, emit: Emit, job_id: str) -> None:
        begun = time.monotonic()
        kept = await self._store.head(job_id)
        head = None if kept is None else Head.model_validate(kept)
        if head is not None and head.outcome is not None:
            emit(Finished(outcome=head.outcome))
            return
        file = await self.read(turn)
        if head is None:
            head = await self._prepare(turn, file)
            if not turn.plan_only:
                await self._store.set_head(job_id, head.model_dump(mode="json"))
        emit(Routed(route=head.route))
        emit(Planned(plan=head.plan))
        columns = ResultColumns(head.plan, self._work.registry, file.columns)
        report = RowsReport(
            total=file.total, failed=0, text_columns=head.text_columns, columns=columns.names
        )
        answer = ""
        artifacts: tuple[Artifact, ...] = ()
        if not turn.plan_only:
            failed = await self._run_rows(job_id, head, file, columns, owner=turn.owner, emit=emit)
            artifacts = await self._write(job_id, file, columns)
            told = {"failed": len(failed), "failed_rows": tuple(failed[:MAX_TOLD])}
            report = report.model_copy(update=told)
            answer = summary(report)
        outcome = Outcome(
            id=job_id,
            conversation_id=None,
            answer=answer,
            plan=head.plan,
            artifacts=artifacts,
            route=head.route,
            rows=report,
            seconds=round(time.monotonic() - begun, 4),
        )
        if not turn.plan_only:
            ended = head.model_copy(update={"outcome": outcome})
            await self._store.set_head(job_id, ended.model_dump(mode="json"))
            await self._store.forget(job_id)
        note(**outcome_facts(outcome), rows=report.total, rows_failed=report.failed)
        emit(Finished(outcome=outcome))

    async def _prepare(self, turn: Turn, file: RowFile) -> Head:
        request = admit(
            turn.text, len(turn.attachments), max_chars=self._work.settings.max_prompt_chars
        )
        columns = text_columns(request, file)
        first = itertools.islice(file.rows(), _SAMPLE_ROWS)
        sample = next((text for row in first if (text := text_of(row, columns))), "")
        plan, route = await self._plan(request, sample)
        return Head(plan=plan, route=route, text_columns=columns)

    @spanned("plan")
    async def _plan(self, request: str, sample: str) -> tuple[Plan, RouteReport]:
        """One plan for all rows. Of `sample` no more than its language is looked at."""
        registry, settings = self._work.registry, self._work.settings
        language = request_language(request)
        draft = await self._composer.compose(request, {}, language=language, payload=sample)
        if draft.confidence >= settings.route_threshold:
            plan, route = draft.plan, RouteReport(path="router", confidence=draft.confidence)
        elif draft.lacks is not None:
            raise BadRequest(
                ask_back(draft.lacks, language, draft.shortlist, registry), param="request"
            )
        else:
            kinds: dict[str, Kind] = {TEXT_INPUT: "text"}
            tools = [registry[score.tool] for score in draft.shortlist if score.tool != CHAT]
            plan = await make_plan(
                request,
                tools[:_MAX_SHORTLIST],
                kinds,
                registry,
                self._work.meter(),
                timeout_s=settings.request_timeout_s,
            )
            route = RouteReport(path="planner", confidence=round(draft.confidence, 4))
        _check(plan, settings.max_steps)
        return plan, route.model_copy(update={"shortlist": draft.shortlist[: _MAX_SHORTLIST + 1]})

    async def _run_rows(
        self,
        job_id: str,
        head: Head,
        file: RowFile,
        columns: ResultColumns,
        *,
        owner: str,
        emit: Emit,
    ) -> list[int]:
        """Run the rows that are not done yet; the numbers of all that failed, in order."""
        done = await self._store.done(job_id)

        async def tell() -> None:
            emit(RowsDone(done=len(kept.done), total=file.total, failed=kept.failed))

        kept = KeptRows(self._store, job_id, done, tell)
        await tell()
        pace = _Pace(self._work.settings.llm_parallel)

        async def run(row: Row) -> StoredRow:
            with span("row", id=row.number) as made:
                found, calls = await self._run_row(row, head, columns, owner)
                made.note(status="ok" if found.ok else "failed")
            pace.ran(calls > 0)
            return found

        finished = frozenset(done)
        left = (row for row in file.rows() if row.number not in finished)
        await run_rows(left, run, kept, at_once=lambda: pace.limit)
        return sorted(number for number, ok in kept.done.items() if not ok)

    async def _run_row(
        self, row: Row, head: Head, columns: ResultColumns, owner: str
    ) -> tuple[StoredRow, int]:
        """The row's results, and how often the chat model was asked for them."""
        text = "" if row.error else text_of(row, head.text_columns)
        if not text:
            return _failed(row.number, row.error or "There is no text in the row."), 0
        chat = self._work.meter()
        inputs = {TEXT_INPUT: InputValue(kind="text", text=text)}
        ctx = self._work.context(chat, owner)
        reports = await execute(head.plan, inputs, self._work.registry, ctx)
        cells = columns.cells(reports)
        if (error := _error(reports)) is not None:
            return _failed(row.number, error, cells), chat.calls
        return StoredRow(number=row.number, ok=True, result={"cells": cells}), chat.calls

    async def _write(
        self, job_id: str, file: RowFile, columns: ResultColumns
    ) -> tuple[Artifact, ...]:
        """The results as files, CSV and JSONL, in the order of the rows."""
        store = self._work.artifacts
        table = ResultTable(file.columns, columns.names)
        rows = file.rows()
        stem = Path(file.name).stem
        with store.new_file() as as_csv, store.new_file() as as_jsonl:
            await asyncio.to_thread(_append, as_csv, "\ufeff" + table.csv_header())
            async for page in self._store.pages(job_id):
                await asyncio.to_thread(_append_page, as_csv, as_jsonl, table, rows, page)
            return (
                await asyncio.to_thread(
                    store.keep, as_csv, name=f"{stem}.results.csv", media_type=CSV, origin="tool"
                ),
                await asyncio.to_thread(
                    store.keep, as_jsonl, name=f"{stem}.results.jsonl", media_type=TEXT,
                    origin="tool",
                ),
            )  # fmt: skip


@dataclass(slots=True)
class _Pace:
    """How many rows may run at once: fewer, the more of them ask the chat model.

    It serves `llm_parallel` requests at a time; rows that queue for it would use up their time.
    """

    llm_parallel: int
    asked: deque[bool] = field(default_factory=lambda: deque(maxlen=IN_FLIGHT))

    def ran(self, asked_llm: bool) -> None:
        self.asked.append(asked_llm)

    @property
    def limit(self) -> int:
        if not self.asked:  # the first rows show what the plan needs
            return self.llm_parallel
        share = sum(self.asked) / len(self.asked)
        return IN_FLIGHT if share == 0 else min(IN_FLIGHT, round(2 * self.llm_parallel / share))


def _check(plan: Plan, max_steps: int) -> None:
    """Raises BadRequest where the plan does nothing with a row, BudgetExceeded."""
    text = f"input:{TEXT_INPUT}"
    if not any(text in step.args.values() for step in plan.steps):
        raise BadRequest(
            "This request says nothing that can be done with each row; say what is wanted, as in "
            '"Is each review good or bad?" or "Translate the second column into French".'
        )
    if len(plan.steps) > max_steps:
        raise BudgetExceeded(
            f"This takes {len(plan.steps)} steps a row and a request may take {max_steps}; "
            "ask for less at once."
        )


def _error(reports: Sequence[StepReport]) -> str | None:
    """What the first step that failed said; those that were skipped only follow from it."""
    failed = [r for r in reports if r.status == "failed" and r.error is not None]
    return f"{failed[0].tool}: {failed[0].error.message}" if failed and failed[0].error else None


def _failed(number: int, error: str, cells: dict[str, Any] | None = None) -> StoredRow:
    return StoredRow(number=number, ok=False, result={"error": error, "cells": cells or {}})


def _append(path: Path, text: str) -> None:
    with path.open("a", encoding="utf-8", newline="") as file:
        file.write(text)


def _append_page(
    as_csv: Path,
    as_jsonl: Path,
    table: ResultTable,
    rows: Iterator[Row],
    page: Sequence[StoredRow],
) -> None:
    lines = [
        table.lines(row, stored.result["cells"], stored.result.get("error"))
        for stored, row in zip(page, itertools.islice(rows, len(page)), strict=True)
    ]
    _append(as_csv, "".join(csv for csv, _ in lines))
    _append(as_jsonl, "".join(json for _, json in lines))


def summary(report: RowsReport) -> str:
    """How the rows went, in one sentence, with the numbers of those that failed."""
    rows = f"{report.total:,} row{'s' if report.total != 1 else ''}"
    if not report.failed:
        return f"{rows} done."
    told = ", ".join(f"{number:,}" for number in report.failed_rows)
    more = report.failed - len(report.failed_rows)
    told += f" and {more:,} more" if more else ""
    return f"{rows}: {report.total - report.failed:,} done, {report.failed:,} failed (row {told})."
