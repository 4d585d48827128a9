"""Recordings with transcripts: a table beside the audio files, or LibriSpeech's `*.trans.txt`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from pydantic import JsonValue

from evals.datasets.boxes import file_within
from evals.datasets.reading import DatasetError, Reading, RowError, first_of, text_in
from evals.metrics.speech import DIGITS
from evals.task import Dataset

FILE_COLUMNS = ("file", "path", "audio", "file_name", "filename", "audio_filepath", "wav")
TEXT_COLUMNS = ("text", "transcript", "transcription", "sentence", "normalized_text", "digit")
GROUP_COLUMNS = ("speaker", "speaker_id", "lang", "language", "locale", "accent", "gender")
_FOLDERS = ("", "wav", "wavs", "clips", "audio")
_SUFFIXES = ("", ".wav", ".flac", ".mp3", ".ogg", ".opus")


def recordings(path: Path) -> Dataset:
    """Recordings with what is said in them, from a folder.

    Read are LibriSpeech's `*.trans.txt` wherever they lie below the folder ("ID WORDS", the audio
    beside it), and tables at the folder's top: CSV, TSV or JSONL with a file and a text column,
    or LJSpeech's `metadata.csv` ("ID|text|spoken text", without a header). A column "digit" (the
    Free Spoken Digit Dataset) is spelled in English. The version is that of the transcripts: the
    recordings' bytes are left to the solver.

    Returns:
        inputs {"audio": path}, gold the transcript; columns such as the speaker become groups.

    Raises:
        DatasetError: there is no transcript, or no row that can be read.
    """
    reading = Reading(
        path,
        "LibriSpeech's *.trans.txt, or a CSV, TSV or JSONL table with a file column"
        f" ({', '.join(FILE_COLUMNS)}) and a text column ({', '.join(TEXT_COLUMNS)})",
    )
    if path.is_file() and path.name.endswith(".trans.txt"):
        _librispeech(reading, path)
        return reading.dataset()
    for file in [] if path.is_file() else reading.files_if_any("**/*.trans.txt"):
        _librispeech(reading, file)
    for file in reading.files_if_any("*.csv", "*.tsv", "*.jsonl"):
        rows = _ljspeech(reading, file) if _is_ljspeech(file) else _table(reading, file)
        for line, name, text, groups in rows:
            with reading.row(file, line):
                _add(reading, name, text, groups)
    return reading.dataset()


def _librispeech(reading: Reading, file: Path) -> None:
    for line, row in reading.lines(file):
        if row.strip():
            with reading.row(file, line):
                name, _, text = row.strip().partition(" ")
                folder = file.parent.relative_to(reading.root).as_posix()
                _add(reading, f"{folder}/{name}", text, {"speaker": name.split("-")[0]})


def _is_ljspeech(file: Path) -> bool:
    try:
        with file.open("rb") as opened:
            return file.name == "metadata.csv" and opened.readline(10_000).count(b"|") >= 1
    except OSError as error:
        raise DatasetError(f"{file.name!r} can't be read: {error.strerror}.") from error


_Row = tuple[int, str, str, dict[str, str]]


def _ljspeech(reading: Reading, file: Path) -> Iterator[_Row]:
    for line, cells in reading.cells(reading.text(file), file, "|"):
        # The last column spells numbers and abbreviations as they are read.
        yield line, cells[0], cells[-1] if len(cells) > 1 else "", {}


def _table(reading: Reading, file: Path) -> Iterator[_Row]:
    for line, row in reading.records(file):
        with reading.row(file, line):
            columns = list(row)
            name, text = first_of(FILE_COLUMNS, columns), first_of(TEXT_COLUMNS, columns)
            if name is None or text is None:
                raise RowError(f"has only {', '.join(map(repr, columns)) or 'nothing'}")
            groups = {
                column: value
                for column in GROUP_COLUMNS
                if isinstance(value := row.get(column), str) and 0 < len(value) <= 40
            }
            if text.lower() == "digit":
                said, groups["language"] = _digit(row[text]), "en"
            else:
                said = text_in(row, text)
            yield line, text_in(row, name), said, groups


def _digit(value: JsonValue) -> str:
    if str(value) not in {*"0123456789"}:
        raise RowError("has no digit in 'digit'")
    return DIGITS[int(str(value))]


def _add(reading: Reading, name: str, text: str, groups: dict[str, str]) -> None:
    if not text.strip():
        raise RowError("has no transcript")
    for suffix in _SUFFIXES:
        try:
            audio = file_within(reading.root, f"{name}{suffix}", _FOLDERS)
        except RowError:
            continue
        id = audio.relative_to(reading.root).with_suffix("").as_posix()
        reading.add(id, {"audio": str(audio)}, text.strip(), groups)
        return
    raise RowError(f"names a recording that is not there: {name[:80]!r}")
