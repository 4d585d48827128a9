"""A model server that runs as a child process: started on demand, watched, stopped.

The child is tied to its owner by a pipe, its standard input: however the owner ends (`kill -9`
included), the pipe closes and the child leaves. A death signal (PR_SET_PDEATHSIG) is not used: it
fires when the spawning *thread* ends.
"""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import json
import logging
import os
import secrets
import signal
import subprocess
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, ClassVar
from urllib.parse import urlsplit

from model_servers.contracts import ModelUnavailable, SwitchboardError

logger = logging.getLogger(__name__)

HEALTHY_AFTER_S = 60.0
FIRST_PAUSE_S = 0.5
LONGEST_PAUSE_S = 30.0
STOP_GRACE_S = 10.0
HEALTH_TIMEOUT_S = 5.0


@dataclass(frozen=True, slots=True)
class Launch:
    """How to start the child.

    Attributes:
        argv: the command.
        env: variables set on top of the owner's own.
        first_line: what the child reads from its standard input, for what others must not see.
        url: where it will listen; None when it says so itself, as one line `{"url": …}` on its
            standard output.
    """

    argv: tuple[str, ...]
    env: Mapping[str, str] = field(default_factory=dict)
    first_line: str = ""
    url: str | None = None


class ChildServer(ABC):
    """An OpenAI-compatible server in a child process.

    `url` may be called from any thread and event loop; whoever comes while the server starts
    waits for that start. When the child dies it is started again, after a pause that doubles up
    to 30 s while it keeps dying; when it does not come up at all, the callers get the error and a
    later call tries again.

    Args:
        log: file that gets the child's output.
        start_timeout_s: time it may take to become healthy.
    """

    native_functions: ClassVar[bool]
    title: ClassVar[str]

    def __init__(self, *, log: Path | None, start_timeout_s: float) -> None:
        self.api_key = secrets.token_urlsafe(32)
        self._log = log
        self._start_timeout_s = start_timeout_s
        self._lock = threading.Lock()
        self._closing = threading.Event()
        self._ready: Future[str] | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._watcher: threading.Thread | None = None
        self._pause_s = 0.0
        self._failure: SwitchboardError | None = None
        self._not_before = 0.0

    @abstractmethod
    def launch(self) -> Launch:
        """How to start it now. Runs in the watching thread."""

    @property
    def pid(self) -> int | None:
        """The child's process id while it runs."""
        process = self._process
        return process.pid if process is not None and process.poll() is None else None

    async def url(self) -> str:
        """Base URL, with its /v1, of the healthy server; starts it first where needed.

        Raises:
            ModelUnavailable: it does not come up, or was closed.
        """
        return await _outcome(self._started()) + "/v1"

    async def recover(self, url: str) -> None:
        """A server that can't be reached at `url` is ended, so that it starts anew; once this
        returns, `url()` gives no address of a dead one.
        """
        await asyncio.to_thread(self._recover, url.removesuffix("/v1"))

    async def close(self) -> None:
        """Stop the server and wait until it is gone. `url` raises from then on."""
        await asyncio.to_thread(self.stop)

    def stop(self) -> None:
        """`close` for callers without an event loop."""
        with self._lock:
            self._closing.set()
            process, watcher = self._process, self._watcher
        if process is not None:
            _end(process)
        if watcher is not None:
            watcher.join()

    # --- the start that callers share ---

    def _started(self) -> Future[str]:
        with self._lock:
            if self._closing.is_set():
                raise ModelUnavailable(f"The {self.title} is shut down.")
            if self._ready is not None:
                return self._ready
            if self._failure is not None and time.monotonic() < self._not_before:
                raise self._failure
            self._ready = Future()
            self._watcher = threading.Thread(
                target=self._watch, args=(self._ready,), name=self.title, daemon=True
            )
            self._watcher.start()
            return self._ready

    def _recover(self, url: str) -> None:
        with self._lock:
            ready, process = self._ready, self._process
        if ready is None or not ready.done() or ready.exception() or ready.result() != url:
            return  # it is on its way already
        if process is None or (process.poll() is None and _healthy(url)):
            return
        logger.warning("the %s no longer answers: it is started again", self.title)
        _end(process, grace_s=0)
        deadline = time.monotonic() + STOP_GRACE_S
        while self._ready is ready and time.monotonic() < deadline:
            time.sleep(0.01)

    # --- the watching thread ---

    def _watch(self, ready: Future[str]) -> None:
        while True:
            born = time.monotonic()
            try:
                process, url = self._spawn()
            except Exception as error:  # a watcher that died would leave its callers waiting
                self._failed(ready, error)
                return
            ready.set_result(url)
            logger.info("the %s is ready after %.1f s", self.title, time.monotonic() - born)
            code = _wait_for_group(process)
            _close_input(process)
            lived_s = time.monotonic() - born
            ready = Future()
            with self._lock:
                self._process = None
                self._ready = ready
                if self._closing.is_set():
                    ready.set_exception(ModelUnavailable(f"The {self.title} is shut down."))
                    ready.exception()
                    return
                self._pause_s = _next_pause(self._pause_s, lived_s)
            logger.warning(
                "the %s ended (status %d): next start in %.1f s", self.title, code, self._pause_s
            )
            self._closing.wait(self._pause_s)

    def _failed(self, ready: Future[str], error: Exception) -> None:
        failure = (
            error
            if isinstance(error, SwitchboardError)
            else ModelUnavailable(f"The {self.title} can't be started.")
        )
        with self._lock:
            self._process = None
            self._ready = None
            self._failure = failure
            self._pause_s = min(max(FIRST_PAUSE_S, 2 * self._pause_s), LONGEST_PAUSE_S)
            self._not_before = time.monotonic() + self._pause_s
        if not self._closing.is_set():
            logger.error("the %s did not start: %s", self.title, error)
        ready.set_exception(failure)

    def _spawn(self) -> tuple[subprocess.Popen[bytes], str]:
        """A healthy child and its URL without /v1."""
        launch = self.launch()
        deadline = time.monotonic() + self._start_timeout_s
        with self._lock:
            if self._closing.is_set():
                raise ModelUnavailable(f"The {self.title} is shut down.")
            with _log_file(self._log) as log:
                process = subprocess.Popen(  # noqa: S603 - our own command
                    launch.argv,
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE if launch.url is None else log,
                    stderr=log,
                    env={**os.environ, **launch.env},
                    start_new_session=True,
                )
            self._process = process
        # The deadline holds while the address is read, too: ending the child ends the read.
        timer = threading.Timer(self._start_timeout_s, _end, args=(process,), kwargs={"grace_s": 0})
        timer.daemon = True
        timer.start()
        try:
            url = launch.url or _said_url(process, launch.first_line)
            if url is None or not self._comes_up(process, url, deadline):
                where = " Its log says why." if self._log else ""
                raise ModelUnavailable(f"The {self.title} did not start.{where}")
            return process, url
        except BaseException:
            _end(process, grace_s=0)
            raise
        finally:
            timer.cancel()

    def _comes_up(self, process: subprocess.Popen[bytes], url: str, deadline: float) -> bool:
        while process.poll() is None and time.monotonic() < deadline:
            if _healthy(url):
                return True
            if self._closing.wait(0.1):
                break
        return False


def _next_pause(pause_s: float, lived_s: float) -> float:
    """Pause before the next start: none after a healthy life, else doubling up to a bound."""
    if lived_s >= HEALTHY_AFTER_S:
        return 0.0
    return min(2 * pause_s, LONGEST_PAUSE_S) if pause_s else FIRST_PAUSE_S


def _said_url(process: subprocess.Popen[bytes], first_line: str) -> str | None:
    assert process.stdin is not None
    assert process.stdout is not None
    with process.stdout as said:
        try:
            process.stdin.write(first_line.encode() + b"\n")
            process.stdin.flush()
        except (BrokenPipeError, ValueError):  # it ended, or is being stopped
            return None
        line = said.readline()
    return str(json.loads(line)["url"]) if line else None


def _log_file(path: Path | None) -> IO[bytes]:
    if path is None:
        return Path(os.devnull).open("ab")
    path.parent.mkdir(parents=True, exist_ok=True)
    return path.open("ab")


def _healthy(url: str) -> bool:
    """Whether GET /health answers 200 in time. http.client asks no proxy."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(
        parts.hostname or "", parts.port, timeout=HEALTH_TIMEOUT_S
    )
    try:
        connection.request("GET", "/health")
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _end(process: subprocess.Popen[bytes], *, grace_s: float = STOP_GRACE_S) -> None:
    """End the child: by its closed standard input, after `grace_s` by killing its group."""
    _close_input(process)
    try:
        process.wait(grace_s)
    except subprocess.TimeoutExpired:
        _kill_group(process)
        process.wait()


def _close_input(process: subprocess.Popen[bytes]) -> None:
    if process.stdin is not None:
        with contextlib.suppress(BrokenPipeError):
            process.stdin.close()


def _wait_for_group(process: subprocess.Popen[bytes]) -> int:
    """Wait for the child, then kill what it had started itself. Its exit status."""
    # Killed before it is reaped: until then nobody else can get its number.
    with contextlib.suppress(ChildProcessError):
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        _kill_group(process)
    return process.wait()


def _kill_group(process: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


async def _outcome(shared: Future[str]) -> str:
    """The future's result. A caller that gives up cancels nothing for the others."""
    loop = asyncio.get_running_loop()
    done = asyncio.Event()

    def wake(_: Future[str]) -> None:
        with contextlib.suppress(RuntimeError):  # that caller's loop is closed
            loop.call_soon_threadsafe(done.set)

    shared.add_done_callback(wake)
    await done.wait()
    return shared.result()
