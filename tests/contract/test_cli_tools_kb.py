"""`switchboard tools` and `switchboard kb`."""

import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from fastapi import FastAPI
from typer.testing import CliRunner, Result

from orchestrator import server
from orchestrator.cli import app
from orchestrator.commands.kb import find_sources
from orchestrator.commands.kb_origins import Origins
from orchestrator.commands.output import BadUsage
from orchestrator.commands.tools import file_paths, parse_arguments, place_files
from orchestrator.settings import Settings, get_settings
from tests.contract.fake_service import ECHO, create_fake_app


@pytest.fixture(autouse=True)
def service(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """One fake service whose documents outlive the commands."""
    fake = create_fake_app()

    @asynccontextmanager
    async def opening(_: Settings, *, page: bool) -> AsyncIterator[FastAPI]:
        yield fake

    monkeypatch.setattr(server, "service_app", opening)
    monkeypatch.setenv("SWITCHBOARD_HOME", str(tmp_path / "home"))
    get_settings.cache_clear()
    yield
    get_settings.cache_clear()


def run(*args: str) -> Result:
    return CliRunner().invoke(app, list(args), prog_name="switchboard")


def refused(result: Result, code: int = 2) -> str:
    assert result.exit_code == code, result.output
    (line,) = result.stderr.splitlines()
    return line.removeprefix("switchboard: ")


def run_echo(*args: str) -> dict[str, object]:
    result = run("tools", "run", "echo", *args)
    assert result.exit_code == 0, result.stderr
    return dict(json.loads(result.stdout))


def test_tools_are_listed() -> None:
    listed = run("tools", "list")
    assert listed.stdout == "echo\ttext, labels?, times?, document?\tSays what it is given.\n"
    assert json.loads(run("tools", "list", "--json").stdout)[0]["name"] == "echo"


def test_arguments_take_the_types_that_the_tool_wants() -> None:
    said = run_echo("--arg", "text=1 = one", "--arg", "times=3", "--arg", 'labels=["a", "b"]')
    assert said == {"text": "1 = one", "times": 3, "labels": ["a", "b"]}
    assert run_echo("-a", "text=3", "-a", "labels=a", "-a", "labels=b, c") == {
        "text": "3",
        "labels": ["a", "b, c"],
    }


def test_a_file_fills_the_document_then_the_text(tmp_path: Path) -> None:
    note = tmp_path / "note.txt"
    note.write_text("hi")
    sent = {"filename": "note.txt", "file_data": "data:text/plain;base64,aGk="}
    assert run_echo("--arg", "text=x", "--file", str(note)) == {"text": "x", "document": sent}
    both = run_echo("--file", str(note), "--file", str(note))
    assert both == {"document": sent, "text": sent}
    three = ["--file", str(note)] * 3
    assert "takes 2 more files, and 3" in refused(run("tools", "run", "echo", *three))


def test_files_made_are_written_where_they_belong(tmp_path: Path) -> None:
    out = tmp_path / "deep" / "out"
    result = run("tools", "run", "echo", "--arg", "text=files", "--out", str(out), "--json")
    call = json.loads(result.stdout)
    assert sorted(p.name for p in out.iterdir()) == ["said-2.txt", "said.txt"]
    assert (out / "said.txt").read_text() == "file 0"
    assert [Path(artifact["path"]).parent for artifact in call["artifacts"]] == [out, out]
    assert list(tmp_path.glob("*.txt")) == [], "a name with .. stays inside the folder"
    hint = run("tools", "run", "echo", "--arg", "text=files").stderr
    assert "--out DIR writes it" in hint
    (tmp_path / "taken").write_text("")
    taken = run("tools", "run", "echo", "-a", "text=files", "--out", str(tmp_path / "taken"))
    assert "can't be written" in refused(taken)


@pytest.mark.parametrize(
    ("args", "says"),
    [
        (["ehco"], "did you mean 'echo'?"),
        (["echo", "--arg", "txet=x"], "did you mean 'text'?"),
        (["echo", "--arg", "zzz=x"], "there are: text, labels"),
        (["echo", "--arg", "text"], "is not KEY=VALUE"),
        (["echo", "--arg", "=x"], "is not KEY=VALUE"),
        (["echo", "--arg", "text=a", "--arg", "text=b"], "takes one value"),
        (["echo", "--arg", "times=many"], "valid integer"),
        (["echo", "--file", "/nowhere/x.txt"], "There is no file"),
        ([], "Missing argument"),
    ],
)
def test_wrong_calls_are_one_line(args: list[str], says: str) -> None:
    assert says in refused(run("tools", "run", *args))


def test_a_name_cannot_reach_another_route() -> None:
    assert "There is no tool" in refused(run("tools", "run", "../kb/documents?x="))


def test_values_stay_text_where_text_is_wanted() -> None:
    schema = {
        "properties": {
            "text": {"anyOf": [{"type": "string"}, {"type": "null"}]},
            "flag": {"type": "boolean"},
            "size": {"enum": ["short", "long"]},
            "any": {},
            "nested": {"type": "object"},
        }
    }
    given = [("text", "null"), ("flag", "true"), ("size", "short"), ("any", "1")]
    parsed = parse_arguments(schema, [*given, ("nested", '{"a": 1}')])
    assert parsed == {
        "text": "null",
        "flag": True,
        "size": "short",
        "any": "1",
        "nested": {"a": 1},
    }
    assert parse_arguments(ECHO["parameters"], [("times", "[" * 100_000)]) == {
        "times": "[" * 100_000
    }


def test_slots_given_as_arguments_are_left_alone() -> None:
    slots = {"text": "text", "document": "document"}
    assert place_files(slots, {"document"}, [{"filename": "a"}]) == {"text": {"filename": "a"}}


@pytest.mark.parametrize("name", ["..", ".", "", "/", "a/..", "..\\", "\0"])
def test_no_name_leaves_the_folder(name: str, tmp_path: Path) -> None:
    (path,) = file_paths(tmp_path, [{"name": name, "id": "f" * 64}])
    assert path.parent == tmp_path
    assert path.name not in ("", ".", "..")


@pytest.fixture
def handbook(tmp_path: Path) -> Path:
    folder = tmp_path / "handbook"
    (folder / "en").mkdir(parents=True)
    (folder / "zh").mkdir()
    (folder / ".git").mkdir()
    (folder / "en" / "returns.md").write_text("# Returns")
    (folder / "zh" / "returns.md").write_text("# 退货")
    (folder / "photo.png").write_bytes(b"x")
    (folder / ".hidden.md").write_text("x")
    (folder / ".git" / "notes.md").write_text("x")
    return folder


def test_a_folder_is_added_and_what_is_unchanged_is_said(handbook: Path) -> None:
    assert run("kb", "add", str(handbook)).stdout == "2 added\n"
    assert run("kb", "add", str(handbook)).stdout == "2 unchanged\n"
    (handbook / "en" / "returns.md").write_text("# Returns, again")
    reports = json.loads(run("kb", "add", str(handbook), "--json").stdout)
    assert [(r["name"], r["status"]) for r in reports] == [
        ("en/returns.md", "updated"),
        ("zh/returns.md", "unchanged"),
    ]
    assert run("kb", "add", str(handbook), "--collection", "other").stdout == "2 added\n"
    names = [line.split("\t")[1:3] for line in run("kb", "list").stdout.splitlines()]
    assert names == [
        ["en/returns.md", "default"],
        ["zh/returns.md", "default"],
        ["en/returns.md", "other"],
        ["zh/returns.md", "other"],
    ]
    assert len(json.loads(run("kb", "list", "--collection", "other", "--json").stdout)) == 2


def test_what_took_the_place_of_another_folders_document_is_told(tmp_path: Path) -> None:
    one, other = tmp_path / "one" / "README.md", tmp_path / "other" / "README.md"
    for file in (one, other):
        file.parent.mkdir()
        file.write_text(f"# {file.parent.name}")
    assert run("kb", "add", str(one.parent)).stderr == ""
    one.write_text("# one, again")
    again = run("kb", "add", str(one.parent))
    assert (again.stdout, again.stderr) == ("1 updated\n", "")
    replaced = run("kb", "add", str(other.parent))
    assert replaced.stdout == "1 updated\n"
    assert f"{other} replaced {one}, for both are called README.md" in refused(replaced, 0)
    (report,) = json.loads(run("kb", "add", str(one.parent), "--json").stdout)
    assert report["replaced"] == str(other)
    assert run("kb", "add", str(other.parent), "--collection", "other").stderr == ""


def test_what_is_kept_of_the_folders_may_be_damaged_or_missing(tmp_path: Path) -> None:
    origins = Origins(tmp_path, "document", "default")
    assert origins.known() == {}
    origins.remember({"a.md": "/one/a.md"})
    origins.remember({"b.md": "/two/b.md"})
    assert origins.known() == {"a.md": "/one/a.md", "b.md": "/two/b.md"}
    assert Origins(tmp_path, "picture", "default").known() == {}
    for damaged in ("[", "[1]", '{"document default": 1}'):
        (tmp_path / "kb-origins.json").write_text(damaged)
        assert origins.known() == {}
    assert [file.name for file in tmp_path.iterdir()] == ["kb-origins.json"]
    Origins(tmp_path / "none", "document", "default").remember({"a.md": "/one/a.md"})


def test_one_bad_document_does_not_stop_the_others(handbook: Path) -> None:
    (handbook / "bad.txt").write_text("bad")
    (handbook / "empty.txt").touch()
    result = run("kb", "add", str(handbook))
    assert result.exit_code == 2
    assert result.stdout == "2 added, 2 failed\n"
    assert "bad.txt: This is not what its name says." in result.stderr
    assert "is empty" in result.stderr


def test_documents_are_removed_by_id_or_name(handbook: Path) -> None:
    run("kb", "add", str(handbook))
    result = run("kb", "remove", "en/returns.md", "doc-default-zh-returns.md")
    assert result.stdout == "removed en/returns.md\nremoved zh/returns.md\n"
    assert run("kb", "list").stdout == ""
    assert "There is no document" in refused(run("kb", "remove", "en/returns.md"))


def test_a_name_in_two_collections_must_be_told_apart(handbook: Path) -> None:
    run("kb", "add", str(handbook))
    run("kb", "add", str(handbook), "--collection", "other")
    assert "--collection" in refused(run("kb", "remove", "en/returns.md"))
    assert run("kb", "remove", "en/returns.md", "--collection", "other").exit_code == 0


def test_passages_are_found() -> None:
    found = run("kb", "search", "laptop", "return")
    assert found.stdout == "0.88  returns.md › Returns › Laptops\n      About laptop return.\n"
    assert json.loads(run("kb", "search", "x", "--json").stdout)[0]["document"] == "returns.md"
    assert "nothing was found" in run("kb", "search", "nothing").stderr
    assert "query is empty" in refused(run("kb", "search", " "))


def test_paths_that_hold_no_document_are_refused(tmp_path: Path, handbook: Path) -> None:
    with pytest.raises(BadUsage, match="There is no file"):
        find_sources([tmp_path / "none"])
    (tmp_path / "empty").mkdir()
    with pytest.raises(BadUsage, match="There is no document in"):
        find_sources([tmp_path / "empty"])
    with pytest.raises(BadUsage, match=r"would both be called returns\.md"):
        find_sources([handbook / "en", handbook / "zh"])


def test_a_file_named_twice_is_added_once(handbook: Path) -> None:
    page = handbook / "en" / "returns.md"
    assert [source.name for source in find_sources([handbook, page])] == [
        "en/returns.md",
        "zh/returns.md",
    ]
