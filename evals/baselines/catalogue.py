"""The tools that a baseline may use: as text for a prompt, and as a schema for its answers.

A catalogue is a list of entries as `GET /v1/tools` gives them. Those of other data sets may have
no more than a name and a description.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from model_servers.contracts import SwitchboardError

Schema = dict[str, Any]

MAX_STRING_CHARS = 300
"""Of a string that the model writes: what is longer is a reference."""
MAX_ITEMS = 20
_EXAMPLES = 3
_DEEPEST = 6
"""Schemas may refer to themselves; a grammar has an end."""

_TYPES = {
    "dict": "object", "map": "object", "float": "number", "double": "number", "long": "integer",
    "tuple": "array", "list": "array", "bool": "boolean", "str": "string", "char": "string",
}  # fmt: skip
"""Names of types in catalogues that describe Python or Java functions."""
_JSON_TYPES = frozenset({"string", "number", "integer", "boolean", "array", "object"})


class BadCatalogue(SwitchboardError):
    """A sample's catalogue is not a list of tools."""

    code = "bad_catalogue"
    http_status = 400


class ListedTool(BaseModel):
    """One tool of a catalogue.

    Attributes:
        parameters: JSON Schema of its arguments.
        slots: the arguments that take data, with the kind of each.
        outputs: the ports of its result, the default one first, with the kind of each.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    name: str = Field(min_length=1)
    description: str = ""
    parameters: Schema = {}
    slots: dict[str, str] = {}
    outputs: dict[str, str] = Field(default={"result": "any"}, min_length=1)


_CATALOGUE = TypeAdapter(list[ListedTool])


def read_catalogue(entries: Any) -> list[ListedTool]:
    """The tools of a catalogue. Raises BadCatalogue."""
    try:
        tools = _CATALOGUE.validate_python(entries)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise BadCatalogue(f"The catalogue can't be read: {where}: {first['msg']}.") from None
    names = [tool.name for tool in tools]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise BadCatalogue(f"Two tools of the catalogue are called {twice!r}.")
    return tools


def listing(tools: Sequence[ListedTool], *, outputs: bool = True) -> str:
    """The tools in words: a line for each, and one for each of its arguments."""
    return "\n".join(line for tool in tools for line in _lines(tool, outputs))


def _lines(tool: ListedTool, outputs: bool) -> Iterator[str]:
    gives = ", ".join(f"{port} ({kind})" for port, kind in tool.outputs.items())
    given = f" Gives: {gives}." if outputs and "outputs" in tool.model_fields_set else ""
    yield f"- {tool.name}: {' '.join(tool.description.split())}{given}"
    required = tool.parameters.get("required", ())
    for name, schema in simple(tool.parameters)["properties"].items():
        about = tool.parameters["properties"][name]
        takes = f"data: {tool.slots[name]}" if name in tool.slots else in_words(schema)
        needed = "required" if name in required else "optional"
        told = " ".join(str(about.get("description", "")).split())
        yield f"    {name} ({takes}; {needed}){f': {told}' if told else ''}{_examples(about)}"


def _examples(about: Mapping[str, Any]) -> str:
    options = [about, *about.get("anyOf", ())]
    shown: list[Any] = next((o["examples"] for o in options if o.get("examples")), [])
    return f" For example {', '.join(map(repr, shown[:_EXAMPLES]))}." if shown else ""


def in_words(schema: Mapping[str, Any]) -> str:
    """A simple schema in a few words."""
    if "const" in schema:
        return repr(schema["const"])
    if "enum" in schema:
        return f"one of {', '.join(map(repr, schema['enum']))}"
    if "anyOf" in schema:
        return " or ".join(map(in_words, schema["anyOf"]))
    kind = str(schema.get("type", "anything"))
    if kind == "array":
        return f"list of {in_words(schema.get('items', {}))}"
    return kind


def simple(schema: Mapping[str, Any]) -> Schema:
    """A tool's parameters as a schema of an object that every grammar supports.

    Definitions stand where they are referred to; null, patterns and formats are gone, and what is
    unbounded is bounded.
    """
    found = _simple({"type": "object", "properties": {}, **schema}, schema.get("$defs", {}), 0)
    return {"properties": {}, "required": [], **found}


def _simple(schema: Any, definitions: Mapping[str, Any], depth: int) -> Schema:
    if not isinstance(schema, Mapping) or depth > _DEEPEST:
        return {}
    if "$ref" in schema:
        named = str(schema["$ref"]).rpartition("/")[2]
        return _simple(definitions.get(named), definitions, depth + 1)
    choices = schema.get("anyOf") or schema.get("oneOf") or ()
    options = [
        _simple(option, definitions, depth + 1) for option in choices if not _is_null(option)
    ]
    if options:
        return options[0] if len(options) == 1 else {"anyOf": options}
    if "const" in schema:
        return {"const": schema["const"]}
    named_type = str(schema.get("type")).lower()
    kind, enum = _TYPES.get(named_type, named_type), schema.get("enum")
    if kind == "array":
        # Some catalogues write the values that the items may have beside them.
        of_items = {"enum": enum} if enum and not isinstance(enum[0], list) else None
        items = _simple(of_items or schema.get("items"), definitions, depth + 1)
        most = min(int(schema.get("maxItems", MAX_ITEMS)), MAX_ITEMS)
        return {"type": "array", "items": items, "maxItems": most}
    if enum:
        return {"enum": list(enum)}
    if kind == "string":
        most = min(int(schema.get("maxLength", MAX_STRING_CHARS)), MAX_STRING_CHARS)
        return {"type": "string", "maxLength": most}
    if kind == "object" and isinstance(schema.get("properties"), Mapping):
        properties = schema["properties"]
        return {
            "type": "object",
            "properties": {n: _simple(s, definitions, depth + 1) for n, s in properties.items()},
            "required": [name for name in schema.get("required", ()) if name in properties],
            "additionalProperties": False,
        }
    return {"type": kind} if kind in _JSON_TYPES else {}


def _is_null(schema: Any) -> bool:
    return isinstance(schema, Mapping) and schema.get("type") == "null"


def calls(tools: Sequence[ListedTool], references: Sequence[str]) -> list[Schema]:
    """Schemas of `tool` and `args`, which together allow every call of these tools.

    An argument that takes data takes `references`; one that takes text, words too. Tools with the
    same arguments share a schema, so that hundreds of them make a small grammar.
    """
    shared: list[tuple[Schema, list[str]]] = []
    for tool in tools:
        args = _arguments(tool, references)
        names = next((names for known, names in shared if known == args), None)
        if names is None:
            shared.append((args, [tool.name]))
        else:
            names.append(tool.name)
    return [{"tool": {"enum": names}, "args": args} for args, names in shared]


def _arguments(tool: ListedTool, references: Sequence[str]) -> Schema:
    args = simple(tool.parameters)
    for name, kind in tool.slots.items():
        if name in args["properties"]:
            args["properties"][name] = _data(kind, references)
    return args


def _data(kind: str, references: Sequence[str]) -> Schema:
    """What a slot takes: a reference, a list of them, or for text the words themselves."""
    options: list[Schema] = []
    if references:
        one = {"enum": list(references)}
        options += [one, {"type": "array", "items": one, "minItems": 1, "maxItems": MAX_ITEMS}]
    if kind == "text" or not references:
        options.append({"type": "string", "maxLength": MAX_STRING_CHARS})
    return options[0] if len(options) == 1 else {"anyOf": options}
