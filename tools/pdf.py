"""Opens PDFs. pdfium crashes rather than raises on some files: only in a process of its own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from tools.errors import InvalidInput

if TYPE_CHECKING:
    from pypdfium2 import PdfDocument


@contextmanager
def opened_pdf(data: bytes, name: str, max_pages: int) -> Iterator[PdfDocument]:
    """The document, closed at the end.

    Raises InvalidInput where it is protected or has too many pages, PdfiumError where it is
    damaged.
    """
    import pypdfium2

    try:
        pdf = pypdfium2.PdfDocument(data)
    except pypdfium2.PdfiumError as error:
        if "password" in str(error).lower():
            raise InvalidInput(f"{name} is protected by a password; attach it without.") from None
        raise
    try:
        if len(pdf) > max_pages:
            raise InvalidInput(
                f"{name} has {len(pdf):,} pages; at most {max_pages} are read. Split it."
            )
        yield pdf
    finally:
        pdf.close()
