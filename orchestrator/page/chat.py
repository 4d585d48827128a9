"""What happens when a person asks, stops, rates or opens a conversation."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import OrderedDict
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import aclosing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

import gradio as gr

from model_servers.contracts import SwitchboardError
from orchestrator.api.facade import Service
from orchestrator.intake import take_in
from orchestrator.page import media, render
from orchestrator.page.pacing import paced
from orchestrator.page.turns import TurnView, stopped, stored
from orchestrator.spoken import only_recording
from orchestrator.turn import Turn
from tools.artifacts import Artifact
from tools.contracts import NotFound

MAX_SHOWN_MESSAGES = 200
MAX_TABS = 10_000
REDRAW_S = 0.08
IDLE_S = 1.0
RECORDED = "audio.wav"
"""The name that Gradio gives to what the microphone records."""

_log = logging.getLogger(__name__)

History = list[Any]

_AS_IT_IS = (gr.skip(), gr.skip(), gr.skip())


@dataclass
class _Running:
    """A request that runs in a tab. Setting `stop` ends it; `left` if nobody looks any more."""

    stop: asyncio.Event = field(default_factory=asyncio.Event)
    ended: asyncio.Event = field(default_factory=asyncio.Event)
    left: bool = False


@dataclass
class _Tab:
    """A tab of a browser. `conversation` is the one it shows, None where that is not known: it was
    opened before the service was started."""

    conversation: str | None = None
    running: _Running | None = None
    clicks: int = 0
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


@dataclass
class _Asked:
    """A request as it was sent. `files` and `recordings` are what was kept of the uploads, and
    `pictures` those that can be looked at, as HTML."""

    words: str
    paths: Sequence[Path]
    files: list[Artifact] = field(default_factory=list)
    recordings: list[Artifact] = field(default_factory=list)
    pictures: str = ""

    def is_speech(self, path: Path) -> bool:
        """Whether an upload is the request itself: what was recorded, without a word beside it."""
        return not self.words and path.name == RECORDED

    def bubble(self, heard: str) -> render.Bubble:
        names = [path.name for path in self.paths if not self.is_speech(path)]
        spoken = any(map(self.is_speech, self.paths))
        return render.request(self.words or heard, names, self.pictures, spoken=spoken)


class Chat:
    """The page's event handlers. Each gets and gives the values of Gradio's components.

    A request is stopped here and not by Gradio's `cancels`: that goes on showing what the request
    had sent, over what was opened in its place.

    Args:
        service: what runs the requests and keeps the conversations.
    """

    def __init__(self, service: Service) -> None:
        self._service = service
        self._tabs: OrderedDict[str, _Tab] = OrderedDict()

    async def respond(
        self, said: dict[str, Any] | None, history: History, current: str, request: gr.Request
    ) -> AsyncIterator[tuple[Any, ...]]:
        """Run a request; yields (messages, text box, conversation) as it goes."""
        words, paths = _said(said)
        if not words and not paths:
            gr.Info("Write or say what you want.")
            yield _AS_IT_IS
            return
        owner, tab = _owner(request), self._tab(request)
        view = TurnView(f"turn-{uuid4().hex}", time.monotonic(), self._link)
        asked = _Asked(words, paths)

        def now() -> History:
            heard = view.heard.text if view.heard else ""
            return [*history, asked.bubble(heard), *view.bubbles(time.monotonic())]

        with _run(tab) as running:
            yield now(), _busy_box(), gr.skip()
            try:
                await asyncio.to_thread(self._take, asked)
                speech = only_recording(asked.recordings)
                if not current:
                    current = await self._service.conversations.create(owner)
                    tab.conversation = current
                    yield gr.skip(), gr.skip(), current
                turn = Turn(
                    text=words,
                    speech=speech,
                    attachments=tuple(asked.files),
                    conversation_id=current,
                    owner=owner,
                )
                events = paced(
                    self._service.run(turn),
                    interval_s=REDRAW_S,
                    idle_s=IDLE_S,
                    stop=running.stop,
                )
                async with aclosing(events) as batches:
                    async for batch in batches:
                        for event in batch:
                            view.apply(event, time.monotonic())
                        yield now(), gr.skip(), gr.skip()
            except SwitchboardError as error:
                view.fail(error.message)
            except Exception:
                _log.exception("A request on the chat page failed")
                view.fail(render.TRY_AGAIN)
            if not running.left:
                whole = view.outcome is not None or not running.stop.is_set()
                yield now() if whole else stopped(now()), gr.skip(), gr.skip()
            # Gradio sends what was yielded last once more, after the page may have gone on.
            yield _AS_IT_IS

    async def stop(self, request: gr.Request) -> Any:
        """Stop the request that runs in this tab; it says so itself. Gives the text box."""
        running = self._tab(request).running
        if running is None:
            return _idle_box()
        running.stop.set()
        return gr.skip()

    async def fresh(self, request: gr.Request) -> tuple[Any, ...]:
        """An empty page."""
        return await self.open("", request)

    async def choose(self, data: gr.EventData, request: gr.Request) -> tuple[Any, ...]:
        """Open the conversation that was clicked in the list, unless another was clicked since.

        Quick clicks may arrive in any order, so the page counts them.
        """
        tab, click = self._tab(request), int(data._data["click"])
        tab.clicks = max(tab.clicks, click)
        return await self._open(tab, click, str(data._data["conversation"]), _owner(request))

    async def open(self, wanted: str, request: gr.Request) -> tuple[Any, ...]:
        """A kept conversation, or an empty page: (messages, banner, list, text box, conversation).

        What runs in the tab is stopped.
        """
        tab = self._tab(request)
        return await self._open(tab, tab.clicks, wanted, _owner(request))

    async def _open(self, tab: _Tab, click: int, wanted: str, owner: str) -> tuple[Any, ...]:
        async with tab.lock:
            if click == tab.clicks:
                if tab.running is not None:
                    tab.running.left = True
                    tab.running.stop.set()
                    await tab.running.ended.wait()
                try:
                    shown, banner, opened = await self._shown(wanted, owner)
                except SwitchboardError as error:
                    shown, banner, opened = [render.error(error.message)], "", wanted
                listed = await self._list(owner)
            if click != tab.clicks:
                return (gr.skip(),) * 5
            tab.conversation = opened
            return shown, banner, listed, _idle_box(), opened

    async def settle(self, current: str, request: gr.Request) -> tuple[Any, ...]:
        """After a request: (messages, banner, list).

        The messages are as they are, unless a person has the conversation: then others write, too.
        """
        news = await self._news(current, request, only_if_handed_over=True)
        return *news, await self._list(_owner(request))

    async def refresh(self, current: str, request: gr.Request) -> tuple[Any, ...]:
        """What has been said meanwhile, and by whom it is answered: (messages, banner)."""
        return await self._news(current, request, only_if_handed_over=False)

    async def _news(
        self, current: str, request: gr.Request, *, only_if_handed_over: bool
    ) -> tuple[Any, Any]:
        tab = self._tab(request)
        async with tab.lock:
            # The page may have gone on to another conversation, or another request.
            if tab.running is not None or tab.conversation not in (current, None):
                return gr.skip(), gr.skip()
            try:
                if only_if_handed_over and not await self._service.handoffs.open_for(current):
                    return gr.skip(), ""
                shown, banner, _ = await self._shown(current, _owner(request))
            except SwitchboardError:  # the page looks again in a second
                return gr.skip(), gr.skip()
            return shown, banner

    def _tab(self, request: gr.Request) -> _Tab:
        tab = self._tabs.setdefault(str(request.session_hash), _Tab())
        self._tabs.move_to_end(str(request.session_hash))
        while len(self._tabs) > MAX_TABS:
            self._tabs.popitem(last=False)
        return tab

    async def _shown(self, wanted: str, owner: str) -> tuple[History, str, str]:
        """A conversation's messages, banner and id; "" where there is none.

        Raises SwitchboardError.
        """
        if not wanted:
            return [], "", ""
        try:
            # What comes after this is new to the page, though it be shown already.
            last = await self._service.conversations.last_message(wanted, owner)
            handoff = await self._service.handoffs.open_for(wanted)
            kept = await self._service.conversations.messages(wanted, owner, MAX_SHOWN_MESSAGES)
        except NotFound:
            gone = render.notice("That conversation is not here any more: this is a new one.")
            return [gone], "", ""
        shown: History = list(await asyncio.to_thread(stored, kept, self._link))
        if handoff is None:
            return shown, "", wanted
        since = (m for m in kept if m.created_at >= handoff.created_at)
        answered = any(message.role == "person" for message in since)
        return shown, render.banner(wanted, last, handoff.id, answered=answered), wanted

    def _take(self, asked: _Asked) -> None:
        """Keep what was uploaded, and leave no copy where Gradio put it."""
        try:
            for path in asked.paths:
                file = take_in(self._service.artifacts, path.read_bytes(), name=path.name)
                (asked.recordings if asked.is_speech(path) else asked.files).append(file)
            asked.pictures = media.attached(asked.files, self._link)
        finally:
            for path in asked.paths:
                path.unlink(missing_ok=True)

    def _link(self, artifact_id: str) -> str | None:
        try:
            self._service.artifacts.get(artifact_id)
        except NotFound:  # it has expired
            return None
        return self._service.links.link(artifact_id).removeprefix("/")

    async def _list(self, owner: str) -> str:
        try:
            return render.conversations(await self._service.conversations.list(owner))
        except SwitchboardError as error:
            return render.no_conversations(error.message)


@contextmanager
def _run(tab: _Tab) -> Iterator[_Running]:
    running = tab.running = _Running()
    try:
        yield running
    finally:
        running.ended.set()
        if tab.running is running:
            tab.running = None


def _said(value: dict[str, Any] | None) -> tuple[str, list[Path]]:
    value = value or {}
    return (value.get("text") or "").strip(), [Path(path) for path in value.get("files") or ()]


def _busy_box() -> Any:
    return gr.MultimodalTextbox(None, submit_btn=False, stop_btn=True)


def _idle_box() -> Any:
    return gr.MultimodalTextbox(submit_btn=True, stop_btn=False)


def _owner(request: gr.Request) -> str:
    """Who asks, as the app's gate has found it."""
    assert request.request is not None
    return str(request.request.state.owner)
