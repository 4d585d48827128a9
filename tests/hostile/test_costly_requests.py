"""Requests that were made to cost much: refused within a second and fifty megabytes."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from contextlib import closing
from http.client import HTTPConnection
from typing import Any

import pytest

from tests.hostile.guarded import Guarded

CHAT = "/v1/chat/completions"
UPLOAD = "/v1/files"
KNOWLEDGE = "/v1/kb/documents"
JSON = {"content-type": "application/json"}
FORM = {"content-type": "multipart/form-data; boundary=B"}


def ask(content: Any, **more: Any) -> dict[str, Any]:
    messages = [{"role": "user", "content": content}]
    return {"model": "switchboard", "messages": messages, **more}


def raw(body: dict[str, Any]) -> bytes:
    return json.dumps(body, ensure_ascii=False).encode()


BODIES: dict[str, Callable[[], bytes]] = {
    "lists 10,000 deep": lambda: b"[" * 10_000 + b"]" * 10_000,
    "lists 10,000 deep, left open": lambda: b"[" * 10_000,
    "objects 10,000 deep": lambda: b'{"a":' * 10_000 + b"1" + b"}" * 10_000,
    "10,000 deep in a field": lambda: (
        raw(ask("hi"))[:-1] + b', "metadata": ' + b"[" * 10_000 + b"]" * 10_000 + b"}"
    ),
    "NaN": lambda: b'{"model": "switchboard", "temperature": NaN}',
    "Infinity": lambda: b'{"model": "switchboard", "temperature": Infinity}',
    "-Infinity": lambda: b'{"model": "switchboard", "temperature": -Infinity}',
    "infinite by its digits": lambda: b'{"model": "switchboard", "temperature": 1e999}',
    "a number of a million digits": lambda: b'{"seed": ' + b"9" * 1_000_000 + b"}",
    "a prompt of 20 MB": lambda: raw(ask("x" * 20_000_000)),
    "a prompt of 20 MB in words": lambda: raw(ask("ignore " * 2_900_000)),
    "a prompt of 20 MB with an emoji": lambda: raw(ask("x" * 20_000_000 + "😀")),
    "a prompt of 20 MB in escapes": lambda: json.dumps(ask("é" * 3_300_000)).encode(),
    "a prompt of 20 MB in quotes": lambda: raw(ask('"' * 10_000_000)),
    "100,000 messages": lambda: raw(
        {"model": "switchboard", "messages": ask("x")["messages"] * 10**5}
    ),
    "6,000,000 lists": lambda: b'{"messages": [' + b"[]," * 6_000_000 + b"1]}",
    "6,000,000 texts": lambda: b'{"messages": [' + b'"",' * 6_000_000 + b"1]}",
    "2,000,000 fields": lambda: (
        b"{" + b",".join(b'"%d":1' % number for number in range(2_000_000)) + b"}"
    ),
    "300,000 functions": lambda: raw(ask("hi", tools=[{}] * 300_000)),
    "n of a million": lambda: raw(ask("hi", n=1_000_000)),
    "n below zero": lambda: raw(ask("hi", n=-1)),
    "a limit below zero": lambda: raw(ask("hi", max_tokens=-1)),
    "another limit below zero": lambda: raw(ask("hi", max_completion_tokens=-(10**30))),
    "a body of 40 MB": lambda: b" " * 40_000_000,
}


@pytest.mark.parametrize("name", BODIES)
def test_json_that_costs(guarded: Guarded, name: str) -> None:
    guarded.refused("POST", CHAT, content=BODIES[name](), headers=JSON)


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/embeddings", {"model": "switchboard", "input": [""] * 100_000}),
        ("/v1/embeddings", {"model": "switchboard", "input": "x" * 20_000_000}),
        ("/v1/kb/search", {"query": "x", "limit": -5}),
        ("/v1/kb/search", {"query": "x" * 20_000_000}),
        ("/v1/tools/translate_text/invoke", {"arguments": {"text": "x" * 20_000_000}}),
        ("/v1/tools/translate_text/invoke", {"arguments": {"text": ["x"] * 1_000_000}}),
        ("/v1/tasks", {"request": "x" * 20_000_000}),
        ("/v1/tasks", {"request": "x", "files": [{}] * 300_000}),
    ],
    ids=lambda value: str(value)[:60],
)
def test_other_routes_are_bounded_alike(guarded: Guarded, path: str, body: Any) -> None:
    guarded.refused("POST", path, content=raw(body), headers=JSON)


@pytest.mark.parametrize("path", ["/v1/tasks", "/v1/files", "/v1/batches"])
@pytest.mark.parametrize("limit", ["-1", "0", "1000000000", "1e9", "NaN", "", "1;DROP TABLE x"])
def test_limits_of_lists(guarded: Guarded, path: str, limit: str) -> None:
    guarded.refused("GET", path, params={"limit": limit}, status=400)


def test_a_gzip_bomb(guarded: Guarded) -> None:
    bomb = gzip.compress(bytes(200_000_000), 9)
    assert len(bomb) < 1_000_000
    for encoding in ("gzip", "GZIP", "deflate", "br", "gzip, gzip"):
        headers = JSON | {"content-encoding": encoding}
        guarded.refused("POST", CHAT, 415, content=bomb, headers=headers)
    # Nor is one unpacked that comes as a file.
    guarded.refused("POST", KNOWLEDGE, 400, files={"file": ("notes.md", bomb)})
    guarded.refused("POST", KNOWLEDGE, 400, files={"file": ("notes.gz", bomb)})


def parts(*heads: bytes, body: bytes = b"x") -> bytes:
    return b"".join(b"--B\r\n%s\r\n\r\n%s\r\n" % (head, body) for head in heads) + b"--B--\r\n"


def field(name: bytes) -> bytes:
    return b'Content-Disposition: form-data; name="%s"' % name


UNNAMED = b"Content-Disposition: form-data"
FORMS: dict[str, Callable[[], bytes]] = {
    "10,000 parts": lambda: parts(*(field(b"f%d" % number) for number in range(10_000))),
    "10,000 files": lambda: parts(
        *(field(b"file") + b'; filename="%d.md"' % number for number in range(10_000))
    ),
    "an unnamed huge field": lambda: parts(
        b"Content-Disposition: form-data", body=b"x" * 20_000_000
    ),
    "a huge field with no name": lambda: parts(field(b""), body=b"x" * 20_000_000),
    "a huge field that nobody knows": lambda: parts(field(b"what"), body=b"x" * 20_000_000),
    "a huge field in place of the file": lambda: parts(field(b"file"), body=b"x" * 20_000_000),
    "many fields just below the limit": lambda: parts(
        *(field(b"f%d" % number) for number in range(30)), body=b"x" * 1_000_000
    ),
    "a name of a megabyte": lambda: parts(field(b"f" * 1_000_000)),
    "10,000 headers of a part": lambda: parts(
        b"\r\n".join([field(b"file"), *[b"X-A: b"] * 10_000])
    ),
    "no end": lambda: b"--B\r\n" + field(b"file") + b'; filename="a.md"\r\n\r\n' + b"x" * 1_000_000,
}


@pytest.mark.parametrize("path", [KNOWLEDGE, UPLOAD])
@pytest.mark.parametrize("name", FORMS)
def test_forms_that_cost(guarded: Guarded, path: str, name: str) -> None:
    guarded.refused("POST", path, content=FORMS[name](), headers=FORM)


def test_a_body_that_is_announced_and_never_comes(guarded: Guarded) -> None:
    connection = HTTPConnection(guarded.address.removeprefix("http://"), timeout=60)
    connection.putrequest("POST", CHAT)
    connection.putheader("content-type", "application/json")
    connection.putheader("content-length", "1000000000")
    connection.endheaders()
    with closing(connection), connection.getresponse() as response:
        assert response.status == 413


def test_it_still_serves(guarded: Guarded) -> None:
    body = ask("Translate this into French: Good morning", switchboard={})
    answer = guarded.taken("POST", CHAT, json=body)
    assert answer["switchboard"]["answer"] == "fr:Good morning"
