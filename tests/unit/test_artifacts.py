from __future__ import annotations

import hashlib
import io
import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tools.artifacts import MAX_NAME_CHARS, FileArtifactStore, clean_name
from tools.charsets import decode_text
from tools.errors import InvalidInput, NotFound
from tools.file_types import DOCX, detect_file_type

PNG = b"\x89PNG\r\n\x1a\n" + b"\x00\x00\x00\rIHDR" + bytes(40)
WAV = b"RIFF\x24\x00\x00\x00WAVEfmt " + bytes(30)
MP4 = b"\x00\x00\x00\x18ftypmp42\x00\x00\x00\x00mp42isom" + bytes(30)
PDF = b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj"


def zipped(**members: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, data in members.items():
            archive.writestr(name.replace("__", "/").replace("_xml", ".xml"), data)
    return buffer.getvalue()


@pytest.fixture
def store(tmp_path: Path) -> FileArtifactStore:
    return FileArtifactStore(tmp_path / "files", max_file_bytes=1000, quota_bytes=1500)


def test_keeps_bytes_under_their_hash(store: FileArtifactStore) -> None:
    kept = store.put(b"hello", name="note.txt", origin="user")
    assert kept.id == hashlib.sha256(b"hello").hexdigest()
    assert (kept.kind, kept.media_type, kept.size) == ("document", "text/plain", 5)
    assert store.get(kept.id) == kept
    with store.open(kept.id) as file:
        assert file.read() == b"hello"


def test_another_store_on_the_same_folder_finds_it(tmp_path: Path) -> None:
    kept = FileArtifactStore(tmp_path, max_file_bytes=9, quota_bytes=9).put(
        b"hello", name="a", origin="tool"
    )
    again = FileArtifactStore(tmp_path, max_file_bytes=9, quota_bytes=9)
    assert again.get(kept.id) == kept
    with pytest.raises(InvalidInput, match="no room"):
        again.put(b"other", name="b", origin="tool")


@pytest.mark.parametrize("unknown", ["", "0" * 64, "../../etc/passwd", "0" * 63 + "\n"])
def test_an_unknown_id_is_not_found(store: FileArtifactStore, unknown: str) -> None:
    with pytest.raises(NotFound):
        store.get(unknown)
    with pytest.raises(NotFound):
        store.open(unknown)


def test_bounds_hold_and_a_refused_file_leaves_nothing(
    store: FileArtifactStore, tmp_path: Path
) -> None:
    with pytest.raises(InvalidInput, match="at most"):
        store.put(b"x" * 1001, name="big.txt", origin="user")
    with pytest.raises(InvalidInput, match="empty"):
        store.put(b"", name="none.txt", origin="user")
    store.put(b"a" * 900, name="a.txt", origin="user")
    store.put(b"a" * 900, name="again.txt", origin="user")
    with pytest.raises(InvalidInput, match="no room"):
        store.put(b"b" * 900, name="b.txt", origin="user")
    assert len(list((tmp_path / "files").glob("*/*"))) == 2


@pytest.mark.parametrize(
    ("data", "name", "kind", "media_type"),
    [
        (PNG, "photo.png", "image", "image/png"),
        (PNG, "photo", "image", "image/png"),
        (PNG, "photo.jpg", "image", "image/png"),
        (WAV, "voice.wav", "audio", "audio/x-wav"),
        (MP4, "clip.mp4", "video", "video/mp4"),
        (PDF, "a.pdf", "document", "application/pdf"),
        (zipped(word__document_xml=b"<w/>"), "a.docx", "document", DOCX),
        (zipped(word__document_xml=b"<w/>"), "contract", "document", DOCX),
        (b"# Title", "a.md", "document", "text/markdown"),
        (b"a,b\n1,2", "a.csv", "document", "text/csv"),
        (b"a,b\n1,2", "a.txt", "document", "text/plain"),
        (b"<!DOCTYPE html><html>", "page", "document", "text/html"),
        (b"<p>Hi</p>", "page.html", "document", "text/html"),
        (b"BMW sold more cars", "a.txt", "document", "text/plain"),
        (b"On the %PDF- header", "a.md", "document", "text/markdown"),
        ("Größe".encode("utf-16"), "a.txt", "document", "text/plain"),
    ],
)
def test_the_bytes_say_what_a_file_is(data: bytes, name: str, kind: str, media_type: str) -> None:
    found = detect_file_type(data, name)
    assert (found.kind, found.media_type) == (kind, media_type)


@pytest.mark.parametrize(
    ("data", "name", "message"),
    [
        (PNG, "contract.docx", "isn't what its name says: it holds an image file .PNG."),
        (b"plain words", "report.pdf", "it holds plain text"),
        (PDF, "photo.png", "it holds a PDF"),
        (b"just words", "song.mp3", "it holds plain text"),
        (zipped(xl__workbook_xml=b"<x/>"), "letter.docx", "it holds an Excel workbook"),
        (zipped(readme=b"hello"), "letter.docx", "it holds an archive"),
        (zipped(readme=b"hello"), "things.zip", "unpack it"),
        (b"PK\x03\x04 broken", "letter.docx", "damaged"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(99), "letter.doc", "save it as .docx"),
        (b"{\\rtf1 hello}", "letter.rtf", "RTF"),
        (bytes(range(256)) * 4, "blob.bin", "can't be read here"),
        (PNG, "table.csv", "it holds an image"),
    ],
)
def test_a_file_that_is_not_what_it_claims_is_refused(data: bytes, name: str, message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        detect_file_type(data, name)


@given(st.binary(max_size=300), st.sampled_from(["a.docx", "a.pdf", "a.png", "a", "a.txt"]))
def test_any_bytes_are_told_or_refused(data: bytes, name: str) -> None:
    try:
        found = detect_file_type(b"PK\x03\x04" + data, name)
    except InvalidInput:
        return
    assert found.kind in {"document", "image", "audio", "video"}


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("../../etc/passwd", "passwd"),
        ("C:\\Users\\me\\a.txt", "a.txt"),
        ("a\x00b\u202etxt.exe", "abtxt.exe"),
        ("  my   file .txt ", "my file .txt"),
        ("...", "file"),
        ("", "file"),
        ("发票.pdf", "发票.pdf"),
    ],
)
def test_names_are_cleaned(written: str, shown: str) -> None:
    assert clean_name(written) == shown


@given(st.text())
def test_a_clean_name_is_short_and_has_no_path(name: str) -> None:
    shown = clean_name(name)
    assert 0 < len(shown) <= MAX_NAME_CHARS
    assert "/" not in shown
    assert "\\" not in shown
    assert clean_name(shown) == shown


def test_a_long_name_keeps_its_extension() -> None:
    assert clean_name("x" * 500 + ".docx").endswith("x.docx")


@pytest.mark.parametrize(
    ("text", "charset"),
    [
        ("El niño comió piña en la montaña", "latin-1"),
        ("Grüße aus München, heute schön", "cp1252"),
        ("你好，世界。今天天气很好，我们去公园。", "gb18030"),
        ("こんにちは世界。今日はいい天気ですね", "shift_jis"),
        ("Привет, как дела? Сегодня хорошая погода", "cp1251"),
        ("Zażółć gęślą jaźń, proszę bardzo. Dziękuję", "cp1250"),
        ("Hello, wide world", "utf-16-le"),
        ("Hello, wide world", "utf-16-be"),
        ("日本語", "utf-16"),
        ("日本語", "utf-8-sig"),
    ],
)
def test_older_charsets_are_read(text: str, charset: str) -> None:
    assert decode_text(text.encode(charset)) == text


@given(st.text(st.characters(exclude_categories=["C"]), min_size=1))
def test_utf8_is_read_as_written(text: str) -> None:
    assert decode_text(text.encode()) == text.removeprefix("\ufeff")


def test_bytes_that_are_no_text() -> None:
    assert decode_text(bytes(range(256)) * 4) is None
    assert decode_text(b"\x00\x01\x02\x03") is None
