"""`switchboard tools`: the tools by themselves."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from orchestrator.client import Client
from orchestrator.commands.attachments import as_attachment
from orchestrator.commands.output import BadUsage, note, put, put_json, put_table, suggestion
from orchestrator.settings import get_settings

app = typer.Typer(
    help="The tools by themselves: list them, run one.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

Schema = dict[str, Any]


@app.command("list")
def list_(
    as_json: Annotated[bool, typer.Option("--json", help="Print the tools as JSON.")] = False,
) -> None:
    """Show the tools and what they do."""
    with Client(get_settings(), say=note) as client:
        tools = client.json("GET", "/v1/tools")["data"]
    if as_json:
        put_json(tools)
        return
    put_table(
        ("tool", "arguments", "what it does"),
        ((tool["name"], _signature(tool["parameters"]), tool["description"]) for tool in tools),
    )


@app.command()
def run(
    name: Annotated[str, typer.Argument(help="As `tools list` shows it.")],
    *,
    arg: Annotated[
        list[str] | None,
        typer.Option("--arg", "-a", metavar="KEY=VALUE", help="An argument; repeatable."),
    ] = None,
    file: Annotated[
        list[Path] | None,
        typer.Option("--file", "-f", help="A file for the tool's document or text; repeatable."),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Folder to write the files to that the tool makes.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Run one tool."""
    settings = get_settings()
    limit_bytes = settings.max_request_bytes
    given = [_split(pair) for pair in arg or []]
    files = [as_attachment(path, limit_bytes=limit_bytes) for path in file or []]
    with Client(settings, say=note) as client:
        tool = _find(name, client.json("GET", "/v1/tools")["data"])
        arguments = parse_arguments(tool["parameters"], given)
        arguments |= place_files(tool["slots"], set(arguments), files)
        call = client.json("POST", f"/v1/tools/{name}/invoke", body={"arguments": arguments})
        made = call["artifacts"]
        if out is not None:
            for artifact, path in zip(made, file_paths(out, made), strict=True):
                _write(path, client.content(f"/v1/files/{artifact['id']}/content"))
                artifact["path"] = str(path)
    if as_json:
        put_json(call)
        return
    result = call["result"]
    main = result.get(next(iter(tool["outputs"])))
    put(main if isinstance(main, str) else json.dumps(result, ensure_ascii=False, indent=2))
    for artifact in made:
        where = artifact.get("path", "--out DIR writes it")
        note(f"made {artifact['name']} ({artifact['media_type']}): {where}")


def _find(name: str, tools: list[dict[str, Any]]) -> dict[str, Any]:
    by_name = {tool["name"]: tool for tool in tools}
    if name not in by_name:
        raise BadUsage(f"There is no tool {name!r}; {suggestion(name, by_name)}")
    return by_name[name]


def parse_arguments(schema: Schema, given: list[tuple[str, str]]) -> dict[str, Any]:
    """Arguments as the tool's JSON Schema wants them, from what was typed. Raises BadUsage.

    A value is read as JSON where the schema wants no string. Where it wants a list, a JSON list
    is taken, or each value that is given for the name.
    """
    known = schema.get("properties", {})
    values: dict[str, list[str]] = {}
    for name, value in given:
        if name not in known:
            raise BadUsage(f"There is no argument {name!r}; {suggestion(name, known)}")
        values.setdefault(name, []).append(value)
    return {
        name: _value(name, texts, types_of(known[name], schema)) for name, texts in values.items()
    }


def types_of(wanted: Schema, root: Schema) -> set[str]:
    """The JSON types that a part of a schema allows."""
    if "$ref" in wanted:
        return types_of(root["$defs"][wanted["$ref"].rpartition("/")[2]], root)
    found: set[str] = set()
    for option in (*wanted.get("anyOf", ()), *wanted.get("oneOf", ()), *wanted.get("allOf", ())):
        found |= types_of(option, root)
    if "type" in wanted:
        named = wanted["type"]
        found |= {named} if isinstance(named, str) else set(named)
    if "const" in wanted or "enum" in wanted:
        found |= {"string"} if "type" not in wanted else set()
    return found


def _value(name: str, texts: list[str], types: set[str]) -> Any:
    if "array" in types:
        only = _parsed(texts[0]) if len(texts) == 1 else None
        return only if isinstance(only, list) else texts
    if len(texts) > 1:
        raise BadUsage(f"The argument {name!r} takes one value, and was given {len(texts)}.")
    if "string" in types or not types:
        return texts[0]
    parsed = _parsed(texts[0])
    return texts[0] if parsed is None else parsed


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def place_files(
    slots: dict[str, str], taken: set[str], files: list[dict[str, str]]
) -> dict[str, Any]:
    """Which argument each file fills: those for files first, then those for text.

    Raises BadUsage where there are more files than arguments to take them.
    """
    free = [name for name in slots if name not in taken]
    free.sort(key=lambda name: slots[name] == "text")
    if len(files) > len(free):
        raise BadUsage(
            f"This tool takes {len(free)} more file{'' if len(free) == 1 else 's'}, "
            f"and {len(files)} were given."
        )
    return dict(zip(free, files, strict=False))


def file_paths(folder: Path, artifacts: list[dict[str, Any]]) -> list[Path]:
    """A path of its own below the folder for each file, whatever the files are called."""
    paths: list[Path] = []
    for artifact in artifacts:
        name = Path(artifact["name"].replace("\\", "/").replace("\0", "")).name
        path = folder / (name if name not in ("", "..") else artifact["id"])
        number = 1
        while path in paths:
            number += 1
            path = folder / f"{Path(name).stem}-{number}{Path(name).suffix}"
        paths.append(path)
    return paths


def _write(path: Path, content: bytes) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    except OSError as error:
        raise BadUsage(f"{path} can't be written: {error.strerror}.") from None


def _split(pair: str) -> tuple[str, str]:
    name, separator, value = pair.partition("=")
    if not separator or not name:
        raise BadUsage(f"{pair!r} is not KEY=VALUE, as in --arg target_language=fr.")
    return name.strip(), value


def _signature(schema: Schema) -> str:
    required = schema.get("required", [])
    return ", ".join(
        name if name in required else f"{name}?" for name in schema.get("properties", {})
    )
