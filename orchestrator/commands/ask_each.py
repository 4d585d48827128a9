"""`switchboard ask … --each`: one request for each row of a file, as a task that goes on."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import typer

from orchestrator.client import Client, ServiceFailed, ServiceRefused
from orchestrator.commands.attachments import as_attachment
from orchestrator.commands.counted_bar import CountedBar
from orchestrator.commands.output import FAILED, BadUsage, note, printable, put, put_json
from orchestrator.commands.plans import plan_text
from orchestrator.guard import clean
from orchestrator.plan import Plan
from orchestrator.settings import Settings

_TASKS = "/v1/tasks"
_SUFFIXES = (".csv", ".jsonl")
_UNFINISHED = ("queued", "running")
_PAGES = 10


def ask_each(
    settings: Settings,
    text: str,
    files: list[Path],
    *,
    out: Path | None,
    plan: bool,
    as_json: bool,
) -> None:
    """Make the task, or go on with it where it is not finished, and write its results.

    Raises BadUsage, ServiceError; exits with 1 when every row failed.
    """
    if len(files) != 1:
        raise BadUsage("--each takes one --file, the CSV or JSONL with the rows.")
    (file,) = files
    out = _out(file, out)
    with Client(settings, say=note) as client:
        attached = as_attachment(file, limit_bytes=settings.max_request_bytes)
        if plan:
            body = _body(text, attached) | {"dry_run": True}
            planned = client.json("POST", _TASKS, body=body)
            if as_json:
                put_json(planned)
            else:
                put(plan_text(Plan.model_validate(planned["plan"])))
            return
        task = _follow(client, _task(client, text, attached), quiet=as_json)
        outcome = _outcome(task)
        number = _SUFFIXES.index(out.suffix.lower())
        content = client.content(f"/v1/files/{outcome['artifacts'][number]['id']}/content")
        _write(out, content)
    if as_json:
        put_json(outcome)
    else:
        columns = ", ".join(map(printable, outcome["rows"]["text_columns"]))
        note(f"{outcome['answer']} Their text is from: {columns}")
        put(str(out))
    if task["state"] == "failed":
        raise typer.Exit(FAILED)


def _out(file: Path, out: Path | None) -> Path:
    """Where the results go: beside the file where nothing is said."""
    if out is None:
        suffix = ".jsonl" if file.suffix.lower() in (".jsonl", ".ndjson") else ".csv"
        return file.with_name(f"{file.stem}.results{suffix}")
    if out.suffix.lower() not in _SUFFIXES:
        raise BadUsage(f"--out is a .csv or a .jsonl file; {out} is neither.")
    if not out.parent.is_dir():
        raise BadUsage(f"There is no folder {out.parent}.")
    if out.exists() and file.exists() and out.samefile(file):
        raise BadUsage("--out would write over the file with the rows; name another.")
    return out


def _body(text: str, attached: Mapping[str, str]) -> dict[str, Any]:
    return {"request": text, "files": [attached], "each": True}


def _task(client: Client, text: str, attached: Mapping[str, str]) -> dict[str, Any]:
    """The task that asks for the same and is not finished, or else a new one."""
    content = base64.b64decode(attached["file_data"].partition(",")[2])
    sha256 = hashlib.sha256(content).hexdigest()
    earlier = next(_same(client, text, sha256), None)
    if earlier is not None and earlier["state"] in _UNFINISHED:
        progress = earlier["progress"] or {}
        if progress.get("done"):
            note(f"going on at row {progress['done'] + 1:,} of {progress['total']:,}")
        return earlier
    # The same for two commands that are started at once, another one after the task has ended.
    after = earlier["id"] if earlier is not None else ""
    key = hashlib.sha256("\0".join((text, sha256, after)).encode()).hexdigest()
    made: dict[str, Any] = client.json(
        "POST",
        _TASKS,
        body=_body(text, attached),
        headers={"Idempotency-Key": f"each-{key}"},
    )
    return made


def _same(client: Client, text: str, sha256: str) -> Iterator[dict[str, Any]]:
    """Tasks over these rows with this request, newest first."""
    params = {"limit": "100"}
    for _ in range(_PAGES):
        page = client.json("GET", _TASKS, params=params)
        for task in page["data"]:
            asked = task["request"]
            same_file = [found["id"] for found in asked["files"]] == [sha256]
            if asked["each"] and same_file and asked["text"] == clean(text):
                yield task
        if not page["has_more"]:
            return
        params["after"] = page["last_id"]


def _follow(client: Client, task: Mapping[str, Any], *, quiet: bool) -> dict[str, Any]:
    """The task as it ended; its progress is shown meanwhile."""
    with CountedBar("rows", wanted=not quiet) as bar:
        _show(bar, task["progress"])
        for name, event in client.events(f"{_TASKS}/{task['id']}/events"):
            if name == "rows":
                _show(bar, event)
            elif name == "task" and "task" in event:
                ended: dict[str, Any] = event["task"]
                return ended
    raise ServiceFailed("The service ended its answer without an outcome; see its log.")


def _show(bar: CountedBar, rows: Mapping[str, Any] | None) -> None:
    if rows is not None:
        failed = f"{rows['failed']:,} failed" if rows.get("failed") else ""
        bar.show(rows["done"], rows["total"], failed)


def _outcome(task: Mapping[str, Any]) -> Any:
    if task["outcome"] is not None:
        return task["outcome"]
    if task["state"] == "cancelled":
        raise ServiceFailed("The task was cancelled; ask again to begin anew.")
    error = task["error"]
    refused = error["code"] in ("invalid_request", "invalid_input", "request_too_large")
    raise (ServiceRefused if refused else ServiceFailed)(error["message"], reported=error["code"])


def _write(path: Path, content: bytes) -> None:
    try:
        path.write_bytes(content)
    except OSError as error:
        raise BadUsage(f"{path} can't be written: {error.strerror}.") from None
