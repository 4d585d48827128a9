import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from orchestrator.commands.output import exit_code
from orchestrator.home import Address, BadHome, Home, HomeError

HOLDER = """
import sys
from pathlib import Path
from orchestrator.home import Address, Home
lock = Home(Path(sys.argv[1])).acquire()
assert lock is not None
lock.write("serving", Address("http://127.0.0.1:1"))
print("held", flush=True)
sys.stdin.read()
"""


def hold(home: Path) -> subprocess.Popen[str]:
    """Another process that owns the home until it is killed or its stdin is closed."""
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(home)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    return holder


def test_the_folder_is_its_owners_only(tmp_path: Path) -> None:
    home = Home(tmp_path / "a" / "home")
    lock = home.acquire()
    assert lock is not None
    with lock:
        assert home.path.stat().st_mode & 0o777 == 0o700
        assert (home.path / "lock").stat().st_mode & 0o777 == 0o600


def test_one_owner_at_a_time(tmp_path: Path) -> None:
    home = Home(tmp_path)
    lock = home.acquire()
    assert lock is not None
    assert home.acquire() is None
    lock.release()
    again = home.acquire()
    assert again is not None
    again.release()


def test_an_address_is_told_while_the_owner_serves(tmp_path: Path) -> None:
    home = Home(tmp_path)
    assert home.running() is None
    address = Address("http://localhost", "/run/service.sock")
    lock = home.acquire()
    assert lock is not None
    with lock:
        assert home.running() is None
        lock.write("serving", address)
        assert home.running() == address
        lock.write("stopping")
        assert home.running() is None
    assert home.running() is None


def test_a_shorter_record_replaces_a_longer_one(tmp_path: Path) -> None:
    home = Home(tmp_path)
    lock = home.acquire()
    assert lock is not None
    with lock:
        lock.write("serving", Address("http://127.0.0.1:1" + "0" * 500))
        lock.write("stopping")
        record = home.record()
    assert record is not None
    assert (record.pid, record.state, record.address) == (os.getpid(), "stopping", None)


def test_a_killed_owner_leaves_a_record_and_no_lock(tmp_path: Path) -> None:
    home = Home(tmp_path)
    with hold(tmp_path) as holder:
        assert home.running() == Address("http://127.0.0.1:1")
        assert home.acquire() is None
        holder.kill()
        holder.wait()
    assert "127.0.0.1:1" in (tmp_path / "lock").read_text()
    assert home.running() is None
    lock = home.acquire()
    assert lock is not None
    lock.release()


@pytest.mark.parametrize("junk", [b"", b"{", b"null", b"[]", b'{"pid": 1}', b"\xff", b'"x"'])
def test_a_record_that_cannot_be_read_is_none(tmp_path: Path, junk: bytes) -> None:
    (tmp_path / "lock").write_bytes(junk)
    assert Home(tmp_path).record() is None


def test_a_file_in_the_folders_place_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "home").write_text("")
    with pytest.raises(HomeError, match="is not a folder"):
        Home(tmp_path / "home").acquire()
    with pytest.raises(HomeError, match="is not a folder"):
        Home(tmp_path / "home" / "inside").running()


def test_a_folder_that_can_not_be_made_is_wrong_usage() -> None:
    home = Home(Path("/proc/no-such-folder"))
    for use in (home.acquire, home.signing_key):
        with pytest.raises(BadHome, match="SWITCHBOARD_HOME") as told:
            use()
        assert exit_code(told.value) == 2


def test_a_full_disk_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "pwrite", full)
    home = Home(tmp_path)
    with pytest.raises(HomeError, match="No space left"):
        home.acquire()
    monkeypatch.undo()
    lock = home.acquire()
    assert lock is not None, "the failed attempt gave the lock back"
    lock.release()


def test_a_forbidden_folder_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def forbidden(*_: object, **__: object) -> int:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "open", forbidden)  # root may write everywhere
    with pytest.raises(HomeError, match=r"Permission denied.*SWITCHBOARD_HOME"):
        Home(tmp_path).acquire()


def test_the_last_conversation_is_remembered(tmp_path: Path) -> None:
    home = Home(tmp_path)
    assert home.last_conversation is None
    home.remember_conversation("c1")
    assert Home(tmp_path).last_conversation == "c1"


def test_the_record_is_json(tmp_path: Path) -> None:
    lock = Home(tmp_path).acquire()
    assert lock is not None
    with lock:
        assert json.loads((tmp_path / "lock").read_text())["state"] == "starting"
