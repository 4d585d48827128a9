"""The text of documents: Markdown, HTML, PDF, Word, Excel, PowerPoint, CSV and plain text.

Nothing a document refers to is ever fetched. Formats that need a parser are read in a process of
their own, so that a hostile or broken file can neither hold up nor take down the service.
"""

from __future__ import annotations

import asyncio
import io
import json
import os
import re
import sys
import warnings
import zipfile
from collections import OrderedDict
from weakref import WeakKeyDictionary

from model_servers.contracts import DeadlineExceeded
from tools.artifacts import Artifact, ArtifactStore
from tools.charsets import decode_text
from tools.errors import InvalidInput
from tools.file_types import CSV, DOCX, HTML, MARKDOWN, PDF, PPTX, TEXT, XLSX, detect_file_type
from tools.pdf import opened_pdf

MAX_CHARS = 400_000
_PIECE_BYTES = 64 * 1024
_CHAR_BYTES = 4
"""The most that a character takes in any charset."""
MAX_PDF_PAGES = 500
MAX_UNPACKED_BYTES = 100 * 1024 * 1024
MAX_RATIO = 200
"""Unpacked to packed size; real office files stay well below 50."""
MAX_TAGS = 1_000_000
"""Of a document's markup: ten bytes of it may become a thousand of memory."""
PDF_PAGES_WITH_LAYOUT = 60
"""Longer PDFs are read without looking for tables, which takes over 0.1 s a page."""
CONCURRENT_READERS = 2
TIMEOUT_S = 60.0

_EXTENSIONS = {DOCX: ".docx", XLSX: ".xlsx", PPTX: ".pptx", HTML: ".html", PDF: ".pdf"}


def extract_text(data: bytes, name: str, media_type: str | None = None) -> str:
    """The document's text, as Markdown where it has structure.

    Blocking, and as slow as the document is long: services call `document_text`.

    Args:
        data: the file's bytes.
        name: its name, for error messages.
        media_type: as `detect_file_type` found it; None has it found here.

    Raises:
        InvalidInput: it is no document, damaged, protected, too large, or holds no text.
    """
    media_type = media_type or detect_file_type(data, name).media_type
    if media_type in {TEXT, MARKDOWN, CSV}:
        if len(data) > MAX_CHARS * _CHAR_BYTES:
            raise _too_long(name, len(data) // _CHAR_BYTES)
        text = decode_text(data)
        if text is None:
            raise InvalidInput(f"{name} is in no charset that can be read; save it as UTF-8.")
    elif media_type in _EXTENSIONS:
        text = _parsed(data, name, media_type)
    else:
        raise InvalidInput(f"{name} is no document: its kind is {media_type}.")
    text = _tidy(text)
    if not text.strip():
        raise InvalidInput(_without_text(name, media_type))
    if len(text) > MAX_CHARS:
        raise _too_long(name, len(text))
    return text


def _too_long(name: str, at_least: int) -> InvalidInput:
    return InvalidInput(
        f"{name} holds {at_least:,} characters of text or more; at most {MAX_CHARS:,} are read. "
        "Split it into parts."
    )


def _without_text(name: str, media_type: str) -> str:
    if media_type == PDF:
        return (
            f"{name} holds pictures of pages and no text: it is a scan. "
            "Ask for the text in it to be read first, or attach a PDF with text."
        )
    return f"{name} holds no text."


_CONTROLS = re.compile("[\x00-\x08\x0b\x0e-\x1f\x7f\ud800-\udfff]")


def _tidy(text: str) -> str:
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\x0c", "\n\n")
    return _CONTROLS.sub("", text)


def _parsed(data: bytes, name: str, media_type: str) -> str:
    """Parsers raise whatever they like on bad bytes; for the caller all of it is bad input."""
    _refuse_bomb(data, name, media_type)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            if media_type == PDF:
                return _pdf_text(data, name)
            if media_type == HTML:
                data = _html_text(data).encode("utf-8", "replace")
            text = _markdown(data, media_type)
            return _without_pandas_marks(text) if media_type == XLSX else text
    except InvalidInput:
        raise
    except MemoryError:
        raise InvalidInput(f"{name} takes too much memory to be read; split it.") from None
    except Exception as error:
        raise InvalidInput(
            f"{name} can't be read: it is damaged, or uses something that isn't supported "
            f"({type(error).__name__}). Save it again, or as plain text."
        ) from None


def _refuse_bomb(data: bytes, name: str, media_type: str) -> None:
    """Raises InvalidInput for what would become too much; cheap, whatever it is."""
    if media_type in {DOCX, XLSX, PPTX}:
        _refuse_zip_bomb(data, name)
    elif media_type == HTML and data.count(b"<") > MAX_TAGS:
        raise _too_much_markup(name)


def _refuse_zip_bomb(data: bytes, name: str) -> None:
    """By declared sizes; `zipfile` reads no member beyond its own. Then by what is in it."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = archive.infolist()
            unpacked = sum(member.file_size for member in members)
            packed = sum(member.compress_size for member in members)
            if unpacked > MAX_UNPACKED_BYTES or unpacked > MAX_RATIO * max(packed, 50_000):
                raise InvalidInput(
                    f"{name} unpacks to {unpacked / 1024**2:,.0f} MB, "
                    "more than can be read safely; split it, or remove its pictures."
                )
            tags = 0
            for member in members:
                if member.filename.endswith(".xml"):
                    with archive.open(member) as part:
                        while piece := part.read(_PIECE_BYTES):
                            tags += piece.count(b"<")
                            if tags > MAX_TAGS:
                                raise _too_much_markup(name)
    except InvalidInput:
        raise
    except Exception:
        raise InvalidInput(f"{name} is damaged and can't be opened; save it again.") from None


def _too_much_markup(name: str) -> InvalidInput:
    return InvalidInput(
        f"{name} has more than {MAX_TAGS:,} marks in it, more than can be read; "
        "split it, or save it as plain text."
    )


def _markdown(data: bytes, media_type: str) -> str:
    """By markitdown's converter for exactly this type: no guessing, no plug-ins, no network."""
    from markitdown import StreamInfo, converters

    converter = {
        DOCX: converters.DocxConverter,
        XLSX: converters.XlsxConverter,
        PPTX: converters.PptxConverter,
        HTML: converters.HtmlConverter,
        PDF: converters.PdfConverter,
    }[media_type]()
    info = StreamInfo(mimetype=media_type, extension=_EXTENSIONS[media_type], charset="utf-8")
    return str(converter.convert(io.BytesIO(data), info).markdown)


def _pdf_text(data: bytes, name: str) -> str:
    with opened_pdf(data, name, MAX_PDF_PAGES) as pdf:
        pages = [page.get_textpage().get_text_range() for page in pdf]
    plain = "\n\n".join(page.strip() for page in pages)
    if not plain.strip() or len(pages) > PDF_PAGES_WITH_LAYOUT:
        return plain
    return _markdown(data, PDF)


_DECLARED_CHARSET = re.compile(rb"(?i)<meta[^>]{0,200}charset=[\"']?([\w-]{3,40})")


def _html_text(data: bytes) -> str:
    """Decoded as UTF-8, or else by the charset that the page declares, or else a likely one."""
    declared = _DECLARED_CHARSET.search(data[:4096])
    for charset in ("utf-8", declared[1].decode("ascii") if declared else "utf-8"):
        try:
            return data.decode(charset)
        except (UnicodeDecodeError, LookupError):
            continue
    return decode_text(data) or ""


def _without_pandas_marks(text: str) -> str:
    """Empty cells come out as NaN, empty headers as "Unnamed: 3"."""
    return re.sub(r"(?<=\| )(?:NaN|NaT|Unnamed: \d+)(?= \|)", "", text)


# The texts read last, by content and type: a follow-up question reads the same document again.
_READ: OrderedDict[tuple[str, str], str] = OrderedDict()
_KEPT = 32


class _Readers:
    """What is being read in one event loop, so that two steps on one document share the work."""

    def __init__(self) -> None:
        self.free = asyncio.Semaphore(CONCURRENT_READERS)
        self.running: dict[tuple[str, str], asyncio.Task[str]] = {}


_readers: WeakKeyDictionary[asyncio.AbstractEventLoop, _Readers] = WeakKeyDictionary()


async def document_text(
    artifact: Artifact, store: ArtifactStore, *, timeout_s: float = TIMEOUT_S
) -> str:
    """The text of a kept document, as `extract_text` gives it; read once and remembered.

    Raises:
        InvalidInput: as `extract_text`.
        NotFound: the store doesn't have it.
        DeadlineExceeded: reading took longer than `timeout_s`.
    """
    key = (artifact.id, artifact.media_type)
    if key in _READ:
        _READ.move_to_end(key)
        return _READ[key]
    readers = _readers.setdefault(asyncio.get_running_loop(), _Readers())
    task = readers.running.get(key)
    if task is None:
        task = asyncio.create_task(_read(artifact, store, readers.free, timeout_s))
        readers.running[key] = task

        def forget(done: asyncio.Task[str]) -> None:
            readers.running.pop(key, None)
            if not done.cancelled():
                done.exception()  # seen, even where every caller has given up

        task.add_done_callback(forget)
    # One caller that gives up must not take the text away from the others.
    text = await asyncio.shield(task)
    _READ[key] = text
    while len(_READ) > _KEPT:
        _READ.popitem(last=False)
    return text


async def _read(
    artifact: Artifact, store: ArtifactStore, free: asyncio.Semaphore, timeout_s: float
) -> str:
    def load() -> bytes:
        with store.open(artifact.id) as file:
            return file.read()

    data = await asyncio.to_thread(load)
    if artifact.media_type not in _EXTENSIONS:
        return await asyncio.to_thread(extract_text, data, artifact.name, artifact.media_type)
    # No process is started for what is refused at first sight.
    await asyncio.to_thread(_refuse_bomb, data, artifact.name, artifact.media_type)
    async with free:
        return await _read_in_process(data, artifact, timeout_s)


async def _read_in_process(data: bytes, artifact: Artifact, timeout_s: float) -> str:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        # Whatever lies in the current folder must not be imported.
        "-P",
        "-m",
        "tools.document_worker",
        artifact.name,
        artifact.media_type,
        str(int(timeout_s) + 1),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        env={**os.environ, "PYTHON_DOTENV_DISABLED": "1", "OMP_NUM_THREADS": "1"},
    )
    try:
        async with asyncio.timeout(timeout_s):
            out, _ = await process.communicate(data)
    except TimeoutError:
        raise DeadlineExceeded(
            f"Reading {artifact.name} took longer than {timeout_s:.0f} s; attach a shorter one."
        ) from None
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    try:
        answer = json.loads(out)
    except ValueError:
        raise InvalidInput(
            f"{artifact.name} can't be read: it is damaged, or takes too much memory. "
            "Save it again, or split it."
        ) from None
    if "error" in answer:
        raise InvalidInput(answer["error"])
    return str(answer["text"])
