from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tools.language_names import (
    ISO_639_1,
    find_languages,
    language_code,
    language_name,
    languages,
    what_is_wrong_with,
)


@pytest.mark.parametrize(
    ("request_text", "codes"),
    [
        ("put this into French please", ["fr"]),
        ("translate it into French and Portuguese", ["fr", "pt"]),
        ("翻成法语", ["fr"]),
        ("把这份日文文件翻成英文", ["ja", "en"]),
        ("6月5日文件", []),
        ("tradúcelo al francés", ["fr"]),
        ("con fines de lucro", []),
        ("traduz pra ingles", ["en"]),
        ("mets-le en anglais", ["en"]),
        ("ins Französische, nicht auf Deutsch", ["fr", "de"]),
        ("die französische Küche", []),
        ("フランス語に訳して", ["fr"]),
        ("ترجم هذا إلى الفرنسية", ["fr"]),
        ("بالانجليزية من فضلك", ["en"]),
        ("ترجمه للألمانية", ["de"]),
        ("इसे अंग्रेज़ी में लिखो", ["en"]),
        ("जर्मनी कहाँ है", []),
        ("जर्मन में", ["de"]),
        ("polish this and put it in polish", ["pl"]),
        ("Polish this text", []),
        ("from Polish to Latin", ["pl", "la"]),
        ("Latin America", []),
        ("한국어로", ["ko"]),
    ],
)
def test_finds_the_languages_that_are_meant(request_text: str, codes: list[str]) -> None:
    assert [code for _, _, code in find_languages(request_text)] == codes


def test_spans_point_into_the_text_as_written() -> None:
    text = "ß, e\u0301 y luego al FRANCE\u0301S!"
    ((start, end, code),) = find_languages(text)
    assert (text[start:end], code) == ("FRANCE\u0301S", "fr")


@given(st.text())
def test_any_text_gives_ordered_spans_within_it(text: str) -> None:
    last = 0
    for start, end, code in find_languages(text):
        assert last <= start < end <= len(text)
        assert code in languages()
        last = end


@pytest.mark.parametrize("in_language", ["en", "zh", "es", "fr", "de", "pt", "ja", "ar", "hi"])
def test_every_name_leads_back_to_its_language(in_language: str) -> None:
    for code, language in languages().items():
        for name in language.names[in_language]:
            assert language_code(name) == code, name


def test_names_in_other_languages() -> None:
    assert language_name("fr", "de") == "Französisch"
    assert language_name("fr", "fi") == "French"
    assert language_name("xx") == "xx"
    assert language_code("FR") == "fr"
    assert language_code("Klingon") is None


def test_a_code_that_is_no_languages_is_told_with_one_that_is() -> None:
    assert languages().keys() <= ISO_639_1
    assert what_is_wrong_with("fr") is None
    assert what_is_wrong_with("wo") is None  # the table has no name for it
    for code, meant in (
        ("qq", "fr"), ("klingonese", "fr"), ("", "fr"), ("x" * 10_000, "fr"),
        ("FR", "fr"), ("German", "de"), ("pt-BR", "pt"), ("zh_CN", "zh"),
    ):  # fmt: skip
        wrong = what_is_wrong_with(code)
        assert wrong is not None
        assert wrong.endswith(f'such as "{meant}"')
        assert len(wrong) < 200
