"""A child server's life, with a child that is quick to start."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from model_servers.child_server import ChildServer, Launch, _next_pause
from model_servers.contracts import ModelUnavailable, WeightsError

CHILD = """
import http.server, json, sys
from model_servers.leash import when_owner_leaves
import os

class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200); self.end_headers()
    def log_message(self, *args): pass

first = sys.stdin.readline()
when_owner_leaves(lambda: os._exit(0))
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
print(json.dumps({"url": "http://127.0.0.1:%d" % server.server_port}), flush=True)
server.serve_forever()
"""


class Child(ChildServer):
    native_functions = False
    title = "test server"

    def __init__(
        self, code: str = CHILD, *, log: Path | None = None, timeout_s: float = 30
    ) -> None:
        super().__init__(log=log, start_timeout_s=timeout_s)
        self.code = code
        self.launches = 0

    def launch(self) -> Launch:
        self.launches += 1
        return Launch((sys.executable, "-c", self.code), first_line="hello")


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not condition():  # noqa: ASYNC110 - what is awaited is another process
            await asyncio.sleep(0.02)


@pytest.fixture
async def child() -> AsyncIterator[Child]:
    server = Child()
    yield server
    await server.close()


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()


async def test_nothing_runs_before_it_is_asked_for(child: Child) -> None:
    assert child.pid is None
    assert child.launches == 0


async def test_all_who_ask_share_one_start(child: Child) -> None:
    urls = await asyncio.gather(*(child.url() for _ in range(20)))
    assert len(set(urls)) == 1
    assert urls[0].endswith("/v1")
    assert child.launches == 1


async def test_one_who_gives_up_spoils_nothing_for_the_others(child: Child) -> None:
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(child.url(), 0.001)
    assert await child.url()
    assert child.launches == 1


async def test_it_serves_several_event_loops(child: Child) -> None:
    assert await asyncio.to_thread(lambda: asyncio.run(child.url())) == await child.url()


async def test_a_killed_child_is_started_again(child: Child) -> None:
    first, pid = await child.url(), child.pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    await child.recover(first)
    assert await child.url() != first
    assert child.pid not in {None, pid}


async def test_it_is_started_again_before_anyone_asks(child: Child) -> None:
    await child.url()
    pid = child.pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    await until(lambda: child.pid not in {None, pid})


async def test_a_child_that_hangs_is_replaced(
    child: Child, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, pid = await child.url(), child.pid
    assert pid is not None
    monkeypatch.setattr("model_servers.child_server.HEALTH_TIMEOUT_S", 0.2)
    os.kill(pid, signal.SIGSTOP)
    await child.recover(first)
    assert await child.url() != first


async def test_a_healthy_child_needs_no_recovery(child: Child) -> None:
    first, pid = await child.url(), child.pid
    await child.recover(first)
    assert (await child.url(), child.pid) == (first, pid)


async def test_it_can_be_closed_at_any_time() -> None:
    for wait in (False, True):
        server = Child()
        asking = asyncio.ensure_future(server.url())
        if wait:
            await asking
        else:
            await asyncio.sleep(0)
        await server.close()
        await asyncio.gather(asking, return_exceptions=True)
        assert server.pid is None
        with pytest.raises(ModelUnavailable):
            await server.url()


async def test_closing_what_never_ran_is_fine() -> None:
    await Child().close()


@pytest.mark.parametrize(
    "code", ["import sys; sys.exit(3)", "print('hello')", "print('[1]')", "print('{}')"]
)
async def test_a_child_that_does_not_come_up_is_an_error(code: str, tmp_path: Path) -> None:
    server = Child(code, log=tmp_path / "log" / "child.log")
    with pytest.raises(ModelUnavailable):
        await server.url()
    with pytest.raises(ModelUnavailable):
        await server.url()
    assert server.launches == 1, "it pauses before the next try"
    await server.close()


async def test_a_child_that_says_nothing_meets_the_deadline() -> None:
    server = Child("import time; time.sleep(60)", timeout_s=0.5)
    with pytest.raises(ModelUnavailable):
        await server.url()
    assert server.pid is None
    await server.close()


async def test_it_tries_again_after_the_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("model_servers.child_server.FIRST_PAUSE_S", 0.0)
    server = Child("import sys; sys.exit(3)")
    with pytest.raises(ModelUnavailable):
        await server.url()
    server.code = CHILD
    assert await server.url()
    await server.close()


async def test_what_launching_says_is_what_callers_get() -> None:
    class Missing(Child):
        def launch(self) -> Launch:
            raise WeightsError("no weights")

    server = Missing()
    with pytest.raises(WeightsError, match="no weights"):
        await server.url()
    await server.close()


async def test_the_childs_output_goes_to_the_log(tmp_path: Path) -> None:
    log = tmp_path / "child.log"
    server = Child("import sys; print('why', file=sys.stderr)", log=log)
    with pytest.raises(ModelUnavailable):
        await server.url()
    assert log.read_text() == "why\n"
    await server.close()


def test_the_pause_doubles_up_to_a_bound_and_starts_anew_after_a_healthy_life() -> None:
    pauses = [0.0]
    for _ in range(10):
        pauses.append(_next_pause(pauses[-1], lived_s=1.0))
    assert pauses[1:4] == [0.5, 1.0, 2.0]
    assert pauses[-1] == 30.0
    assert _next_pause(30.0, lived_s=3_600.0) == 0.0


OWNER = """
import asyncio, sys
from tests.unit.test_child_server import Child
async def main():
    child = Child()
    await child.url()
    print(child.pid, flush=True)
    await asyncio.Event().wait()
asyncio.run(main())
"""

LEASHED = """
import subprocess, sys, time
print(subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"]).pid, flush=True)
time.sleep(600)
"""

LEASHED_OWNER = f"""
import subprocess, sys, time
leash = subprocess.Popen(
    [sys.executable, "-m", "model_servers.leash", sys.executable, "-c", {LEASHED!r}],
    stdin=subprocess.PIPE, start_new_session=True,
)
time.sleep(600)
"""


@pytest.mark.parametrize("owner_code", [OWNER, LEASHED_OWNER], ids=["own child", "leashed"])
def test_the_child_is_gone_when_its_owner_is_killed(owner_code: str) -> None:
    with subprocess.Popen([sys.executable, "-c", owner_code], stdout=subprocess.PIPE) as owner:
        assert owner.stdout is not None
        pid = int(owner.stdout.readline())
        assert alive(pid)
        owner.kill()
    asyncio.run(until(lambda: not alive(pid)))


def test_a_leash_ends_with_its_command() -> None:
    leash = [sys.executable, "-m", "model_servers.leash", sys.executable, "-c", "exit(7)"]
    with subprocess.Popen(leash, stdin=subprocess.PIPE) as running:
        assert running.wait(60) == 7
