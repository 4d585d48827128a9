"""`switchboard ask`: a request in plain language, with files."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic import TypeAdapter

from orchestrator.client import Client, ServiceFailed
from orchestrator.commands.ask_each import ask_each
from orchestrator.commands.attachments import as_attachment
from orchestrator.commands.output import FAILED, BadUsage, note, printable, put, put_json
from orchestrator.commands.plans import plan_text
from orchestrator.commands.progress import StepProgress
from orchestrator.home import Home
from orchestrator.settings import Settings, get_settings
from orchestrator.turn import Citation, Event, Outcome

_PATH = "/v1/chat/completions"
_EVENT: TypeAdapter[Event] = TypeAdapter(Event)


def ask(
    request: Annotated[
        list[str] | None,
        typer.Argument(help="The request; - or nothing reads it from stdin.", show_default=False),
    ] = None,
    *,
    file: Annotated[
        list[Path] | None, typer.Option("--file", "-f", help="A file it is about; repeatable.")
    ] = None,
    live: Annotated[
        str | None, typer.Option("--live", help="The address of a live video, http or https.")
    ] = None,
    conversation: Annotated[
        str | None,
        typer.Option("--conversation", "-c", help="Id of the one to continue; or: last."),
    ] = None,
    new: Annotated[bool, typer.Option("--new", help="A new conversation: the default.")] = False,
    plan: Annotated[bool, typer.Option("--plan", help="Show the plan, run nothing.")] = False,
    each: Annotated[
        bool, typer.Option("--each", help="Do it for each row of the file, a CSV or JSONL.")
    ] = False,
    out: Annotated[
        Path | None,
        typer.Option("--out", help="Where --each writes its results: a .csv or .jsonl."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the outcome as JSON.")] = False,
    no_stream: Annotated[
        bool, typer.Option("--no-stream", help="Print the answer when it is whole.")
    ] = False,
    verbose: Annotated[
        bool, typer.Option("--verbose", "-v", help="Tell the trace's id, too.")
    ] = False,
) -> None:
    """Ask for something: the right tools are found, run, and the answer told.

    Exits with 1 when every step failed.
    """
    settings = get_settings()
    if each or out is not None:
        if not each or conversation is not None or new:
            raise BadUsage("--out goes with --each, and --each with no conversation.")
        ask_each(settings, _text(request), file or [], out=out, plan=plan, as_json=as_json)
        return
    files: list[dict[str, Any]] = [
        as_attachment(path, limit_bytes=settings.max_request_bytes) for path in file or []
    ]
    if live is not None:
        files.append({"file_url": live, "live": True})
    body = _body(
        _text(request),
        files,
        _conversation(Home(settings.home_dir), conversation, new=new),
        plan_only=plan,
    )
    streamed = not (as_json or plan or no_stream)
    outcome = _run(settings, body, streamed=streamed, quiet=as_json)
    if outcome.conversation_id is not None:
        Home(settings.home_dir).remember_conversation(outcome.conversation_id)
    if as_json:
        put_json(outcome.model_dump(mode="json"))
    elif plan:
        put(plan_text(outcome.plan))
    else:
        _show_rest(outcome)
    if verbose:
        note(f"trace {outcome.id}; see it with: switchboard trace {outcome.id}")
    if outcome.steps and all(step.status != "ok" for step in outcome.steps):
        raise typer.Exit(FAILED)


def _text(words: list[str] | None) -> str:
    if not words and sys.stdin.isatty():
        raise BadUsage('There is no request; write one, as in: switchboard ask "Translate …".')
    if not words or words == ["-"]:
        text = sys.stdin.buffer.read().decode("utf-8", errors="replace")
    else:
        text = " ".join(words)
    # What is no UTF-8 in an argument arrives as lone surrogates.
    text = text.encode("utf-8", errors="replace").decode("utf-8").strip()
    if not text:
        raise BadUsage('The request is empty; write one, as in: switchboard ask "Translate …".')
    return text


def _conversation(home: Home, wanted: str | None, *, new: bool) -> str | None:
    if wanted is not None and new:
        raise BadUsage("--new starts a conversation and --conversation continues one; choose.")
    if wanted != "last":
        return wanted
    last = home.last_conversation
    if last is None:
        raise BadUsage("There is no conversation to continue yet; ask without --conversation.")
    return last


def _body(
    text: str, files: list[dict[str, Any]], conversation: str | None, *, plan_only: bool
) -> dict[str, Any]:
    parts = [{"type": "file", "file": file} for file in files]
    content: Any = [{"type": "text", "text": text}, *parts] if parts else text
    return {
        "model": "switchboard",
        "messages": [{"role": "user", "content": content}],
        "stream": True,
        "switchboard": {
            "conversation": conversation,
            "store": not plan_only,
            "plan_only": plan_only,
            "progress": True,
        },
    }


def _run(settings: Settings, body: dict[str, Any], *, streamed: bool, quiet: bool) -> Outcome:
    """Send the request, show its progress and, where `streamed`, the answer as it comes."""
    outcome: Outcome | None = None
    wrote = False
    with Client(settings, say=note) as client, StepProgress(quiet=quiet) as progress:
        for name, data in client.events(_PATH, body):
            if name == "switchboard":
                event = _EVENT.validate_python(data)
                progress.show(event)
                if event.type == "outcome":
                    outcome = event.outcome
            elif streamed and (piece := _piece(data)):
                if not wrote:
                    progress.answer_begins()
                wrote = True
                put(piece, end="")
        if outcome is None:
            raise ServiceFailed("The service ended its answer without an outcome; see its log.")
        if wrote:
            put("")
        elif not quiet and not body["switchboard"]["plan_only"]:
            progress.answer_begins()
            put(outcome.answer)
    return outcome


def _piece(chunk: Any) -> str:
    """The text in a chunk of OpenAI's stream."""
    choices = chunk.get("choices") if isinstance(chunk, dict) else None
    return (choices[0].get("delta", {}).get("content") or "") if choices else ""


def _show_rest(outcome: Outcome) -> None:
    if outcome.citations:
        put("")
    for citation in outcome.citations:
        put(_citation_line(citation))
    for artifact in outcome.artifacts:
        put(f"{artifact.name} ({artifact.media_type}, {artifact.size} bytes): {artifact.id}")
    if outcome.conversation_id is not None:
        note(f"conversation {outcome.conversation_id}; continue with --conversation last")


def _citation_line(citation: Citation) -> str:
    where = f"{citation.document} › {citation.heading}" if citation.heading else citation.document
    return f"[{citation.number}] {' '.join(printable(where).split())}"
