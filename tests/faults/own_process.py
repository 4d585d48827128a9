"""`switchboard serve` in a process of its own, with small parts and a tool that counts its runs."""

from __future__ import annotations

import asyncio
import os
import resource
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from .small_service import CHAT, body_of

PATIENCE_S = 120.0


@dataclass(frozen=True)
class OwnProcess:
    """The process, and a client of it. `ran` is where the tool `count` notes its runs."""

    process: asyncio.subprocess.Process
    http: httpx.AsyncClient
    ran: Path

    @property
    def port(self) -> int:
        port = self.http.base_url.port
        assert port is not None
        return port

    async def count(self, job: str, seconds: float = 0.0, **more: Any) -> httpx.Response:
        """Ask for one run of the tool; its answer is "x>JOB"."""
        return await self.http.post(CHAT, json=count_body(job, seconds, **more))

    def terminate(self) -> None:
        self.process.send_signal(signal.SIGTERM)

    async def ended(self, timeout_s: float = PATIENCE_S) -> int:
        """The exit code."""
        async with asyncio.timeout(timeout_s):
            return await self.process.wait()

    def allow_files_of(self, size_bytes: int) -> None:
        """From now on the system lets it write no file beyond this size; -1 for any."""
        limit = (size_bytes, resource.RLIM_INFINITY)
        resource.prlimit(self.process.pid, resource.RLIMIT_FSIZE, limit)


def count_body(job: str, seconds: float = 0.0, **more: Any) -> dict[str, Any]:
    return body_of(("count", {"text": "x", "job": job, "mark": job, "seconds": seconds}), **more)


@asynccontextmanager
async def own_process(folder: Path, **settings: Any) -> AsyncIterator[OwnProcess]:
    """Started and serving; killed at the end if it still runs."""
    given: dict[str, Any] = {
        "home": folder / "home",
        "llm_base_url": "http://127.0.0.1:9/v1",
        "llm_model": "none",
        "warm_up": False,
    }
    environment = {
        f"SWITCHBOARD_{name}".upper(): str(value) for name, value in (given | settings).items()
    }
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.faults.counted", str(folder / "ran")),
        *("serve", "--port", "0"),
        env=os.environ | environment,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    assert process.stderr is not None
    said: list[str] = []
    reading: asyncio.Task[None] | None = None
    try:
        async with asyncio.timeout(PATIENCE_S):
            while not (said and "serving on" in said[-1]):
                line = await process.stderr.readline()
                assert line, "".join(said)
                said.append(line.decode())
        reading = asyncio.create_task(_read_on(process.stderr))
        url = said[-1].partition("serving on ")[2].split()[0]
        async with httpx.AsyncClient(
            base_url=url, timeout=PATIENCE_S, trust_env=False, limits=httpx.Limits()
        ) as http:
            yield OwnProcess(process, http, folder / "ran")
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
        if reading is not None:
            await reading
        process._transport.close()  # type: ignore[attr-defined]


async def _read_on(pipe: asyncio.StreamReader) -> None:
    """A pipe that nobody reads would fill up and halt the process."""
    while await pipe.readline():
        pass
