"""Rows of a shop's files, read without a database."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.shop_csv import MAX_LINE_CHARS, Columns, CsvRow, ShopCsv
from orchestrator.shop_rows import KINDS, BadRow, interaction_of, item_of
from tools.charsets import charset_of
from tools.errors import InvalidInput

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
COLUMNS = Columns(("id", "title", "price"), required=("id", "title"), aliases={"name": "title"})


def item_cells(**cells: str) -> list[str]:
    names = ("id", "title", "text", "categories", "price", "currency", "available", "picture")
    return [({"id": "i1", "title": "Lamp"} | cells).get(name, "") for name in names]


def event_cells(**cells: str) -> list[str]:
    given = {"customer": "42", "item": "i1", "kind": "buy", "at": "2026-05-01T10:00:00Z"} | cells
    return [given.get(name, "") for name in ("customer", "item", "kind", "value", "at")]


def read(path: Path) -> list[CsvRow]:
    with ShopCsv(path, COLUMNS) as file:
        return list(file.rows())


def test_an_item_is_read() -> None:
    cells = item_cells(
        categories=" camping | gifts |camping", price="12,50", currency="eur", available="No"
    )
    item = item_of(cells, None)
    assert (item.id, item.title, item.picture) == ("i1", "Lamp", None)
    assert item.categories == ("camping", "gifts")
    assert (item.price, item.currency, item.available) == (12.5, "EUR", False)


def test_a_wrong_header_is_told_in_the_files_own_words(tmp_path: Path) -> None:
    path = tmp_path / "items.csv"
    path.write_text("Name,price\nLamp,3\n")
    with pytest.raises(InvalidInput, match=r"no column id: its first line gives 'Name', 'price'\."):
        read(path)


def test_the_readme_names_the_kinds() -> None:
    readme = " ".join((Path(__file__).parents[2] / "README.md").read_text().split())
    told = readme.split("a kind is one of ")[1].split(". ")[0]
    assert set(re.findall("`(\\w+)`", told)) == KINDS


def test_a_price_that_is_not_known_is_none_and_one_of_nothing_is_zero() -> None:
    assert item_of(item_cells(), None).price is None
    assert item_of(item_cells(price="0"), None).price == 0


@pytest.mark.parametrize(
    ("cells", "said"),
    [
        ({"price": "nan"}, "'nan', which no price can be"),
        ({"price": "inf"}, "which no price can be"),
        ({"price": "-1"}, "less than nothing"),
        ({"price": "12 €"}, "write a number"),
        ({"price": "1,299"}, "write a number"),
        ({"id": ""}, "the id is empty"),
        ({"id": "a\nb"}, "the id is no id"),
        ({"title": " "}, "the title is empty"),
        ({"title": "x" * 301}, "301 characters; at most 300"),
        ({"currency": "euro"}, "three letters"),
        ({"currency": "USD"}, "those before are in EUR"),
        ({"available": "perhaps"}, "write yes or no"),
        ({"categories": "|".join(map(str, range(31)))}, "31 categories"),
    ],
)
def test_an_item_that_can_not_be_says_why(cells: dict[str, str], said: str) -> None:
    with pytest.raises(BadRow, match=said):
        item_of(item_cells(**cells), "EUR")


@pytest.mark.parametrize(
    "at", ["2026-05-01T10:00:00Z", "2026-05-01 12:00:00+02:00", "2026-05-01T10:00", "1777629600"]
)
def test_times_are_read_in_the_usual_forms(at: str) -> None:
    assert interaction_of(event_cells(at=at), NOW).at == datetime(2026, 5, 1, 10, tzinfo=UTC)


def test_a_value_without_a_kind_is_a_rating() -> None:
    event = interaction_of(event_cells(kind="", value="4.5"), NOW)
    assert (event.kind, event.value) == ("rate", 4.5)


@pytest.mark.parametrize(
    ("cells", "said"),
    [
        ({"at": "yesterday"}, "write it as 2026"),
        ({"at": (NOW + timedelta(hours=1)).isoformat()}, "lies in the future"),
        ({"at": "1777629600000"}, "lies in the future|write it as"),
        ({"at": "1969-12-31T23:00:00Z"}, "before 1970"),
        ({"kind": "steal"}, "write one of buy"),
        ({"kind": "", "value": ""}, "write one of"),
        ({"kind": "rate"}, "a rating has no value"),
        ({"kind": "rate", "value": "nan"}, "no value can be"),
        ({"customer": ""}, "the customer is empty"),
    ],
)
def test_an_interaction_that_can_not_be_says_why(cells: dict[str, str], said: str) -> None:
    with pytest.raises(BadRow, match=said):
        interaction_of(event_cells(**cells), NOW)


def test_clocks_may_differ_a_little() -> None:
    at = NOW + timedelta(minutes=4)
    assert interaction_of(event_cells(at=at.isoformat()), NOW).at == at


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_delimiter_and_encoding_are_found(tmp_path: Path, delimiter: str, encoding: str) -> None:
    lines = [("Price", "NAME", "extra", "id"), ("9", "Große Tasse für Müsli", "?", "i1")] * 1
    lines += [("9", f"Größere Schüssel für Äpfel {n}", "?", f"j{n}") for n in range(30)]
    text = "".join(delimiter.join(line) + "\r\n" for line in lines)
    (tmp_path / "items.csv").write_bytes(text.encode(encoding))
    with ShopCsv(tmp_path / "items.csv", COLUMNS) as file:
        rows = list(file.rows())
        assert (file.delimiter, file.ignored) == (delimiter, ("extra",))
    assert rows[0] == CsvRow(2, ("i1", "Große Tasse für Müsli", "9"))
    assert len(rows) == 31


def test_rows_carry_their_line_and_their_error(tmp_path: Path) -> None:
    path = tmp_path / "items.csv"
    path.write_text('\nid,title\n1,"A\nB"\n\n2,C,D\n3\n4,"E"x\n5,F\n')
    assert read(path) == [
        CsvRow(3, ("1", "A\nB", "")),
        CsvRow(6, error=rows_error(3)),
        CsvRow(7, error=rows_error(1)),
        CsvRow(8, error="a quote stands inside a text; write it twice there"),
        CsvRow(9, ("5", "F", "")),
    ]


def rows_error(cells: int) -> str:
    return (
        f"has {cells} cell{'s' if cells > 1 else ''} where the first line names 2; put a text that "
        "holds the delimiter or a line's end in quotes"
    )


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is empty"),
        (b"\n\n", "is empty"),
        (b"id^title\n1^A\n", "no column id and no column title.*'id\\^title'.*parted by"),
        (b"1,A\n2,B\n", "no column id"),
        (b"id,title,ID\n", "the column id more than once"),
        (b"id,price\n1,2\n", "no column title"),
        (b"PK\x03\x04\x00\x00\x00", "is no text"),
        (b'id,title\n1,"A\n2,B\n', "a quote that opens in the row on line 2 is not closed"),
        (b'id,title\n1,"A\n' + b"2,B\n" * 60_000, "on line 2 is not closed"),
        (b"id,title\n1," + b"A" * MAX_LINE_CHARS + b"\n", "line 2 has more than 100,000"),
        (b"id,title\n" + b"1,A\n" * 300_000 + b"2,\xff\n", "begins as utf-8"),
    ],
)
def test_a_file_that_can_not_be_read_says_why(tmp_path: Path, content: bytes, said: str) -> None:
    (tmp_path / "items.csv").write_bytes(content)
    with pytest.raises(InvalidInput, match=said):
        read(tmp_path / "items.csv")


def test_a_file_that_is_not_there_says_so(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match=r"items\.csv can't be read"):
        ShopCsv(tmp_path / "items.csv", COLUMNS)


@pytest.mark.parametrize(
    ("beginning", "charset"),
    [
        ("Müsli 🥣".encode()[:-2], "utf-8"),
        (b"\xef\xbb\xbfid", "utf-8-sig"),
        ("id".encode("utf-16"), "utf-16"),
        ("Déjà prêt: la crème brûlée à emporter, où que tu sois. ".encode("cp1252") * 9, "cp1252"),
        (b"id\x00title", None),
        (b"", "utf-8"),
    ],
)
def test_the_charset_is_that_of_the_beginning(beginning: bytes, charset: str | None) -> None:
    assert charset_of(beginning) == charset


@given(st.lists(st.text(max_size=40), min_size=5, max_size=5))
def test_any_cells_are_an_interaction_or_a_bad_row(cells: list[str]) -> None:
    try:
        event = interaction_of(cells, NOW)
    except BadRow:
        return
    assert event.customer
    assert event.at <= NOW + timedelta(minutes=5)


@given(st.lists(st.text(max_size=40), min_size=8, max_size=8))
def test_any_cells_are_an_item_or_a_bad_row(cells: list[str]) -> None:
    try:
        item = item_of(cells, None)
    except BadRow:
        return
    assert item.id
    assert item.title
    assert item.price is None or 0 <= item.price <= 1e9
