"""Who may ask, from where; tools, knowledge, files and health over HTTP."""

from __future__ import annotations

import base64
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI, HTTPException
from jsonschema import validate  # type: ignore[import-untyped]

from model_servers.contracts import ModelUnavailable
from orchestrator.api.app import create_app
from tests.contract.api_fake import FakeService, client_of, fake_service

ASK = {"model": "switchboard", "messages": [{"role": "user", "content": "Shout hello"}]}
CHAT = "/v1/chat/completions"


@pytest.fixture
async def service(tmp_path: Path) -> AsyncIterator[FakeService]:
    async with fake_service(tmp_path, cache=tmp_path / "cache") as service:
        yield service


@pytest.fixture
async def http(service: FakeService) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(service) as client:
        yield client


def bearer(secret: str) -> dict[str, str]:
    return {"authorization": f"Bearer {secret}"}


async def test_off_loopback_a_key_is_required(tmp_path: Path) -> None:
    async with fake_service(tmp_path, host="0.0.0.0") as service:
        secret = await service.keys.create("laptop")
        (key,) = await service.keys.list()
        async with client_of(service, base_url="http://switchboard.example") as http:
            for path in ("/v1/models", "/docs", "/", "/v1/files/x", "/openapi.json"):
                response = await http.get(path)
                assert response.status_code == 401, path
                assert response.headers["www-authenticate"]
                assert response.json()["error"]["code"] == "invalid_api_key"
            for header in ("Bearer wrong", "Bearer", f"Token {secret}", secret, "Basic ===", ""):
                response = await http.get("/v1/models", headers={"authorization": header})
                assert response.status_code == 401, header
            assert (await http.get("/healthz")).status_code == 200
            assert (await http.post(CHAT, json=ASK, headers=bearer(secret))).status_code == 200
            assert service.turns[0].owner == key.id
            basic = base64.b64encode(f"me:{secret}".encode()).decode()
            assert (await http.get("/docs", auth=("me", secret))).status_code == 200
            forged = {"authorization": f"Basic {basic}", "origin": "https://evil.example"}
            assert (await http.post(CHAT, json=ASK, headers=forged)).status_code == 403
            await service.keys.revoke(key.id)
            assert (await http.get("/v1/models", headers=bearer(secret))).status_code == 401


async def test_on_loopback_a_key_is_optional_and_checked(
    http: httpx.AsyncClient, service: FakeService
) -> None:
    assert (await http.get("/v1/models")).status_code == 200
    assert (await http.get("/v1/models", headers=bearer("none"))).status_code == 200
    secret = await service.keys.create("laptop")
    (key,) = await service.keys.list()
    await http.post(CHAT, json=ASK, headers=bearer(secret))
    await http.post(CHAT, json=ASK)
    assert [turn.owner for turn in service.turns] == [key.id, "local"]
    assert (await http.get("/v1/models", headers=bearer(secret + "x"))).status_code == 401
    await service.keys.revoke(key.id)
    assert (await http.get("/v1/models", headers=bearer(secret))).status_code == 401


async def test_a_keys_conversations_are_its_own(
    http: httpx.AsyncClient, service: FakeService
) -> None:
    first, second = [bearer(await service.keys.create(name)) for name in ("a", "b")]
    body = ASK | {"switchboard": {"store": True}}
    outcome = (await http.post(CHAT, json=body, headers=first)).json()["switchboard"]
    path = f"/v1/conversations/{outcome['conversation_id']}"
    assert (await http.get(path, headers=first)).status_code == 200
    body = ASK | {"switchboard": {"conversation": outcome["conversation_id"]}}
    feedback = f"/v1/messages/{outcome['message_id']}/feedback"
    for stranger in (second, {}):
        assert (await http.get(path, headers=stranger)).status_code == 404
        assert (await http.get(f"{path}/state", headers=stranger)).status_code == 404
        assert (await http.delete(path, headers=stranger)).status_code == 404
        assert (await http.post(CHAT, json=body, headers=stranger)).status_code == 404
        rated = await http.post(feedback, json={"value": 1}, headers=stranger)
        assert rated.status_code == 404
        assert (await http.get("/v1/conversations", headers=stranger)).json()["data"] == []


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"host": "localhost:8000"}, 200),
        ({"host": "[::1]:8000"}, 200),
        ({"host": "127.0.0.1"}, 200),
        ({"host": "evil.example"}, 403),
        ({"host": "evil.example:8000"}, 403),
        ({"host": "127.0.0.1.evil.example"}, 403),
        ({"host": "localhost.evil.example"}, 403),
        ({"host": "[::1"}, 403),
        ({"host": ""}, 403),
        ({"origin": "http://127.0.0.1:8000"}, 200),
        ({"origin": "http://127.0.0.1:3000"}, 403),
        ({"origin": "https://evil.example"}, 403),
        ({"origin": "null"}, 403),
        ({"sec-fetch-site": "same-origin"}, 200),
        ({"sec-fetch-site": "cross-site", "sec-fetch-mode": "no-cors"}, 403),
        ({"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate"}, 200),
        ({"host": "evil.example", "authorization": "Bearer none"}, 403),
    ],
    ids=str,
)
async def test_other_peoples_pages_are_kept_out(
    http: httpx.AsyncClient, headers: dict[str, str], status: int
) -> None:
    assert (await http.get("/v1/models", headers=headers)).status_code == status


async def test_a_key_opens_loopback_under_any_name(
    http: httpx.AsyncClient, service: FakeService
) -> None:
    headers = bearer(await service.keys.create("proxy")) | {"host": "switchboard.example"}
    assert (await http.get("/v1/models", headers=headers)).status_code == 200


async def test_the_unix_socket_needs_no_key(tmp_path: Path) -> None:
    async with fake_service(tmp_path, host="0.0.0.0") as service, client_of(service) as http:
        inner = http._transport.app

        async def over_unix_socket(scope: Any, receive: Any, send: Any) -> None:
            await inner({**scope, "server": ("/run/service.sock", None)}, receive, send)

        http._transport.app = over_unix_socket
        assert (await http.get("/v1/models")).status_code == 200


async def test_every_response_has_a_request_id(http: httpx.AsyncClient) -> None:
    mine = {"x-request-id": "mine-1"}
    assert (await http.get("/healthz", headers=mine)).headers["x-request-id"] == "mine-1"
    odd = {"x-request-id": 'a b"<'}
    ids = {(await http.get("/v1/x", headers=odd)).headers["x-request-id"] for _ in range(3)}
    assert len(ids) == 3
    assert all(id_.startswith("req_") for id_ in ids)


async def test_tools_are_listed_with_what_they_take(http: httpx.AsyncClient) -> None:
    listed = (await http.get("/v1/tools")).json()["data"]
    assert [tool["name"] for tool in listed] == ["shout", "weigh_document"]
    weigh = (await http.get("/v1/tools/weigh_document")).json()
    assert weigh == listed[1]
    assert weigh["parameters"]["required"] == ["document", "unit"]
    assert weigh["slots"] == {"document": "document"}
    file = weigh["parameters"]["$defs"]["Artifact"]
    assert "file_data" in file["anyOf"][0]["properties"]


async def test_a_tool_is_run_by_itself(http: httpx.AsyncClient) -> None:
    body: dict[str, Any] = {"arguments": {"text": "hello"}}
    answer = (await http.post("/v1/tools/shout/invoke", json=body)).json()
    assert answer["tool"] == "shout"
    assert answer["result"] == {"text": "HELLO"}
    assert answer["usage"]["total_tokens"] == 5
    assert answer["seconds"] >= 0

    content = b"# Title\n\nSome text.\n"
    sent = {"filename": "a.md", "file_data": base64.b64encode(content).decode()}
    body = {"arguments": {"document": sent, "unit": "kg"}}
    answer = (await http.post("/v1/tools/weigh_document/invoke", json=body)).json()
    assert answer["result"] == {"size": float(len(content))}
    (artifact,) = answer["artifacts"]

    body = {"arguments": {"document": artifact["id"], "unit": "kg"}}
    again = (await http.post("/v1/tools/weigh_document/invoke", json=body)).json()
    assert again["artifacts"] == [artifact]

    about = await http.get(f"/v1/files/{artifact['id']}")
    assert about.json() == artifact
    got = await http.get(f"/v1/files/{artifact['id']}/content")
    assert got.content == content
    assert got.headers["content-disposition"] == "attachment; filename*=UTF-8''a.md"
    assert got.headers["x-content-type-options"] == "nosniff"


async def test_a_slot_for_text_takes_a_documents_text(http: httpx.AsyncClient) -> None:
    sent = {"filename": "a.txt", "file_data": base64.b64encode(b"quiet words").decode()}
    body = {"arguments": {"text": sent}}
    answer = (await http.post("/v1/tools/shout/invoke", json=body)).json()
    assert "QUIET WORDS" in answer["result"]["text"]


async def test_the_knowledge_base(http: httpx.AsyncClient) -> None:
    added = await http.post(
        "/v1/kb/documents",
        files=[("file", ("en/a.md", b"# A\n")), ("file", ("b.md", b"# B\n"))],
        data={"collection": "shop"},
    )
    assert [d["name"] for d in added.json()["data"]] == ["en/a.md", "b.md"]
    listed = (await http.get("/v1/kb/documents", params={"collection": "shop"})).json()["data"]
    assert len(listed) == 2
    assert (await http.get("/v1/kb/documents?collection=other")).json()["data"] == []
    assert (await http.delete(f"/v1/kb/documents/{listed[0]['id']}")).json()["deleted"]
    assert len((await http.get("/v1/kb/documents")).json()["data"]) == 1
    found = await http.post("/v1/kb/search", json={"query": "how long?", "limit": 3})
    (passage,) = found.json()["data"]
    assert (await http.get(f"/v1/kb/passages/{passage['chunk_id']}")).json()["text"]


async def test_ready_means_every_part(
    http: httpx.AsyncClient, service: FakeService, monkeypatch: pytest.MonkeyPatch
) -> None:
    response = await http.get("/readyz")
    assert response.status_code == 503
    parts = response.json()["parts"]
    assert (parts["database"], parts["vectors"]) == ("ok", "ok")
    assert "models pull" in parts["models"]

    monkeypatch.setattr("model_servers.store.ModelStore.path", lambda self, name: name)
    assert (await http.get("/readyz")).json()["status"] == "ok"

    async def gone(*_: Any) -> None:
        raise ModelUnavailable("The vectors are not there.")

    monkeypatch.setattr(service.knowledge, "list", gone)
    response = await http.get("/readyz")
    assert response.status_code == 503
    assert response.json()["parts"]["vectors"] == "The vectors are not there."


async def test_the_api_describes_itself(http: httpx.AsyncClient) -> None:
    page = (await http.get("/docs")).text
    links = re.findall(r'(?:src|href)="([^"]+)"', page)
    assert len(links) >= 2
    for link in links:
        assert link.startswith("/"), "the page asks nothing of other hosts"
        assert (await http.get(link)).status_code == 200
    described = (await http.get("/openapi.json")).json()
    operations = [
        (path, method, operation)
        for path, methods in described["paths"].items()
        for method, operation in methods.items()
    ]
    assert len(operations) >= 20
    assert all(operation["summary"] for _, _, operation in operations)
    assert "requestBody" in described["paths"][CHAT]["post"]


async def test_the_api_declares_the_errors_that_come(http: httpx.AsyncClient) -> None:
    described = (await http.get("/openapi.json")).json()
    for path, methods in described["paths"].items():
        for method, operation in methods.items():
            assert "422" not in operation["responses"], (method, path)
            for status in ("4XX", "5XX"):
                content = operation["responses"][status]["content"]["application/json"]
                assert content["schema"]["$ref"].endswith("/ErrorBody"), (method, path)
    declared = {
        "$ref": "#/components/schemas/ErrorBody",
        "components": described["components"],
    }
    for method, path in (("POST", CHAT), ("GET", "/v1/models/gpt-4"), ("GET", "/metrics")):
        validate((await http.request(method, path)).json(), declared)


async def test_health_is_told_without_a_body(http: httpx.AsyncClient) -> None:
    assert (await http.head("/healthz")).status_code == 200
    assert (await http.head("/readyz")).status_code == (await http.get("/readyz")).status_code


async def test_what_a_page_beside_the_api_has_not_got_is_told_in_the_same_shape(
    service: FakeService,
) -> None:
    page = FastAPI()

    @page.get("/")
    async def home() -> str:
        return "the page"

    @page.get("/broken")
    async def broken() -> None:
        raise HTTPException(404, "the page's own")

    app = create_app(service)
    app.mount("/", page)
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8000") as http:
        assert (await http.get("/")).json() == "the page"
        assert (await http.get("/broken")).json() == {"detail": "the page's own"}
        for method, path, status, code in (
            ("GET", "/metrics", 404, "unknown_route"),
            ("POST", "/", 405, "method_not_allowed"),
            ("POST", "/healthz", 405, "method_not_allowed"),
        ):
            response = await http.request(method, path)
            assert response.status_code == status, path
            assert response.json()["error"]["code"] == code, path
            assert response.headers["content-length"] == str(len(response.content))
