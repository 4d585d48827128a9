from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.arguments import (
    label_list,
    only_answer_language,
    read_arguments,
    target_languages,
)
from orchestrator.clauses import part, split_clauses
from tools.registry import load_registry


@pytest.mark.parametrize(
    ("text", "clauses"),
    [
        ("list the people and places in it", ["list the people and places in it"]),
        ("Summarise this, then translate it", ["Summarise this", "translate it"]),
        ("Transcribe this, translate it to French and read it aloud",
         ["Transcribe this", "translate it to French", "read it aloud"]),
        ("把这段话翻成英文，然后列出里面的人名", ["把这段话翻成英文", "列出里面的人名"]),
        ("Fasse den Text zusammen und übersetze ihn", ["Fasse den Text zusammen", "übersetze ihn"]),
        ("この文章を要約して、ドイツ語に翻訳して", ["この文章を要約して", "ドイツ語に翻訳して"]),
        ("Resume esto y luego traduce el resumen", ["Resume esto", "traduce el resumen"]),
        ("Namen raus, dann auf Französisch", ["Namen raus", "auf Französisch"]),
        ("لخّص هذا ثم ضعه بالإنجليزية", ["لخّص هذا", "ضعه بالإنجليزية"]),
        ("इसका सारांश दो फिर अंग्रेज़ी में लिखो", ["इसका सारांश दो", "अंग्रेज़ी में लिखो"]),
    ],
)  # fmt: skip
def test_wishes_are_parted_where_one_begins(text: str, clauses: list[str]) -> None:
    assert [clause.text for clause in split_clauses(text)] == clauses


@pytest.mark.parametrize(
    ("text", "payload", "mark"),
    [
        ("Translate this: hello world", "hello world", "colon"),
        ("translate 'good morning' into French", "good morning", "quotes"),
        ("what's the dog's name", None, None),
        ("meet me at 10:30", None, None),
        ("see https://example.com/a", None, None),
        ("Summarise:\n```\nsome text\n```", "some text", "fence"),
        ("翻译：你好", "你好", "colon"),
    ],
)
def test_the_form_sets_the_payload_off(text: str, payload: str | None, mark: str | None) -> None:
    parted = part(text)
    assert (parted.payload, parted.mark) == (payload, mark)


@given(st.text(max_size=300))
def test_any_text_can_be_taken_apart(text: str) -> None:
    parted = part(text)
    assert parted.payload is None or parted.payload
    for clause in split_clauses(text):
        assert clause.text


@pytest.mark.parametrize(
    ("words", "targets", "source"),
    [
        ("Translate this into French and Portuguese", ["fr", "pt"], None),
        ("translate this French text to English", ["en"], "fr"),
        ("from Spanish to German and Italian please", ["de", "it"], "es"),
        ("把这段话翻成英文", ["en"], None),
        ("übersetze ihn ins Englische", ["en"], None),
        ("traduis ça en anglais et en espagnol", ["en", "es"], None),
        ("It's all in Czech. Put it into English", ["en"], "cs"),
        ("summarise this", [], None),
    ],
)
def test_target_languages(words: str, targets: list[str], source: str | None) -> None:
    assert target_languages(words) == (targets, source)


def test_only_a_clause_that_asks_for_a_language_is_one() -> None:
    assert only_answer_language("Antworte auf Deutsch.") == "de"
    assert only_answer_language("用德语回答") == "de"
    assert only_answer_language("reply in French about the contract") is None
    assert only_answer_language("French") is None


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("billing, shipping or returns? My parcel", (["billing", "shipping", "returns"],
                                                     "My parcel")),
        ("账单、物流或退货？我的包裹", (["账单", "物流", "退货"], "我的包裹")),
        ("Maria flew from Lisbon to Paris on Tuesday to meet Dr. Chen.", None),
    ],
)  # fmt: skip
def test_label_lists(words: str, found: tuple[list[str], str] | None) -> None:
    assert label_list(words) == found


@pytest.mark.parametrize(
    ("tool", "words", "args"),
    [
        ("extract_entities", "every IBAN and phone number", {"types": ["phone", "iban"]}),
        # Not the sums of "summary", nor the "qui" of "require".
        ("extract_entities", "which companies does the summary require",
         {"types": ["organisation"]}),
        ("extract_entities", "列出里面的人名", {"types": ["person"]}),
        ("extract_entities", "blank out the names", {"types": ["person"], "redact": True}),
        ("extract_entities", "把电话都抹掉", {"types": ["phone"], "redact": True}),
        ("classify_text", "bug, wish or rant? this", {"labels": ["bug", "wish", "rant"]}),
        ("classify_text", "the label, lol: this", {}),
        ("summarize_text", "how long is it", {}),
    ],
)  # fmt: skip
def test_what_a_tool_is_told(tool: str, words: str, args: dict[str, object]) -> None:
    assert read_arguments(load_registry()[tool], words).args == args
