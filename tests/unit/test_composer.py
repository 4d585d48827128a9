"""How requests are taken apart and put together as plans; the router's scores are scripted."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
import pytest
from numpy.typing import NDArray

from orchestrator.composer import Composer
from orchestrator.router import CHAT, Scores
from tools.contracts import Kind
from tools.registry import Registry

from .small_tools import ExtractEntities, registry


class Redacting(ExtractEntities):
    outputs: ClassVar = {"entities": "entities", "redacted": "text"}

    class Result(ExtractEntities.Result):
        redacted: str | None = None


TOOLS = Registry(
    [Redacting() if isinstance(tool, ExtractEntities) else tool for tool in registry().values()]
)
CUES = {
    "translate_text": r"transl|in French|翻|translat|übersetz|訳|tradu|into",
    "summarize_text": r"summar|tl;dr|要約|fass|总结",
    "extract_entities": r"\bwho\b|people|names|redact|人名",
    "classify_text": r"good or bad|department|classify|好评|label",
    "answer_question": r"how long|what does|can i|how much|return",
}


class ScriptedRouter:
    """Scores by the cues above, or as sure of a wish with a word as is given for it; what has
    no cue is plain chat."""

    def __init__(self, sure: Mapping[str, float] | None = None) -> None:
        self._sure = dict(sure or {})

    async def score(self, wishes: Sequence[str], *, language: str) -> list[Scores]:
        return [self._one(wish) for wish in wishes]

    async def encode(self, texts: Sequence[str], *, language: str) -> NDArray[np.float32]:
        return np.array([[float("laptop" in t or "shoes" in t)] for t in texts], dtype=np.float32)

    def _one(self, wish: str) -> Scores:
        found = [name for name, cue in CUES.items() if re.search(cue, wish, re.IGNORECASE)]
        best = found[0] if found else CHAT
        sure = next((sure for word, sure in self._sure.items() if word in wish), 0.95)
        return {name: sure if name == best else 0.01 for name in (*CUES, CHAT)}


async def steps_of(request: str, **kinds: Kind) -> tuple[list[tuple[str, dict[str, Any]]], Any]:
    named = {name.replace("_", "."): kind for name, kind in kinds.items()}
    draft = await Composer(TOOLS, ScriptedRouter()).compose(  # type: ignore[arg-type]
        request, named, language="en"
    )
    return [(step.tool, dict(step.args)) for step in draft.plan.steps], draft


async def test_a_fan_out_and_another_wish_over_one_text() -> None:
    steps, draft = await steps_of(
        "Translate this into French and Portuguese and list the people and places in it: "
        "Maria Silva flew from Lisbon to Paris."
    )
    assert steps == [
        ("translate_text", {"text": "input:text", "target_language": "fr"}),
        ("translate_text", {"text": "input:text", "target_language": "pt"}),
        ("extract_entities", {"text": "input:text", "types": ["person", "place"]}),
    ]
    assert draft.payload == "Maria Silva flew from Lisbon to Paris."
    assert draft.confidence == pytest.approx(0.95)


@pytest.mark.parametrize(
    ("request_", "payload"),
    [
        ("Is this review good or bad? The zip broke after two days.",
         "The zip broke after two days."),
        ("The zip broke after two days. Is this good or bad?", "The zip broke after two days."),
        ("Is this good or bad?\n\nIt fell apart.", "It fell apart."),
        ('Is "the zip broke at once" good or bad?', "the zip broke at once"),
        ("Is this good or bad: it broke", "it broke"),
        ("这条是好评还是差评？拉链两天就坏了，客服也不理人。", "拉链两天就坏了，客服也不理人。"),
    ],
)  # fmt: skip
async def test_the_text_is_told_from_the_wish(request_: str, payload: str) -> None:
    steps, draft = await steps_of(request_)
    assert [tool for tool, _ in steps] == ["classify_text"]
    assert draft.payload == payload


async def test_then_works_on_what_came_before() -> None:
    steps, _ = await steps_of("Summarize this and then translate it into German: A long story.")
    assert steps == [
        ("summarize_text", {"text": "input:text"}),
        ("translate_text", {"text": "s1", "target_language": "de"}),
    ]


async def test_the_names_in_a_text_are_looked_for_in_the_text_itself() -> None:
    steps, _ = await steps_of("Summarize this and tell me who is in it: A long story.")
    assert [args["text"] for _, args in steps] == ["input:text", "input:text"]


async def test_labels_are_taken_off_the_head_of_the_text() -> None:
    steps, draft = await steps_of(
        "Which department is it for: billing, shipping or returns? My parcel never came."
    )
    assert steps == [
        ("classify_text", {"text": "input:text", "labels": ["billing", "shipping", "returns"]})
    ]
    assert draft.payload == "My parcel never came."


async def test_a_question_over_a_document_in_another_language() -> None:
    steps, _ = await steps_of(
        "What does this contract say about notice? Answer in German.", contract_docx="document"
    )
    assert steps == [
        (
            "answer_question",
            {
                "question": "What does this contract say about notice?",
                "document": "input:contract.docx",
                "language": "de",
            },
        )
    ]


async def test_a_file_fills_a_text_slot() -> None:
    steps, _ = await steps_of("Summarize it, then translate the summary", a_md="document")
    assert steps[0] == ("summarize_text", {"text": "input:a.md"})


async def test_what_is_negated_is_not_done() -> None:
    steps, _ = await steps_of("Don't translate it, just tell me who is in it: Ann met Bob.")
    assert [tool for tool, _ in steps] == ["extract_entities"]


async def test_what_stands_beside_a_refusal_is_no_wish_for_it() -> None:
    steps, _ = await steps_of(
        "No translation! I read French, it goes into no other language. Tell me who is in it.",
        a_md="document",
    )
    assert steps == [("extract_entities", {"text": "input:a.md", "types": ["person"]})]


async def test_a_remark_is_no_wish() -> None:
    unsure = Composer(TOOLS, ScriptedRouter({"ring": 0.6}))  # type: ignore[arg-type]
    draft = await unsure.compose(
        "How much is it? The people there ring me all day.", {}, language="en"
    )
    assert [step.tool for step in draft.plan.steps] == ["answer_question"]
    assert draft.confidence > 0.9


async def test_what_is_said_of_the_manner_belongs_to_the_wish_before() -> None:
    steps, _ = await steps_of("Summarize this for me. In three sentences, please.", a_md="document")
    assert steps == [("summarize_text", {"text": "input:a.md", "sentences": 3})]


async def test_with_a_file_to_work_on_a_sentence_is_no_text() -> None:
    steps, _ = await steps_of("Summarize it. The meeting is at nine already.", a_md="document")
    assert steps == [("summarize_text", {"text": "input:a.md"})]


async def test_what_was_taken_out_stays_out() -> None:
    steps, _ = await steps_of(
        "Redact the names in it and translate it into German.", a_md="document"
    )
    assert steps == [
        ("extract_entities", {"text": "input:a.md", "types": ["person"], "redact": True}),
        ("translate_text", {"text": "s1.redacted", "target_language": "de"}),
    ]


async def test_what_was_made_of_several_files_is_joined() -> None:
    files: dict[str, Kind] = {"a_md": "document", "b_md": "document"}
    steps, _ = await steps_of("Summarize both, then list the people.", **files)
    assert steps == [
        ("summarize_text", {"text": "input:a.md"}),
        ("summarize_text", {"text": "input:b.md"}),
        ("extract_entities", {"text": ["s1", "s2"], "types": ["person"]}),
    ]


async def test_a_language_that_a_text_is_in_is_not_one_to_go_to() -> None:
    steps, _ = await steps_of("It's in Czech, transl. Put it into English.", a_md="document")
    assert steps == [
        (
            "translate_text",
            {"text": "input:a.md", "source_language": "cs", "target_language": "en"},
        )
    ]


async def test_a_greeting_does_not_hide_the_question() -> None:
    steps, draft = await steps_of("Hello there! How long can I return shoes?")
    assert [tool for tool, _ in steps] == ["answer_question"]
    assert draft.confidence > 0.9


async def test_words_inside_the_wish_can_be_its_text() -> None:
    steps, draft = await steps_of("How do you say good morning in French?")
    assert steps == [("translate_text", {"text": "input:text", "target_language": "fr"})]
    assert draft.payload == "good morning"


@pytest.mark.parametrize(
    "request_",
    ["Translate this", "Translate this into French", "Summarize it", "hello"],
)
async def test_what_is_missing_makes_it_unsure(request_: str) -> None:
    _, draft = await steps_of(request_)
    assert draft.confidence < 0.5


async def test_the_last_answer_is_what_that_points_at() -> None:
    steps, _ = await steps_of("translate that into Spanish", previous="text")
    assert steps == [("translate_text", {"text": "input:previous", "target_language": "es"})]


async def test_quoted_orders_are_data() -> None:
    steps, draft = await steps_of('Summarize "Translate everything into French and list people"')
    assert [tool for tool, _ in steps] == ["summarize_text"]
    assert draft.payload == "Translate everything into French and list people"
