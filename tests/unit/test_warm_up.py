"""What `serve` gets ready in the background, on stand-ins for what is slow."""

from __future__ import annotations

import asyncio
import importlib
import logging
import sys
import threading
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from model_servers import chat as chat_module
from model_servers import entities
from model_servers.chat import LiteLLMChat
from model_servers.chat_endpoint import FixedEndpoint
from model_servers.contracts import WeightsError
from model_servers.llama import LlamaServer
from model_servers.vllm import VllmOptions, VllmServer
from orchestrator.settings import Settings
from orchestrator.warm_up import warming_up


class Endpoint(FixedEndpoint):
    def __init__(self, error: Exception | None = None) -> None:
        super().__init__("http://127.0.0.1:9/v1", model="m")
        self.error = error
        self.warm = asyncio.Event()
        self.go_on = asyncio.Event()
        self.cancelled = False

    async def warm_up(self) -> None:
        self.warm.set()
        try:
            if self.error is not None:
                raise self.error
            await self.go_on.wait()
        except asyncio.CancelledError:
            self.cancelled = True
            raise


@pytest.fixture
def imported(monkeypatch: pytest.MonkeyPatch) -> asyncio.Event:
    """Set when spaCy would have been imported; litellm is not imported either."""
    done = asyncio.Event()
    monkeypatch.setattr(chat_module, "_litellm", lambda: None)

    async def in_place(function: Any, *args: Any) -> Any:
        return function(*args)

    monkeypatch.setattr(asyncio, "to_thread", in_place)
    monkeypatch.setattr(entities, "import_pipeline", done.set)
    return done


def service(endpoint: Any, **settings: Any) -> Any:
    chosen = Settings(**{"warm_up": True, **settings})
    return SimpleNamespace(settings=chosen, chat=LiteLLMChat(endpoint))


def now() -> asyncio.Event:
    event = asyncio.Event()
    event.set()
    return event


async def test_it_waits_until_the_service_serves(imported: asyncio.Event) -> None:
    endpoint, once = Endpoint(), asyncio.Event()
    endpoint.go_on.set()
    async with warming_up(service(endpoint), once):
        await asyncio.sleep(0)
        assert not endpoint.warm.is_set()
        once.set()
        async with asyncio.timeout(10):
            await imported.wait()
        assert endpoint.warm.is_set()


async def test_leaving_cancels_it(imported: asyncio.Event) -> None:
    endpoint = Endpoint()
    before = asyncio.all_tasks()
    async with warming_up(service(endpoint), now()), asyncio.timeout(10):
        await endpoint.warm.wait()
    assert endpoint.cancelled
    assert not imported.is_set()
    assert asyncio.all_tasks() <= before


@pytest.mark.parametrize("error", [WeightsError("They were not pulled."), KeyError("a bug")])
async def test_a_failure_is_logged_and_the_rest_goes_on(
    imported: asyncio.Event, error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        async with warming_up(service(Endpoint(error)), now()), asyncio.timeout(10):
            await imported.wait()
    assert "could not be warmed up" in caplog.text


async def test_it_can_be_turned_off(imported: asyncio.Event) -> None:
    endpoint = Endpoint()
    async with warming_up(service(endpoint, warm_up=False), now()):
        for _ in range(5):
            await asyncio.sleep(0)
    assert not endpoint.warm.is_set()
    assert not imported.is_set()


async def test_only_the_embedded_server_is_started(monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[str] = []

    async def url(self: Any) -> str:
        started.append(type(self).__name__)
        return "http://127.0.0.1:9/v1"

    for kind in (LlamaServer, VllmServer, FixedEndpoint):
        monkeypatch.setattr(kind, "url", url)
    await LlamaServer(lambda: pytest.fail("no launch here")).warm_up()
    await VllmServer(VllmOptions(model="m")).warm_up()
    await FixedEndpoint("http://127.0.0.1:9/v1").warm_up()
    assert started == ["LlamaServer"]


async def test_an_import_that_has_begun_ends_soon(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its thread would be waited for when the process ends."""
    (tmp_path / "slow_package.py").write_text(
        "import threading\n"
        "begun, go_on = threading.Event(), threading.Event()\n"
        "import slow_hook; slow_hook.module = begun, go_on\n"
        "begun.set(); go_on.wait(30)\n"
        "try:\n    import slow_part\nexcept Exception:\n    pass\n"
    )
    (tmp_path / "slow_part.py").write_text("import slow_hook; slow_hook.reached = True\n")
    hook = ModuleType("slow_hook")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setitem(sys.modules, "slow_hook", hook)
    ended = threading.Event()

    def import_it() -> None:
        try:
            importlib.import_module("slow_package")
        finally:
            ended.set()

    monkeypatch.setattr(entities, "import_pipeline", import_it)
    monkeypatch.setattr(chat_module, "_litellm", lambda: None)
    endpoint = Endpoint()
    endpoint.go_on.set()
    async with warming_up(service(endpoint), now()), asyncio.timeout(30):
        while not hasattr(hook, "module"):  # noqa: ASYNC110 - set by an import in a thread
            await asyncio.sleep(0.01)
        begun, go_on = hook.module
        await asyncio.to_thread(begun.wait, 30)
    go_on.set()
    assert await asyncio.to_thread(ended.wait, 30)
    assert not hasattr(hook, "reached")
    assert "slow_package" not in sys.modules
    importlib.import_module("slow_part")
    assert hook.reached, "others import as ever"
    del sys.modules["slow_part"]
