"""The example of a GitHub Actions job says what the commands understand."""

from __future__ import annotations

import re
from pathlib import Path

import yaml
from typer.main import get_command

from evals.eval_commands import app
from evals.task_list import task_names

EXAMPLE = Path(__file__).parents[2] / "docs" / "eval-github-actions.yml"


def test_example_runs_commands_that_there_are() -> None:
    workflow = yaml.safe_load(EXAMPLE.read_text(encoding="utf-8"))
    scripts = "\n".join(step.get("run", "") for step in workflow["jobs"]["routing"]["steps"])
    joined = scripts.replace("\\\n", " ")
    calls = re.findall(r"switchboard eval (\w+) (.*)", joined)
    assert [name for name, _ in calls] == ["run", "report"]
    commands = getattr(get_command(app), "commands")  # noqa: B009 - click's group
    for name, rest in calls:
        known = {option for parameter in commands[name].params for option in parameter.opts}
        assert set(re.findall(r"--[a-z-]+", rest)) <= known
    assert "--baseline" in joined
    assert "--fail-under" in calls[0][1]
    assert calls[0][1].split()[0] in task_names()
    assert 'report.md >> "$GITHUB_STEP_SUMMARY"' in joined
