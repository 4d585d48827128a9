"""Line-aligned translation: one file a language, the same sentence on the same line."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from evals.datasets.reading import DatasetError, Reading, RowError
from evals.task import Dataset

_NTREX = re.compile(r".+-(?P<side>src|ref)\.(?P<language>[a-z]{2,3}(-[A-Za-z]+)*)\.txt")
_MOSES = re.compile(r".+\.(?P<language>[a-z]{2,3}(-[A-Za-z]+)*)")
_CODES = """
ara:ar ben:bn bul:bg cat:ca ces:cs cmn:zh dan:da deu:de ell:el eng:en est:et fas:fa fin:fi
fra:fr heb:he hin:hi hrv:hr hun:hu ind:id isl:is ita:it jpn:ja kor:ko lav:lv lit:lt msa:ms
nld:nl nob:nb pol:pl por:pt ron:ro rus:ru slk:sk slv:sl spa:es srp:sr swa:sw swe:sv tam:ta
tha:th tur:tr ukr:uk urd:ur vie:vi zho:zh
"""
_ISO_639_1 = dict(pair.split(":") for pair in _CODES.split())


def language_code(code: str) -> str:
    """A file's language as ISO 639-1: "deu" → "de", "zho-CN" → "zh"; an unknown code stays."""
    base = code.partition("-")[0]
    return _ISO_639_1.get(base, base)


def parallel(path: Path, *, source: str | None = None, both_ways: bool = False) -> Dataset:
    """Sentences with their translation, from the source's language into each other one.

    Files are named as NTREX's (`NAME-src.eng.txt`, `NAME-ref.deu.txt`) or as Moses' (`NAME.en`,
    `NAME.de`).

    Args:
        path: the folder.
        source: ISO 639-1; else the file marked as source, else English, else the first.
        both_ways: from each other language into the source's as well. Where the source is the
            original, as in NTREX, those sentences are translations themselves.

    Returns:
        inputs {"text", "source_language", "target_language"}, gold the translation, and the group
        "direction" ("en-de"). A line that is blank in one of the two files is a bad row.

    Raises:
        DatasetError: there are no two such files, or their lines are not aligned.
    """
    reading = Reading(path, "files NAME-src.eng.txt and NAME-ref.deu.txt, or NAME.en and NAME.de")
    marked, files = _languages(reading)
    source = source or marked or ("en" if "en" in files else min(files))
    if source not in files or len(files) < 2:
        reading.refuse(f"has no {source!r} with another language beside it")
    texts = {code: [line for _, line in reading.lines(file)] for code, file in files.items()}
    for target in sorted(set(files) - {source}):
        if len(texts[source]) != len(texts[target]):
            raise DatasetError(
                f"{files[source].name!r} has {len(texts[source]):,} lines, {files[target].name!r}"
                f" {len(texts[target]):,}: they are not aligned."
            )
        for origin, aim in [(source, target), (target, source)][: 1 + both_ways]:
            _pair(reading, files[aim], (origin, texts[origin]), (aim, texts[aim]))
    return reading.dataset()


def _languages(reading: Reading) -> tuple[str | None, dict[str, Path]]:
    """The language marked as source, and the files by language, sorted."""
    found = reading.files("*")
    ntrex = [(match, file) for file in found if (match := _NTREX.fullmatch(file.name))]
    moses = [(match, file) for file in found if (match := _MOSES.fullmatch(file.name))]
    # A folder's other files end in ".md" or ".tsv" too: only what has a twin is a language.
    stems = [file.stem for _, file in moses]
    twins = [
        (match, file)
        for match, file in moses
        if stems.count(file.stem) > 1 and match["language"] not in {"txt", "tsv", "csv", "md"}
    ]
    files: dict[str, Path] = {}
    for match, file in ntrex or twins:
        code = language_code(match["language"])
        if code in files:
            reading.refuse(f"has two files in {code!r}: {files[code].name!r} and {file.name!r}")
        files[code] = file
    if not files:
        reading.refuse("has no line-aligned files")
    marked = [language_code(match["language"]) for match, _ in ntrex if match["side"] == "src"]
    return next(iter(marked), None), dict(sorted(files.items()))


def _pair(
    reading: Reading,
    file: Path,
    origin: tuple[str, Sequence[str]],
    aim: tuple[str, Sequence[str]],
) -> None:
    direction = f"{origin[0]}-{aim[0]}"
    for line, (text, reference) in enumerate(zip(origin[1], aim[1], strict=True), 1):
        with reading.row(file, line):
            if not text.strip() or not reference.strip():
                raise RowError(f"is blank in {origin[0] if not text.strip() else aim[0]!r}")
            reading.add(
                f"{direction}:{line}",
                {"text": text, "source_language": origin[0], "target_language": aim[0]},
                reference,
                {"direction": direction},
            )
