"""Personal data by its form."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tools.pii import find_pii
from tools.spans import ENTITY_TYPES, without_overlaps

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


def found(text: str) -> list[tuple[str, str]]:
    return [(text[e.start : e.end], e.type) for e in without_overlaps(find_pii(text, ENTITY_TYPES))]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("😀 mail maria.silva+x@shop.example.", [("maria.silva+x@shop.example", "email")]),
        ("<maria@exämple.de>", [("maria@exämple.de", "email")]),
        ("see (https://a.org/x_(y)).", [("https://a.org/x_(y)", "url")]),
        ("看https://a.cn/退货。好", [("https://a.cn/退货", "url")]),
        ("+49 30 901820 or (212) 555-0199",
         [("+49 30 901820", "phone"), ("(212) 555-0199", "phone")]),
        ("我的电话 13800138000。", [("13800138000", "phone")]),
        ("Order 4821399012, tracking 1Z999AA10123456784", []),
        ("card 4111 1111 1111 1111", [("4111 1111 1111 1111", "credit_card")]),
        ("card 4111 1111 1111 1112", []),
        ("DE89 3704 0044 0532 0130 00", [("DE89 3704 0044 0532 0130 00", "iban")]),
        ("DE89 3704 0044 0532 0130 01", []),
        ("from 192.168.0.1", [("192.168.0.1", "ip_address")]),
        ("SSN 078-05-1121", [("078-05-1121", "national_id")]),
        ("paid $3.50, 1.234,56 €, 15% of 300元",
         [("$3.50", "amount"), ("1.234,56 €", "amount"), ("15%", "amount"), ("300元", "amount")]),
        ("on 2024-11-03 at 12:30, v1.2.3", [("2024-11-03", "date")]),
    ],
)  # fmt: skip
def test_forms_that_can_be_checked(text: str, expected: list[tuple[str, str]]) -> None:
    assert found(text) == expected


@pytest.mark.parametrize(
    ("text", "amounts"),
    [
        ("The total is EUR 1,249.50.", ["EUR 1,249.50"]),
        ("The rent is 980 euros a month.", ["980 euros"]),
        ("It cost USD 300 and £45.", ["USD 300", "£45"]),
        ("US$20, $3 million, Rs. 1,00,000", ["US$20", "$3 million", "Rs. 1,00,000"]),
        ("Total: CHF 1'200.-", ["CHF 1'200.-"]),
        ("20,- Euro, 2,5 Mio. Euro, 5 Prozent", ["20,- Euro", "2,5 Mio. Euro", "5 Prozent"]),
        ("1 234,56 € et 20 pour cent", ["1 234,56 €", "20 pour cent"]),
        ("3 millones de euros, 50 dólares", ["3 millones de euros", "50 dólares"]),
        ("R$ 1.234,56 ou 300 reais", ["R$ 1.234,56", "300 reais"]),
        ("499 kr, 99 zł, kr. 5", ["499 kr", "99 zł", "kr. 5"]),
        ("一共300欧元和1.5万美元", ["300欧元", "1.5万美元"]),
        ("500ドルです", ["500ドル"]),
        ("٣٠٠ دولار", ["٣٠٠ دولار"]),
        ("500 रुपये", ["500 रुपये"]),
        ("PHP 8, TRY 3 times, 5 centimetres, 10 kr5, 3块蛋糕", []),
    ],
)
def test_amounts_in_the_words_of_several_languages(text: str, amounts: list[str]) -> None:
    assert [surface for surface, _ in found(text)] == amounts


@pytest.mark.parametrize(
    ("text", "dates"),
    [
        ("Date: 17 August 2024", ["17 August 2024"]),
        ("May 3rd, 1980 and Dec. 24", ["May 3rd, 1980", "Dec. 24"]),
        ("on the 14th of December.", ["14th of December"]),
        ("17.08.2024 or 8/17/2024", ["17.08.2024", "8/17/2024"]),
        ("am 3. März 2024", ["3. März 2024"]),
        ("le 1er janvier 2024", ["1er janvier 2024"]),
        ("el 3 de mayo de 2024", ["3 de mayo de 2024"]),
        ("em 3 de março de 2024", ["3 de março de 2024"]),
        ("于2024年8月17日", ["2024年8月17日"]),
        ("2024년 8월 17일", ["2024년 8월 17일"]),
        ("في ٣ مايو ٢٠٢٤", ["٣ مايو ٢٠٢٤"]),
        ("3 जनवरी 2024 को", ["3 जनवरी 2024"]),
        ("3 May\n2024", ["3 May"]),
        ("option 3 may apply, 3 out of 5, 32/13/2024, order 2024-11-031", []),
    ],
)
def test_dates_in_several_languages(text: str, dates: list[str]) -> None:
    assert [surface for surface, _ in found(text)] == dates


def test_only_the_types_asked_for_are_sought() -> None:
    assert [e.type for e in find_pii("a@b.org and https://b.org", {"url"})] == ["url"]


@settings(deadline=None)
@given(st.text(alphabet=st.sampled_from(list("0123456789 .-+()@:/ax€,é😀")), max_size=80))
def test_spans_lie_in_the_text(text: str) -> None:
    assert all(0 <= e.start < e.end <= len(text) for e in find_pii(text, ENTITY_TYPES))
