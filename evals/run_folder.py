"""The folder that a run is: what is written to it, when, and how an interrupted run is found again.

config.json       what was asked for; a run goes on with the same alone
environment.json  machine, versions, git commit, versions of the models
dataset.json      name, version, samples, rows that can't be read, golds that can't be matched
samples.jsonl     {"sample", "prediction", "trace"} a line, as each is done
metrics.json      {"headline", "lower_is_better", "all", "groups", "cost", "confusion"}
run.lock          held while the run is at work
"""

from __future__ import annotations

import json
import math
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from filelock import FileLock, Timeout
from pydantic import ValidationError

from evals.task import Dataset, Prediction, Sample
from model_servers.contracts import SwitchboardError

SYNC_EVERY = 16
SYNC_EVERY_S = 2.0
"""After so many samples, or seconds, what was written is forced to the disk."""


class RunError(SwitchboardError):
    """A run's folder can't be used as it is asked for."""

    code = "run_error"
    http_status = 400


class RunInUse(RunError):
    """Another process is at work in this folder."""

    code = "run_in_use"
    http_status = 409


class RunMismatch(RunError):
    """The folder holds a run of another configuration."""

    code = "run_mismatch"


@dataclass(frozen=True, slots=True)
class Solved:
    """A sample, what was predicted for it, and the trace of how, where one was kept."""

    sample: Sample
    prediction: Prediction
    trace: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Unfinished:
    """A run that was interrupted, or is at work: how many of its samples are solved, of how many;
    None where the folder doesn't say."""

    run: str
    solved: int
    chosen: int | None

    @property
    def sentence(self) -> str:
        of = "" if self.chosen is None else f" of {self.chosen:,}"
        return f"{self.run} is unfinished: {self.solved:,}{of} samples are solved."


@dataclass(slots=True)
class RunFolder:
    """A folder that this process alone works in; `open_folder` makes one.

    Attributes:
        done: what earlier attempts solved, by the sample's id.
    """

    path: Path
    done: dict[str, Solved]
    _file: IO[bytes]
    _unsynced: int = 0
    _synced_at: float = field(default_factory=time.monotonic)

    def add(self, solved: Solved) -> None:
        """Keep what was solved. It outlives this process at once, and the machine in a moment.

        Raises RunError."""
        line = {
            "sample": solved.sample.model_dump(),
            "prediction": solved.prediction.model_dump(),
            "trace": solved.trace,
        }
        self._file.write(
            json.dumps(line, ensure_ascii=False).encode("utf-8", "surrogatepass") + b"\n"
        )
        self._file.flush()
        self.done[solved.sample.id] = solved
        self._unsynced += 1
        if self._unsynced >= SYNC_EVERY or time.monotonic() - self._synced_at > SYNC_EVERY_S:
            self.sync()

    def sync(self) -> None:
        """Force to the disk what was written."""
        os.fsync(self._file.fileno())
        self._unsynced, self._synced_at = 0, time.monotonic()

    def write(self, name: str, value: Any) -> None:
        """Write a JSON file whole or not at all. What is no finite number becomes null."""
        write_json(self.path / name, value)


@contextmanager
def open_folder(path: Path, config: Mapping[str, Any]) -> Iterator[RunFolder]:
    """Take the folder for a run of this configuration; what an earlier attempt did is kept.

    Raises RunInUse, RunMismatch, and RunError where it can't be written or is damaged.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
        lock = FileLock(path / "run.lock", timeout=0)
        lock.acquire()
    except Timeout:
        raise RunInUse(
            f"Another run is at work in {path}; let it finish, or name another --out."
        ) from None
    except OSError as error:
        raise RunError(f"{path} can't be written: {error.strerror}.") from None
    try:
        _check_config(path, config)
        done = {solved.sample.id: solved for solved in _mended(path / "samples.jsonl")}
        with (path / "samples.jsonl").open("ab") as file:
            folder = RunFolder(path, done, file)
            try:
                yield folder
            finally:
                with suppress(OSError):  # what went wrong with the disk has been told
                    folder.sync()
    finally:
        lock.release()


def read_samples(path: Path) -> list[Solved]:
    """What a run has solved, in the order in which it was done. Raises RunError."""
    return list(_lines(path / "samples.jsonl"))


def read_json(path: Path) -> Any:
    """A JSON file of a run. Raises RunError."""
    try:
        return json.loads(path.read_bytes())
    except FileNotFoundError:
        raise RunError(f"{path.parent} holds no finished run: {path.name} is missing.") from None
    except (OSError, ValueError):
        raise RunError(f"{path} can't be read; it is no JSON of a run.") from None


def unfinished(path: Path, solved: int) -> Unfinished | None:
    """Whether a run lacks samples, or its figures; None for a finished one. Raises RunError."""
    facts = path / "dataset.json"
    found = read_json(facts).get("chosen") if facts.is_file() else None
    chosen = found if isinstance(found, int) else None
    whole = (path / "metrics.json").is_file() and (chosen is None or solved >= chosen)
    return None if whole else Unfinished(path.resolve().name, solved, chosen)


def write_json(path: Path, value: Any) -> None:
    """Write beside and rename: a reader sees the whole file or none."""
    beside = path.with_name(f".{path.name}.writing")
    with beside.open("w", encoding="utf-8", errors="surrogatepass") as file:
        json.dump(_finite(value), file, ensure_ascii=False, indent=1, allow_nan=False)
        file.write("\n")
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)


def dataset_facts(
    dataset: Dataset, chosen: Sequence[Sample], unmatchable: Mapping[str, str]
) -> dict[str, Any]:
    """What dataset.json tells."""
    return {
        "name": dataset.name,
        "version": dataset.version,
        "samples": len(dataset.samples),
        "chosen": len(chosen),
        "bad_rows": [row.model_dump() for row in dataset.bad_rows],
        "unmatchable": [{"id": id_, "reason": why} for id_, why in unmatchable.items()],
    }


def _check_config(path: Path, config: Mapping[str, Any]) -> None:
    file = path / "config.json"
    if not file.exists():
        if (path / "samples.jsonl").exists():
            raise RunError(f"{path} holds samples without a config.json; name another --out.")
        write_json(file, config)
        return
    earlier, now = read_json(file), json.loads(json.dumps(config))
    if earlier == now:
        return
    names = [name for name in {**earlier, **now} if earlier.get(name) != now.get(name)]
    differs = "; ".join(f"{n} was {earlier.get(n)!r} and is {now.get(n)!r}" for n in names)
    raise RunMismatch(f"{path} holds a run of another configuration ({differs}).")


def _mended(file: Path) -> list[Solved]:
    """The samples of the file, which loses a last line that was cut off."""
    if not file.exists():
        return []
    raw = file.read_bytes()
    whole = raw.rfind(b"\n") + 1
    if whole < len(raw):
        with file.open("r+b") as damaged:
            damaged.truncate(whole)
    return list(_lines(file))


def _lines(file: Path) -> Iterator[Solved]:
    try:
        raw = file.read_bytes()
    except OSError:
        raise RunError(f"{file.parent} holds no run: there is no {file.name}.") from None
    *lines, _cut_off = raw.split(b"\n")  # the last one is empty, or was cut off
    for number, line in enumerate(lines, start=1):
        try:
            found = json.loads(line)
            yield Solved(
                Sample.model_validate(found["sample"]),
                Prediction.model_validate(found["prediction"]),
                found.get("trace"),
            )
        except (ValueError, KeyError, TypeError, ValidationError):
            raise RunError(f"{file}: line {number} is damaged; remove it to go on.") from None


def _finite(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {key: _finite(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(inner) for inner in value]
    return value
