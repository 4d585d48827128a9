"""Nothing may reach for a network after the set-up: this guard holds it over the whole suite.

Import `network_cut` and `network_guard` in tests/conftest.py. Whatever connects to, or looks up,
anything but this machine gets the error of a cut cable, and the test fails even if the code
swallowed that error. `without_network` does the same to a subprocess.
"""

from __future__ import annotations

import contextlib
import errno
import functools
import ipaddress
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest

_ATTEMPTS: list[str] = []


def _is_local(host: object) -> bool:
    if host is None or host in ("", b"", "localhost", b"localhost"):
        return True
    text = host.decode() if isinstance(host, bytes) else str(host)
    try:
        return ipaddress.ip_address(text.partition("%")[0]).is_loopback
    except ValueError:
        return False


def _is_numeric(host: object) -> bool:
    """A lookup of an address is no lookup, however the address is spelled."""
    text = host.decode() if isinstance(host, bytes) else str(host)
    with contextlib.suppress(OSError):
        return bool(socket.inet_aton(text))  # takes "127.1" and "0x7f000001", too
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def _refuse(what: str) -> OSError:
    _ATTEMPTS.append(what)
    return OSError(errno.ENETUNREACH, f"the network is cut for tests: {what}")


def _guarded_send(real: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(real)
    def send(self: socket.socket, *args: Any) -> Any:
        address = args[-1]
        if self.family in (socket.AF_INET, socket.AF_INET6) and not _is_local(address[0]):
            raise _refuse(f"{real.__name__} to {address[0]}:{address[1]}")
        return real(self, *args)

    return send


def _guarded_lookup(real: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(real)
    def lookup(host: Any, *args: Any, **kwargs: Any) -> Any:
        if not (_is_local(host) or _is_numeric(host)):
            raise _refuse(f"lookup of {host}")
        return real(host, *args, **kwargs)

    return lookup


def cut_network(patch: pytest.MonkeyPatch) -> None:
    """Refuses everything but loopback and Unix sockets in this process, and records attempts."""
    for name in ("connect", "connect_ex", "sendto"):
        patch.setattr(socket.socket, name, _guarded_send(getattr(socket.socket, name)))
    for name in ("getaddrinfo", "gethostbyname", "gethostbyname_ex"):
        patch.setattr(socket, name, _guarded_lookup(getattr(socket, name)))


@pytest.fixture(scope="session")
def network_cut() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        cut_network(patch)
        yield


@pytest.fixture(autouse=True)
def network_guard(network_cut: None) -> Iterator[list[str]]:
    """Fails a test that reached for a network; yields the attempts so far, to be asserted on."""
    _ATTEMPTS.clear()
    yield _ATTEMPTS
    assert not _ATTEMPTS, f"this test reached for a network: {_ATTEMPTS}"


# Runs "$@" in a network namespace that holds nothing but loopback.
_LOOPBACK_ONLY = """
import fcntl, os, socket, struct, sys
UP, SET_FLAGS = 0x1, 0x8914
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
    fcntl.ioctl(s, SET_FLAGS, struct.pack("16sh", b"lo", UP))
os.execvp(sys.argv[1], sys.argv[1:])
"""


@functools.cache
def _namespaces() -> bool:
    unshare = shutil.which("unshare")
    if unshare is None:
        return False
    tried = subprocess.run([unshare, "-rn", "true"], capture_output=True, check=False)
    return tried.returncode == 0


def without_network(python_args: Sequence[str]) -> list[str]:
    """The command line of a Python process that can reach nothing but loopback.

    A network namespace where the machine allows one, else the guard above inside the process.
    """
    if _namespaces():
        up = [sys.executable, "-I", "-c", _LOOPBACK_ONLY]
        return ["unshare", "-rn", *up, sys.executable, *python_args]
    return [sys.executable, "-m", "tests.offline", *python_args]


def _main(args: list[str]) -> None:
    import runpy

    with pytest.MonkeyPatch.context() as patch:
        cut_network(patch)
        kind, target, *rest = args
        sys.argv = [target, *rest]
        if kind == "-c":
            sys.argv[0] = "-c"
            exec(compile(target, "<string>", "exec"), {"__name__": "__main__"})
        elif kind == "-m":
            runpy.run_module(target, run_name="__main__", alter_sys=True)
        else:
            raise SystemExit("give -c CODE or -m MODULE")
    if _ATTEMPTS:
        raise SystemExit(f"reached for a network: {_ATTEMPTS}")


if __name__ == "__main__":
    _main(sys.argv[1:])
