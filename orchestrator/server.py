"""Runs the service: for good (`switchboard serve`), or for as long as one command takes."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import os
import signal
import socket
import tempfile
import threading
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from model_servers.contracts import SwitchboardError
from orchestrator.home import Address, Home, HomeError, HomeLock
from orchestrator.logs import log_to_file, log_to_stderr
from orchestrator.memory import return_large_blocks
from orchestrator.warm_up import warming_up

if TYPE_CHECKING:
    import uvicorn
    from fastapi import FastAPI

    from orchestrator.admission import Admission
    from orchestrator.settings import Settings

T = TypeVar("T")

MAX_SOCKET_PATH_BYTES = 107
"""`sun_path` is 108 bytes on Linux, one of them the final zero."""

LAST_WORDS_S = 5
"""How long those may take that were told that the service waits no longer for them."""

COMMAND_WAIT_S = 30.0
"""How long `serve` waits for a command that has opened the home for itself."""


class ServeError(SwitchboardError):
    """The service can't be started as it was asked for."""

    code = "serve_error"


class AlreadyRunning(ServeError):
    """Another process owns this home folder."""

    code = "already_running"
    http_status = 409


@contextlib.asynccontextmanager
async def service_app(settings: Settings, *, page: bool) -> AsyncIterator[FastAPI]:
    """The service and its HTTP API, opened and closed; with the chat page where it is wanted."""
    from orchestrator.api.app import create_app
    from orchestrator.page import mount_page
    from orchestrator.service import open_service

    service = await open_service(settings)
    try:
        app = create_app(service)
        app.state.stop_following = service.tasks.store.stop_following
        yield mount_page(app, service) if page else app
    finally:
        await service.close()


def is_loopback(host: str) -> bool:
    """Whether a host to bind is reachable from this machine only."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def serve(settings: Settings, say: Callable[[str], None]) -> None:
    """Serve on `settings.host` and `settings.port` until SIGTERM or SIGINT. Blocks.

    `say` gets a line for each stage. Raises ServeError, AlreadyRunning, HomeError, and what
    opening the service raises.
    """
    with log_to_stderr(settings), _own(Home(settings.home_dir), say) as lock:
        if not is_loopback(settings.host) and not asyncio.run(_has_key(settings)):
            raise ServeError(
                f"Serving on {settings.host} needs an API key, as others can reach it: "
                "make one with `switchboard keys create NAME`, or serve on 127.0.0.1."
            )
        with contextlib.closing(_bind(settings.host, settings.port)) as sock:
            came_up = _run_loop(_serve_until_signalled(settings, lock, sock, say))
        if not came_up:
            raise KeyboardInterrupt


def _own(home: Home, say: Callable[[str], None]) -> HomeLock:
    """The home's lock, once a command that is using it has finished."""
    until = time.monotonic() + COMMAND_WAIT_S
    told = False
    while (lock := home.acquire()) is None:
        record = home.record()
        address = record.address if record is not None else None
        if address is not None and address.socket is None:
            raise AlreadyRunning(f"Switchboard already runs on this home, at {address.url}.")
        if time.monotonic() > until:
            raise AlreadyRunning("Another switchboard command uses this home; try again later.")
        if not told:
            say("waiting for another switchboard command to finish")
            told = True
        time.sleep(0.1)
    return lock


async def _has_key(settings: Settings) -> bool:
    from orchestrator.database import database_at
    from orchestrator.keys import KeyStore

    async with database_at(settings.sqlalchemy_url) as database:
        return any(key.revoked_at is None for key in await KeyStore(database).list())


def _bind(host: str, port: int) -> socket.socket:
    """A bound socket, not yet listening: nobody can connect before the service is ready."""
    try:
        family, kind, proto, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        with contextlib.ExitStack() as on_error:
            sock = on_error.enter_context(socket.socket(family, kind, proto))
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            sock.bind(address)
            on_error.pop_all()
    except OSError as error:
        raise ServeError(
            f"Can't serve on {host}, port {port}: {error.strerror}; choose another with --port."
        ) from None
    return sock


def _local_url(sock: socket.socket) -> str:
    """The URL by which a program on this machine reaches the socket."""
    host, port = sock.getsockname()[:2]
    address = ipaddress.ip_address(host)
    if address.is_unspecified:
        host = "127.0.0.1" if address.version == 4 else "::1"
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


async def _serve_until_signalled(
    settings: Settings, lock: HomeLock, sock: socket.socket, say: Callable[[str], None]
) -> bool:
    """Whether the service came up; False where a signal stopped it before that."""
    loop = asyncio.get_running_loop()
    main = asyncio.current_task()
    assert main is not None
    server: uvicorn.Server | None = None
    drains: list[asyncio.Task[None]] = []
    url = _local_url(sock)
    listens = asyncio.Event()

    def stop() -> None:
        if server is None:
            main.cancel()
        elif not drains:
            with contextlib.suppress(HomeError):  # a full disk keeps nobody from stopping
                lock.write("stopping")
            drains.append(asyncio.create_task(_drain(server, admission, settings.grace_s)))
        elif len(drains) == 1:  # asked again: it waits for nobody, and tells them so
            drains[0].cancel()
            drains.append(asyncio.create_task(_drain(server, admission, 0)))
        else:
            server.force_exit = server.should_exit = True

    def ready() -> None:
        lock.write("serving", Address(url))
        say(f"serving on {url} (Ctrl-C stops)")
        listens.set()

    for signum in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(signum, stop)
    say(f"starting, profile {settings.profile}")
    try:
        async with (
            service_app(settings, page=True) as app,
            warming_up(app.state.service, listens),
        ):
            admission: Admission = app.state.service.admission
            server = _server(app, ready, grace_s=settings.grace_s)
            await server.serve(sockets=[sock])
            for drain in drains:
                drain.cancel()
            say("stopping")
    except asyncio.CancelledError:
        if server is not None:
            raise
        return False
    say("stopped")
    return True


class OneShotService:
    """The same service in a thread of this process, on a unix socket, for one command.

    Other commands that find it are served too; those in flight finish before `stop` returns.
    """

    def __init__(self, settings: Settings, lock: HomeLock) -> None:
        self._settings = settings
        self._lock = lock
        self._ready = threading.Event()
        self._unwanted = False
        self._address: Address | None = None
        self._server: uvicorn.Server | None = None
        self._main: asyncio.Task[None] | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._work, name="switchboard-service")

    def start(self) -> Address:
        """Start and wait until it serves. Raises what opening the service raises."""
        self._thread.start()
        try:
            self._ready.wait()
        except BaseException:
            self.stop()
            raise
        if self._address is None:
            self._thread.join()
            assert self._error is not None
            raise self._error
        return self._address

    def stop(self) -> None:
        """Serve what is in flight to its end, close the service and give the lock back.

        An interrupt (Ctrl-C) while it waits cuts short what is in flight.
        """
        try:
            self._ask_to_stop(force=False)
            self._thread.join()
        except KeyboardInterrupt:
            self._ask_to_stop(force=True)
            self._thread.join()
            raise

    def _ask_to_stop(self, *, force: bool) -> None:
        self._unwanted = True
        if self._loop is not None:
            with contextlib.suppress(RuntimeError):  # the loop is closed: it has stopped
                self._loop.call_soon_threadsafe(self._begin_to_stop, force)

    def _begin_to_stop(self, force: bool) -> None:
        if self._server is None:
            assert self._main is not None
            self._main.cancel()
        else:
            # Said before the socket closes, so that a command that is turned away tries again.
            self._lock.write("stopping")
            self._server.force_exit = force
            self._server.should_exit = True

    def _work(self) -> None:
        try:
            _run_loop(self._serve())
        except asyncio.CancelledError:
            self._error = KeyboardInterrupt()
        except BaseException as error:
            self._error = error
        finally:
            self._lock.release()
            self._ready.set()

    async def _serve(self) -> None:
        self._main = asyncio.current_task()
        self._loop = asyncio.get_running_loop()
        if self._unwanted:
            raise asyncio.CancelledError
        home = self._settings.home_dir
        log = log_to_file(home / "switchboard.log", self._settings)
        with log, _unix_socket(home) as (sock, path):
            # Some name is needed in a URL; nothing looks it up.
            address = Address("http://localhost", str(path))

            def ready() -> None:
                self._lock.write("serving", address)
                self._address = address
                self._ready.set()

            async with service_app(self._settings, page=False) as app:
                grace_s = self._settings.request_timeout_s
                self._server = _server(app, ready, grace_s=grace_s)
                await self._server.serve(sockets=[sock])


async def _drain(server: uvicorn.Server, admission: Admission, grace_s: float) -> None:
    """Take nothing new, wait for what was taken in, end what is not done by then; then stop.

    The server listens until then: readiness tells that it stops, and who comes too late is told
    so, and when to try again.
    """
    until = time.monotonic() + grace_s
    admission.stop()
    if not await admission.idle(grace_s):
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LAST_WORDS_S):
                await admission.cut_off()
    left_s = int(until - time.monotonic())
    server.config.timeout_graceful_shutdown = max(LAST_WORDS_S, left_s)
    server.should_exit = True


def _server(app: FastAPI, ready: Callable[[], None], *, grace_s: float) -> uvicorn.Server:
    """A server that calls `ready` once it listens, and leaves signals to us."""
    import uvicorn

    return_large_blocks()

    class Server(uvicorn.Server):
        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            if self.started:
                ready()

        async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
            # An open chat page holds a connection that would be waited for.
            if (page := getattr(app.state, "page", None)) is not None:
                page.stop_event.set()
            # So does whoever follows a task, which goes on when the service is back.
            if (stop_following := getattr(app.state, "stop_following", None)) is not None:
                stop_following()
            await super().shutdown(sockets)

        @contextlib.contextmanager
        def capture_signals(self) -> Iterator[None]:
            # Uvicorn would raise the signal again when it is done, before the service is closed.
            yield

    return Server(
        uvicorn.Config(
            app,
            log_config=None,
            access_log=False,
            ws="none",
            server_header=False,
            timeout_graceful_shutdown=int(grace_s),
        )
    )


def _run_loop(work: Coroutine[Any, Any, T]) -> T:
    try:
        return asyncio.run(work)
    except SystemExit:  # how uvicorn says that the app's start failed
        raise ServeError("The service did not start; its log says why.") from None
    except OSError as error:
        raise ServeError(f"The service can't be started: {error.strerror}.") from None


@contextlib.contextmanager
def _unix_socket(home: Path) -> Iterator[tuple[socket.socket, Path]]:
    """A bound unix socket that only its owner can open; in a temporary folder of the owner's
    where the home's path is too long for one."""
    path = home / "service.sock"
    with contextlib.ExitStack() as stack:
        if len(os.fsencode(path)) > MAX_SOCKET_PATH_BYTES:
            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="switchboard-"))
            path = Path(folder) / "service.sock"
        path.unlink(missing_ok=True)  # a killed process left it; the lock is ours
        sock = stack.enter_context(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM))
        sock.bind(str(path))
        path.chmod(0o600)  # nobody can connect before: it does not listen yet
        stack.callback(path.unlink, missing_ok=True)
        yield sock, path
