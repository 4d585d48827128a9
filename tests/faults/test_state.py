"""What holds the state fails: the knowledge store, the database, the disk."""

from __future__ import annotations

import base64
import contextlib
import sqlite3
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from orchestrator import database

from .conftest import HealthyBeside
from .own_process import count_body, own_process
from .small_service import CHAT, body_of, client_of, small_service

HEALTHY = body_of(("shout", {"text": "all is well"}))
STORED = body_of(("shout", {"text": "hello"}), switchboard={"store": True})
DEADLINE_S = 12.0


async def parts(http: httpx.AsyncClient) -> dict[str, str]:
    """What /readyz says of each part that is not well."""
    answer = await http.get("/readyz")
    told: dict[str, str] = answer.json()["parts"]
    unwell = {name: state for name, state in told.items() if state != "ok"}
    assert (answer.status_code == 200) is not bool(unwell)
    unwell.pop("models", None)  # the weights are not what these tests are about
    return unwell


def asks(http: httpx.AsyncClient, path: str, body: dict[str, Any]) -> Any:
    async def ask() -> Any:
        return (await http.post(path, json=body)).raise_for_status().json()

    return ask


def code_of(answer: httpx.Response) -> tuple[int, str]:
    assert "/" not in answer.json()["error"]["message"].replace("and/or", "")
    return answer.status_code, answer.json()["error"]["code"]


async def test_qdrant_is_gone_and_the_other_tools_work(
    tmp_path: Path, unused_tcp_port: int, healthy_beside: HealthyBeside
) -> None:
    gone = f"http://127.0.0.1:{unused_tcp_port}"
    async with (
        small_service(tmp_path, qdrant_url=gone, request_timeout_s=DEADLINE_S) as service,
        client_of(service, timeout=60) as http,
        healthy_beside(asks(http, CHAT, HEALTHY)),
    ):
        begun = time.monotonic()
        both = await http.post(
            CHAT,
            json=body_of(
                ("answer_question", {"question": "How long is the warranty?"}),
                ("shout", {"text": "a sibling"}),
            ),
        )
        assert time.monotonic() - begun <= DEADLINE_S * 1.1
        failed, sibling = both.json()["switchboard"]["steps"]
        assert failed["error"]["code"] == "knowledge_unavailable"
        assert sibling["result"] == {"text": "A SIBLING"}
        assert "This did not work" in both.json()["switchboard"]["answer"]
        searched = await http.post("/v1/kb/search", json={"query": "warranty"})
        assert code_of(searched) == (503, "knowledge_unavailable")
        added = await http.post("/v1/kb/documents", files={"file": ("a.md", b"# A\n\nB")})
        assert code_of(added) == (503, "knowledge_unavailable")
        assert [*await parts(http)] == ["vectors"]


@contextlib.contextmanager
def locked(file: Path) -> Any:
    """Another program writes to the database, for the length of the block."""
    with contextlib.closing(sqlite3.connect(file, isolation_level=None)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        yield
        connection.rollback()


@pytest.fixture
async def http(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[httpx.AsyncClient]:
    monkeypatch.setattr(database, "BUSY_TIMEOUT_MS", 500)
    async with (
        small_service(tmp_path, request_timeout_s=DEADLINE_S) as service,
        client_of(service, timeout=60) as client,
    ):
        yield client


async def test_the_database_is_locked_and_reads_go_on(
    tmp_path: Path, http: httpx.AsyncClient, healthy_beside: HealthyBeside
) -> None:
    kept = (await http.post(CHAT, json=STORED)).json()["switchboard"]["conversation_id"]
    async with healthy_beside(asks(http, CHAT, HEALTHY)):
        with locked(tmp_path / "switchboard.db"):
            begun = time.monotonic()
            assert code_of(await http.post(CHAT, json=STORED)) == (503, "database_unavailable")
            assert time.monotonic() - begun <= DEADLINE_S * 1.1
            assert [*await parts(http)] == ["database"]
            read = await http.get(f"/v1/conversations/{kept}")
            assert [message["role"] for message in read.json()["messages"]] == ["user", "assistant"]
    assert (await http.post(CHAT, json=STORED)).status_code == 200
    assert await parts(http) == {}


async def test_the_checkpoints_are_locked_and_it_is_a_typed_error(
    tmp_path: Path, http: httpx.AsyncClient, healthy_beside: HealthyBeside
) -> None:
    tool = asks(http, "/v1/tools/shout/invoke", {"arguments": {"text": "all is well"}})
    async with healthy_beside(tool):
        with locked(tmp_path / "checkpoints.db"):
            begun = time.monotonic()
            assert code_of(await http.post(CHAT, json=HEALTHY)) == (503, "database_unavailable")
            assert time.monotonic() - begun <= DEADLINE_S * 1.1
    assert (await http.post(CHAT, json=HEALTHY)).status_code == 200


async def test_the_disk_is_full_and_reads_go_on(
    tmp_path: Path, healthy_beside: HealthyBeside
) -> None:
    data = base64.b64encode(b"A new letter.").decode()
    letter = {"type": "file", "file": {"filename": "letter.txt", "file_data": data}}
    with_file = {"model": "switchboard", "messages": [{"role": "user", "content": [letter]}]}
    async with own_process(tmp_path, request_timeout_s=DEADLINE_S) as own:
        http = own.http
        added = await http.post("/v1/kb/documents", files={"file": ("a.md", b"# A\n\nWarranty.")})
        assert added.status_code == 200
        stored = count_body("a", switchboard={"store": True})
        kept = (await http.post(CHAT, json=stored)).json()["switchboard"]["conversation_id"]
        assert await parts(http) == {}
        tool = asks(http, "/v1/tools/shout/invoke", {"arguments": {"text": "all is well"}})
        async with healthy_beside(tool):
            own.allow_files_of(0)
            begun = time.monotonic()
            assert code_of(await http.post(CHAT, json=stored)) == (503, "database_unavailable")
            assert code_of(await http.post(CHAT, json=with_file)) == (503, "storage_unavailable")
            assert time.monotonic() - begun <= DEADLINE_S * 1.1
            unwell = await parts(http)
            assert "disk" in unwell
            assert "room" in unwell["disk"]
            read = await http.get(f"/v1/conversations/{kept}")
            assert len(read.json()["messages"]) == 2
            found = await http.post("/v1/kb/search", json={"query": "Warranty"})
            assert len(found.json()["data"]) == 1
            assert (await http.get("/v1/kb/documents")).status_code == 200
            assert (await http.get("/healthz")).status_code == 200
        own.allow_files_of(-1)
        assert (await http.post(CHAT, json=stored)).status_code == 200
        assert await parts(http) == {}
        own.allow_files_of(0)
        own.terminate()  # which a full disk does not keep it from
        assert await own.ended() == 0
