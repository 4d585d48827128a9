"""extract_entities on scripted models: offsets, languages, types, redaction."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from model_servers.contracts import ChatMessage, ChatReply, ItemError, Usage
from model_servers.entities import NamedSpan, NounPhrase
from model_servers.lac import TaggedWord
from model_servers.rampart import PersonalSpan
from tools.contracts import RunContext, ToolResult
from tools.errors import InvalidInput
from tools.extract_entities import ExtractEntities

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")
NAMES = {"Maria Silva": "PERSON", "Lisbon": "GPE", "Apple Inc.": "ORG", "3.50": "MONEY",
         "SSN": "ORG", "48213": "DATE", "Paris's": "GPE"}  # fmt: skip


class NamePool:
    """A pipeline that knows a few names."""

    async def predict(self, name: str, items: Sequence[str], **_: Any) -> list[Any]:
        assert name in ("ner-en", "names-en", "ner-zh", "nouns-en")
        if name == "names-en":
            return [[*_personal(text)] for text in items]
        if name == "ner-zh":
            return [[*_words(text)] for text in items]
        return [self._spans(text) if name == "ner-en" else _phrases(text) for text in items]

    def _spans(self, text: str) -> list[NamedSpan] | ItemError:
        return sorted(
            NamedSpan(start, start + len(surface), label)
            for surface, label in NAMES.items()
            for start in range(len(text))
            if text.startswith(surface, start)
        )


def _personal(text: str) -> Iterator[PersonalSpan]:
    for found in re.finditer("Usha|Oslo", text):
        yield PersonalSpan(*found.span(), "person" if found[0] == "Usha" else "place", 0.9)


def _words(text: str) -> Iterator[TaggedWord]:
    """王芳 and 巴黎 are names; every other character is a word."""
    for found in re.finditer("王芳|巴黎|.", text, re.DOTALL):
        yield TaggedWord(*found.span(), {"王芳": "PER", "巴黎": "LOC"}.get(found[0], "n"))


def _phrases(text: str) -> list[NounPhrase]:
    """Each word after an article, with it."""
    return [
        NounPhrase(found.start(), found.end(), found[1].lower(), found[2].lower())
        for found in re.finditer(r"\b(the|this|my|an?) (\w+)", text, re.IGNORECASE)
    ]


class ScriptedChat:
    def __init__(self, *entities: tuple[str, str], tail: str = "]}") -> None:
        items = [json.dumps({"text": text, "type": kind}) for text, kind in entities]
        self.reply = '{"entities": [' + ", ".join(items) + tail
        self.asked: list[Sequence[ChatMessage]] = []

    async def complete(self, messages: Sequence[ChatMessage], **_: Any) -> ChatReply:
        self.asked.append(messages)
        return ChatReply(self.reply, "stop", Usage(10, 5, 1))


async def run(chat: ScriptedChat | None = None, **args: Any) -> ToolResult:
    tool = ExtractEntities()
    context = RunContext(
        models=NamePool(),  # type: ignore[arg-type]
        chat=chat or ScriptedChat(),  # type: ignore[arg-type]
        artifacts=None,  # type: ignore[arg-type]
        knowledge=None,  # type: ignore[arg-type]
    )
    return await tool(tool.Args(**args), context)


def found(result: ToolResult) -> list[tuple[str, str, str]]:
    return [(e.text, e.type, e.source) for e in result.data.entities]  # type: ignore[attr-defined]


async def test_names_of_the_types_asked_for() -> None:
    text = "Maria Silva flew from Lisbon with Apple Inc. on Monday."
    result = await run(text=text, types=["people", "Places"])
    assert found(result) == [("Maria Silva", "person", "spacy"), ("Lisbon", "place", "spacy")]
    rendered = ExtractEntities().render(result.data, "de")
    assert rendered == "- **Personen**: Maria Silva\n- **Orte**: Lisbon"


async def test_names_that_only_the_second_model_knows() -> None:
    assert found(await run(text="Usha, Oslo, Lisbon")) == [
        ("Usha", "person", "rampart"),
        ("Oslo", "place", "rampart"),
        ("Lisbon", "place", "spacy"),
    ]


async def test_what_the_pipeline_gets_wrong_is_put_right() -> None:
    text = "The SSN for order 48213 cost $3.50 in Paris's centre, they said."
    assert found(await run(text=text, types=["organisation", "date", "amount", "place"])) == [
        ("$3.50", "amount", "rules"),
        ("Paris", "place", "spacy"),
    ]


async def test_redaction_takes_out_personal_data_and_leaves_the_rest() -> None:
    result = await run(text="👩‍👩‍👧 Maria Silva of Lisbon: maria@b.org", types=None, redact=True)
    assert result.data.redacted == "👩‍👩‍👧 [PERSON] of Lisbon: [EMAIL]"  # type: ignore[attr-defined]
    only = await run(text="Maria Silva of Lisbon", types=["place"], redact=True)
    assert only.data.redacted == "Maria Silva of [PLACE]"  # type: ignore[attr-defined]


async def test_redaction_hides_who_may_be_a_person_and_lists_what_it_hid() -> None:
    text = "I am Ana Costa, 12 High Street, Lisbon, born 3 May 1980. Lisbon is fine on 3 May 2024."
    result = await run(text=text, redact=True)
    assert result.data.redacted == (  # type: ignore[attr-defined]
        "I am [PERSON], [PLACE], born [DATE]. Lisbon is fine on 3 May 2024."
    )
    assert ("Ana Costa", "person", "rules") in found(result)
    assert ("Ana Costa", "person", "rules") not in found(await run(text=text))
    only = await run(text=text, types=["email"], redact=True)
    assert only.data.redacted == text  # type: ignore[attr-defined]


async def test_other_languages_go_to_the_chat_model_and_are_marked() -> None:
    chat = ScriptedChat(("田中", "person"), ("パリ", "place"), ("火星", "place"))
    result = await run(
        chat, text="田中さんはパリに行きました。田中さんのメールは tanaka@b.jp です。"
    )
    assert found(result) == [
        ("田中", "person", "llm"),
        ("パリ", "place", "llm"),
        ("田中", "person", "llm"),
        ("tanaka@b.jp", "email", "rules"),
    ]
    assert result.usage.llm_calls == 1


async def test_chinese_names_need_no_chat_model_but_products_do() -> None:
    text = "王芳去了巴黎，在那里买了一部手机，王芳很高兴。"
    chat = ScriptedChat(("手机", "product"), ("王芳", "product"))
    names = [("王芳", "person", "lac"), ("巴黎", "place", "lac"), ("王芳", "person", "lac")]
    assert found(await run(chat, text=text, types=["person", "place"])) == names
    assert chat.asked == []
    result = await run(chat, text=text)
    assert found(result) == [*names[:2], ("手机", "product", "llm"), names[2]]
    assert result.usage.llm_calls == 1


async def test_long_chinese_texts_keep_their_offsets() -> None:
    text = "这里什么也没有。" * 200 + "王芳来了。" + "后来也没有。" * 100
    (entity,) = (await run(text=text, types=["person"])).data.entities  # type: ignore[attr-defined]
    assert text[entity.start : entity.end] == entity.text == "王芳"


@pytest.mark.parametrize(
    "text",
    [
        "D",
        "Vince J Kaminski",
        "09/20/2000 09:32 AM",
        "(Space.com)",
        "Magali Van Belle Consultant PHB Hagler Bailly MANAGEMENT CONSULTANTS direct (202) 555",
    ],
)
async def test_a_name_alone_is_no_foreign_language(text: str) -> None:
    chat = ScriptedChat()
    await run(chat, text=text)
    assert chat.asked == []


@pytest.mark.parametrize(
    "text",
    [
        "Juan y Ana viven en Lima",
        "Vive à Paris",
        "Erinnern Sie sich?",
        "EL PRESIDENTE DE LA REPÚBLICA VISITÓ AYER LA CIUDAD DE LIMA CON TODOS SUS MINISTROS",
    ],
)
async def test_a_short_or_shouted_text_has_a_language(text: str) -> None:
    chat = ScriptedChat()
    await run(chat, text=text, types=["place"])
    assert len(chat.asked) == 1


async def test_a_cut_reply_keeps_what_was_whole() -> None:
    chat = ScriptedChat(("田中", "person"), tail=', {"text": "パ')
    text = "田中さんはパリに行きました。"
    assert found(await run(chat, text=text)) == [("田中", "person", "llm")]


async def test_rules_alone_need_no_chat_model() -> None:
    chat = ScriptedChat()
    await run(chat, text="我的邮箱是 wang@b.cn，谢谢。", types=["email"])
    assert chat.asked == []


async def test_long_texts_keep_their_offsets() -> None:
    text = "Nothing here at all. " * 900 + "Then Maria Silva came. " + "And so on. " * 900
    (entity,) = (await run(text=text)).data.entities  # type: ignore[attr-defined]
    assert text[entity.start : entity.end] == entity.text == "Maria Silva"


@pytest.mark.parametrize(
    ("text", "types", "product"),
    [
        ("The zip broke after two days.", ["product"], "zip"),
        ("My daughter waited for the courier, but she loves this tent.", ["product"], "tent"),
        ("The delivery took a week.", ["product"], None),
        ("The zip broke after two days.", ["product", "date"], None),
        ("The zip broke after two days.", None, None),
    ],
)
async def test_a_product_that_is_only_spoken_of(
    text: str, types: list[str] | None, product: str | None
) -> None:
    given = [
        entity for entity in found(await run(text=text, types=types)) if entity[1] == "product"
    ]
    assert given == ([] if product is None else [(product, "product", "syntax")])


async def test_bad_arguments() -> None:
    with pytest.raises(InvalidInput, match="empty"):
        await run(text=" \n")
    with pytest.raises(ValidationError):
        await run(text="a", types=["colour"])


PIECES = st.lists(
    st.one_of(
        st.sampled_from([*NAMES, " ", "\n", "😀", "e\u0301", "王芳", "مرحبا", "a@b.org", ". "]),
        st.text(max_size=8),
    ),
    min_size=1,
    max_size=30,
).map("".join)


@settings(deadline=None, max_examples=150)
@given(PIECES)
async def test_an_entity_is_what_stands_at_its_offsets(text: str) -> None:
    if not text.strip():
        return
    chat = ScriptedChat(("王芳", "person"), ("😀", "event"), ("e\u0301", "place"))
    entities = (await run(chat, text=text, redact=True)).data.entities  # type: ignore[attr-defined]
    assert all(text[e.start : e.end] == e.text for e in entities)
    assert all(a.end <= b.start for a, b in itertools.pairwise(entities))
