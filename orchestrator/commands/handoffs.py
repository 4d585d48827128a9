"""`switchboard handoffs`: answer customers where the agent has handed over, and give back."""

from __future__ import annotations

from typing import Annotated, Any
from urllib.parse import quote

import typer

from orchestrator.client import Client
from orchestrator.commands.output import BadUsage, note, put, put_json, put_table
from orchestrator.settings import get_settings

app = typer.Typer(
    help="Conversations that a person has taken over: list, show, answer, give back.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

_PATH = "/v1/handoffs"
_PAGE = 200

Id = Annotated[str, typer.Argument(metavar="ID", help="As `list` shows it.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print it as JSON.")]


@app.command("list")
def list_(
    *,
    all_: Annotated[
        bool, typer.Option("--all", help="Also those that were given back to the agent.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Show the conversations that wait for a person, the oldest first."""
    params = {"limit": str(_PAGE)} | ({} if all_ else {"state": "open"})
    found: list[dict[str, Any]] = []
    with Client(get_settings(), say=note) as client:
        more = True
        while more:
            page = client.json("GET", _PATH, params=params)
            found += page["data"]
            more = page["has_more"]
            params["after"] = page["last_id"]
    if as_json:
        put_json(found)
        return
    put_table(
        ("id", "since", "state", "reason", "conversation"),
        (
            (h["id"], _time(h["created_at"]), h["state"], h["reason"], h["conversation_id"])
            for h in found
        ),
    )


@app.command()
def show(handoff_id: Id, *, as_json: AsJson = False) -> None:
    """Show one, with what was said in its conversation."""
    with Client(get_settings(), say=note) as client:
        handoff = client.json("GET", _one(handoff_id))
    if as_json:
        put_json(handoff)
        return
    note(f"{handoff['reason']}, {handoff['state']}, conversation {handoff['conversation_id']}")
    put("\n\n".join(_said(message) for message in handoff["messages"]))


@app.command()
def reply(
    handoff_id: Id,
    text: Annotated[list[str], typer.Argument(help="What the customer is to read.")],
) -> None:
    """Answer the customer, as a person."""
    words = " ".join(text).encode("utf-8", errors="replace").decode().strip()
    if not words:
        raise BadUsage('The reply is empty; write one, as in: … reply ID "I am looking into it."')
    with Client(get_settings(), say=note) as client:
        client.json("POST", f"{_one(handoff_id)}/replies", body={"text": words})
    note("the customer has your reply; `switchboard handoffs resume` gives the conversation back")


@app.command()
def resume(handoff_id: Id) -> None:
    """Give the conversation back to the agent, which tells the customer so."""
    with Client(get_settings(), say=note) as client:
        client.json("POST", f"{_one(handoff_id)}/resume")
    note("the agent has the conversation again")


def _one(handoff_id: str) -> str:
    return f"{_PATH}/{quote(handoff_id, safe='')}"


def _said(message: dict[str, Any]) -> str:
    who = {"user": "customer", "assistant": "agent"}.get(message["role"], message["role"])
    files = [file["name"] for file in (message["outcome"] or {}).get("attachments", ())]
    attached = f"\n[attached: {', '.join(files)}]" if files else ""
    return f"{who}, {_time(message['created_at'])}\n{message['content']}{attached}"


def _time(value: str) -> str:
    return value[:16].replace("T", " ")
