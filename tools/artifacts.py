"""Files that requests bring and tools make: typed, content-addressed, bounded."""

from __future__ import annotations

import hashlib
import os
import re
import tempfile
import threading
import time
import unicodedata
from collections.abc import Container, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Literal, Protocol

from pydantic import BaseModel, ConfigDict, ValidationError

from tools.errors import InvalidInput, NotFound, StorageUnavailable
from tools.file_types import detect_file_type

ArtifactKind = Literal["text", "document", "image", "audio", "video", "table"]
Origin = Literal["user", "tool", "web"]


class Provenance(BaseModel):
    """Where a file comes from, beyond who brought it.

    Attributes:
        tool, step: the tool that made it, and the step of the plan that the tool ran in.
        url: the address on the web that it was fetched from.
    """

    model_config = ConfigDict(frozen=True)

    tool: str | None = None
    step: str | None = None
    url: str | None = None


LIVE = "video/vnd.switchboard.live"
"""The media type of a live video, which has an address and no bytes."""


class Artifact(BaseModel):
    """A file by its content. `id` is the sha256 of its bytes, in hex; `size` is in bytes.

    A live video is one by its address, `provenance.url`: its id is the sha256 of that.
    """

    model_config = ConfigDict(frozen=True)

    id: str
    kind: ArtifactKind
    media_type: str
    size: int
    name: str
    origin: Origin
    provenance: Provenance | None = None

    @property
    def is_live(self) -> bool:
        return self.media_type == LIVE


def live_video(url: str, name: str) -> Artifact:
    """What stands for the live video at an address."""
    return Artifact(
        id=hashlib.sha256(url.encode()).hexdigest(),
        kind="video",
        media_type=LIVE,
        size=0,
        name=clean_name(name),
        origin="web",
        provenance=Provenance(url=url),
    )


def refuse_live(file: Artifact) -> None:
    """Raises InvalidInput for a live video: for tools that need a whole file."""
    if file.is_live:
        raise InvalidInput(
            f"{file.name} is a live video, which can only be watched; attach a recording of it."
        )


class ArtifactStore(Protocol):
    """Where the bytes lie."""

    def put(
        self, data: bytes, *, name: str, origin: Origin, provenance: Provenance | None = None
    ) -> Artifact:
        """Keep the bytes; kind and media type are read from them, not from the name.

        Raises InvalidInput where the bytes are empty, too large, or not what the name says,
        StorageUnavailable.
        """
        ...

    def get(self, artifact_id: str) -> Artifact:
        """What is known of a file. Raises NotFound."""
        ...

    def open(self, artifact_id: str) -> BinaryIO:
        """Its bytes. Raises NotFound."""
        ...


@dataclass(frozen=True, slots=True)
class ToolStore:
    """The store as a running tool sees it: what it keeps is known to be its own."""

    store: ArtifactStore
    provenance: Provenance

    def put(
        self, data: bytes, *, name: str, origin: Origin, provenance: Provenance | None = None
    ) -> Artifact:
        """As ArtifactStore, with this tool's provenance unless another is given."""
        return self.store.put(
            data, name=name, origin=origin, provenance=provenance or self.provenance
        )

    def get(self, artifact_id: str) -> Artifact:
        return self.store.get(artifact_id)

    def open(self, artifact_id: str) -> BinaryIO:
        return self.store.open(artifact_id)


_ID = re.compile(r"[0-9a-f]{64}")
_MEGABYTE = 1024 * 1024
MAX_NAME_CHARS = 120
_WRITING = ".writing-"


@contextmanager
def writing() -> Iterator[None]:
    """What the system says of a disk that can't be written becomes StorageUnavailable."""
    try:
        yield
    except OSError as error:
        raise StorageUnavailable(
            f"Files can't be kept just now ({error.strerror}): the service's disk needs room, or "
            "can't be written."
        ) from error


class FileArtifactStore:
    """Files below one folder, each named by its sha256, with what is known of it in JSON beside.

    The same bytes put twice are kept once, under the name and origin given last. Safe to use from
    several threads.

    Args:
        root: the folder; made where it is missing.
        max_file_bytes: the largest file taken.
        quota_bytes: the most that all files together may take.
    """

    def __init__(self, root: Path, *, max_file_bytes: int, quota_bytes: int) -> None:
        self._root = root
        self._max_file_bytes = max_file_bytes
        self._quota_bytes = quota_bytes
        self._lock = threading.Lock()
        root.mkdir(parents=True, exist_ok=True)
        for unfinished in root.rglob(f"{_WRITING}*"):  # what a killed service left
            unfinished.unlink(missing_ok=True)
        self._used_bytes = sum(file.stat().st_size for file in root.glob("*/*") if file.is_file())

    @writing()
    def put(
        self, data: bytes, *, name: str, origin: Origin, provenance: Provenance | None = None
    ) -> Artifact:
        """Keep the bytes. Raises InvalidInput, StorageUnavailable; nothing is kept then."""
        name = clean_name(name)
        if len(data) > self._max_file_bytes:
            raise InvalidInput(
                f"{name} has {len(data) / _MEGABYTE:.1f} MB; "
                f"at most {self._max_file_bytes / _MEGABYTE:.1f} MB are taken."
            )
        found = detect_file_type(data, name)
        artifact = Artifact(
            id=hashlib.sha256(data).hexdigest(),
            kind=found.kind,
            media_type=found.media_type,
            size=len(data),
            name=name,
            origin=origin,
            provenance=provenance,
        )
        content, facts = self._paths(artifact.id)
        with self._lock:
            if not content.exists():
                self._check_room(name, len(data))
                _write_atomically(content, data)
                self._used_bytes += len(data)
            _note(facts, artifact)
        return artifact

    @contextmanager
    def new_file(self) -> Iterator[Path]:
        """Where to write a file piece by piece before it is kept; gone at the end if it was not.

        Raises StorageUnavailable, also for what goes wrong while it is written.
        """
        with writing():
            handle, temporary = tempfile.mkstemp(dir=self._root, prefix=_WRITING)
            os.close(handle)
            try:
                yield Path(temporary)
            finally:
                Path(temporary).unlink(missing_ok=True)

    @writing()
    def keep(self, path: Path, *, name: str, media_type: str, origin: Origin) -> Artifact:
        """Keep a document from `new_file` that this service wrote; only the quota bounds it.

        Raises InvalidInput where there is no room, StorageUnavailable.
        """
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        artifact = Artifact(
            id=digest,
            kind="document",
            media_type=media_type,
            size=path.stat().st_size,
            name=clean_name(name),
            origin=origin,
        )
        content, facts = self._paths(artifact.id)
        with self._lock:
            if not content.exists():
                self._check_room(artifact.name, artifact.size)
                content.parent.mkdir(exist_ok=True)
                path.replace(content)
                self._used_bytes += artifact.size
            _note(facts, artifact)
        return artifact

    def remove(self, artifact_id: str) -> None:
        """Forget a file. Raises NotFound."""
        content, facts = self._paths(artifact_id)
        with self._lock:
            try:
                size = content.stat().st_size
                content.unlink()
            except OSError:
                raise _not_found() from None
            facts.unlink(missing_ok=True)
            self._used_bytes -= size

    def expire(self, kept_s: float, *, spared: Container[str]) -> int:
        """Remove the files that were put last more than `kept_s` seconds ago.

        Args:
            kept_s: how long files stay.
            spared: ids of files that stay longer.

        Returns: how many were removed.
        """
        before = time.time() - kept_s
        removed = 0
        for facts in self._root.glob("*/*.json"):
            with suppress(NotFound, FileNotFoundError):  # removed by someone else meanwhile
                if facts.stem not in spared and facts.stat().st_mtime < before:
                    self.remove(facts.stem)
                    removed += 1
        return removed

    def path(self, artifact_id: str) -> Path:
        """The file of its bytes, to be read only. Raises NotFound."""
        content, _ = self._paths(artifact_id)
        if not content.is_file():
            raise _not_found()
        return content

    def get(self, artifact_id: str) -> Artifact:
        """What is known of a file. Raises NotFound."""
        _, facts = self._paths(artifact_id)
        try:
            return Artifact.model_validate_json(facts.read_bytes())
        except (OSError, ValidationError):
            raise _not_found() from None

    def open(self, artifact_id: str) -> BinaryIO:
        """Its bytes; the caller closes the file. Raises NotFound."""
        content, _ = self._paths(artifact_id)
        try:
            return content.open("rb")
        except OSError:
            raise _not_found() from None

    def _check_room(self, name: str, size: int) -> None:
        if self._used_bytes + size > self._quota_bytes:
            raise InvalidInput(
                f"There is no room left for {name}: the files kept may take "
                f"{self._quota_bytes / _MEGABYTE:.0f} MB. Remove some, or raise the quota."
            )

    def _paths(self, artifact_id: str) -> tuple[Path, Path]:
        if not _ID.fullmatch(artifact_id):
            raise _not_found()
        folder = self._root / artifact_id[:2]
        return folder / artifact_id, folder / f"{artifact_id}.json"


def _not_found() -> NotFound:
    return NotFound("There is no such file here; upload it again.")


def _note(path: Path, artifact: Artifact) -> None:
    """Write what is known of a file; what is known already is marked as said again."""
    facts = artifact.model_dump_json().encode()
    try:
        if path.read_bytes() == facts:
            path.touch()
            return
    except FileNotFoundError:
        pass
    _write_atomically(path, facts)


def _write_atomically(path: Path, data: bytes) -> None:
    """Write beside and rename, so that a reader sees the whole file or none."""
    path.parent.mkdir(exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=_WRITING)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def clean_name(name: str) -> str:
    """A file name that is safe to show and to store: its last path part, without control, format
    and bidirectional characters, at most MAX_NAME_CHARS long with its extension kept."""
    last = name.replace("\\", "/").rstrip("/").rpartition("/")[2]
    shown = "".join(
        character for character in last if not unicodedata.category(character).startswith("C")
    )
    shown = " ".join(shown.split()).strip(". ")
    if not shown:
        return "file"
    if len(shown) <= MAX_NAME_CHARS:
        return shown
    stem, dot, suffix = shown.rpartition(".")
    if dot and len(suffix) <= 10:
        return stem[: MAX_NAME_CHARS - len(suffix) - 1] + dot + suffix
    return shown[:MAX_NAME_CHARS]
