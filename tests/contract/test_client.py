"""The command line's client: with a service, without one, and beside other commands."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from fastapi import FastAPI
from pydantic import SecretStr

from orchestrator import server
from orchestrator.client import Client, ServiceFailed, ServiceRefused, ServiceUnavailable
from orchestrator.home import Address, Home
from orchestrator.settings import Settings
from tests.contract.fake_service import create_fake_app, fake_service_app

SERVE = """
import sys
from orchestrator import server
from orchestrator.settings import Settings
from tests.contract.fake_service import fake_service_app
server.service_app = fake_service_app
server.serve(Settings(home=sys.argv[1], port=0), lambda line: print(line, flush=True))
"""


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path / "home")


@pytest.fixture
def apps(monkeypatch: pytest.MonkeyPatch) -> list[FastAPI]:
    """The fake apps that this process opened as one-shot services."""
    opened: list[FastAPI] = []

    @asynccontextmanager
    async def opening(_: Settings, *, page: bool) -> AsyncIterator[FastAPI]:
        app = create_fake_app()
        opened.append(app)
        yield app

    monkeypatch.setattr(server, "service_app", opening)
    return opened


@pytest.fixture
def service(settings: Settings) -> Iterator[subprocess.Popen[str]]:
    """`serve` in another process, with the fake app."""
    process = subprocess.Popen(
        [sys.executable, "-c", SERVE, str(settings.home_dir)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    while "serving on" not in (line := process.stdout.readline()):
        assert line, "the service ended before it served"
    yield process
    process.kill()
    process.wait()
    process.stdout.close()


def echo(client: Client, text: str) -> str:
    return str(client.json("GET", "/echo", params={"text": text})["text"])


def test_a_running_service_is_used(
    settings: Settings, service: subprocess.Popen[str], apps: list[FastAPI]
) -> None:
    with Client(settings) as client:
        assert echo(client, "hi") == "hi"
    assert not apps
    assert service.poll() is None


def test_without_a_service_this_process_serves(settings: Settings, apps: list[FastAPI]) -> None:
    home = Home(settings.home_dir)
    with Client(settings) as client:
        assert echo(client, "hi") == "hi"
        assert echo(client, "again") == "again"
        address = home.running()
        assert address is not None
        assert address.socket is not None
        assert Path(address.socket).stat().st_mode & 0o777 == 0o600
    assert len(apps) == 1
    assert home.running() is None
    assert not Path(address.socket).exists()
    assert threading.active_count() == 1 or not any(
        thread.name == "switchboard-service" for thread in threading.enumerate()
    )


def test_nothing_is_opened_before_something_is_asked(
    settings: Settings, apps: list[FastAPI]
) -> None:
    with Client(settings):
        pass
    assert not apps
    assert not settings.home_dir.exists()


def test_a_socket_path_too_long_goes_elsewhere(tmp_path: Path, apps: list[FastAPI]) -> None:
    settings = Settings(home=tmp_path / ("x" * 120))
    with Client(settings) as client:
        assert echo(client, "hi") == "hi"
        address = Home(settings.home_dir).running()
        assert address is not None
        assert address.socket is not None
        assert len(os.fsencode(address.socket)) <= server.MAX_SOCKET_PATH_BYTES
    assert not Path(address.socket).parent.exists()


def test_what_a_killed_service_left_does_not_matter(
    settings: Settings, service: subprocess.Popen[str], apps: list[FastAPI]
) -> None:
    service.kill()
    service.wait()
    record = Home(settings.home_dir).record()
    assert record is not None
    assert record.state == "serving"
    with Client(settings) as client:
        assert echo(client, "hi") == "hi"
    assert len(apps) == 1


def test_a_socket_file_that_a_killed_command_left_does_not_matter(
    settings: Settings, apps: list[FastAPI]
) -> None:
    settings.home_dir.mkdir()
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(settings.home_dir / "service.sock"))
    with Client(settings) as client:
        assert echo(client, "hi") == "hi"


def test_commands_at_once_share_one_service(settings: Settings, apps: list[FastAPI]) -> None:
    def command(number: int) -> str:
        with Client(settings) as client:
            return echo(client, str(number))

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(command, range(24))) == [str(number) for number in range(24)]
    assert Home(settings.home_dir).running() is None


def test_processes_at_once_all_get_their_answer(settings: Settings) -> None:
    script = """
import sys
from orchestrator import server
from orchestrator.client import Client
from orchestrator.settings import Settings
from tests.contract.fake_service import fake_service_app
server.service_app = fake_service_app
with Client(Settings(home=sys.argv[1])) as client:
    print(client.json("GET", "/echo", params={"text": sys.argv[2]})["text"])
"""
    commands = [
        subprocess.Popen(
            [sys.executable, "-c", script, str(settings.home_dir), str(number)],
            stdout=subprocess.PIPE,
            text=True,
        )
        for number in range(3)
    ]
    assert [command.communicate()[0] for command in commands] == ["0\n", "1\n", "2\n"]
    assert [command.returncode for command in commands] == [0, 0, 0]


def test_a_request_in_flight_ends_before_its_service_does(
    settings: Settings, apps: list[FastAPI]
) -> None:
    owner = Client(settings)
    echo(owner, "mine")
    (app,) = apps
    loop = owner._own._loop  # type: ignore[union-attr]
    assert loop is not None

    def other_command() -> dict[str, str]:
        with Client(settings) as client:
            return dict(client.json("GET", "/hold"))

    with ThreadPoolExecutor(2) as pool:
        other = pool.submit(other_command)
        asyncio.run_coroutine_threadsafe(app.state.held.wait(), loop).result()
        closing = pool.submit(owner.close)
        record = Home(settings.home_dir).record
        while (found := record()) is not None and found.state != "stopping":
            pass
        assert not closing.done()
        loop.call_soon_threadsafe(app.state.hold.set)
        assert other.result() == {"held": "yes"}
        closing.result()
    assert len(apps) == 1, "the other command needed no service of its own"


def test_a_service_killed_in_the_middle_is_not_asked_twice(
    settings: Settings, apps: list[FastAPI]
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        lock = Home(settings.home_dir).acquire()
        assert lock is not None
        lock.write("serving", Address(f"http://127.0.0.1:{listener.getsockname()[1]}"))

        def take_and_drop() -> None:
            connection, _ = listener.accept()
            connection.recv(65_536)
            connection.close()

        with lock, ThreadPoolExecutor(1) as pool, Client(settings) as client:
            dropped = pool.submit(take_and_drop)
            with pytest.raises(ServiceUnavailable, match="stopped before"):
                echo(client, "hi")
            dropped.result()
    assert not apps


def test_a_service_that_goes_away_is_replaced(settings: Settings, apps: list[FastAPI]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        lock = Home(settings.home_dir).acquire()
        assert lock is not None
        lock.write("serving", Address(f"http://127.0.0.1:{listener.getsockname()[1]}"))

        def turn_away() -> None:
            connection, _ = listener.accept()
            connection.recv(65_536)
            lock.write("stopping")
            connection.close()
            lock.release()

        with ThreadPoolExecutor(1) as pool, Client(settings) as client:
            turned = pool.submit(turn_away)
            assert echo(client, "hi") == "hi"
            turned.result()
    assert len(apps) == 1


def test_an_owner_that_never_serves_is_waited_for_a_bounded_time(settings: Settings) -> None:
    lock = Home(settings.home_dir).acquire()
    assert lock is not None
    said: list[str] = []
    with (
        lock,
        Client(settings, say=said.append, wait_s=0.2) as client,
        pytest.raises(ServiceUnavailable, match=f"process {os.getpid()}"),
    ):
        echo(client, "hi")
    assert len(said) == 1
    assert "starting" in said[0]


def test_an_address_where_nobody_listens_is_given_up(settings: Settings) -> None:
    lock = Home(settings.home_dir).acquire()
    assert lock is not None
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    lock.write("serving", Address(f"http://127.0.0.1:{port}"))
    with (
        lock,
        Client(settings, wait_s=0.2) as client,
        pytest.raises(ServiceUnavailable, match="does not answer"),
    ):
        echo(client, "hi")


def test_a_service_that_cannot_open_gives_its_own_error(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    @asynccontextmanager
    async def broken(_: Settings, *, page: bool) -> AsyncIterator[FastAPI]:
        raise ServiceRefused("the database is of a newer version")
        yield

    monkeypatch.setattr(server, "service_app", broken)
    with Client(settings) as client, pytest.raises(ServiceRefused, match="newer version"):
        echo(client, "hi")
    assert Home(settings.home_dir).running() is None
    lock = Home(settings.home_dir).acquire()
    assert lock is not None
    lock.release()


def test_an_app_whose_start_fails_is_an_error(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        raise RuntimeError("no")
        yield

    @asynccontextmanager
    async def broken(_: Settings, *, page: bool) -> AsyncIterator[FastAPI]:
        yield FastAPI(lifespan=lifespan)

    monkeypatch.setattr(server, "service_app", broken)
    with Client(settings) as client, pytest.raises(server.ServeError, match="did not start"):
        echo(client, "hi")


def test_the_key_is_sent(tmp_path: Path, apps: list[FastAPI]) -> None:
    settings = Settings(home=tmp_path, api_key=SecretStr("sk-1"))
    with Client(settings) as client:
        echo(client, "hi")
    assert apps[0].state.seen[0][2]["authorization"] == "Bearer sk-1"


def test_what_the_service_says_is_told(settings: Settings, apps: list[FastAPI]) -> None:
    def ask(text: str) -> list[tuple[str, object]]:
        body = {
            "messages": [{"role": "user", "content": text}],
            "switchboard": {"store": True, "conversation": None, "plan_only": False},
        }
        return list(client.events("/v1/chat/completions", body))

    with Client(settings) as client:
        assert ask("hi")[-1][0] == "switchboard"
        with pytest.raises(ServiceUnavailable, match="The chat model is not there") as caught:
            ask("busy")
        assert caught.value.reported == "model_unavailable"
        with pytest.raises(ServiceFailed, match="Set SWITCHBOARD_API_KEY"):
            ask("unauthorized")
        with pytest.raises(ServiceFailed, match="status 500"):
            ask("not json")
        with pytest.raises(ServiceFailed, match="It broke in between"):
            ask("fail late")
        with pytest.raises(ServiceUnavailable, match="stopped before"):
            ask("break off")
        with pytest.raises(ServiceRefused, match="404"):
            client.content("/nowhere")


def test_sigterm_stops_a_service_cleanly(
    settings: Settings, service: subprocess.Popen[str]
) -> None:
    service.send_signal(signal.SIGTERM)
    assert service.stdout is not None
    assert [line.strip() for line in service.stdout] == ["stopping", "stopped"]
    assert service.wait() == 0
    assert Home(settings.home_dir).running() is None


def test_a_second_service_on_a_home_is_refused(
    settings: Settings, service: subprocess.Popen[str]
) -> None:
    with pytest.raises(server.AlreadyRunning, match="already runs on this home, at http://127"):
        server.serve(settings, print)


def test_other_hosts_need_a_key(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "service_app", fake_service_app)
    with pytest.raises(server.ServeError, match="needs an API key"):
        server.serve(settings.model_copy(update={"host": "0.0.0.0"}), print)


def test_a_port_in_use_is_one_line(settings: Settings) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(server.ServeError, match=f"port {port}: Address already in use"):
            server.serve(settings.model_copy(update={"port": port}), print)
    lock = Home(settings.home_dir).acquire()
    assert lock is not None
    lock.release()


@pytest.mark.parametrize(
    ("host", "local"),
    [
        ("127.0.0.1", True),
        ("localhost", True),
        ("::1", True),
        ("0.0.0.0", False),
        ("::", False),
        ("192.168.1.2", False),
        ("example.org", False),
        ("", False),
    ],
)
def test_what_is_loopback(host: str, local: bool) -> None:
    assert server.is_loopback(host) is local
