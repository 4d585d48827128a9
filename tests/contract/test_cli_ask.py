"""`switchboard ask` as a person and a script see it."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from orchestrator import server
from orchestrator.cli import app
from orchestrator.home import Home
from orchestrator.settings import get_settings
from tests.contract.fake_service import fake_service_app


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setattr(server, "service_app", fake_service_app)
    monkeypatch.setenv("SWITCHBOARD_HOME", str(tmp_path / "home"))
    get_settings.cache_clear()
    yield tmp_path / "home"
    get_settings.cache_clear()


def run(*args: str, stdin: str | bytes | None = None) -> Result:
    return CliRunner().invoke(app, list(args), input=stdin, prog_name="switchboard")


def refused(result: Result, code: int = 2) -> str:
    """The one line on stderr of a command that was refused."""
    assert result.exit_code == code, result.output
    assert result.stdout == ""
    (line,) = result.stderr.splitlines()
    return line.removeprefix("switchboard: ")


def test_the_answer_is_on_stdout_and_the_conversation_on_stderr(home: Path) -> None:
    result = run("ask", "hello")
    assert result.exit_code == 0
    assert result.stdout == "You said hello.\n"
    assert result.stderr == "switchboard: conversation c1; continue with --conversation last\n"


def test_the_trace_is_named_where_more_is_wanted(home: Path) -> None:
    named = "switchboard: trace t1; see it with: switchboard trace t1"
    assert run("ask", "hello", "--verbose").stderr.splitlines()[-1] == named
    assert named not in run("ask", "hello").stderr


def test_words_need_no_quotes(home: Path) -> None:
    assert run("ask", "hello", "there").stdout == "You said hello there.\n"


@pytest.mark.parametrize("args", [["-"], []])
def test_a_request_may_come_from_stdin(home: Path, args: list[str]) -> None:
    assert run("ask", *args, stdin="hello\n").stdout == "You said hello.\n"


def test_stdin_need_not_be_utf8(home: Path) -> None:
    assert run("ask", "-", stdin=b"caf\xe9").stdout == "You said caf\N{REPLACEMENT CHARACTER}.\n"


def test_citations_stand_below_the_answer(home: Path) -> None:
    lines = run("ask", "cite").stdout.splitlines()
    assert lines == ["You said cite.", "", "[1] returns.md › Laptops"]


def test_a_live_video_is_sent_by_its_address(home: Path) -> None:
    result = run("ask", "Who comes?", "--live", "https://cameras.example/yard.ts")
    assert result.stdout == "You said Who comes?.\nlive: https://cameras.example/yard.ts\n"


def test_files_are_sent(home: Path, tmp_path: Path) -> None:
    note = tmp_path / "note.txt"
    note.write_text("remember")
    other = tmp_path / "other.txt"
    other.write_text("forget")
    result = run("ask", "read", "--file", str(note), "-f", str(other))
    assert result.stdout == "You said read.\nnote.txt: remember\nother.txt: forget\n"


def test_json_is_one_object_with_the_whole_outcome(home: Path) -> None:
    result = run("ask", "--json", "cite")
    assert result.exit_code == 0
    assert result.stderr == ""
    outcome = json.loads(result.stdout)
    assert outcome["answer"] == "You said cite."
    assert outcome["plan"]["steps"][0]["tool"] == "echo"
    step = outcome["steps"][0]
    assert (step["id"], step["tool"], step["status"], step["seconds"]) == ("s1", "echo", "ok", 0.5)
    assert step["result"] == {"text": "cite"}
    assert outcome["route"] | {"path": "router", "confidence": 0.9} == outcome["route"]
    assert outcome["conversation_id"] == "c1"
    assert set(outcome) >= {"artifacts", "citations", "usage"}


def test_a_plan_is_shown_and_not_run(home: Path) -> None:
    result = run("ask", "--plan", "hello")
    assert result.stdout == "s1  echo  text=input:request\n"
    assert result.stderr == ""
    shown = json.loads(run("ask", "--plan", "--json", "hello").stdout)
    assert shown["plan"]["steps"][0]["args"] == {"text": "input:request"}
    assert shown["steps"] == []


def test_no_stream_prints_the_same(home: Path) -> None:
    assert run("ask", "--no-stream", "hello").stdout == run("ask", "hello").stdout


def test_a_conversation_goes_on(home: Path) -> None:
    assert "continue yet" in refused(run("ask", "-c", "last", "and shoes?"))
    named = json.loads(run("ask", "--json", "-c", "c7", "hi").stdout)
    assert named["conversation_id"] == "c7"
    again = json.loads(run("ask", "--json", "-c", "last", "and shoes?").stdout)
    assert again["conversation_id"] == "c7"
    new = json.loads(run("ask", "--json", "--new", "hi").stdout)
    assert new["conversation_id"] == "c1"
    assert "choose" in refused(run("ask", "--new", "-c", "last", "hi"))


def test_all_steps_failed_is_exit_code_1(home: Path) -> None:
    result = run("ask", "fail")
    assert result.exit_code == 1
    assert result.stdout == "You said fail.\n"
    assert run("ask", "--json", "fail").exit_code == 1


def test_an_error_in_mid_stream_is_exit_code_1(home: Path) -> None:
    result = run("ask", "fail late")
    assert result.exit_code == 1
    assert result.stderr == "switchboard: It broke in between.\n"


def test_an_unavailable_model_is_exit_code_3(home: Path) -> None:
    assert refused(run("ask", "busy"), code=3) == "The chat model is not there."


@pytest.mark.parametrize("text", ["", "  ", "\n"])
def test_an_empty_request_is_refused(home: Path, text: str) -> None:
    assert "request is empty" in refused(run("ask", text))
    assert "request is empty" in refused(run("ask", stdin=text))


def test_files_that_cannot_be_sent_are_refused(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "There is no file" in refused(run("ask", "x", "--file", str(tmp_path / "none.txt")))
    assert "is a folder" in refused(run("ask", "x", "--file", str(tmp_path)))
    empty = tmp_path / "empty.txt"
    empty.touch()
    assert "is empty" in refused(run("ask", "x", "--file", str(empty)))
    large = tmp_path / "large.txt"
    large.write_bytes(b"x" * 2_000)
    monkeypatch.setenv("SWITCHBOARD_MAX_REQUEST_BYTES", "2000")
    get_settings.cache_clear()
    assert "too large" in refused(run("ask", "x", "--file", str(large)))
    assert "File name too long" in refused(run("ask", "x", "--file", "x" * 5000))
    assert not home.exists(), "nothing was opened for a request that can't be sent"


def test_an_unreadable_file_is_refused(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("x")

    def forbidden(_: Path) -> bytes:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "read_bytes", forbidden)  # root may read everything
    assert "can't be read: Permission denied" in refused(run("ask", "x", "--file", str(secret)))


def test_wrong_usage_is_one_line(home: Path) -> None:
    assert "No such option" in refused(run("ask", "--nonsense", "x"))
    assert "did you mean 'ask'?" in refused(run("aks", "x"))
    assert "there are: ask" in refused(run("zzz"))


def test_a_wrong_setting_is_one_line(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SWITCHBOARD_PORT", "many")
    get_settings.cache_clear()
    assert "SWITCHBOARD_PORT" in refused(run("ask", "x"))
    monkeypatch.delenv("SWITCHBOARD_PORT")
    get_settings.cache_clear()
    assert "--port" in refused(run("serve", "--port", "99999"))
    assert "--profile" in refused(run("serve", "--profile", "quantum"))


def test_a_bug_is_one_line_without_a_traceback(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise KeyError("secret")

    monkeypatch.setattr("orchestrator.commands.ask._body", broken)
    line = refused(run("ask", "x"), code=1)
    assert line == "internal error: KeyError (set SWITCHBOARD_DEBUG=1 for the traceback)"
    monkeypatch.setenv("SWITCHBOARD_DEBUG", "1")
    get_settings.cache_clear()
    assert "Traceback" in run("ask", "x").stderr


def test_ctrl_c_is_exit_code_130(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("orchestrator.commands.ask._body", interrupted)
    assert run("ask", "x").exit_code == 130


def test_help_names_the_commands_and_the_exit_codes(home: Path) -> None:
    help_text = run("--help").stdout
    for word in ("ask", "serve", "Exit codes", "130"):
        assert word in help_text


@pytest.mark.parametrize("group", [[], ["tools"], ["kb"], ["keys"], ["models"]])
def test_a_group_alone_shows_its_help(home: Path, group: list[str]) -> None:
    result = run(*group)
    assert result.exit_code == 2
    lines = result.stderr.splitlines()
    assert lines[0].startswith(" ".join(["Usage: switchboard", *group]))
    assert "Commands:" in lines
    assert "--install-completion" not in result.stderr


PRELUDE = """
import signal, sys
# A shell that started the tests in the background has children ignore Ctrl-C.
signal.signal(signal.SIGINT, signal.default_int_handler)
from orchestrator import server
from tests.contract.fake_service import fake_service_app
server.service_app = fake_service_app
"""
ASK = PRELUDE + "from orchestrator.cli import main\nmain()\n"
SERVE = PRELUDE + (
    "from orchestrator.settings import Settings\n"
    "server.serve(Settings(port=0), lambda line: print(line, flush=True))\n"
)


def test_a_closed_pipe_is_quiet(home: Path) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    asked = subprocess.run(
        [sys.executable, "-c", ASK, "ask", "hello"],
        stdout=writing,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    os.close(writing)
    assert asked.returncode == 1
    assert asked.stderr == ""


def test_ctrl_c_in_mid_answer_stops_the_service_in_this_process_too(home: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", ASK, "ask", "hang"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as asking:
        assert asking.stdout is not None
        assert asking.stdout.read(3) == "You"
        asking.send_signal(signal.SIGINT)
        _, told = asking.communicate(timeout=60)
    assert asking.returncode == 130
    assert told == ""
    assert Home(home).running() is None


def test_a_client_of_a_running_service_imports_nothing_heavy(home: Path) -> None:
    """Against a service in another process; what was imported is listed at exit."""
    with subprocess.Popen(
        [sys.executable, "-c", SERVE], stdout=subprocess.PIPE, text=True
    ) as service:
        assert service.stdout is not None
        while "serving on" not in (line := service.stdout.readline()):
            assert line
        asked = subprocess.run(
            [
                sys.executable,
                "-c",
                "import atexit, sys\n"
                "atexit.register(lambda: print(*sys.modules, sep='\\n', file=sys.stderr))\n"
                "from orchestrator.cli import main\nmain()\n",
                "ask",
                "hello",
            ],
            capture_output=True,
            text=True,
            check=True,
        )
        service.terminate()
        service.communicate()
    assert asked.stdout == "You said hello.\n"
    imported = {name.partition(".")[0] for name in asked.stderr.splitlines()}
    heavy = {"torch", "ray", "litellm", "gradio", "spacy", "fastapi", "starlette", "langgraph"}
    assert imported & (heavy | {"uvicorn", "sqlalchemy", "numpy"}) == set()
