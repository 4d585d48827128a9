"""A task, its data and a way in, so small that a run takes no time."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import JsonValue

from evals.task import BadRow, Dataset, EvalTask, Prediction, Sample, Way
from evals.ways import ServiceGone
from model_servers.contracts import SwitchboardError


class Accuracy:
    name = "accuracy"
    higher_is_better = True

    def __call__(
        self, golds: Sequence[JsonValue], predictions: Sequence[JsonValue]
    ) -> dict[str, float]:
        right = sum(gold == found for gold, found in zip(golds, predictions, strict=True))
        return {"accuracy": right / len(golds)}


class FakeWay:
    """Gives each request back in capitals.

    Attributes:
        wrong: requests that are answered with "?".
        gone_after: so many answers until nobody answers any more.
        most: how many requests were at work at once.
    """

    name = "fake"

    def __init__(self, *, wrong: Sequence[str] = (), gone_after: int | None = None) -> None:
        self.wrong = set(wrong)
        self.gone_after = gone_after
        self.asked: list[str] = []
        self.working = self.most = 0

    async def ask(
        self,
        request: str,
        *,
        files: Sequence[tuple[str, bytes]] = (),
        plan_only: bool = False,
        attachments: Sequence[Mapping[str, str]] = (),
    ) -> dict[str, Any]:
        if self.gone_after is not None and len(self.asked) >= self.gone_after:
            raise ServiceGone("The service (fake) does not answer.")
        self.asked.append(request)
        self.working += 1
        self.most = max(self.most, self.working)
        await asyncio.sleep(0.001)
        self.working -= 1
        if request == "refused":
            raise SwitchboardError("That is no good.")
        answer = "?" if request in self.wrong else request.upper()
        usage = {"prompt_tokens": 5, "completion_tokens": 2, "llm_calls": 1}
        return {"id": f"turn_{request}", "answer": answer, "usage": usage}

    async def invoke(self, tool: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
        raise AssertionError("this task asks the agent")


async def solve(sample: Sample, way: Way) -> Prediction:
    outcome = await way.ask(str(sample.inputs["text"]))
    return Prediction(value=outcome["answer"])


async def copy(sample: Sample, way: Way) -> Prediction:
    return Prediction(value=sample.inputs["text"])


def load(path: Path, seed: int) -> Dataset:
    """A line is a request, with its gold after a tab where that is not the request in capitals."""
    samples, bad_rows = [], []
    for number, line in enumerate(path.read_text().splitlines(), start=1):
        text, _, gold = line.partition("\t")
        if not text:
            bad_rows.append(BadRow(file=path.name, line=number, reason="the line is empty"))
            continue
        groups = {"side": "even" if number % 2 == 0 else "odd"}
        inputs: dict[str, JsonValue] = {"text": text}
        samples.append(Sample(id=text, inputs=inputs, gold=gold or text.upper(), groups=groups))
    return Dataset("lines", "abc", tuple(samples), tuple(bad_rows))


def not_in_capitals(sample: Sample) -> str | None:
    return None if str(sample.gold).isupper() else f"{sample.gold!r} is not in capitals"


TASK = EvalTask(
    name="capitals",
    version="1",
    summary="Writes in capitals.",
    load=load,
    solve=solve,
    metrics=[Accuracy()],
    headline="accuracy",
    baselines={"copy": copy},
    unmatchable=not_in_capitals,
)

WORDS = tuple(f"word{letter}{other}" for letter in "abcde" for other in "fghijkl")


def data_file(folder: Path, words: Sequence[str] = WORDS) -> Path:
    file = folder / "lines.txt"
    file.write_text("\n".join(words) + "\n")
    return file
