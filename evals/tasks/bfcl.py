"""The Berkeley Function-Calling Leaderboard's single turns: calls with their arguments, or none."""

from __future__ import annotations

from pathlib import Path

from evals.baselines import prompt, react
from evals.baselines.adapted import adapted
from evals.datasets import bfcl
from evals.task import Dataset, EvalTask
from evals.tasks._calls import CallMatch
from evals.tasks._functions import as_calls, as_request, called
from evals.tasks._golds import only_functions


def _load(path: Path, _seed: int) -> Dataset:
    return bfcl(path)


TASK = EvalTask(
    name="bfcl",
    version="1",
    summary="Function calls with their arguments, or none where none fits",
    load=_load,
    solve=called,
    metrics=(CallMatch(),),
    headline="call_accuracy",
    unmatchable=only_functions,
    baselines={
        "prompt": adapted(prompt.solve, as_request, as_calls),
        "react": adapted(react.solve, as_request, as_calls),
    },
    data_form="a folder of BFCL_v4_*.json with possible_answer/",
)
