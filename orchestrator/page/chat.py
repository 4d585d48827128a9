"""What happens when a person asks, stops, rates or opens a conversation."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import aclosing, contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import gradio as gr
from gradio.processing_utils import save_bytes_to_cache

from model_servers.contracts import SwitchboardError
from orchestrator.api.facade import Service
from orchestrator.conversations import StoredMessage, Thumb
from orchestrator.page import render
from orchestrator.page.pacing import paced
from orchestrator.page.turns import TurnView, answer_id, stopped, stored, thumbs
from orchestrator.turn import Outcome, Turn
from tools.artifacts import Artifact
from tools.contracts import NotFound

MAX_SHOWN_MESSAGES = 200
REDRAW_S = 0.08
IDLE_S = 1.0

_log = logging.getLogger(__name__)

History = list[Any]


class Chat:
    """The page's event handlers. Each gets and gives the values of Gradio's components.

    Args:
        service: what runs the requests and keeps the conversations.
        cache_dir: the folder from which Gradio serves files.
    """

    def __init__(self, service: Service, cache_dir: str) -> None:
        self._service = service
        self._cache_dir = cache_dir

    async def respond(
        self, said: dict[str, Any] | None, history: History, current: str, request: gr.Request
    ) -> AsyncIterator[tuple[Any, ...]]:
        """Run a request; yields (messages, text box, conversation, list) as it goes."""
        words, paths = _said(said)
        if not words and not paths:
            gr.Info("Write what you want, or add a file.")
            yield gr.skip(), gr.skip(), gr.skip(), gr.skip()
            return
        owner = _owner(request)
        view = TurnView(key=f"turn-{uuid4().hex}", started=time.monotonic())
        files: History = []
        shown = [*history, render.request(words, [path.name for path in paths])]

        def now() -> History:
            return [*shown, *view.bubbles(time.monotonic())]

        busy_box = gr.MultimodalTextbox(None, submit_btn=False, stop_btn=True)
        yield now(), busy_box, gr.skip(), gr.skip()
        try:
            attachments = await asyncio.to_thread(self._take, paths)
            if not current:
                current = await self._service.conversations.create(owner)
                yield gr.skip(), gr.skip(), current, gr.skip()
            turn = Turn(text=words, attachments=attachments, conversation_id=current, owner=owner)
            events = paced(self._service.run(turn), interval_s=REDRAW_S, idle_s=IDLE_S)
            async with aclosing(events) as batches:
                async for batch in batches:
                    for event in batch:
                        view.apply(event, time.monotonic())
                    yield now(), gr.skip(), gr.skip(), gr.skip()
            files = await self._files(view.outcome.artifacts) if view.outcome else []
        except SwitchboardError as error:
            view.fail(error.message)
        except Exception:
            _log.exception("A request on the chat page failed")
            view.fail(render.TRY_AGAIN)
        yield [*now(), *files], _idle_box(), current, gr.skip()
        with _told():
            yield gr.skip(), gr.skip(), gr.skip(), await self._list(owner, current)

    async def stop(self, history: History, current: str, request: gr.Request) -> tuple[Any, ...]:
        """Say that the request was stopped; Gradio has cancelled it by then."""
        with _told():
            listed = await self._list(_owner(request), current)
        return stopped(history), _idle_box(), listed

    async def open(self, wanted: str, request: gr.Request) -> tuple[Any, ...]:
        """A kept conversation, or an empty page: (messages, text box, conversation, list)."""
        owner = _owner(request)
        with _told():
            try:
                kept = await self._kept(wanted, owner) if wanted else ()
            except NotFound:
                gr.Info("That conversation is not here any more, so this is a new one.")
                kept, wanted = (), ""
            listed = await self._list(owner, wanted)
        shown: History = []
        for message in kept:
            shown.extend(stored([message]))
            if message.role == "assistant" and message.outcome is not None:
                made = Outcome.model_validate(message.outcome).artifacts
                shown.extend(await self._files(made))
        chatbot = gr.Chatbot(shown, feedback_value=thumbs(shown, kept))
        return chatbot, _idle_box(), wanted, listed

    async def choose(self, data: gr.EventData, request: gr.Request) -> tuple[Any, ...]:
        """Open the conversation that was clicked in the list."""
        return await self.open(str(data._data.get("conversation", "")), request)

    async def rate(
        self, data: gr.LikeData, history: History, current: str, request: gr.Request
    ) -> Any:
        """Keep a thumb. Where none is kept, the page goes back to showing what is.

        The page shows a thumb by itself: drawing it anew would lose what is clicked meanwhile.
        """
        owner = _owner(request)
        index: Any = data.index
        message_id = answer_id(history, index)
        with _told():
            if message_id is None:
                gr.Info("Only a finished answer can be rated.")
            elif data.liked in (True, False):
                value: Thumb = 1 if data.liked else -1
                await self._service.conversations.rate(message_id, owner, value)
                return gr.skip()
            kept = await self._kept(current, owner) if current else ()
        return gr.Chatbot(feedback_value=thumbs(history, kept))

    def _take(self, paths: Sequence[Path]) -> tuple[Artifact, ...]:
        """Keep what was uploaded, and leave no copy where Gradio put it."""
        try:
            return tuple(
                self._service.artifacts.put(path.read_bytes(), name=path.name, origin="user")
                for path in paths
            )
        finally:
            for path in paths:
                path.unlink(missing_ok=True)

    async def _files(self, artifacts: Sequence[Artifact]) -> History:
        """Files that tools made, for the page to show or offer."""
        made = [artifact for artifact in artifacts if artifact.origin == "tool"]
        paths = await asyncio.gather(*(asyncio.to_thread(self._copy, file) for file in made))
        return [{"role": "assistant", "content": {"path": path}} for path in paths if path]

    def _copy(self, artifact: Artifact) -> str | None:
        try:
            with self._service.artifacts.open(artifact.id) as file:
                return str(save_bytes_to_cache(file.read(), artifact.name, self._cache_dir))
        except NotFound:  # it has expired; the step still names it
            return None

    async def _kept(self, conversation: str, owner: str) -> tuple[StoredMessage, ...]:
        return await self._service.conversations.messages(conversation, owner, MAX_SHOWN_MESSAGES)

    async def _list(self, owner: str, current: str) -> str:
        return render.conversations(await self._service.conversations.list(owner), current)


def _said(value: dict[str, Any] | None) -> tuple[str, list[Path]]:
    value = value or {}
    return (value.get("text") or "").strip(), [Path(path) for path in value.get("files") or ()]


def _idle_box() -> Any:
    return gr.MultimodalTextbox(submit_btn=True, stop_btn=False)


def _owner(request: gr.Request) -> str:
    """Who asks, as the app's gate has found it."""
    assert request.request is not None
    return str(request.request.state.owner)


@contextmanager
def _told() -> Iterator[None]:
    """What went wrong comes up on the page as a sentence."""
    try:
        yield
    except SwitchboardError as error:
        raise gr.Error(error.message, print_exception=False) from error
