"""Finds the tasks: the modules of `evals/tasks`, each called as its `TASK`."""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules

from evals.task import EvalTask
from model_servers.contracts import SwitchboardError
from orchestrator.commands.output import suggestion

_PACKAGE = "evals.tasks"


class UnknownTask(SwitchboardError):
    """No task has this name."""

    code = "unknown_task"
    http_status = 404


def task_names() -> list[str]:
    """The tasks that there are; modules whose names begin with "_" are parts of others."""
    modules = iter_modules(import_module(_PACKAGE).__path__)
    return sorted(module.name for module in modules if not module.name.startswith("_"))


def load_task(name: str) -> EvalTask:
    """The task of that name. Raises UnknownTask."""
    known = task_names()
    if name not in known:
        raise UnknownTask(f"There is no task {name!r}; {suggestion(name, known)}")
    task = import_module(f"{_PACKAGE}.{name}").TASK
    assert isinstance(task, EvalTask), f"TASK of {name} is an EvalTask"
    return task
