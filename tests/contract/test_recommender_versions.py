"""Train, put in service, exchange under load, go back: over the API, on a real database."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from fastapi import FastAPI, Request

from model_servers.contracts import SwitchboardError
from orchestrator.admission import Admission, Bounds
from orchestrator.api import recommend
from orchestrator.api.replies import on_switchboard_error
from orchestrator.errors import TrainingFailed
from orchestrator.own_shop import OwnShop, open_shop
from orchestrator.settings import Settings
from orchestrator.traces import TraceStore
from orchestrator.tracing import Tracer
from tests.shop_fixture import SmallShop, small_shop
from tools.recommendation.shop import Constraints, Past

ITEMS = "id,title,categories,price,currency,available\n" + "".join(
    f"i{n},Thing {n},{'sport' if n < 10 else 'garden'},{n + 1}.00,EUR,yes\n" for n in range(20)
)
EVENTS = "customer,item,kind,at\n" + "".join(
    f"c{user},i{(user * 3 + step * 7) % 10 + (10 if user % 2 else 0)},buy,2026-01-{step + 1:02}\n"
    for user in range(30)
    for step in range(4)
)


@pytest.fixture
async def small(tmp_path: Path) -> AsyncIterator[SmallShop]:
    async with small_shop(tmp_path) as opened:
        yield opened


@pytest.fixture
def shop(small: SmallShop) -> OwnShop:
    return open_shop(small.database, small.vectors, small.folder / "recommenders")


@pytest.fixture
async def client(small: SmallShop, shop: OwnShop) -> AsyncIterator[httpx.AsyncClient]:
    app = FastAPI()
    tracer = Tracer(TraceStore(small.database, kept=0), versions={})
    app.state.service = SimpleNamespace(
        shop=shop, admission=Admission(Bounds()), settings=Settings(), tracer=tracer
    )

    @app.middleware("http")
    async def known(request: Request, call_next: Any) -> Any:
        request.state.owner = "local"
        request.state.operator = "x-nobody" not in request.headers
        request.state.request_id = "req_1"
        return await call_next(request)

    app.include_router(recommend.router)
    app.add_exception_handler(SwitchboardError, on_switchboard_error)
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as opened:
        yield opened


def events_of(answer: httpx.Response) -> list[tuple[str, Any]]:
    found = []
    for block in answer.text.strip().split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.splitlines())
        if fields["data"] != "[DONE]":
            found.append((fields.get("event", ""), json.loads(fields["data"])))
    return found


async def imported(client: httpx.AsyncClient, small: SmallShop) -> None:
    body = {
        "items": str(small.file("items.csv", ITEMS)),
        "interactions": str(small.file("interactions.csv", EVENTS)),
    }
    report = (await client.post("/v1/recommend/import", json=body)).json()
    assert (report["items"], report["interactions"]) == (20, 120)
    again = await client.post("/v1/recommend/import", json=body | {"stream": True})
    *told, (name, report) = events_of(again)
    assert {name for name, _ in told} == {"progress"}
    assert (name, report["interactions"], report["duplicates"]) == ("report", 0, 120)
    shop = (await client.get("/v1/recommend/shop")).json()
    assert (shop["items"], shop["categories"]) == (20, ["garden", "sport"])


async def trained(client: httpx.AsyncClient, *models: str) -> dict[str, Any]:
    body = {"models": models or None, "stream": True}
    answer = await client.post("/v1/recommend/train", json=body)
    events = events_of(answer)
    assert events[-1][0] == "version", events
    version: dict[str, Any] = events[-1][1]
    return version


async def test_import_train_serve_and_go_back(
    client: httpx.AsyncClient, small: SmallShop, shop: OwnShop
) -> None:
    await imported(client, small)
    assert (await shop.asked.candidates([Past(("i1",))], Constraints(), 3)).version is None

    first = await trained(client)
    assert first["id"] == "v1"
    assert first["in_service"]
    assert set(first["metrics"]) == {"popularity", "item_knn", "ease", "als"}
    assert first["model"] != "popularity"
    ranking = await shop.asked.candidates([Past(("i1", "i4"))], Constraints(), 5)
    assert ranking.version == "v1"
    assert all(int(match.item.id[1:]) < 10 for match in ranking.rankings[0])
    assert {past.id for past in ranking.because.values()} <= {"i1", "i4"}

    second = await trained(client, "popularity")
    assert (second["id"], second["model"]) == ("v2", "popularity")
    assert (await shop.asked.candidates([Past(("i1",))], Constraints(), 3)).version == "v2"

    back = (await client.post("/v1/recommend/versions/v1/serve")).json()
    assert back["in_service"]
    assert (await shop.asked.candidates([Past(("i1",))], Constraints(), 3)).version == "v1"
    listed = (await client.get("/v1/recommend/versions")).json()["data"]
    assert [(v["id"], v["in_service"]) for v in listed] == [("v2", False), ("v1", True)]
    wrong = await client.post("/v1/recommend/versions/v9/serve")
    assert wrong.status_code == 404


async def test_versions_are_exchanged_under_load_and_none_fails(
    client: httpx.AsyncClient, small: SmallShop, shop: OwnShop
) -> None:
    await imported(client, small)
    await trained(client, "ease")
    seen: list[str | None] = []
    done = False
    turned = asyncio.Condition()

    async def ask() -> None:
        while not done:
            ranking = await shop.asked.candidates([Past(("i1",))], Constraints(), 3)
            assert len(ranking.rankings[0]) == 3
            async with turned:
                seen.append(ranking.version)
                turned.notify_all()

    async def answered_by(version: str) -> None:
        """Wait for an answer by that version."""
        async with turned:
            await turned.wait_for(lambda: seen[-1] == version)

    asking = [asyncio.create_task(ask()) for _ in range(4)]
    await trained(client, "als")
    await answered_by("v2")
    await client.post("/v1/recommend/versions/v1/serve")
    await answered_by("v1")
    done = True
    await asyncio.gather(*asking)
    assert set(seen) == {"v1", "v2"}


async def test_another_process_sees_the_version_in_service(
    client: httpx.AsyncClient, small: SmallShop
) -> None:
    await imported(client, small)
    other = open_shop(small.database, small.vectors, small.folder / "recommenders")
    await trained(client, "ease")
    assert (await other.asked.candidates([Past(("i1",))], Constraints(), 1)).version == "v1"


async def test_a_version_whose_files_are_gone_leaves_the_one_before(
    client: httpx.AsyncClient, small: SmallShop, shop: OwnShop
) -> None:
    await imported(client, small)
    await trained(client, "ease")
    await trained(client, "als")
    assert (await shop.asked.candidates([Past()], Constraints(), 1)).version == "v2"
    for path in (small.folder / "recommenders/versions/v1/model").iterdir():
        path.unlink()
    answer = await client.post("/v1/recommend/versions/v1/serve")
    assert answer.status_code == 503
    assert "train anew" in answer.json()["error"]["message"]
    assert (await shop.asked.candidates([Past()], Constraints(), 1)).version == "v2"


async def test_a_run_that_was_cut_off_goes_on(
    client: httpx.AsyncClient, small: SmallShop, shop: OwnShop
) -> None:
    await imported(client, small)
    began = asyncio.Event()

    def told(event: dict[str, Any]) -> None:
        if "ndcg@10" in event:
            began.set()

    run = asyncio.create_task(shop.training.run(["popularity", "ease"], told))
    await began.wait()
    run.cancel()
    await asyncio.wait((run,))
    assert (await client.get("/v1/recommend/versions")).json()["data"] == []
    kept = small.folder / "recommenders/training"
    assert (kept / "popularity.json").exists()
    # What was done is not done again: its figures are taken as they are kept.
    (kept / "popularity.json").write_text('{"hr@10": 1.0, "ndcg@10": 1.0}')
    version = await trained(client, "popularity", "ease")
    assert version["metrics"]["popularity"] == {"hr@10": 1.0, "ndcg@10": 1.0}
    assert not kept.exists()


async def test_a_training_that_fails_says_why_and_changes_nothing(
    client: httpx.AsyncClient, small: SmallShop, shop: OwnShop
) -> None:
    empty = await client.post("/v1/recommend/train", json={})
    assert empty.status_code == 400
    assert "import a catalogue" in empty.json()["error"]["message"]
    await imported(client, small)
    unknown = await client.post("/v1/recommend/train", json={"models": ["magic"]})
    assert unknown.status_code == 400
    assert "ease" in unknown.json()["error"]["message"]
    # A run that was begun before, with something in the way of what it writes last.
    await shop.training._prepare(["popularity", "ease"], seed=0)
    folder = small.folder / "recommenders/training"
    (folder / "finished.json").mkdir()
    with pytest.raises(TrainingFailed, match="log says why"):
        await shop.training.run(["popularity", "ease"], lambda _: None)
    assert (await client.get("/v1/recommend/versions")).json()["data"] == []
    (folder / "finished.json").rmdir()
    assert (await trained(client, "popularity", "ease"))["id"] == "v1"


async def test_what_is_pressed_is_taken_in_once(
    client: httpx.AsyncClient, small: SmallShop, shop: OwnShop
) -> None:
    await imported(client, small)
    ranking = await shop.asked.candidates([Past()], Constraints(), 5)
    showing, shown = await shop.asked.rerank("c1", (), ranking.rankings[0], 3)
    body = {"showing": showing, "item": shown[0].item.id, "kind": "like"}
    for counted in (True, False):
        answer = await client.post("/v1/recommend/feedback", json=body)
        assert answer.json() == {"object": "recommendation.feedback", "counted": counted}
    wrong = await client.post("/v1/recommend/feedback", json=body | {"item": "i19x"})
    assert wrong.status_code == 404


async def test_a_ranking_is_explained(client: httpx.AsyncClient, small: SmallShop) -> None:
    await imported(client, small)
    await trained(client, "ease")
    told = (await client.get("/v1/recommend/explain?customer=c2&limit=3")).json()
    assert told["version"] == "v1"
    assert [each["place"] for each in told["items"]] == [1, 2, 3]
    had = {event["title"] for event in told["history"]}
    assert all(each["because"] in had for each in told["items"])
    one = (await client.get("/v1/recommend/explain?customer=c2&item=i15")).json()
    assert [each["item"] for each in one["items"]] == ["i15"]
    assert one["ranked"] > one["items"][0]["place"] > 3
    for wrong in ("customer=nobody", "customer=c2&item=none"):
        assert (await client.get(f"/v1/recommend/explain?{wrong}")).status_code == 404


@pytest.mark.parametrize("path", ["items.csv", "/nowhere/items.csv", "/etc", "a\0b"])
async def test_files_that_are_not_there_are_told(client: httpx.AsyncClient, path: str) -> None:
    answer = await client.post("/v1/recommend/import", json={"items": path})
    assert answer.status_code == 400
    assert answer.json()["error"]["param"] == "items"


async def test_only_operators_change_a_shop(client: httpx.AsyncClient) -> None:
    nobody = {"x-nobody": "1"}
    for path in ("import", "train", "versions/v1/serve"):
        answer = await client.post(f"/v1/recommend/{path}", json={}, headers=nobody)
        assert answer.status_code == 403, path
    assert (await client.get("/v1/recommend/items/i1/picture")).status_code == 404
