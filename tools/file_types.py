"""What a file is, read from its bytes; its name is a claim, and a hint between text formats."""

from __future__ import annotations

import io
import re
import zipfile
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Literal

from tools.charsets import decode_text
from tools.containers import container_type, second_file
from tools.errors import InvalidInput

FileKind = Literal["document", "image", "audio", "video"]

PDF = "application/pdf"
DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
PPTX = "application/vnd.openxmlformats-officedocument.presentationml.presentation"
TEXT, MARKDOWN, HTML, CSV = "text/plain", "text/markdown", "text/html", "text/csv"

_DOCUMENTS = {
    PDF: "a PDF",
    DOCX: "a Word document",
    XLSX: "an Excel workbook",
    PPTX: "a PowerPoint presentation",
    TEXT: "plain text",
    MARKDOWN: "Markdown text",
    HTML: "a web page",
    CSV: "a CSV table",
}
_MEDIA: dict[str, FileKind] = {
    **dict.fromkeys(("image/png", "image/apng", "image/jpeg", "image/webp"), "image"),
    **dict.fromkeys(("image/gif", "image/bmp", "image/tiff"), "image"),
    **dict.fromkeys(("audio/x-wav", "audio/mpeg", "audio/x-flac", "audio/ogg"), "audio"),
    **dict.fromkeys(("audio/mp4", "audio/quicktime", "audio/aac", "audio/amr"), "audio"),
    **dict.fromkeys(("audio/x-aiff", "audio/webm", "audio/x-matroska"), "audio"),
    **dict.fromkeys(("video/mp4", "video/quicktime", "video/webm", "video/x-matroska"), "video"),
    **dict.fromkeys(("video/ogg", "video/mp2t", "video/mpeg", "video/x-msvideo"), "video"),
    **dict.fromkeys(("video/x-flv", "video/x-ms-wmv"), "video"),
}
"""What can be decoded, with its kind."""
SVG = "image/svg+xml"

_CLAIMS: dict[str, tuple[str, ...]] = {
    ".pdf": (PDF,),
    ".docx": (DOCX,),
    ".xlsx": (XLSX,),
    ".pptx": (PPTX,),
    **dict.fromkeys((".txt", ".md", ".markdown"), (TEXT, MARKDOWN, HTML, CSV)),
    **dict.fromkeys((".html", ".htm"), (HTML, TEXT)),
    **dict.fromkeys((".csv", ".tsv"), (CSV,)),
    **dict.fromkeys((".png", ".jpg", ".jpeg", ".gif", ".webp", ".bmp", ".tif"), ("image",)),
    **dict.fromkeys((".tiff", ".heic", ".avif", ".ico", ".svg"), ("image",)),
    **dict.fromkeys((".wav", ".mp3", ".flac", ".m4a", ".aac", ".opus", ".aiff"), ("audio",)),
    **dict.fromkeys((".ogg", ".mp4", ".m4v", ".mov", ".webm", ".mkv", ".3gp"), ("audio", "video")),
    **dict.fromkeys((".avi", ".mpg", ".mpeg", ".wmv", ".flv"), ("video",)),
}
"""What a file with this extension must turn out to be: media types, or their first halves."""
MAX_PARTS = 10_000
"""Of an archive, and so of an Office file."""
_PART_MARK = b"PK\x01\x02"
"""Stands before each part in an archive's table of contents."""
_START_BYTES = 256 * 1024
"""Of a text: enough to tell its kind."""

_REFUSED = {
    "application/x-ole-storage": "an old or password-protected Office file; "
    "save it as .docx, .xlsx or .pptx without a password",
    "application/vnd.oasis.opendocument.text": "an OpenDocument text; save it as .docx or PDF",
    "application/vnd.oasis.opendocument.spreadsheet": "an OpenDocument sheet; save it as .xlsx",
    "application/vnd.oasis.opendocument.presentation": "OpenDocument slides; save them as .pptx",
    "application/rtf": "an RTF file; save it as .docx or PDF",
    "application/epub+zip": "an e-book; save it as PDF or text",
    "application/zip": "an archive; unpack it and attach the files in it",
    SVG: "an SVG drawing, which may refer to other files; save it as PNG",
    "image/heic": "a HEIC picture; save it as JPEG",
    "image/avif": "an AVIF picture; save it as PNG or JPEG",
    "image/x-icon": "an icon; save it as PNG",
    "image/vnd.adobe.photoshop": "a Photoshop file; save it as PNG or JPEG",
    "audio/midi": "a MIDI file, which holds notes and no sound; save it as MP3 or WAV",
}


@dataclass(frozen=True, slots=True)
class FileType:
    kind: FileKind
    media_type: str


def detect_file_type(data: bytes, name: str) -> FileType:
    """Kind and media type of a file, by its bytes.

    Raises InvalidInput where it is empty, damaged, of no kind that Switchboard reads, not what the
    extension of its name says, or two files in one.
    """
    if not data:
        raise InvalidInput(f"{name} is empty.")
    media_type = _media_type(data, name)
    family = media_type.partition("/")[0]
    claims = _CLAIMS.get(_suffix(name))
    if claims is not None and media_type not in claims and family not in claims:
        raise InvalidInput(
            f"{name} isn't what its name says: it holds {_called(media_type)}. "
            "Attach the right file, or give this one its true extension."
        )
    if media_type in _DOCUMENTS:
        return FileType("document", media_type)
    if media_type in _REFUSED:
        raise InvalidInput(f"{name} is {_REFUSED[media_type]}.")
    if media_type in _MEDIA:
        second = second_file(data)
        if second is not None:
            raise InvalidInput(
                f"{name} is two files in one, {_called(media_type)} and {second}; "
                "attach what you mean by itself."
            )
        return FileType(_MEDIA[media_type], media_type)
    raise InvalidInput(
        f"{name} is of a kind that can't be read here; attach text, Markdown, HTML, CSV, PDF, "
        "Word, Excel, PowerPoint, an image, sound or video."
    )


def _suffix(name: str) -> str:
    return PurePosixPath(name).suffix.lower()


def _called(media_type: str) -> str:
    family, _, subtype = media_type.partition("/")
    if media_type in _DOCUMENTS:
        return _DOCUMENTS[media_type]
    if media_type in _REFUSED:
        return _REFUSED[media_type].partition(";")[0]
    if family in {"image", "audio", "video"}:
        article = "a" if family == "video" else "an"
        return f"{article} {family} file ({subtype.removeprefix('x-').upper()})"
    return "something else"


def _media_type(data: bytes, name: str) -> str:
    if data.lstrip().startswith(b"%PDF-"):
        return PDF
    if data.startswith(b"{\\rtf"):
        return "application/rtf"
    if data.startswith(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"):
        return "application/x-ole-storage"
    if data.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return _zip_media_type(data, name)
    container = container_type(data)
    if container is not None:
        return container
    text = _start_of_text(data)
    if text is not None:
        return _text_media_type(text, name)

    import filetype

    guessed = filetype.guess_mime(data[:8192])
    if guessed is not None:
        return str(guessed)
    # Readers allow junk before the header.
    return PDF if b"%PDF-" in data[:1024] else "application/octet-stream"


def _start_of_text(data: bytes) -> str | None:
    """What a text file begins with; None where it is no text."""
    if len(data) <= _START_BYTES:
        return decode_text(data)
    # The cut may fall inside a character, of up to four bytes.
    starts = (decode_text(data[: _START_BYTES - cut]) for cut in range(4))
    return next((text for text in starts if text is not None), None)


def _zip_media_type(data: bytes, name: str) -> str:
    """Office files are told apart by their main part, OpenDocument and EPUB by `mimetype`."""
    if data.count(_PART_MARK) > MAX_PARTS:
        raise InvalidInput(f"{name} is an archive of more than {MAX_PARTS:,} parts; split it.")
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = {info.filename: info for info in archive.infolist()}
            if "word/document.xml" in members:
                return DOCX
            if "xl/workbook.xml" in members:
                return XLSX
            if "ppt/presentation.xml" in members:
                return PPTX
            declared = members.get("mimetype")
            if declared is not None and declared.file_size < 200:
                return archive.read(declared).decode("ascii", "replace").strip()
    except (zipfile.BadZipFile, zipfile.LargeZipFile, ValueError, OSError, RuntimeError, EOFError):
        raise InvalidInput(f"{name} is damaged and can't be opened; save it again.") from None
    return "application/zip"


_SVG_START = re.compile(r"(?i)\s*<(?:\?xml|!doctype\s+svg|!--|svg\b)")
_SVG_WITHIN_CHARS = 65_536
_HTML_START = re.compile(r"(?is)\s*(?:<\?xml[^>]{0,200}>\s*)?<(?:!doctype\s+html|html|head|body)\b")


def _text_media_type(text: str, name: str) -> str:
    """Nothing in the bytes tells one text format from another but for HTML: the name decides."""
    suffix = _suffix(name)
    if _SVG_START.match(text) and re.search(r"(?i)<svg[\s/>]", text[:_SVG_WITHIN_CHARS]):
        return HTML if _HTML_START.match(text) else SVG
    if _HTML_START.match(text) or (suffix in {".html", ".htm"} and re.search(r"<[a-zA-Z]", text)):
        return HTML
    if suffix in {".md", ".markdown"}:
        return MARKDOWN
    if suffix in {".csv", ".tsv"}:
        return CSV
    return TEXT
