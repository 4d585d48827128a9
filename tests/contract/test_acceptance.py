"""What people and programs do first, over HTTP, with the stock client and the real models."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import docx
import httpx
import openai
import pytest

from orchestrator.server import service_app
from orchestrator.settings import Settings
from tests.e2e.chat_page import served

pytestmark = [pytest.mark.models, pytest.mark.llm]

HANDBOOK = Path(__file__).parents[2] / "examples" / "shop" / "handbook"


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[openai.OpenAI]:
    settings = Settings(home=tmp_path_factory.mktemp("home"))
    with served(service_app(settings, page=False)) as address:
        made = openai.OpenAI(base_url=f"{address}/v1", api_key="none", timeout=300, max_retries=0)
        pages = [*(HANDBOOK / "en").glob("returns*.md"), *(HANDBOOK / "zh").glob("returns.md")]
        for page in pages:
            answer = httpx.post(
                f"{address}/v1/kb/documents",
                files={"file": (f"{page.parent.name}-{page.name}", page.read_bytes())},
                timeout=300,
            )
            assert answer.is_success, answer.text
        with made:
            yield made


def ask(client: openai.OpenAI, text: str, *files: tuple[str, bytes], **extension: Any) -> Any:
    content: Any = [
        {"type": "file", "file": {"filename": name, "file_data": data_url(data)}}
        for name, data in files
    ]
    content.append({"type": "text", "text": text})
    reply = client.chat.completions.create(
        model="switchboard",
        messages=[{"role": "user", "content": content}],
        extra_body={"switchboard": {"store": False, **extension}},
    )
    return reply.model_extra["switchboard"]


def data_url(data: bytes) -> str:
    return f"data:application/octet-stream;base64,{base64.b64encode(data).decode()}"


@pytest.mark.parametrize(
    "review",
    [
        "The zip broke after two days and nobody answers.",
        "The zip broke after two days and nobody answers my mails.",
        "The zip broke and I will sue you.",
    ],
)
def test_a_review_is_rated_by_the_router(client: openai.OpenAI, review: str) -> None:
    told = ask(client, f"Is this review good or bad? {review}")
    assert told["route"]["path"] == "router"
    assert told["usage"]["llm_calls"] == 0
    assert told["steps"][0]["result"]["label"] == "bad"
    assert told["steps"][0]["result"]["method"] == "sentiment head"
    assert "%" in told["answer"]


@pytest.mark.parametrize("order", ["Translate into French", "Translate to French"])
def test_two_words_are_a_text(client: openai.OpenAI, order: str) -> None:
    told = ask(client, f"{order}: good morning")
    assert told["steps"][0]["result"]["text"].strip(".!").lower() == "bonjour"


def test_a_conversation_goes_on_past_small_talk(client: openai.OpenAI) -> None:
    first = ask(client, "How long do I have to send a laptop back?", store=True)
    for talk in ("Thank you!", "That helps, have a nice day"):
        told = ask(client, talk, conversation=first["conversation_id"])
        assert told["route"]["path"] == "chat"
        assert told["plan"]["steps"] == []
        assert told["handoff"] is None
    shoes = ask(client, "and shoes?", conversation=first["conversation_id"])
    assert shoes["route"]["resolved_request"] == "How long do I have to send shoes back?"
    assert "shoes" in shoes["citations"][0]["document"]


def test_three_wishes_in_one_sentence(client: openai.OpenAI) -> None:
    told = ask(
        client,
        "Translate this into French and Portuguese and list the people and places in it: Maria "
        "Silva flew from Lisbon to Paris on Tuesday to meet Dr. Chen.",
    )
    french, portuguese, entities = told["steps"]
    assert "Maria Silva" in french["result"]["text"]
    assert "Lisboa" in portuguese["result"]["text"]
    found = {(entity["type"], entity["text"]) for entity in entities["result"]["entities"]}
    assert {("person", "Maria Silva"), ("place", "Lisbon"), ("place", "Paris")} <= found


def test_a_conversation_about_the_handbook(client: openai.OpenAI) -> None:
    first = ask(client, "How long do I have to send a laptop back?", store=True)
    assert "30" in first["answer"]
    assert first["citations"][0]["document"].startswith("en-returns")
    going_on = {"conversation": first["conversation_id"]}
    second = ask(client, "and shoes?", **going_on)
    assert "100" in second["answer"]
    third = ask(client, "translate that into Spanish", **going_on)
    assert third["steps"][0]["tool"] == "translate_text"
    assert "100" in third["answer"]
    assert "días" in third["answer"]


def test_a_chinese_question_gets_a_chinese_answer(client: openai.OpenAI) -> None:
    told = ask(client, "笔记本电脑多久之内可以退货？")
    assert "30" in told["answer"]
    assert "天" in told["answer"]
    assert told["citations"]


def test_what_is_nowhere_is_not_known(client: openai.OpenAI) -> None:
    told = ask(client, "Who designed the shop's logo?")
    assert "don't know" in told["answer"]
    assert not told["citations"]


def test_a_contract_answers_in_german(client: openai.OpenAI) -> None:
    document = docx.Document()
    document.add_heading("Rental agreement", 1)
    document.add_heading("Notice", 2)
    document.add_paragraph("Either party may end this contract with three months' notice.")
    document.add_heading("Payment", 2)
    document.add_paragraph("The rent of 900 euros is due on the first day of each month.")
    file = io.BytesIO()
    document.save(file)
    told = ask(
        client,
        "What does this contract say about notice? Answer in German.",
        ("contract.docx", file.getvalue()),
    )
    assert told["plan"]["steps"][0]["args"]["language"] == "de"
    assert "Monat" in told["answer"]
    assert told["citations"][0]["document"] == "contract.docx"


def test_a_turn_with_a_tool_streams(client: openai.OpenAI) -> None:
    stream = client.chat.completions.create(
        model="switchboard",
        messages=[{"role": "user", "content": "Translate this to Portuguese: Good morning!"}],
        stream=True,
    )
    chunks = list(stream)
    assert chunks[0].choices[0].delta.role == "assistant"
    assert "Bom dia" in "".join(chunk.choices[0].delta.content or "" for chunk in chunks)
    assert chunks[-1].choices[0].finish_reason == "stop"


def test_models_and_embeddings(client: openai.OpenAI) -> None:
    names = {model.id for model in client.models.list()}
    assert {"switchboard", "classify_text", "translate_text"} <= names
    made = client.embeddings.create(model="switchboard", input=["a laptop", "ein Laptop"])
    assert [len(item.embedding) for item in made.data] == [384, 384]


def test_a_bad_request_says_what_to_do(client: openai.OpenAI) -> None:
    with pytest.raises(openai.BadRequestError, match="empty"):
        client.chat.completions.create(
            model="switchboard", messages=[{"role": "user", "content": "  "}]
        )
    with pytest.raises(openai.NotFoundError, match="switchbord"):
        client.chat.completions.create(
            model="switchbord", messages=[{"role": "user", "content": "hi"}]
        )
