from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from model_servers.contracts import ChatDelta, ChatMessage, ChatReply, Usage
from tools.contracts import RunContext
from tools.extracts import extract_sentences
from tools.summarize_text import SummarizeText, SummarizeTextResult
from tools.summary_prompts import summary_messages, without_preamble

TEXT = (
    "The library on Mill Street will close for repairs on 4 June. It will open again in "
    "September. Books can be returned at the town hall, which is open until 18:00 on weekdays. "
    "The repairs cost 210,000 euros. They are paid for by the county."
)
Answer = Callable[[Sequence[ChatMessage]], str]


class FakeChat:
    def __init__(self, answer: Answer, *, finish: str = "stop") -> None:
        self.answer = answer
        self.finish = finish
        self.asked: list[str] = []
        self.streamed: list[str] = []
        self.closed = 0

    async def complete(self, messages: Sequence[ChatMessage], **_: Any) -> ChatReply:
        self.asked.append(messages[-1].content)
        return ChatReply(self.answer(messages), "stop", Usage(10, 5, 1))

    async def stream(
        self, messages: Sequence[ChatMessage], **_: Any
    ) -> AsyncGenerator[ChatDelta, None]:
        self.streamed.append(messages[-1].content)
        reply = self.answer(messages)
        try:
            for at in range(0, len(reply), 3):
                yield ChatDelta(reply[at : at + 3])
            yield ChatDelta("", self.finish, Usage(10, 5, 1))  # type: ignore[arg-type]
        finally:
            self.closed += 1


class Ran:
    def __init__(self, data: SummarizeTextResult, written: list[str], usage: Usage) -> None:
        self.data, self.written, self.usage = data, written, usage


async def run(
    chat: FakeChat | Answer,
    text: str = TEXT,
    *,
    context: type[RunContext] = RunContext,
    **args: Any,
) -> Ran:
    written: list[str] = []
    ctx = context(
        models={},  # type: ignore[arg-type]
        chat=chat if isinstance(chat, FakeChat) else FakeChat(chat),  # type: ignore[arg-type]
        artifacts=None,  # type: ignore[arg-type]
        knowledge=None,  # type: ignore[arg-type]
        write=written.append,
    )
    result = await SummarizeText()(SummarizeText.Args(text=text, **args), ctx)
    assert isinstance(result.data, SummarizeTextResult)
    assert "".join(written) == result.data.text
    return Ran(result.data, written, result.usage)


async def test_sentences_are_written_one_by_one() -> None:
    ran = await run(lambda _: "The library closes on 4 June.\nIt opens again in September.")
    assert ran.written == ["The library closes on 4 June.", " It opens again in September."]
    assert (ran.data.method, ran.data.language, ran.data.warnings) == ("llm", "en", ())
    assert ran.usage.llm_calls == 1


async def test_no_more_sentences_than_wanted_and_the_model_is_stopped() -> None:
    chat = FakeChat(lambda _: "It closes. " * 50)
    ran = await run(chat, sentences=2)
    assert ran.data.text == "It closes. It closes."
    assert chat.closed == 1


@pytest.mark.parametrize(
    ("args", "order"),
    [
        ({"length": "short"}, "in 2 sentences, written in English"),
        ({"text": TEXT * 2}, "in 4 sentences, written in English"),
        ({"text": TEXT * 4, "length": "long"}, "in 8 sentences, written in English"),
        ({}, "in 2 sentences, written in English"),
        ({"sentences": 1, "length": "long"}, "in 1 sentence, written in English"),
    ],
)
async def test_what_is_asked_for(args: dict[str, Any], order: str) -> None:
    chat = FakeChat(lambda _: "Kurz.")
    await run(chat, **args)
    assert chat.streamed[0].endswith(f"{order}.")


async def test_a_number_that_is_not_in_the_text_is_written_again() -> None:
    def answer(messages: Sequence[ChatMessage]) -> str:
        if "Write this sentence again" in messages[-1].content:
            return "It opens in September."
        return "It closes on 4 June. It opens in September 2031. The county pays."

    chat = FakeChat(answer)
    ran = await run(chat, sentences=3)
    assert ran.data.text == "It closes on 4 June. It opens in September. The county pays."
    assert "2031" in chat.asked[0]
    assert ran.data.warnings == ()


async def test_a_sentence_with_a_wrong_number_twice_is_left_out_and_told() -> None:
    ran = await run(lambda _: "It closes on 4 June. It costs 99 euros.")
    assert ran.data.text == "It closes on 4 June."
    assert "(99)" in ran.data.warnings[0]
    assert ran.data.warnings[0] in SummarizeText().render(ran.data, "en")


async def test_where_every_sentence_has_a_wrong_number_all_are_flagged() -> None:
    ran = await run(lambda _: "It costs 99 euros.")
    assert ran.data.text == "It costs 99 euros."
    assert ran.data.warnings == ("These numbers are not in the text: 99.",)


async def test_a_cut_sentence_is_left_out() -> None:
    ran = await run(FakeChat(lambda _: "It closes on 4 June. It opens aga", finish="length"))
    assert ran.data.text == "It closes on 4 June."


async def test_a_summary_in_another_language_is_told() -> None:
    ran = await run(lambda _: "Die Bibliothek schließt wegen der Reparaturen für den Sommer.")
    assert ran.data.warnings == ("The summary may not be in English.",)


@pytest.mark.parametrize("text", ["The shop is closed. Come back.", "12 345", "Hola."])
async def test_a_short_text_is_returned(text: str) -> None:
    chat = FakeChat(lambda _: "never")
    ran = await run(chat, text=text)
    assert (ran.data.text, ran.data.method) == (text, "unchanged")
    assert "so short already" in (ran.data.note or "")
    assert chat.streamed == []


async def test_a_summary_in_another_language_is_translated_from_the_texts_own() -> None:
    def answer(messages: Sequence[ChatMessage]) -> str:
        last = messages[-1].content
        if "Summarize the text" in last:
            return "The library closes on 4 June. It opens again in September."
        return "Elle ferme le 4 juin." if "closes" in last else "Elle rouvre en septembre."

    chat = FakeChat(answer)
    ran = await run(chat, language="fr")
    assert "written in English" in chat.streamed[0]
    assert ran.written == ["Elle ferme le 4 juin.", " ", "Elle rouvre en septembre."]
    assert (ran.data.language, ran.data.method, ran.data.warnings) == ("fr", "llm", ())
    assert ran.usage.llm_calls == 3


async def test_a_short_text_is_only_translated_into_another_language() -> None:
    chat = FakeChat(lambda _: "Le magasin est fermé.")
    ran = await run(chat, "The shop is closed.", language="fr")
    assert (ran.data.text, ran.data.method) == ("Le magasin est fermé.", "llm")
    assert chat.streamed == []


async def test_a_long_text_goes_by_windows() -> None:
    text = "The council met again to talk about the bridge over the river. " * 300
    chat = FakeChat(lambda _: "The council met.")
    ran = await run(chat, text=text)
    assert ran.data.text == "The council met."
    assert len(chat.asked) == len(text) // 6_000 + 1
    assert ran.data.note is None
    assert "The council met." in chat.streamed[0]


class ShortOfTime(RunContext):
    """Every call of the chat model takes 10 s of the 100 there are."""

    def remaining_s(self) -> float:
        assert isinstance(self.chat, FakeChat)
        return 100.0 - 10.0 * len(self.chat.asked)


async def test_without_time_for_every_window_the_rest_is_read_in_extracts() -> None:
    text = "The council met again to talk about the bridge over the river. " * 1000
    chat = FakeChat(lambda _: "The council met.")
    ran = await run(chat, text, context=ShortOfTime)
    assert "most telling sentences" in (ran.data.note or "")
    assert len(chat.asked) == 1 + 6


def test_tags_in_the_text_do_not_end_it() -> None:
    order = summary_messages("a </text> b < / TEXT > c", "en", 2)[-1].content
    assert order.count("</text>") == 1
    one, two = summary_messages("One", "fr", 2), summary_messages("Two", "fr", 3)
    assert one[:-1] == two[:-1]


@pytest.mark.parametrize(
    ("reply", "rest"),
    [
        ("Here is a summary of the text:\nIt closes.", "It closes."),
        ("Summary: It closes.", "It closes."),
        ("摘要：关门了。", "关门了。"),
        ("The study summarizes three results: one.", "The study summarizes three results: one."),
    ],
)
def test_preambles(reply: str, rest: str) -> None:
    assert without_preamble(reply) == rest


def test_extracts_take_the_typical_sentences() -> None:
    text = (
        "The bridge needs repairs this year. Cats sleep a lot in the sun. The council will pay for "
        "the repairs of the bridge. The bridge repairs begin this year, the council said. Hm."
    )
    extract = extract_sentences(text, 160)
    assert "council" in extract
    assert "Cats" not in extract


@settings(deadline=None)
@given(st.text("ab. \n", max_size=200), st.integers(1, 200))
def test_extracts_stay_within_their_bound(text: str, most: int) -> None:
    extract = extract_sentences(text, most)
    first = text.split(maxsplit=1)[0] if text.split() else ""
    assert extract.startswith(first)
    assert len(extract) <= max(most, len(text))


def test_what_the_router_learns_from() -> None:
    assert len(set(SummarizeText.examples)) == len(SummarizeText.examples) >= 12 + 3 * 8
    assert SummarizeText.slots() == {"text": "text"}
