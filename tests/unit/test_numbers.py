from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tools.numbers import missing_numbers, unfounded_numbers


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("1,234.56 euros", "1.234,56 Euro"),
        ("1.5 million people", "150万人"),
        ("20 thousand", "2万"),
        ("at 10:30", "um 10.30 Uhr"),
        ("٢٥٠ درهم", "250 dirhams"),
        ("3 May 2027", "3. Mai 2027"),
        ("192.168.1.1", "192.168.1.1"),
        ("89.50", "89,5"),
        ("1,00,000 rupees", "100.000 Rupien"),
        ("no number", "anything 7"),
        ("5 million", "5 миллионов"),
    ],
)
def test_the_same_numbers_written_otherwise(source: str, text: str) -> None:
    assert missing_numbers(source, text) == []


@pytest.mark.parametrize(
    ("source", "text", "missing"),
    [
        ("20 and 20", "20", ["20"]),
        ("paid 250 euros", "paid 25 euros", ["250"]),
        ("1.5 million", "15 Millionen", ["1.5 million (= 1,500,000)"]),
        ("21万欧元", "21 million euros", ["21万 (= 210,000)"]),
        ("in 2019 and 2020", "in 2019", ["2020"]),
    ],
)
def test_numbers_that_were_lost(source: str, text: str, missing: list[str]) -> None:
    assert missing_numbers(source, text) == missing


@given(st.text())
def test_no_text_lacks_its_own_numbers(text: str) -> None:
    assert missing_numbers(text, text) == []
    assert unfounded_numbers(text, text) == []


def test_numbers_without_a_source() -> None:
    assert unfounded_numbers("Three people paid 20,000 euros.", "3 people paid 20.000 euros") == []
    assert unfounded_numbers("Three people paid.", "In 2019 3 people paid.") == ["2019"]
    assert unfounded_numbers("有三个人付了钱。", "3人付了5元") == ["5"]
