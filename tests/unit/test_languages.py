"""Language identification: short strings, scripts, and texts that are hardly language."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from model_servers.languages import UNDETERMINED, identify


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("hello", "en"),
        ("and shoes?", "en"),
        ("LOVE IT", "en"),
        ("meh", "en"),
        ("hola", "es"),
        ("y zapatos?", "es"),
        ("¿Cuánto cuesta el envío?", "es"),
        ("merci", "fr"),
        ("et les chaussures ?", "fr"),
        ("danke", "de"),
        ("und Schuhe?", "de"),
        ("obrigado", "pt"),
        ("o produto é ruim", "pt"),
        ("你好", "zh"),
        ("iPhone 充电器坏了", "zh"),
        ("東京へ行きます", "ja"),
        ("안녕", "ko"),
        ("привет", "ru"),
        ("дякую", "uk"),
        ("مرحبا", "ar"),
        ("नमस्ते", "hi"),
        ("שלום", "he"),
        ("สวัสดี", "th"),
        ("Translate 你好 into English", "en"),
        ("See https://example.com/le-la-les, please", "en"),
        ("12345 😀", UNDETERMINED),
        ("", UNDETERMINED),
    ],
)
def test_the_language_of_short_texts(text: str, code: str) -> None:
    assert identify(text).code == code


def test_a_sentence_is_surer_than_a_name() -> None:
    assert identify("The zip broke after two days.").probability > 0.95
    assert identify("Maria Silva").probability < 0.5


@given(st.text())
def test_any_text_has_a_guess(text: str) -> None:
    code, probability = identify(text)
    assert 0 <= probability <= 1
    assert (code == UNDETERMINED) == (probability == 0) or probability < 0.01
