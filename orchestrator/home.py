"""The home folder, and the lock that says which process owns it.

One process at a time owns the state. The operating system's lock decides who that is, never the
existence of a file: a process that was killed leaves its record behind, but not its lock.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import secrets
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Literal

from model_servers.contracts import SwitchboardError

_KEY_BYTES = 32

State = Literal["starting", "serving", "stopping"]


class HomeError(SwitchboardError):
    """The home folder can't be used. Raised on the owner's own machine only, so it names paths."""

    code = "home_error"
    http_status = 503


class BadHome(HomeError):
    """SWITCHBOARD_HOME names no folder and no place where one can be made."""

    code = "bad_home"
    http_status = 400


@dataclass(frozen=True, slots=True)
class Address:
    """Where a service listens: a base URL, and the unix socket behind it where there is one."""

    url: str
    socket: str | None = None


@dataclass(frozen=True, slots=True)
class Record:
    """What the process that holds the lock says of itself."""

    pid: int
    state: State
    address: Address | None = None


class HomeLock:
    """The lock, held until `release` or the end of the process. A context manager."""

    def __init__(self, fd: int) -> None:
        self._fd: int | None = fd

    def write(self, state: State, address: Address | None = None) -> None:
        """Tell other processes how far this one is, and where it listens. Raises HomeError."""
        assert self._fd is not None, "the lock is held"
        record = json.dumps(asdict(Record(os.getpid(), state, address))).encode()
        try:
            os.ftruncate(self._fd, 0)
            os.pwrite(self._fd, record, 0)
        except OSError as error:
            raise HomeError(f"The home folder can't be written: {error.strerror}.") from None

    def release(self) -> None:
        if self._fd is None:
            return
        with contextlib.suppress(OSError):  # emptying the record is a courtesy
            os.ftruncate(self._fd, 0)
        os.close(self._fd)
        self._fd = None

    def __enter__(self) -> HomeLock:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.release()


class Home:
    """`SWITCHBOARD_HOME`: database, vectors and artifacts, readable by their owner only."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def _lock_file(self) -> Path:
        # Never deleted: a lock on a deleted file excludes nobody.
        return self.path / "lock"

    def acquire(self) -> HomeLock | None:
        """Become the owner, or None where another process is. Makes the folder. Raises HomeError.

        The record says "starting" from then on, so that others wait.
        """
        with self._errors():
            self._make()
            fd = os.open(self._lock_file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        lock = HomeLock(fd)
        try:
            with self._errors():
                fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(fd)
            return None
        except BaseException:
            os.close(fd)
            raise
        try:
            lock.write("starting")
        except BaseException:
            lock.release()
            raise
        return lock

    def record(self) -> Record | None:
        """What the lock's file says, whether or not its writer is still alive."""
        try:
            with self._errors():
                return _parse(self._lock_file.read_bytes())
        except FileNotFoundError:
            return None

    def running(self) -> Address | None:
        """The address of the service that runs on this home now. Raises HomeError."""
        try:
            with self._errors():
                fd = os.open(self._lock_file, os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            return None
        try:
            # Shared, so that two who ask at once don't take each other for the service.
            fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            record = self.record()
            return record.address if record is not None and record.state == "serving" else None
        finally:
            os.close(fd)
        return None

    def signing_key(self) -> bytes:
        """32 secret bytes that links to files are signed with; made once. Raises HomeError."""
        file = self.path / "signing-key"
        with self._errors():
            self._make()
            try:
                key = file.read_bytes()
            except FileNotFoundError:
                key = secrets.token_bytes(_KEY_BYTES)
                handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
                with os.fdopen(handle, "wb") as opened:
                    opened.write(key)
        if len(key) != _KEY_BYTES:
            raise HomeError(f"{file} is damaged; remove it, and a new one is made.")
        return key

    @property
    def last_conversation(self) -> str | None:
        """Id of the conversation that the command line used last."""
        try:
            with self._errors():
                return (self.path / "last-conversation").read_text(encoding="utf-8").strip() or None
        except FileNotFoundError:
            return None

    def remember_conversation(self, conversation_id: str) -> None:
        """Keep the id for `last_conversation`. Raises HomeError."""
        with self._errors():
            (self.path / "last-conversation").write_text(conversation_id + "\n", encoding="utf-8")

    def _make(self) -> None:
        try:
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        except FileNotFoundError:  # as /proc answers
            raise BadHome(
                f"The folder {self.path} can't be made there; point SWITCHBOARD_HOME at another."
            ) from None

    @contextlib.contextmanager
    def _errors(self) -> Iterator[None]:
        """Turn what the system says into one line that says what to do."""
        try:
            yield
        except (BlockingIOError, FileNotFoundError):
            raise
        except (FileExistsError, NotADirectoryError):
            raise BadHome(f"{self.path} is not a folder; point SWITCHBOARD_HOME at one.") from None
        except OSError as error:
            raise HomeError(
                f"The folder {self.path} can't be used: {error.strerror}; "
                "make room or point SWITCHBOARD_HOME at another."
            ) from None


def _parse(raw: bytes) -> Record | None:
    """The record, or None where there is none (yet): it may be read while it is written."""
    try:
        found: dict[str, Any] = json.loads(raw)
        address = found["address"]
        return Record(found["pid"], found["state"], Address(**address) if address else None)
    except (ValueError, TypeError, KeyError):
        return None
