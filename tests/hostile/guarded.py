"""What every hostile request has in common: it is cheap, and its answer gives nothing away."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

SECRET = "canary-7f3a-of-the-settings"
"""Stands in the settings wherever a secret may; it must never be seen in an answer."""

MAX_SECONDS = 1.0
MAX_GROWTH_MB = 50.0
_PATIENCE_S = 60.0
_TRIES = 3

_LEAKS = ("Traceback", 'File "', "/site-packages/", "object at 0x", "sqlalchemy", "sqlite3.")


@dataclass(frozen=True, slots=True)
class Cost:
    """What a request took of the service and of the processes that it started.

    Attributes:
        wall_s: from the first byte sent to the last one received.
        cpu_s: of all of the processes.
        growth_mb: the peak above what the service held before, and the peaks of the others.
    """

    wall_s: float
    cpu_s: float
    growth_mb: float

    @property
    def seconds(self) -> float:
        """Waiting for a processor that others use is not the service's time."""
        return min(self.wall_s, self.cpu_s) if self.wall_s < 10 else self.wall_s


class Guarded:
    """A running service; `keys` are those of two owners."""

    def __init__(self, process: subprocess.Popen[str], home: Path) -> None:
        self._process = process
        self.home = home
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line, "the service did not start"
        told = json.loads(line)
        self.address: str = told["address"]
        self.keys: list[str] = told["keys"]

    def send(self, method: str, path: str, **request: Any) -> tuple[httpx.Response, Cost]:
        """One request on a connection of its own, and what it cost."""
        with _Meter(self._process.pid) as meter:
            begun = time.monotonic()
            response = httpx.request(
                method, self.address + path, timeout=_PATIENCE_S, trust_env=False, **request
            )
            wall_s = time.monotonic() - begun
        self.gives_nothing_away(response)
        return response, Cost(wall_s, meter.cpu_s, meter.growth_mb)

    def cheap(self, method: str, path: str, **request: Any) -> httpx.Response:
        """The answer to a request that must not cost more than it may, whatever it is.

        The rest of the machine may be busy: the best of three tries counts.
        """
        costs: list[Cost] = []
        for _ in range(_TRIES):
            response, cost = self.send(method, path, **request)
            if cost.seconds < MAX_SECONDS and cost.growth_mb <= MAX_GROWTH_MB:
                return response
            costs.append(cost)
        raise AssertionError(f"{response.status_code}: too dear: {costs}")

    def refused(
        self, method: str, path: str, status: int | None = None, **request: Any
    ) -> dict[str, Any]:
        """The error of a request that must be refused, cheaply."""
        response = self.cheap(method, path, **request)
        assert 400 <= response.status_code < 500, response.text
        assert status in (None, response.status_code), response.text
        error = response.json()["error"]
        assert error.keys() == {"message", "type", "param", "code"}
        assert error["code"]
        assert len(error["message"]) < 2_000
        assert response.headers["x-request-id"]
        return dict(error)

    def taken(self, method: str, path: str, **request: Any) -> Any:
        """The JSON that answers a request that must be accepted, cheaply."""
        response = self.cheap(method, path, **request)
        assert response.status_code == 200, response.text
        return response.json()

    def gives_nothing_away(self, response: httpx.Response) -> None:
        """No secret, no path of this machine, no traceback."""
        said = response.text + "".join(f"{k}: {v}\n" for k, v in response.headers.items())
        paths = (str(self.home), str(Path(__file__).parents[2]), sys.prefix, str(Path.home()))
        for leak in (SECRET, *self.keys, *_LEAKS, *(path for path in paths if len(path) > 1)):
            assert leak not in said, f"the answer gives away {leak!r}: {said[:500]}"
        assert not re.search(r"/(?:tmp|usr|etc|proc|var)/\w", said), said[:500]


class _Meter:
    """Reads from /proc what a process and its children use."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._command = _command(pid)
        self._over = threading.Event()
        self._children: dict[int, float] = {}
        self._watching = threading.Thread(target=self._watch)
        self.cpu_s = self.growth_mb = 0.0

    def __enter__(self) -> _Meter:
        Path(f"/proc/{self._pid}/clear_refs").write_text("5")  # the peak starts anew
        self._before_mb = _memory_mb(self._pid, "VmRSS")
        self._cpu_before_s = _cpu_s(self._pid)
        self._watching.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._watching.join()
        peak_mb = _memory_mb(self._pid, "VmHWM")
        self.growth_mb = peak_mb - self._before_mb + sum(self._children.values())
        self.cpu_s = _cpu_s(self._pid) - self._cpu_before_s

    def _watch(self) -> None:
        # A process's peak only grows: what is read last misses at most its last moments.
        while not self._over.wait(0.005):
            for child in _children(self._pid):
                try:
                    if _command(child) == self._command:
                        continue  # not its own program yet: it still shares the service's memory
                    peak_mb = _memory_mb(child, "VmHWM")
                except (FileNotFoundError, ProcessLookupError, StopIteration):
                    continue  # it has ended
                self._children[child] = max(peak_mb, self._children.get(child, 0.0))


def _command(pid: int) -> bytes:
    return Path(f"/proc/{pid}/cmdline").read_bytes()


def _memory_mb(pid: int, field: str) -> float:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    line = next(line for line in lines if line.startswith(field + ":"))
    return int(line.split()[1]) / 1024


def _cpu_s(pid: int) -> float:
    """CPU time of the process and of the children that it has waited for."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")


def _children(pid: int) -> Iterator[int]:
    for thread in Path(f"/proc/{pid}/task").iterdir():
        try:
            yield from map(int, (thread / "children").read_text().split())
        except (FileNotFoundError, ProcessLookupError):
            continue


@contextmanager
def guarded_service(home: Path) -> Iterator[Guarded]:
    """A service of its own process, stopped at the end."""
    command = [sys.executable, "-m", "tests.hostile.service_process", str(home)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            yield Guarded(process, home)
        finally:
            process.terminate()
            assert process.stdin is not None
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()
                raise
