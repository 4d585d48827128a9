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
        ("on 2024-11-03 at 12:30, v1.2.3", []),
    ],
)  # fmt: skip
def test_forms_that_can_be_checked(text: str, expected: list[tuple[str, str]]) -> None:
    assert found(text) == expected


def test_only_the_types_asked_for_are_sought() -> None:
    assert [e.type for e in find_pii("a@b.org and https://b.org", {"url"})] == ["url"]


@settings(deadline=None)
@given(st.text(alphabet=st.sampled_from(list("0123456789 .-+()@:/ax€,é😀")), max_size=80))
def test_spans_lie_in_the_text(text: str) -> None:
    assert all(0 <= e.start < e.end <= len(text) for e in find_pii(text, ENTITY_TYPES))
