"""The process that draws a PDF's pages: bytes on standard input, pictures on standard output.

Run as `python -m tools.media.page_worker NAME MAX_PAGES MAX_PAGE_PIXELS MAX_SIDE DPI`. It writes a
line of JSON, `{"pages": N}` or `{"error": SENTENCE}`; then for each page such a line with `height`
and `width`, or with `error`, and that many rows of RGB bytes. With NAME and MAX_PAGES alone it
draws nothing.
"""

from __future__ import annotations

import json
import math
import os
import resource
import sys
from typing import TYPE_CHECKING, Any, BinaryIO

from tools.errors import InvalidInput
from tools.pdf import opened_pdf

if TYPE_CHECKING:
    from pypdfium2 import PdfDocument

MAX_MEMORY_BYTES = 1024**3
_POINTS_PER_INCH = 72.0


def main() -> None:
    name, max_pages, *drawing = sys.argv[1:]
    resource.setrlimit(resource.RLIMIT_AS, (MAX_MEMORY_BYTES, MAX_MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    # Parsers that print must not reach the answer.
    with os.fdopen(os.dup(1), "wb") as answer_to:
        os.dup2(2, 1)
        try:
            with opened_pdf(sys.stdin.buffer.read(), name, int(max_pages)) as pdf:
                _tell(answer_to, pages=len(pdf))
                if drawing:
                    max_pixels, max_side, dpi = drawing
                    draw(pdf, int(max_pixels), int(max_side), float(dpi), answer_to)
        except InvalidInput as error:
            _tell(answer_to, error=error.message)
        except Exception as error:
            kind = type(error).__name__
            said = f"{name} can't be opened: it is damaged ({kind}). Save it again."
            _tell(answer_to, error=said)


def draw(pdf: PdfDocument, max_pixels: int, max_side: int, dpi: float, answer_to: BinaryIO) -> None:
    """Write the pages, one by one. Raises whatever pdfium raises."""
    for page in pdf:
        width, height = page.get_size()
        scale = min(
            dpi / _POINTS_PER_INCH,
            max_side / max(width, height, 1.0),
            math.sqrt(max_pixels / max(width * height, 1.0)),
        )
        bitmap = page.render(scale=scale, rev_byteorder=True)
        _tell(answer_to, height=bitmap.height, width=bitmap.width)
        rows = memoryview(bitmap.buffer).cast("B")
        for start in range(0, bitmap.height * bitmap.stride, bitmap.stride):
            answer_to.write(rows[start : start + 3 * bitmap.width])
        page.close()


def _tell(answer_to: BinaryIO, **said: Any) -> None:
    answer_to.write(json.dumps(said).encode() + b"\n")
    answer_to.flush()


if __name__ == "__main__":
    main()
