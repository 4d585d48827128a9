"""`switchboard tasks`: requests that are kept until they are done. List, show, cancel."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

import typer
from pydantic import TypeAdapter

from orchestrator.admission import Stopping
from orchestrator.client import Client, ServiceUnavailable
from orchestrator.commands.output import FAILED, note, put, put_json, put_table
from orchestrator.commands.progress import StepProgress
from orchestrator.settings import get_settings
from orchestrator.task import UNFINISHED, TaskState
from orchestrator.turn import Event

app = typer.Typer(
    help="Requests that are kept until they are done.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

_PATH = "/v1/tasks"
_STEPS = ("route", "plan", "step", "progress")
_EVENT: TypeAdapter[Event] = TypeAdapter(Event)
_TEXT_CHARS = 60

TaskId = Annotated[str, typer.Argument(metavar="ID", help="As `list` shows it.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print it as JSON.")]


@app.command("list")
def list_(
    state: Annotated[
        TaskState | None, typer.Option(help="Only those in this state.", show_default=False)
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=100, help="At most so many.")] = 20,
    as_json: AsJson = False,
) -> None:
    """Show your tasks, newest first."""
    params = {"limit": str(limit)} | ({"state": state} if state else {})
    with Client(get_settings(), say=note) as client:
        page = client.json("GET", _PATH, params=params)
    if as_json:
        put_json(page["data"])
        return
    put_table(
        ("id", "made", "state", "request"),
        (
            (task["id"], _time(task["created_at"]), _state(task), _short(task["request"]["text"]))
            for task in page["data"]
        ),
    )
    if page["has_more"]:
        note(f"there are more than these {limit}; see --limit and --state")


@app.command()
def show(
    task_id: TaskId,
    as_json: AsJson = False,
    follow: Annotated[
        bool, typer.Option("--follow", help="Wait until it has ended, and show its steps.")
    ] = False,
) -> None:
    """Show how a task stands, and what came of it. Exits with 1 where it failed."""
    with Client(get_settings(), say=note) as client:
        task = client.json("GET", f"{_PATH}/{task_id}")
        if follow and task["state"] in UNFINISHED:
            task = _followed(client, task_id, quiet=as_json)
    if as_json:
        put_json(task)
    else:
        _show(task)
    if task["state"] == "failed":
        raise typer.Exit(FAILED)


@app.command()
def cancel(task_id: TaskId) -> None:
    """Stop a task. One that has ended stays as it is."""
    with Client(get_settings(), say=note) as client:
        task = client.json("POST", f"{_PATH}/{task_id}/cancel")
    put(f"{task['id']} {task['state']}")


def _followed(client: Client, task_id: str, *, quiet: bool) -> dict[str, Any]:
    """The task when it has ended, also when the service is started again meanwhile.

    Raises ServiceError.
    """
    shown: list[Any] = []
    with StepProgress(quiet=quiet) as progress:
        while True:
            try:
                for name, data in client.events(f"{_PATH}/{task_id}/events"):
                    if name == "task" and "task" in data:
                        return dict(data["task"])
                    if name in _STEPS and data not in shown:
                        shown.append(data)
                        progress.show(_EVENT.validate_python(data))
            except ServiceUnavailable as error:
                if error.reported != Stopping.code:
                    raise
                note("the service is stopping; the task goes on when it is back")


def _show(task: dict[str, Any]) -> None:
    put(f"{task['id']} {_state(task)}")
    put(f"request   {_short(task['request']['text'])}")
    put(f"made      {_time(task['created_at'])}")
    for step in task["steps"]:
        put(f"{step['id']:<9} {step['tool']} {step['status']} {step['seconds']:.1f} s")
    for file in task["artifacts"]:
        put(f"file      {file['name']} ({file['media_type']}, {file['size']} bytes): {file['id']}")
    if task["error"] is not None:
        put(f"error     {task['error']['message']}")
    if task["outcome"] is not None and task["outcome"]["answer"]:
        put(f"\n{task['outcome']['answer']}")


def _state(task: dict[str, Any]) -> str:
    progress = task["progress"]
    if task["state"] not in UNFINISHED or progress is None:
        return str(task["state"])
    return f"{task['state']}, {progress['done']} of {progress['total']} rows"


def _time(value: str) -> str:
    return f"{datetime.fromisoformat(value):%Y-%m-%d %H:%M} UTC"


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _TEXT_CHARS else line[: _TEXT_CHARS - 1] + "…"
