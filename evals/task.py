"""What an evaluation is made of: samples, predictions, metrics, and the task that joins them.

Samples, golds and predictions are JSON: a run keeps them as they stand.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from pydantic import BaseModel, ConfigDict, JsonValue

OURS = "switchboard"
"""The name of a task's own solver, beside those of its baselines."""


class Sample(BaseModel):
    """One thing to solve.

    Attributes:
        id: unique in its dataset, and the same in every run.
        inputs: what the solver gets, by name.
        gold: what is right, in the form that the task's metrics read.
        groups: what results are told apart by, as {"domain": "movie"} or {"lang": "zh"}.
    """

    model_config = ConfigDict(frozen=True)

    id: str
    inputs: dict[str, JsonValue]
    gold: JsonValue
    groups: dict[str, str] = {}


class BadRow(BaseModel):
    """A row that can't be read: where it stands, and why. `line` counts from 1."""

    model_config = ConfigDict(frozen=True)

    file: str
    line: int
    reason: str


@dataclass(frozen=True, slots=True)
class Dataset:
    """Samples in the order of the files, and the rows that could not be read.

    `version` changes with the bytes that were read: the first 12 digits of their sha256.
    """

    name: str
    version: str
    samples: tuple[Sample, ...]
    bad_rows: tuple[BadRow, ...] = ()


class Prediction(BaseModel):
    """What a solver gave for a sample.

    Attributes:
        value: in the form that the task's metrics read; None where there is an error.
        error: why there is no value: the error's code and sentence.
        seconds: wall-clock, from the request to the whole answer.
        prompt_tokens, completion_tokens, llm_calls: of the chat model.
        trace_id: by which `switchboard trace` shows it, where the service runs on.
        details: what the report shows of a sample: answer, plan, route.
    """

    model_config = ConfigDict(frozen=True)

    value: JsonValue = None
    error: str | None = None
    seconds: float = 0.0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    llm_calls: int = 0
    trace_id: str | None = None
    details: dict[str, JsonValue] = {}


class Way(Protocol):
    """The public way in: a service in this process, or a running one by URL."""

    async def ask(
        self,
        request: str,
        *,
        files: Sequence[tuple[str, bytes]] = (),
        plan_only: bool = False,
        attachments: Sequence[Mapping[str, str]] = (),
    ) -> dict[str, Any]:
        """The agent's Outcome as JSON. `attachments` are names and kinds without bytes, which
        are enough to plan. Raises SwitchboardError."""
        ...

    async def invoke(self, tool: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """One tool: {"data", "artifacts", "usage", "seconds"}. Raises SwitchboardError."""
        ...


Solve = Callable[[Sample, Way], Awaitable[Prediction]]


@runtime_checkable
class Prepares(Protocol):
    """A solver that is made ready before a run's first sample: one that learns, or that can't do
    without what may be missing."""

    async def prepare(self) -> None:
        """Raises SwitchboardError where it can't solve anything."""
        ...


class Metric(Protocol):
    """A pure function of golds and predictions, by name.

    `predictions[i]` is None where the solver gave an error: what that costs is the metric's to
    say, and it is never left out silently.
    """

    name: str
    higher_is_better: bool

    def __call__(
        self, golds: Sequence[JsonValue], predictions: Sequence[JsonValue]
    ) -> dict[str, float]:
        """One or more figures: {"macro_f1": …} or {"f1/positive": …}."""
        ...


@dataclass(frozen=True, slots=True)
class EvalTask:
    """An evaluation as data. A task is a module in `evals/tasks` with a `TASK`.

    Attributes:
        load: reads the folder or file of `--data`, with the run's seed for what is drawn.
        solve: one sample, through the public way in.
        metrics: over all samples, and over each group.
        baselines: other ways to solve the same samples, by name ("vader", "prompt", "react").
        beside: the baselines that cost next to nothing; each run of ours has their figures, too.
        headline: the figure by which runs are compared first.
        data_form: what the data is that `load` reads, in a few words; it is told where a task that
            brings none is run without.
        unmatchable: why no prediction can match a sample's gold, or None where one can.
    """

    name: str
    version: str
    summary: str
    load: Callable[[Path, int], Dataset]
    solve: Solve
    metrics: Sequence[Metric]
    headline: str
    baselines: Mapping[str, Solve] = field(default_factory=dict)
    beside: Sequence[str] = ()
    default_data: Path | None = None
    data_form: str = ""
    unmatchable: Callable[[Sample], str | None] | None = None

    def ran_beside(self, solver: str) -> Sequence[str]:
        """What a run of `solver` solves the same samples with, too: each in a folder of its name
        in the run's."""
        return self.beside if solver == OURS else (OURS,)
