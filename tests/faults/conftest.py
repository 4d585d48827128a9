"""What every fault has in common: nothing is left behind, and others notice nothing of it."""

from __future__ import annotations

import asyncio
import gc
import re
import tempfile
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

PATIENCE_S = 10.0
"""How long things may take to be tidied up."""

_OF_THE_PROCESS = ("/dev/", "/proc/", "/sys/")
_LIBRARIES = re.compile(r"\.(?:so|py|pyc|pyd|json|toml|txt|dat|pem|gz)\b|/__pycache__/")


@pytest.fixture(autouse=True)
async def nothing_left_behind(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[None]:
    """Fails where a test leaves an asyncio task, a thread, a descriptor or a temporary file.

    It is set up before a test's other fixtures, so it looks when they have been given back.
    """
    temporary = tmp_path_factory.mktemp("temporary")
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    monkeypatch.setenv("TMPDIR", str(temporary))
    # Its wake-up pipe and its threads live as long as the loop.
    await asyncio.to_thread(int)
    tasks, threads, descriptors = asyncio.all_tasks(), set(threading.enumerate()), _descriptors()

    yield

    this = asyncio.current_task()

    def left() -> list[str]:
        gc.collect()
        return [
            *(f"task {task.get_name()}" for task in asyncio.all_tasks() - {*tasks, this}),
            *(
                f"thread {thread.name}"
                for thread in set(threading.enumerate()) - threads
                if not thread.name.startswith("asyncio_")
            ),
            *(
                f"descriptor {number}: {target}"
                for number, target in _descriptors().items()
                if descriptors.get(number) != target
            ),
            *(f"file {file.relative_to(temporary)}" for file in temporary.rglob("*")),
        ]

    until = time.monotonic() + PATIENCE_S
    # Nothing tells when a descriptor is closed.
    while (found := left()) and time.monotonic() < until:  # noqa: ASYNC110
        await asyncio.sleep(0.02)
    assert not found, f"left behind: {found}"


def _descriptors() -> dict[str, str]:
    """What is open, by number; without what the interpreter or a library keeps for itself."""
    found: dict[str, str] = {}
    for entry in Path("/proc/self/fd").iterdir():
        try:
            target = str(entry.readlink())
        except FileNotFoundError:  # the listing's own
            continue
        if not target.startswith(_OF_THE_PROCESS) and not _LIBRARIES.search(target):
            found[entry.name] = target
    return found


Ask = Callable[[], Awaitable[Any]]
HealthyBeside = Callable[[Ask], AbstractAsyncContextManager[None]]

_RANDOM = re.compile(r"[0-9a-f]{16,64}")
_TIMES = ("created", "created_at", "started_at", "finished_at", "seconds")


@pytest.fixture
def healthy_beside() -> HealthyBeside:
    """`async with healthy_beside(ask):` asks again and again while the block runs.

    `ask` is a healthy request; every answer, its ids and times aside, must be the one that it
    gave when nothing else was going on.
    """

    @asynccontextmanager
    async def beside(ask: Ask) -> AsyncIterator[None]:
        undisturbed = steady(await ask())
        over = asyncio.Event()

        async def again_and_again() -> None:
            asked = False
            while not (asked and over.is_set()):
                assert steady(await ask()) == undisturbed, "the healthy request was disturbed"
                asked = True
                try:
                    async with asyncio.timeout(0.05):
                        await over.wait()
                except TimeoutError:
                    continue

        asking = asyncio.create_task(again_and_again())
        try:
            yield
            over.set()
            async with asyncio.timeout(60):
                await asking
        finally:
            asking.cancel()
            await asyncio.gather(asking, return_exceptions=True)

    return beside


def steady(value: Any) -> Any:
    """An answer without what differs every time: random ids and times."""
    if isinstance(value, BaseModel):
        value = value.model_dump(mode="json")
    if isinstance(value, dict):
        return {name: steady(item) for name, item in value.items() if name not in _TIMES}
    if isinstance(value, list | tuple):
        return [steady(item) for item in value]
    return _RANDOM.sub("…", value) if isinstance(value, str) else value
