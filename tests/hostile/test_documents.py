"""Documents that were made to cost much or to do harm: refused, or read as what they say.

They are read in a process of their own, which costs the same for a harmless document: what is
measured is what the hostile one takes beyond that.
"""

from __future__ import annotations

import base64
import io
import zipfile
from collections.abc import Callable
from typing import Any

import pytest

from tests.hostile.documents import docx, pdf
from tests.hostile.guarded import MAX_GROWTH_MB, MAX_SECONDS, Cost, Guarded
from tests.hostile.test_costly_requests import CHAT, KNOWLEDGE, UPLOAD, ask

SCRIPTS = (
    b"<html><head><title>Days</title><script>steal('canary')</script><style>x{}</style></head>"
    b"<body onload='steal()'><p>You have thirty days.</p><script>document.write('canary')</script>"
    b"<svg onload=steal()></svg><a href='javascript:steal()'>more</a>"
    b"<img src=x onerror='steal()'><iframe srcdoc='<script>steal()</script>'></iframe>"
    b"<template><script>canary</script></template></body></html>"
)


def deceitful(data: bytes) -> bytes:
    """The archive with a far smaller size in its table of contents than its parts have."""
    place = data.rindex(b"PK\x01\x02")
    return data[: place + 24] + (1_000).to_bytes(4, "little") + data[place + 28 :]


def xlsx_of_cells(count: int) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/workbook.xml", b"<workbook/>")
        archive.writestr("xl/worksheets/sheet1.xml", b"<c><v>1</v></c>" * count)
    return buffer.getvalue()


BOMBS: dict[str, tuple[str, Callable[[], bytes]]] = {
    "a DOCX that unpacks to a gigabyte": ("docx", lambda: docx([bytes(10**6)] * 1_000)),
    "a DOCX that lies about its sizes": ("docx", lambda: deceitful(docx([bytes(10**6)] * 300))),
    "a DOCX of two million paragraphs": ("docx", lambda: docx([b"<w:p/>" * 1_000] * 2_000)),
    "a DOCX of 20,000 parts": ("docx", lambda: docx([], empty_members=20_000)),
    "an XLSX of a million cells": ("xlsx", lambda: xlsx_of_cells(1_000_000)),
    "a PDF of 5,000 pages": ("pdf", lambda: pdf(5_000)),
    "HTML of a million elements": ("html", lambda: b"<html><body>" + b"<p>x</p>" * 1_000_000),
    "a CSV of thirty million columns": ("csv", lambda: b"," * 30_000_000),
    "a CSV of ten million named columns": ("csv", lambda: b"a,b," * 5_000_000 + b"\n1,2\n"),
    "a text of 20 MB": ("md", lambda: b"# Days\n" + b"thirty days " * 1_600_000),
}


def beyond(cost: Cost, usual: Cost) -> Cost:
    return Cost(
        cost.wall_s - usual.wall_s, cost.cpu_s - usual.cpu_s, cost.growth_mb - usual.growth_mb
    )


@pytest.mark.parametrize("name", BOMBS)
def test_a_document_that_costs(guarded: Guarded, name: str) -> None:
    kind, made = BOMBS[name]
    files = {"file": (f"a.{kind}", made())}
    for _ in range(3):
        response, cost = guarded.send("POST", KNOWLEDGE, files=files)
        assert response.status_code == 400, response.text
        assert response.json()["error"]["code"] == "invalid_input"
        if cost.seconds < MAX_SECONDS and cost.growth_mb <= MAX_GROWTH_MB:
            return
    raise AssertionError(cost)


@pytest.mark.parametrize("each", [True, False])
def test_a_csv_of_many_columns_as_a_file_of_rows(guarded: Guarded, each: bool) -> None:
    data = base64.b64encode(b"," * 9_000_000).decode()
    file = {"filename": "a.csv", "file_data": data}
    if each:
        body: Any = {"request": "Translate this into French", "files": [file], "each": True}
        guarded.refused("POST", "/v1/tasks", 400, json=body)
        return
    words = {"type": "text", "text": "Translate this file into French"}
    body = ask([words, {"type": "file", "file": file}], switchboard={})
    found = guarded.taken("POST", CHAT, json=body)["switchboard"]
    assert found["steps"][0]["error"]["code"] == "invalid_input"


def test_a_billion_columns_are_not_even_read(guarded: Guarded) -> None:
    form = {"purpose": "user_data"}
    files = {"file": ("a.csv", b"," * 40_000_000)}
    guarded.refused("POST", UPLOAD, 413, files=files, data=form)


def test_html_with_scripts_is_read_as_text(guarded: Guarded) -> None:
    harmless = b"<html><body><p>You have thirty days.</p></body></html>"
    _, usual = guarded.send("POST", KNOWLEDGE, files={"file": ("harmless.html", harmless)})
    for number in range(3):
        files = {"file": (f"scripts{number}.html", SCRIPTS + bytes([10] * number))}
        response, cost = guarded.send("POST", KNOWLEDGE, files=files)
        assert response.status_code == 200, response.text
        more = beyond(cost, usual)
        if more.seconds < MAX_SECONDS and more.growth_mb <= MAX_GROWTH_MB:
            break
    else:
        raise AssertionError(more)
    found = guarded.taken("POST", "/v1/kb/search", json={"query": "how many days", "limit": 50})
    said = [p["text"] for p in found["data"] if p["document"].startswith("scripts")]
    assert said
    for text in said:
        assert "thirty days" in text
        for harm in ("script", "steal", "canary", "onerror", "javascript"):
            assert harm not in text


def test_deep_html_is_read(guarded: Guarded) -> None:
    page = b"<html><body>" + b"<div>" * 20_000 + b"Thirty days."
    response, _ = guarded.send("POST", KNOWLEDGE, files={"file": ("deep.html", page)})
    assert response.status_code in (200, 400), response.text
