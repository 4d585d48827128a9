from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tools.knowledge.lexical import content_words, document_vector, query_vector

LANGUAGES = st.sampled_from(["en", "zh", "es", "de", "ja", "ar", "hi", "ko", "th", "xx"])


@given(st.text(), LANGUAGES)
def test_any_text_gives_a_vector_a_store_takes(text: str, language: str) -> None:
    for vector in (document_vector(text, language), query_vector(text, language)):
        assert len(set(vector.indices)) == len(vector.indices) == len(vector.values)
        assert all(0 <= index < 2**32 for index in vector.indices)
        assert all(value > 0 for value in vector.values)


@given(st.text(), LANGUAGES)
def test_a_query_finds_its_own_words_in_the_document(text: str, language: str) -> None:
    assert set(query_vector(text, language).indices) == set(document_vector(text, language).indices)


@pytest.mark.parametrize(
    ("language", "query", "document"),
    [
        ("en", "returning laptops", "A laptop can be returned"),
        ("es", "devoluciones", "la devolución del pedido"),
        ("de", "Rückgaben", "die Rückgabe"),
        ("zh", "退货期限", "商品的退货期限为30天。"),
        ("ja", "返品", "商品は返品できます。"),
        ("hi", "वापसी", "वापसी की अवधि"),
        ("ko", "반품", "반품 기간"),
        ("en", "30", "within 30 days"),
        ("zh", "３０", "期限30天"),
        ("xx", "ERR-4711", "code ERR-4711 means"),
    ],
)
def test_words_meet(language: str, query: str, document: str) -> None:
    assert content_words(query, language) & content_words(document, language)


def test_stop_words_carry_no_meaning() -> None:
    assert not content_words("what is the of and to", "en")


def test_a_word_said_often_weighs_more_but_not_without_end() -> None:
    (once,) = document_vector("laptop", "en").values
    (often,) = document_vector("laptop " * 50, "en").values
    assert once < often < 3 * once


def test_lone_surrogates_do_no_harm() -> None:
    assert content_words("shoes \ud800", "en") == content_words("shoes", "en")
