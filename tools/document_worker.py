"""The process that reads one document: bytes on standard input, JSON on standard output.

Run as `python -m tools.document_worker NAME MEDIA_TYPE CPU_SECONDS`.
"""

from __future__ import annotations

import json
import os
import resource
import sys

from tools.documents import extract_text
from tools.errors import InvalidInput

MAX_MEMORY_BYTES = 3 * 1024**3


def main() -> None:
    name, media_type, cpu_s = sys.argv[1:]
    resource.setrlimit(resource.RLIMIT_AS, (MAX_MEMORY_BYTES, MAX_MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (int(cpu_s), int(cpu_s)))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    # Parsers that print must not reach the answer.
    answer_to = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    try:
        answer = {"text": extract_text(sys.stdin.buffer.read(), name, media_type)}
    except InvalidInput as error:
        answer = {"error": error.message}
    with answer_to:
        json.dump(answer, answer_to)


if __name__ == "__main__":
    main()
