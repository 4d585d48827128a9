"""Documents that were made to do harm, or only to be read."""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Iterable

_TYPES = (
    b'<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
    b'<Default Extension="rels" '
    b'ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
    b'<Default Extension="xml" ContentType="application/xml"/>'
    b'<Override PartName="/word/document.xml" ContentType="application/vnd.openxmlformats-'
    b'officedocument.wordprocessingml.document.main+xml"/></Types>'
)
_RELATIONS = b'<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
_OFFICE = b"http://schemas.openxmlformats.org/officeDocument/2006/relationships/"
_WORD = b"http://schemas.openxmlformats.org/wordprocessingml/2006/main"


def paragraph(text: str) -> bytes:
    return f"<w:p><w:r><w:t>{text}</w:t></w:r></w:p>".encode()


def docx(body: Iterable[bytes], *, picture_url: str | None = None, empty_members: int = 0) -> bytes:
    """A Word document; its body comes in pieces, so that it may be a bomb.

    `picture_url` has a picture that lies elsewhere.
    """
    main = b'<Relationship Id="r1" Type="%sofficeDocument" Target="word/document.xml"/>' % _OFFICE
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("[Content_Types].xml", _TYPES)
        archive.writestr("_rels/.rels", _RELATIONS + main + b"</Relationships>")
        if picture_url is not None:
            picture = f'Target="{picture_url}" TargetMode="External"/>'.encode()
            related = b'<Relationship Id="r1" Type="%simage" %s' % (_OFFICE, picture)
            archive.writestr(
                "word/_rels/document.xml.rels", _RELATIONS + related + b"</Relationships>"
            )
        with archive.open("word/document.xml", "w") as part:
            part.write(b'<w:document xmlns:w="%s"><w:body>' % _WORD)
            for piece in body:
                part.write(piece)
            part.write(b"</w:body></w:document>")
        for number in range(empty_members):
            archive.writestr(f"word/{number}.xml", b"")
    return buffer.getvalue()


def pdf(pages: int) -> bytes:
    """A PDF of pages with two words each."""
    font = b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>"
    drawn = b"BT /F1 12 Tf 72 700 Td (Thirty days.) Tj ET"
    return _pdf(pages, drawn, font, b"/Font << /F1 3 0 R >>")


def scan(pages: int) -> bytes:
    """A PDF of pages that are a picture each, without a word."""
    pixels = zlib.compress(bytes(range(256)) * 256)
    picture = (
        b"<< /Type /XObject /Subtype /Image /Width 256 /Height 256 /ColorSpace /DeviceGray "
        b"/BitsPerComponent 8 /Filter /FlateDecode /Length %d >>\nstream\n%s\nendstream"
        % (len(pixels), pixels)
    )
    return _pdf(pages, b"q 612 0 0 792 0 0 cm /P1 Do Q", picture, b"/XObject << /P1 3 0 R >>")


def _pdf(pages: int, drawn: bytes, resource: bytes, named: bytes) -> bytes:
    """Pages that all draw the same, with one resource under its name."""
    out, places = bytearray(b"%PDF-1.4\n"), []

    def add(content: bytes) -> None:
        places.append(len(out))
        out.extend(b"%d 0 obj\n%s\nendobj\n" % (len(places), content))

    listed = b" ".join(b"%d 0 R" % (5 + number) for number in range(pages))
    add(b"<< /Type /Catalog /Pages 2 0 R >>")
    add(b"<< /Type /Pages /Count %d /Kids [ %s ] >>" % (pages, listed))
    add(resource)
    add(b"<< /Length %d >>\nstream\n%s\nendstream" % (len(drawn), drawn))
    for _ in range(pages):
        add(
            b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents 4 0 R "
            b"/Resources << %s >> >>" % named
        )
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    size, start = len(places) + 1, len(out)
    out.extend(b"xref\n0 %d\n0000000000 65535 f \n%s" % (size, table))
    out.extend(b"trailer << /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF" % (size, start))
    return bytes(out)
