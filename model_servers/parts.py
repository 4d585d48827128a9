"""The parts of a file: how they are named while they are kept, and how they are joined."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

from model_servers.catalog import ModelFile, Part
from model_servers.contracts import WeightsError
from model_servers.fetch import CHUNK_BYTES


def part_name(part: Part) -> str:
    """A part is known by what it is, so that a changed catalogue never picks up an old one."""
    member = "".join(c if c.isalnum() or c in "._-" else "_" for c in part.member)
    return f"{part.sha256[:16]}-{member}"[-200:]


def join(file: ModelFile, parts: Path, target: Path) -> None:
    """Writes a file from its parts, hashing it on the way. Raises WeightsError."""
    digest = hashlib.sha256()
    with target.open("wb") as out:
        for part in file.parts:
            with (parts / part_name(part)).open("rb") as source:
                while chunk := source.read(CHUNK_BYTES):
                    digest.update(chunk)
                    out.write(chunk)
    if digest.hexdigest() != file.sha256 or target.stat().st_size != file.size:
        # Every archive was right, so fetching them again would not help: the catalogue is wrong.
        shutil.rmtree(parts)
        raise WeightsError(
            f"{file.name}, joined from {len(file.parts)} parts, does not have the sha256 that the "
            "catalogue names. It was thrown away; please report this."
        )
