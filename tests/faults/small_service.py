"""The whole service on small tools and models. All of it is real but the weights, and how words
are understood: a request that is a plan in JSON is that plan, and the planner is asked otherwise.

`python -m tests.faults.small_service …` is the `switchboard` command on the same.
"""

from __future__ import annotations

import asyncio
import json
import threading
import time
import zlib
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any, ClassVar, Literal
from unittest.mock import patch

import httpx
import numpy as np

from model_servers.contracts import ItemError, ModelServer
from model_servers.pool import ModelPool
from orchestrator.api.app import create_app
from orchestrator.draft import Draft
from orchestrator.graph import LookForSign
from orchestrator.plan import Plan
from orchestrator.service import Service, open_service
from orchestrator.settings import Settings
from orchestrator.signs import Sign
from tests.unit.small_tools import FakeChat, TextArgs, TextData
from tests.unit.test_composer import ScriptedRouter
from tools.answer_question import AnswerQuestion
from tools.contracts import InvalidInput, RunContext, Tool, ToolResult
from tools.registry import Registry

CHAT = "/v1/chat/completions"


class Shout(Tool):
    """What a healthy request asks for."""

    name = "shout"
    description = "Writes a text in capitals."
    examples = ("Shout this",)
    outputs: ClassVar = {"text": "text"}
    Args = TextArgs
    Result = TextData

    async def __call__(self, args: Any, ctx: RunContext) -> ToolResult:
        return ToolResult(TextData(text=args.text.upper()))


class Tens(Tool):
    """Asks the model "tens", which batches: each number times ten. `asked` counts its calls."""

    name = "tens"
    description = "Multiplies the numbers in a text by ten."
    examples = ("Times ten",)
    outputs: ClassVar = {"text": "text"}
    Args = TextArgs
    Result = TextData

    def __init__(self) -> None:
        self.asked = asyncio.Semaphore(0)

    async def __call__(self, args: Any, ctx: RunContext) -> ToolResult:
        self.asked.release()
        made = await ctx.models.predict("tens", args.text.split(), deadline=ctx.deadline)
        return ToolResult(TextData(text=" ".join(map(str, made))))


class Trouble(Tool):
    """Does what it is told: raise an error of ours, break, hang, block its thread, or wait."""

    name = "trouble"
    description = "Makes trouble."
    examples = ("Make trouble",)
    outputs: ClassVar = {"text": "text"}

    class Args(TextArgs):
        how: Literal["refuse", "break", "hang", "block", "wait"] = "refuse"

    Result = TextData

    def __init__(self) -> None:
        self.calls = 0
        self.running = asyncio.Event()
        self.cancelled = asyncio.Event()
        self.go_on = asyncio.Event()

    async def __call__(self, args: Any, ctx: RunContext) -> ToolResult:
        self.calls += 1
        self.running.set()
        try:
            match args.how:
                case "refuse":
                    raise InvalidInput("That can't be done.")
                case "break":
                    raise ZeroDivisionError("/srv/secret")
                case "hang":
                    await asyncio.Event().wait()
                case "block":
                    await asyncio.to_thread(time.sleep, 0.5)
                case "wait":
                    await self.go_on.wait()
        except asyncio.CancelledError:
            self.cancelled.set()
            raise
        return ToolResult(TextData(text=args.text))


class Say(Tool):
    """Asks the chat model."""

    name = "say"
    description = "Says something about a text."
    examples = ("Say something",)
    outputs: ClassVar = {"text": "text"}
    Args = TextArgs
    Result = TextData

    async def __call__(self, args: Any, ctx: RunContext) -> ToolResult:
        from model_servers.contracts import ChatMessage

        reply = await ctx.chat.complete(
            [ChatMessage("user", args.text)], max_tokens=20, timeout_s=ctx.remaining_s()
        )
        return ToolResult(TextData(text=reply.text))


class TensModel:
    """Numbers times ten; "poison" fails alone, and `predict_now` may be put in its place.

    `entered` tells that a batch runs, and `open` lets it: set it to let all of them pass.
    """

    max_batch: ClassVar = 8

    def __init__(self) -> None:
        self.batches: list[list[str]] = []
        self.entered = threading.Semaphore(0)
        self.open = threading.Event()
        self.open.set()
        self.predict_now: Callable[[Sequence[str]], Sequence[Any]] = self._tens

    def load(self) -> None: ...

    def predict(self, batch: Sequence[str]) -> Sequence[Any]:
        self.batches.append(list(batch))
        self.entered.release()
        assert self.open.wait(30)
        return self.predict_now(batch)

    def unload(self) -> None: ...

    @staticmethod
    def _tens(batch: Sequence[str]) -> list[Any]:
        return [int(n) * 10 if n.isdecimal() else ItemError(f"{n!r} is no number") for n in batch]


class SmallEncoder:
    """Unit vectors of the words' hashes."""

    def load(self) -> None: ...

    def predict(self, batch: Sequence[Any]) -> list[Any]:
        rows = []
        for text, _ in batch:
            row = np.zeros(384, dtype=np.float32)
            for word in text.lower().split():
                row[zlib.crc32(word.encode()) % 384] += 1.0
            rows.append(row / (np.linalg.norm(row) or 1.0))
        return rows

    def unload(self) -> None: ...


class PlanReader:
    """A composer that is sure of a request that is a plan in JSON, and of no other."""

    def __init__(self, *_: Any) -> None:
        self.router = ScriptedRouter()

    async def compose(self, request: str, *_: Any, **__: Any) -> Draft:
        sure = request.startswith("{")
        plan = Plan.model_validate_json(request) if sure else Plan()
        return Draft(plan, float(sure), 0.0, "some text", ())


async def no_sign(_request: str, _kinds: Mapping[str, Any]) -> Sign | None:
    """Nothing calls for a person."""
    return None


def plan_of(*steps: tuple[str, Mapping[str, Any]]) -> str:
    """The request whose plan these steps are: s1, s2, …"""
    listed = [{"id": f"s{n}", "tool": t, "args": dict(a)} for n, (t, a) in enumerate(steps, 1)]
    return json.dumps({"steps": listed})


@contextmanager
def small_parts(
    tools: Sequence[Tool] = (),
    models: Mapping[str, Callable[[], ModelServer[Any, Any]]] | None = None,
    chat: Any = None,
    sign: LookForSign = no_sign,
) -> Iterator[None]:
    """Services that are opened meanwhile have these tools and models, and this chat model.

    Without `chat` the client of the chat model is the real one: give the settings a URL.
    """
    registry = Registry([Shout(), Tens(), Say(), AnswerQuestion(), *(tools or [Trouble()])])
    factories = {"tens": TensModel, "minilm": SmallEncoder, "e5": SmallEncoder, **(models or {})}

    def pool(*_: Any, memory_budget_mb: float, idle_s: float, threads: int) -> ModelPool:
        return ModelPool(
            factories, memory_budget_mb=memory_budget_mb, idle_s=idle_s, threads=threads
        )

    async def no_router(*_: Any) -> ScriptedRouter:
        return ScriptedRouter()

    with ExitStack() as patches:
        patches.enter_context(patch("orchestrator.service.load_registry", lambda: registry))
        patches.enter_context(patch("model_servers.serving.build_pool", pool))
        patches.enter_context(patch("orchestrator.service.Composer", PlanReader))
        patches.enter_context(patch("orchestrator.router.Router.fit", no_router))
        patches.enter_context(patch("orchestrator.service.Signs", lambda *_: sign))
        if chat is not None:
            patches.enter_context(patch("model_servers.chat.LiteLLMChat", lambda _: chat))
        yield


@asynccontextmanager
async def small_service(
    home: Path,
    *,
    tools: Sequence[Tool] = (),
    models: Mapping[str, Callable[[], ModelServer[Any, Any]]] | None = None,
    chat: Any = None,
    sign: LookForSign = no_sign,
    **settings: Any,
) -> AsyncIterator[Service]:
    """A service on `home`, open for the length of the block.

    With `llm_base_url` among the settings the chat model is asked there, by the real client.
    """
    if chat is None and "llm_base_url" not in settings:
        chat = FakeChat()
    own = {"llm_base_url": "http://127.0.0.1:9/v1", "llm_model": "none"} | settings
    with small_parts(tools, models, chat, sign):
        service = await open_service(Settings(home=home, **own))
    try:
        yield service
    finally:
        await service.close()


def client_of(service: Service, **more: Any) -> httpx.AsyncClient:
    """A client of the service's HTTP API, without a network."""
    transport = httpx.ASGITransport(create_app(service))
    return httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8000", **more)


def body_of(*steps: tuple[str, Mapping[str, Any]], **more: Any) -> dict[str, Any]:
    """A chat completion's body that asks for these steps, and for the outcome."""
    messages = [{"role": "user", "content": plan_of(*steps)}]
    return {"model": "switchboard", "messages": messages, "switchboard": {}, **more}


if __name__ == "__main__":
    from orchestrator.cli import main

    with small_parts():
        main()
