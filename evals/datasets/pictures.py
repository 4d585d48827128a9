"""Pictures: in folders named by what they show, and with what is written on them."""

from __future__ import annotations

from pathlib import Path

from evals.datasets.boxes import file_within
from evals.datasets.classification import split_of
from evals.datasets.reading import Reading, RowError, first_of, text_in
from evals.task import Dataset

PICTURE_SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff")
PICTURE_COLUMNS = ("file", "path", "image", "file_name", "filename", "picture")
WRITING_COLUMNS = ("text", "transcript", "transcription", "words", "label")
_PICTURE_FOLDERS = ("", "images", "pictures", "scans")
_TRANSCRIPT_SUFFIXES = (".gt.txt", ".txt")


def pictures_by_label(path: Path) -> Dataset:
    """Pictures in folders that are called as what they show: `tabby/1.jpg`.

    Where the folders lie in others named after splits, as in `train/tabby/1.jpg`, each sample's
    group "split" says which. The version is that of the names: the pictures' bytes are left to
    the solver.

    Returns:
        inputs {"image": path}, gold the label.

    Raises:
        DatasetError: there is no such folder, or no picture in it.
    """
    reading = Reading(path, "pictures in folders named by their labels, as tabby/1.jpg")
    if path.is_file():
        reading.refuse("is a file")
    files = [file for file in reading.files("*/*", "*/*/*") if _is_picture(file)]
    deep = [file for file in files if len(file.relative_to(path).parts) == 3]
    for file in deep or files:
        with reading.row(file, 1):
            split = split_of(file.relative_to(path).parts[0]) if deep else None
            if deep and split is None:
                raise RowError("lies in no folder that is named after a split")
            reading.count_name(file)
            groups = {"split": split} if split else {}
            reading.add(reading.name_of(file), {"image": str(file)}, file.parent.name, groups)
    return reading.dataset()


def written_pictures(path: Path) -> Dataset:
    """Pictures with the text that is on them, from a folder.

    Read are tables at the folder's top (CSV, TSV or JSONL with a file and a text column), and text
    files beside the pictures: `page.txt` or `page.gt.txt` of `page.png`. The version is that of
    the texts: the pictures' bytes are left to the solver.

    Returns:
        inputs {"image": path}, gold the text.

    Raises:
        DatasetError: there is no text, or no row that can be read.
    """
    reading = Reading(
        path,
        "pictures with text files beside them, or a CSV, TSV or JSONL table with a file column"
        f" ({', '.join(PICTURE_COLUMNS)}) and a text column ({', '.join(WRITING_COLUMNS)})",
    )
    for table in reading.files_if_any("*.csv", "*.tsv", "*.jsonl"):
        for line, row in reading.records(table):
            with reading.row(table, line):
                name = first_of(PICTURE_COLUMNS, list(row))
                text = first_of(WRITING_COLUMNS, list(row))
                if name is None or text is None:
                    raise RowError(f"has only {', '.join(map(repr, row)) or 'nothing'}")
                picture = file_within(reading.root, text_in(row, name), _PICTURE_FOLDERS)
                _add(reading, picture, text_in(row, text))
    for picture in [] if path.is_file() else reading.files_if_any("*", "*/*"):
        beside = (picture.with_suffix(suffix) for suffix in _TRANSCRIPT_SUFFIXES)
        transcript = next((file for file in beside if file.is_file()), None)
        if _is_picture(picture) and transcript is not None:
            with reading.row(transcript, 1):
                _add(reading, picture, reading.text(transcript))
    return reading.dataset()


def _add(reading: Reading, picture: Path, text: str) -> None:
    if not text.strip():
        raise RowError("has no text")
    reading.add(reading.name_of(picture), {"image": str(picture)}, text.strip())


def _is_picture(file: Path) -> bool:
    return file.suffix.lower() in PICTURE_SUFFIXES
