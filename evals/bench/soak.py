"""Whether a service at steady load stays as it is: memory, descriptors, errors.

The real `switchboard serve` in a process and a home of its own; requests arrive at a steady rate,
whether those before are answered or not. A repetition is half a minute: `--repeats 20` is the
ten-minute soak.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from evals.bench.frame import Bench, Row, row
from model_servers.contracts import ModelUnavailable
from orchestrator.home import Home

WINDOW_S = 30.0
WARM_UP_S = 30.0
"""Models load, caches fill: not yet the steady state."""
PERIOD_S = 0.5
START_WAIT_S = 300.0
REQUEST_WAIT_S = 120.0

MEMORY_GROWTH = 1.05
"""Last window over the first: what a steady service may grow by, allocators being what they are."""
DESCRIPTOR_GROWTH = 3.0
"""Descriptors in the last window above the first: connections come and go."""

_ASKED = (
    "Is this review good or bad? The zip broke after two days and nobody answers my mails.",
    "List the people and places in it: Maria Silva flew from Lisbon to Paris to meet Dr. Chen.",
    "Translate this into Portuguese: The parcel arrives tomorrow.",
    "Is this review good or bad? Lovely shoes, they fit and came a day early.",
)
_NEEDS_LLM = "Translate this into French: Good morning."
LLM_EVERY = 20


@dataclass(slots=True)
class _Seen:
    """What was seen in one window."""

    seconds: list[float] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    resident_mb: list[float] = field(default_factory=list)
    descriptors: list[int] = field(default_factory=list)


def run(repeats: int) -> Sequence[Row]:
    return asyncio.run(_run(max(2, repeats)))


async def _run(windows: int) -> Sequence[Row]:
    async with _service() as (pid, http):
        requests = _requests()
        await _window(pid, http, requests, WARM_UP_S)
        seen = [await _window(pid, http, requests, WINDOW_S) for _ in range(windows)]
    first, last = seen[0], seen[-1]
    memory = [statistics.median(window.resident_mb) for window in seen]
    failures = [failure for window in seen for failure in window.failures]
    for failure in sorted(set(failures)):
        print(f"failed {failures.count(failure)} times: {failure}", file=sys.stderr)
    asked = sum(len(window.seconds) for window in seen) + len(failures)
    return [
        row("requests", [asked], ""),
        row("a request", [1000 * s for window in seen for s in window.seconds], "ms"),
        row("errors", [len(failures)], "", 0.0),
        row("resident memory, service and its children", memory, "MB"),
        row("memory, last window over first", [memory[-1] / memory[0]], "×", MEMORY_GROWTH),
        row("open descriptors", [d for window in seen for d in window.descriptors], ""),
        row(
            "descriptors, last window above first",
            [statistics.median(last.descriptors) - statistics.median(first.descriptors)],
            "",
            DESCRIPTOR_GROWTH,
        ),
    ]


def _requests() -> Iterator[str]:
    for number in itertools.count(1):
        yield _NEEDS_LLM if number % LLM_EVERY == 0 else _ASKED[number % len(_ASKED)]


async def _window(
    pid: int, http: httpx.AsyncClient, requests: Iterator[str], length_s: float
) -> _Seen:
    """Ask at a steady rate for so long, and wait for what was asked."""
    seen = _Seen()
    end = time.monotonic() + length_s
    async with asyncio.TaskGroup() as group:
        while time.monotonic() < end:
            group.create_task(_ask(http, next(requests), seen))
            seen.resident_mb.append(sum(_resident_mb(p) for p in _family(pid)))
            seen.descriptors.append(_descriptors(pid))
            await asyncio.sleep(PERIOD_S)
    return seen


async def _ask(http: httpx.AsyncClient, text: str, seen: _Seen) -> None:
    begun = time.perf_counter()
    body = {"model": "switchboard", "messages": [{"role": "user", "content": text}]}
    try:
        answer = await http.post("/v1/chat/completions", json=body)
    except httpx.HTTPError as error:
        seen.failures.append(f"{type(error).__name__}: {error}")
        return
    if answer.is_success and answer.json()["choices"][0]["message"]["content"]:
        seen.seconds.append(time.perf_counter() - begun)
    else:
        seen.failures.append(f"{answer.status_code}: {answer.text[:200]}")


@asynccontextmanager
async def _service() -> AsyncIterator[tuple[int, httpx.AsyncClient]]:
    """A service of its own, with its process's id and a client of its address."""
    with tempfile.TemporaryDirectory(prefix="switchboard-soak-") as folder:
        process = await asyncio.create_subprocess_exec(
            Path(sys.executable).with_name("switchboard"),
            "serve",
            "--port",
            "0",
            env={**os.environ, "SWITCHBOARD_HOME": folder},
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )
        try:
            url = await _address(Home(Path(folder)), process)
            async with httpx.AsyncClient(
                base_url=url, timeout=REQUEST_WAIT_S, trust_env=False
            ) as http:
                yield process.pid, http
        finally:
            if process.returncode is None:
                process.terminate()
            await process.wait()


async def _address(home: Home, process: asyncio.subprocess.Process) -> str:
    until = time.monotonic() + START_WAIT_S
    while process.returncode is None and time.monotonic() < until:
        record = home.record()
        if record is not None and record.state == "serving" and record.address is not None:
            return record.address.url
        await asyncio.sleep(0.1)
    raise ModelUnavailable("The service did not start; `switchboard serve` says why.")


def _family(pid: int) -> Iterator[int]:
    """A process and those it has started."""
    yield pid
    for children in Path(f"/proc/{pid}/task").glob("*/children"):
        with suppress(FileNotFoundError, ProcessLookupError):  # it has ended meanwhile
            for child in children.read_text().split():
                yield from _family(int(child))


def _descriptors(pid: int) -> int:
    return sum(1 for _ in Path(f"/proc/{pid}/fd").iterdir())


def _resident_mb(pid: int) -> float:
    try:
        fields = Path(f"/proc/{pid}/statm").read_text().split()
    except (FileNotFoundError, ProcessLookupError):  # it has ended meanwhile
        return 0.0
    return int(fields[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6


BENCH = Bench(
    "soak", "half a minute of steady load a repetition: memory and descriptors", run, repeats=4
)
