from __future__ import annotations

import asyncio
import base64
import io
import itertools
import socket
import zipfile
from collections.abc import Callable
from pathlib import Path

import docx
import openpyxl
import pptx
import pytest
from reportlab.pdfgen import canvas

from model_servers.contracts import DeadlineExceeded
from tools import documents
from tools.artifacts import FileArtifactStore
from tools.coercions import coerce
from tools.documents import document_text, extract_text
from tools.errors import InvalidInput


def word(*paragraphs: str) -> bytes:
    document = docx.Document()
    document.add_heading("Contract", 1)
    for paragraph in paragraphs:
        document.add_paragraph(paragraph)
    table = document.add_table(rows=1, cols=2)
    table.cell(0, 0).text, table.cell(0, 1).text = "Notice", "three months"
    buffer = io.BytesIO()
    document.save(buffer)
    return buffer.getvalue()


def pdf(*pages: str, password: str | None = None) -> bytes:
    buffer = io.BytesIO()
    page = canvas.Canvas(buffer, encrypt=password)
    for text in pages:
        page.drawString(72, 700, text)
        page.showPage()
    page.save()
    return buffer.getvalue()


def workbook() -> bytes:
    book = openpyxl.Workbook()
    book.active.append(["Item", "Price", None])
    book.active.append(["Boots", 89.5, None])
    book.active.append(["Gloves", None, "sold out"])
    buffer = io.BytesIO()
    book.save(buffer)
    return buffer.getvalue()


def slides() -> bytes:
    show = pptx.Presentation()
    slide = show.slides.add_slide(show.slide_layouts[0])
    slide.shapes.title.text = "Plans for 2027"
    buffer = io.BytesIO()
    show.save(buffer)
    return buffer.getvalue()


HTML_PAGE = (
    "<html><head><title>T</title><script>steal()</script></head><body><h1>Über uns</h1>"
    '<p>Wir sind <b>da</b>.</p><img src="http://203.0.113.1/pixel.png"></body></html>'
)


@pytest.mark.parametrize(
    ("make", "name", "expected"),
    [
        (lambda: word("Notice is three months."), "c.docx", ["# Contract", "Notice is three"]),
        (lambda: pdf("Notice is three months."), "c.pdf", ["Notice is three months."]),
        (workbook, "p.xlsx", ["Boots", "89.5", "sold out"]),
        (slides, "s.pptx", ["Plans for 2027"]),
        (HTML_PAGE.encode, "a.html", ["# Über uns", "**da**"]),
        (lambda: b"a,b\n1,2\n", "t.csv", ["a,b\n1,2\n"]),
        (lambda: "# Größe\r\n".encode("utf-16"), "n.md", ["# Größe\n"]),
    ],
)
def test_text_of_every_format(make: Callable[[], bytes], name: str, expected: list[str]) -> None:
    text = extract_text(make(), name)
    for part in expected:
        assert part in text


def test_scripts_and_placeholders_are_left_out() -> None:
    assert "steal" not in extract_text(HTML_PAGE.encode(), "a.html")
    text = extract_text(workbook(), "p.xlsx")
    assert "NaN" not in text
    assert "Unnamed" not in text


def test_a_page_in_its_declared_charset() -> None:
    page = '<html><meta charset="windows-1251"><body><p>Привет</p></body></html>'
    assert extract_text(page.encode("cp1251"), "a.html") == "Привет"


def test_a_pdf_without_text_is_called_a_scan() -> None:
    with pytest.raises(InvalidInput, match=r"it is a scan.*be read first"):
        extract_text(pdf(""), "scan.pdf")


def test_a_long_pdf_is_read_and_one_too_long_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(documents, "PDF_PAGES_WITH_LAYOUT", 1)
    assert extract_text(pdf("one", "two"), "a.pdf") == "one\n\ntwo"
    monkeypatch.setattr(documents, "MAX_PDF_PAGES", 2)
    with pytest.raises(InvalidInput, match=r"has 3 pages; at most 2"):
        extract_text(pdf("one", "two", "three"), "a.pdf")


def test_a_protected_pdf() -> None:
    with pytest.raises(InvalidInput, match="protected by a password"):
        extract_text(pdf("secret", password="hunter2"), "a.pdf")


def test_too_much_text_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(documents, "MAX_CHARS", 5)
    with pytest.raises(InvalidInput, match="at most 5 are read"):
        extract_text(b"123456", "a.txt")


def test_blank_text_is_refused() -> None:
    with pytest.raises(InvalidInput, match="holds no text"):
        extract_text(b" \n\n ", "a.txt")


def bomb() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("word/document.xml", bytes(20 * 1024 * 1024))
    return buffer.getvalue()


def test_a_zip_bomb_is_refused_by_its_declared_sizes() -> None:
    with pytest.raises(InvalidInput, match="unpacks to 20 MB"):
        extract_text(bomb(), "a.docx")


def empty_docx() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("word/document.xml", "<not xml")
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("data", "name"),
    [
        (empty_docx(), "a.docx"),
        (word("x")[:-200], "a.docx"),
        (pdf("x")[:300], "a.pdf"),
        (b"%PDF-1.4 nonsense", "a.pdf"),
        (workbook()[:2000], "a.xlsx"),
    ],
)
def test_broken_files_are_bad_input_without_a_path(data: bytes, name: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        extract_text(data, name)
    assert name in caught.value.message
    assert "/" not in caught.value.message


@pytest.fixture
def store(tmp_path: Path) -> FileArtifactStore:
    return FileArtifactStore(tmp_path, max_file_bytes=10**7, quota_bytes=10**8)


async def test_a_kept_document_is_read_in_its_own_process_once(
    store: FileArtifactStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = store.put(word("Notice is three months."), name="contract.docx", origin="user")
    first, second = await asyncio.gather(document_text(kept, store), document_text(kept, store))
    assert first == second
    assert "Notice is three months." in first
    monkeypatch.setattr(documents, "_read", None)
    assert await document_text(kept, store) == first


async def test_bad_input_crosses_the_process(store: FileArtifactStore) -> None:
    kept = store.put(pdf(""), name="scan.pdf", origin="user")
    with pytest.raises(InvalidInput, match="it is a scan"):
        await document_text(kept, store)


async def test_reading_has_a_time_limit(store: FileArtifactStore) -> None:
    kept = store.put(word("Too slow."), name="slow.docx", origin="user")
    with pytest.raises(DeadlineExceeded, match="took longer"):
        await document_text(kept, store, timeout_s=0.01)


async def test_a_worker_that_dies_is_bad_input(
    store: FileArtifactStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(documents.sys, "executable", "/bin/false")
    kept = store.put(word("Crash."), name="crash.docx", origin="user")
    with pytest.raises(InvalidInput, match="can't be read"):
        await document_text(kept, store)


async def test_coercions(store: FileArtifactStore) -> None:
    note = store.put(b"Hello there", name="note.txt", origin="user")
    assert await coerce(note, "document", "text", store) == "Hello there"
    assert await coerce(note.model_dump(mode="json"), "document", "text", store) == "Hello there"
    assert await coerce(note, "document", "document", store) == note
    labels = [{"label": "negative", "score": 0.913}, {"label": "positive", "score": 0.087}]
    assert await coerce(labels, "labels", "text", store) == "negative (91%)\npositive (9%)"
    entities = [{"type": "person", "text": "Dr. Chen", "start": 3, "end": 11}]
    assert await coerce(entities, "entities", "text", store) == "Dr. Chen (person)"
    assert await coerce(["one", "two"], "text", "text", store) == "one\n\ntwo"
    kept = await coerce("A new page", "text", "document", store)
    assert (kept.kind, kept.origin) == ("document", "tool")
    assert await coerce(kept, "document", "text", store) == "A new page"


async def test_an_impossible_coercion(store: FileArtifactStore) -> None:
    with pytest.raises(InvalidInput, match="can't be used where image is needed"):
        await coerce("text", "text", "image", store)
    with pytest.raises(InvalidInput, match="list was expected"):
        await coerce(5, "labels", "text", store)


def rewritten(data: bytes, member: str, change: Callable[[bytes], bytes]) -> bytes:
    """An office file with one of its parts changed."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(buffer, "w") as new:
        for name in old.namelist():
            new.writestr(name, change(old.read(name)) if name == member else old.read(name))
    return buffer.getvalue()


def with_linked_picture(port: int) -> bytes:
    document = docx.Document()
    document.add_paragraph("Before the picture")
    document.add_picture(io.BytesIO(PIXEL))
    buffer = io.BytesIO()
    document.save(buffer)
    linked = rewritten(
        buffer.getvalue(),
        "word/_rels/document.xml.rels",
        lambda part: part.replace(
            b'Target="media/image1.png"',
            f'Target="http://127.0.0.1:{port}/x.png" TargetMode="External"'.encode(),
        ),
    )
    return rewritten(
        linked, "word/document.xml", lambda part: part.replace(b"r:embed=", b"r:link=")
    )


PIXEL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJg"
    "gg=="
)


def test_linked_pictures_are_not_fetched() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        page = f'<html><body><p>Before</p><img src="http://127.0.0.1:{port}/x.png"></body></html>'
        assert "Before the picture" in extract_text(with_linked_picture(port), "a.docx")
        assert "Before" in extract_text(page.encode(), "a.html")
        server.setblocking(False)
        with pytest.raises(BlockingIOError):
            server.accept()


def test_entities_that_grow_without_end_are_refused() -> None:
    entities = "".join(
        f'<!ENTITY {name} "{f"&{inner};" * 10}">'
        for inner, name in itertools.pairwise("abcdefghij")
    )
    evil = (
        f'<?xml version="1.0"?><!DOCTYPE w [<!ENTITY a "aaaaaaaaaa">{entities}]>'
        '<w:document xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main">'
        "<w:body><w:p><w:r><w:t>&j;</w:t></w:r></w:p></w:body></w:document>"
    )
    data = rewritten(word("x"), "word/document.xml", lambda _: evil.encode())
    with pytest.raises(InvalidInput, match="can't be read"):
        extract_text(data, "evil.docx")
