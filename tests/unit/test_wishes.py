"""What is read out of a wish, in nine languages; and what is not."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tools.recommendation.amounts import numbers
from tools.recommendation.prices import read_prices
from tools.recommendation.vocabulary import contains, vocabulary, without_denials
from tools.recommendation.wishes import Wish, read_wish

CATEGORIES = (
    "running shoes", "laptops", "headphones", "coffee machines", "tents", "toys", "books",
    "kitchen", "clothing", "garden", "gifts", "camping", "jewellery", "office furniture",
)  # fmt: skip


def said(sentence: str) -> dict[str, Any]:
    """All that a sentence says, without what it leaves open and without its taste."""
    wish = read_wish(sentence, CATEGORIES)
    prices = wish.prices
    found: dict[str, Any] = {
        name: getattr(wish, name)
        for name in Wish.__dataclass_fields__
        if name not in ("prices", "taste", "quoted") and getattr(wish, name)
    }
    if "excluded_words" in found:
        found["excluded_words"] = tuple(names[0] for names in wish.excluded_words)
    bounds = {"low": prices.at_least, "high": prices.at_most, "below": prices.below}
    return found | {name: bound for name, bound in bounds.items() if bound is not None}


TRAIL = {"names": ("Trail Runner 3",), "cheaper": True}
NO_BOOKS = {"excluded_categories": ("books",)}


@pytest.mark.parametrize(
    ("sentence", "meant"),
    [
        # English
        ("something like this but cheaper", {"points": True, "cheaper": True}),
        ("what would customer 42 like next", {"customer": "42"}),
        ("three gifts under 50 € for a runner", {"count": 3, "below": 50}),
        ("Something like the Trail Runner 3 but cheaper, no books", TRAIL | NO_BOOKS),
        ("Show me two laptops with at least 16 GB under 1,200 euros",
         {"count": 2, "categories": ("laptops",), "below": 1200}),
        ("I'd like five ideas for my mother who loves the garden, nothing with wool or leather",
         {"count": 5, "excluded_words": ("wool", "leather")}),
        ("Any headphones less than $80?", {"categories": ("headphones",), "below": 80}),
        ("a tent for 2 people between 100 and 250 euros",
         {"categories": ("tents",), "low": 100, "high": 250}),
        ('Customers who bought "Moka Express 6" also want?', {"names": ("Moka Express 6",)}),
        ("no toys, books or jewellery, up to 30 EUR please",
         {"excluded_categories": ("toys", "books", "jewellery"), "high": 30}),
        ("no leather, books under 30 €",
         {"excluded_words": ("leather",), "categories": ("books",), "below": 30}),
        ("Recommend something for customer u-17, but no books", {"customer": "u-17"} | NO_BOOKS),
        ("something like the second one but less expensive",
         {"points": True, "place": 2, "cheaper": True}),
        ("What's similar to the Aero X200 under 90 euros for running?",
         {"names": ("Aero X200",), "below": 90}),
        ("I don't want clothing", {"excluded_categories": ("clothing",)}),
        ("present for a child who likes puzzles, max 25 €", {"high": 25}),
        ("coffee machine not more than 150 euros",
         {"categories": ("coffee machines",), "high": 150}),
        ("garden furniture", {}),
        ("a book about gardening", {"categories": ("books",)}),
        ("Give me 10 things under 15 dollars", {"count": 10, "below": 15}),
        ("ninety gifts", {"count": 20}),
        ("something like the Fell 4 tent", {"names": ("Fell 4 tent",)}),
        ("more like these", {"points": True, "several": True}),
        ("anything cheaper?", {"cheaper": True}),
        ('similar to "Salt & Pepper Mill" for less',
         {"names": ("Salt & Pepper Mill",), "cheaper": True}),
        ("I liked the Garden Trowel Set, what else?", {"names": ("Garden Trowel Set",)}),
        ("a gift for someone who hates books, about 40 euros", NO_BOOKS | {"low": 32, "high": 48}),
        ("one gift, not a toy", {"count": 1, "excluded_categories": ("toys",)}),
        ("headphones or a laptop, at most nine hundred dollars",
         {"categories": ("headphones", "laptops"), "high": 900}),
        ("surprise me", {}),
        ("a food processor under 100 €", {"below": 100}),
        ("no running shoes please", {"excluded_categories": ("running shoes",)}),
        ("no leather shoes", {"excluded_words": ("leather shoes",)}),
        ('something for a cook, not "Moka Express 6"', {"excluded_names": ("Moka Express 6",)}),
        ('no "Moka Express 6"', {"excluded_names": ("Moka Express 6",)}),
        ("do you have this cheaper?", {"points": True, "cheaper": True}),
        ("people who like running and camping", {}),
        ("something like a tent", {}),
        # German
        ("Drei Geschenke unter 50 € für einen Läufer", {"count": 3, "below": 50}),
        ("So etwas wie der Trail Runner 3, aber günstiger", TRAIL),
        ("Was würde Kunde 42 als Nächstes gefallen?", {"customer": "42"}),
        ("Ein Zelt für zwei Personen, höchstens 200 Euro, keine Bücher",
         {"categories": ("tents",), "high": 200} | NO_BOOKS),
        ("Geschenke für meine Mutter, nichts mit Schokolade, ohne Leder",
         {"excluded_words": ("Schokolade", "Leder")}),
        ("Ich suche Kopfhörer zwischen fünfundzwanzig und 100 Euro",
         {"categories": ("headphones",), "low": 25, "high": 100}),
        ("Empfiehl mir 4 Sachen für den Garten, aber kein Spielzeug und keine Bücher",
         {"count": 4, "excluded_categories": ("toys", "books")}),
        # Spanish
        ("Tres regalos por menos de 50 € para un corredor", {"count": 3, "below": 50}),
        ("algo como el Trail Runner 3 pero más barato", TRAIL),
        ("¿Qué le gustaría al cliente 42?", {"customer": "42"}),
        ("Un portátil de menos de mil euros, sin libros",
         {"categories": ("laptops",), "below": 1000} | NO_BOOKS),
        ("Regalos entre 20 y treinta y cinco euros, nada de juguetes",
         {"low": 20, "high": 35, "excluded_categories": ("toys",)}),
        # French
        ("Trois cadeaux à moins de 50 € pour un coureur", {"count": 3, "below": 50}),
        ("quelque chose comme le Trail Runner 3 mais moins cher", TRAIL),
        ("Que plairait au client 42 ?", {"customer": "42"}),
        ("Des cadeaux pour enfants, pas de livres, jusqu'à 30 euros", NO_BOOKS | {"high": 30}),
        ("Une machine à café pas plus de quatre-vingts €",
         {"categories": ("coffee machines",), "high": 80}),
        # Portuguese
        ("Três presentes até 50 € para um corredor", {"count": 3, "high": 50}),
        ("algo parecido com o Trail Runner 3 mas mais barato", TRAIL),
        ("O que o cliente 42 gostaria a seguir?", {"customer": "42"}),
        ("Fones de ouvido por menos de 80 euros, sem livros",
         {"categories": ("headphones",), "below": 80} | NO_BOOKS),
        # Chinese
        ("推荐三个50欧元以下送给跑步者的礼物", {"count": 3, "high": 50}),
        ("有没有像Trail Runner 3那样但更便宜的", TRAIL),
        ("客户42接下来会喜欢什么？", {"customer": "42"}),
        ("不要书，推荐五款五百元以内的耳机",
         {"count": 5, "categories": ("headphones",), "high": 500} | NO_BOOKS),
        ("200到400元的帐篷", {"categories": ("tents",), "low": 200, "high": 400}),
        ("这个有没有便宜一点的", {"points": True, "cheaper": True}),
        ("推荐一台跑步机", {"count": 1}),
        # Japanese
        ("ランナー向けの5000円以下のプレゼントを3つ", {"count": 3, "high": 5000}),
        ("Trail Runner 3のような、もっと安いもの", TRAIL),
        ("お客様42は次に何が好きでしょうか", {"customer": "42"}),
        ("本以外で3000円から5000円のおもちゃ",
         {"categories": ("toys",), "low": 3000, "high": 5000} | NO_BOOKS),
        ("これより安いものはありますか", {"points": True, "cheaper": True}),
        # Arabic and Hindi
        ("ثلاث هدايا أقل من 50 يورو لعداء", {"count": 3, "below": 50}),
        ("شيء مثل Trail Runner 3 لكن أرخص", TRAIL),
        ("ماذا سيعجب العميل 42؟", {"customer": "42"}),
        ("سماعات بدون كتب حتى 80 يورو", {"categories": ("headphones",), "high": 80} | NO_BOOKS),
        ("धावक के लिए 50 यूरो से कम के तीन उपहार", {"count": 3, "below": 50}),
        ("Trail Runner 3 जैसा लेकिन सस्ता", TRAIL),
        ("ग्राहक 42 को आगे क्या पसंद आएगा?", {"customer": "42"}),
        ("किताबें नहीं, 20 से 40 यूरो के खिलौने",
         {"categories": ("toys",), "low": 20, "high": 40} | NO_BOOKS),
    ],
)  # fmt: skip
def test_a_wish_is_read(sentence: str, meant: dict[str, Any]) -> None:
    assert said(sentence) == meant


@pytest.mark.parametrize(
    ("sentence", "taste"),
    [
        ("three gifts under 50 € for a runner", "runner"),
        ("three gifts please", None),
        ("What would you recommend?", None),
        ("Drei Geschenke für einen Läufer", "Läufer"),
        ("一份送给跑步爱好者的礼物", "跑步 爱好者"),
        ("customer 42, under 20 €", None),
    ],
)
def test_what_is_left_is_taste(sentence: str, taste: str | None) -> None:
    assert read_wish(sentence, CATEGORIES).taste == taste


@pytest.mark.parametrize(
    ("sentence", "low", "high", "below"),
    [
        ("tents under 200 for two", None, None, 200),
        ("50欧元以下的礼物", None, 50, None),
        ("2万円未満のテント", None, None, 20_000),
        ("zwischen fünfundzwanzig und 40 Euro", 25, 40, None),
        ("between one hundred and two hundred euros", 100, 200, None),
        ("1.500,50 €", None, 1500.5, None),
        ("more than 20€ and less than 30€", 20.01, None, 30),
        ("nothing over 40", None, 40, None),
        ("US$30 or less", None, 30, None),
        ("£20-£30", 20, 30, None),
        ("not under 20 €", 20, None, None),
        ("1.5k €", None, 1500, None),
        ("at least 100 EUR", 100, None, None),
        ("200元以上", 200, None, None),
        # No prices
        ("children under 10", None, None, None),
        ("under 2 kg", None, None, None),
        ("kids aged 3 to 5", None, None, None),
        ("a laptop with at least 16 GB", None, None, None),
        ("top 5 books", None, None, None),
        ("the Trail Runner 3", None, None, None),
        ("a 4-person tent", None, None, None),
    ],
)
def test_price_bounds(
    sentence: str, low: float | None, high: float | None, below: float | None
) -> None:
    bounds = read_prices(sentence)
    assert (bounds.at_least, bounds.at_most, bounds.below) == (low, high, below)


@given(
    st.integers(1, 999_999), st.sampled_from(["{:,}", "{}"]), st.sampled_from(["€", " EUR", " 元"])
)
def test_a_whole_amount_is_read_back(value: int, form: str, currency: str) -> None:
    assert read_prices(f"under {form.format(value)}{currency}").below == value
    assert read_prices(f"unter {form.format(value).replace(',', '.')}{currency}").below == value


@given(st.integers(0, 99_999), st.integers(0, 99))
def test_cents_are_read_back(whole: int, cents: int) -> None:
    for mark in ".,":
        assert read_prices(f"at most {whole}{mark}{cents:02d} €").at_most == float(
            f"{whole}.{cents:02d}"
        )


@given(st.text(max_size=300))
def test_any_text_is_read(text: str) -> None:
    wish = read_wish(text, CATEGORIES)
    assert wish.count is None or 1 <= wish.count <= 20
    assert {*wish.categories, *wish.excluded_categories} <= {*CATEGORIES}
    assert not {*wish.categories} & {*wish.excluded_categories}
    assert wish.taste is None or wish.taste.strip()


PIECES = """
    no under 50 € like the but cheaper customer 42 three gifts , . not without books " between and
    20 for this 不要 书 以下 nicht ohne मुझे بدون 3 x
""".split()  # noqa: SIM905


@given(st.lists(st.sampled_from(PIECES), max_size=40))
def test_words_of_wishes_in_any_order_are_read(words: list[str]) -> None:
    wish = read_wish(" ".join(words), CATEGORIES)
    assert wish.count is None or 1 <= wish.count <= 20
    assert wish.prices.at_least is None or wish.prices.at_least >= 0


def test_numbers_in_words() -> None:
    text = "one hundred fifty, twenty-five, quatre-vingt, treinta y cinco, 三百二十, zweihundert"
    assert [number.value for number in numbers(text)] == [150, 25, 80, 35, 320, 200]
    assert numbers("a WH-1000 and a u-17") == []


def test_categories_are_named_in_any_language_and_by_their_head() -> None:
    known = vocabulary(("hiking shoes", "Home & Kitchen", "books"))
    named = {m.categories for m in known.mentions("no shoes, Küche, 书, libro")}
    assert named == {("hiking shoes",), ("Home & Kitchen",), ("books",)}
    assert known.mentions("the pen and pas") == []


def test_a_denial_is_no_mention() -> None:
    assert contains("Made of wool", "Wool")
    assert not contains(without_denials("Free of wool and leather, nut-free"), "leather")
    assert not contains(without_denials("Free of wool and leather, nut-free"), "nut")
    assert contains(without_denials("Free of wool. Leather sole"), "leather")


@pytest.mark.parametrize(
    ("sentence", "limit"),
    [
        ("I don't want to spend more than 35 euros on a gift", 35),
        ("I won't pay more than $60 for headphones", 60),
        ("one that is not going to cost me more than 160 euros", 160),
        ("I can’t afford more than 75 euros", 75),
        ("anything over 50 euros is too much", 50),
        ("no toys over 30 euros", 30),
        ("Ich will nicht mehr als 30 Euro ausgeben", 30),
        ("über 50 Euro will ich nicht ausgeben", 50),
        ("Je ne veux pas dépenser plus de 50 euros", 50),
        ("No quiero gastar más de 40 euros", 40),
        ("Cuatro juguetes, ninguno de más de 25 euros", 25),
        ("Não quero gastar mais de 30 euros", 30),
        ("我不想花超过50欧元", 50),
        ("超过50欧元的不要", 50),
        ("50ユーロを超えるものはだめ", 50),
        ("لا أريد أن أدفع أكثر من 40 يورو", 40),
        ("मैं 40 यूरो से ज़्यादा खर्च नहीं करना चाहता", 40),
    ],
)
def test_more_than_is_an_upper_bound_where_nobody_wants_to_pay_it(
    sentence: str, limit: float
) -> None:
    prices = read_wish(sentence, ("toys",)).prices
    assert (prices.at_least, prices.at_most, prices.below) == (None, limit, None)


@pytest.mark.parametrize(
    "sentence",
    [
        "a tent without wool over 50 euros",
        "books, but no toys, over 50 euros",
        "über 50 Euro, nicht aus Leder",
        "特别好的超过50欧元的礼物",
        "革ではない50ユーロを超えるもの",
    ],
)
def test_no_to_another_thing_turns_no_bound_round(sentence: str) -> None:
    prices = read_wish(sentence, ("toys", "books")).prices
    assert (prices.at_least, prices.at_most) == (50.01, None)


@pytest.mark.parametrize(
    "sentence",
    [
        "neither books nor toys",
        "weder Bücher noch Spielzeug",
        "ni livres ni jouets",
        "ni libros ni juguetes",
        "gifts which aren't books, nothing for toys",
        "auf keinen Fall Bücher oder Spielzeug",
        "不要书也不要玩具",
        "anything but books or toys",
        "hors livres et jouets",
    ],
)
def test_what_is_ruled_out_is_never_what_is_wanted(sentence: str) -> None:
    wish = read_wish(sentence, ("toys", "books"))
    assert set(wish.excluded_categories) == {"books", "toys"}
    assert wish.categories == ()


def test_a_thing_may_be_free_of_another() -> None:
    known = ("shoes", "non-fiction")
    assert read_wish("non-leather shoes", known).excluded_words[0][0] == "leather"
    assert read_wish("leather-free shoes", known).excluded_words[0][0] == "leather"
    assert read_wish("lederfreie Schuhe", known).excluded_words[0][0] == "leder"
    assert read_wish("non-fiction", known).categories == ("non-fiction",)
    assert read_wish("non-fiction", known).excluded_words == ()


@pytest.mark.parametrize(
    ("sentence", "share"),
    [
        ("something like the Heron, not more expensive", None),
        ("not more expensive than the Heron", None),
        ("etwas wie der Heron, aber nicht teurer", None),
        ("quelque chose comme le Heron sans que ce soit plus cher", None),
        ("Algo como o Heron, que não seja mais caro", None),
        ("something like the Heron at half the price", 0.5),
    ],
)
def test_it_may_have_to_cost_no_more_than_another(sentence: str, share: float) -> None:
    wish = read_wish(sentence, ())
    assert (wish.not_dearer, wish.share, wish.cheaper) == (True, share, False)
    assert "Heron" in wish.names


@pytest.mark.parametrize(
    ("sentence", "count"),
    [
        ("half a dozen gifts", 6),
        ("a couple of gifts", 2),
        ("exactly 7 things for the garden", 7),
        ("coffee gifts, 3 of them", 3),
        ("两本书", 2),
        ("比Heron便宜一点的耳机", None),
    ],
)
def test_how_many_is_said_in_many_ways(sentence: str, count: int | None) -> None:
    assert read_wish(sentence, ("books",)).count == count
