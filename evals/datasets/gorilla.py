"""Choosing among foreign models: Gorilla's APIBench, requests and the catalogue of APIs."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pydantic import JsonValue

from evals.datasets.reading import Reading, RowError, text_in
from evals.task import Dataset

_EXPECTED = (
    "Gorilla: *eval.jsonl or *_eval.json with an instruction and a domain in each line, and"
    " *_api.jsonl with domain, api_name, functionality and description"
)
_INSTRUCTION = re.compile(r"###\s*Instruction:\s*(.+?)\s*###\s*Output", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Api:
    """An entry of the catalogue."""

    domain: str
    name: str
    functionality: str
    description: str


def gorilla(path: Path) -> Dataset:
    """Requests with the domain of the model that serves them, from a folder or a file.

    Many models of the catalogue are as good as one another, so the domain is the gold and not the
    one model. Lines are flat ("instruction", "domain"), or as APIBench publishes them: the
    instruction inside "code", the rest in "api_data". The catalogue is `gorilla_catalogue(path)`.

    Returns:
        inputs {"request"}, gold the domain.

    Raises:
        DatasetError: there is no such file, or no request that can be read.
    """
    reading = Reading(path, _EXPECTED)
    for file in reading.files("*eval.jsonl", "*_eval.json"):
        for line, row in reading.objects(file):
            with reading.row(file, line):
                about = row.get("api_data")
                domain = text_in(about if isinstance(about, dict) else row, "domain")
                reading.add(f"{file.stem}:{line}", {"request": _instruction(row)}, domain)
    if path.is_dir():
        _apis(reading)  # its bytes count into the version, and its bad rows are told
    return reading.dataset()


def _instruction(row: Mapping[str, JsonValue]) -> str:
    if "instruction" in row:
        return text_in(row, "instruction")
    match = _INSTRUCTION.search(text_in(row, "code"))
    if match is None:
        raise RowError("has no '###Instruction:' in 'code'")
    return match[1]


def gorilla_catalogue(path: Path) -> tuple[Api, ...]:
    """The APIs, in the order of the files, from the folder or beside the file of requests.

    Entries that can't be read are bad rows of `gorilla`. Raises DatasetError where there is no
    catalogue.
    """
    reading = Reading(path.parent if path.is_file() else path, _EXPECTED)
    found = _apis(reading)
    if not found:
        reading.refuse("has no catalogue")
    return tuple(found)


def _apis(reading: Reading) -> list[Api]:
    found: list[Api] = []
    for file in reading.files_if_any("*_api.jsonl"):
        for line, row in reading.objects(file):
            with reading.row(file, line):
                domain, name = text_in(row, "domain"), text_in(row, "api_name")
                functionality, description = (
                    str(row.get(field) or "") for field in ("functionality", "description")
                )
                found.append(Api(domain, name, functionality, description))
    return found
