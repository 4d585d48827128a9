"""The evaluation that CONTRIBUTING shows: short, and it runs."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from evals import run
from evals.task import EvalTask

GUIDE = Path(__file__).parents[2] / "CONTRIBUTING.md"


class LanguageWay:
    """Answers as `classify_text` does."""

    name = "fake"

    async def ask(self, request: str, **_: Any) -> dict[str, Any]:
        raise AssertionError("this task asks the tool")

    async def invoke(self, tool: str, arguments: dict[str, Any]) -> dict[str, Any]:
        assert (tool, arguments["task"]) == ("classify_text", "language")
        label = "fr" if "bonjour" in arguments["text"].lower() else "en"
        return {"data": {"label": label}, "usage": {}}


def test_the_guides_evaluation_is_short_and_runs(tmp_path: Path) -> None:
    found = re.search(r"```python\n# language\.py\n(.*?)```", GUIDE.read_text("utf-8"), re.DOTALL)
    assert found is not None
    code = found[1]
    assert len(code.splitlines()) < 40
    names: dict[str, Any] = {}
    exec(compile(code, "language.py", "exec"), names)
    task = names["TASK"]
    assert isinstance(task, EvalTask)
    data = tmp_path / "languages.csv"
    data.write_text("text,label\nBonjour à tous,fr\nGood morning,en\nHola,es\n", "utf-8")
    done = run(task, data=data, out=tmp_path / "run", way=LanguageWay())
    assert done.figure("accuracy") == 2 / 3
