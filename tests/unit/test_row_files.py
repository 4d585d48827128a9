"""Files of rows: what is read of them, which text is meant, and results that are safe to open."""

from __future__ import annotations

import csv
import io
import json
import time
import tracemalloc

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from orchestrator.plan import Plan, Step
from orchestrator.row_files import MAX_COLUMNS, MAX_ROWS, RowFile, read_rows
from orchestrator.row_results import ResultColumns, ResultTable, csv_line, safe_cell
from orchestrator.row_text import text_columns, text_of
from orchestrator.turn import StepReport
from tools.errors import InvalidInput
from tools.registry import load_registry


def read(text: str | bytes, name: str = "rows.csv") -> RowFile:
    return read_rows(text.encode() if isinstance(text, str) else text, name)


def cells(file: RowFile) -> list[list[str]]:
    return [list(row.cells.values()) for row in file.rows()]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_delimiter_encoding_and_header_are_found(delimiter: str, encoding: str) -> None:
    lines = [("id", "review"), ("1", "Größe passt, gut"), ("2", 'Er sagte "nein"; schlecht')]
    out = io.StringIO()
    csv.writer(out, delimiter=delimiter).writerows(lines)
    file = read(out.getvalue().encode(encoding))
    assert file.columns == ("id", "review")
    assert file.total == 2
    assert cells(file) == [list(line) for line in lines[1:]]


def test_quotes_hold_line_feeds_delimiters_and_quotes() -> None:
    file = read('id,text\r\n1,"two\r\nlines, and ""quotes"""\r\n\r\n2,plain words here\r\n')
    assert cells(file) == [["1", 'two\r\nlines, and "quotes"'], ["2", "plain words here"]]


@pytest.mark.parametrize(
    ("text", "columns"),
    [
        ("It broke after a day.\nI love it very much.", ("column 1",)),
        ("5,It broke\n4,I love it", ("column 1", "column 2")),
        ("good,yes\nbad,yes", ("column 1", "column 2")),
        ("Text\nIt broke after two days of use.", ("Text",)),
        (",text\n0,It broke", ("column 1", "text")),
        ("Text,Label\nIt broke,bad", ("Text", "Label")),
        ("a,a\n1,2", ("a", "a_2")),
        ("Customer ID,Full Review\n17,It broke after two days", ("Customer ID", "Full Review")),
    ],
)
def test_columns_without_names_are_numbered(text: str, columns: tuple[str, ...]) -> None:
    file = read(text)
    assert file.columns == columns
    assert file.total == text.count("\n") + (not file.header)


def test_rows_that_can_not_be_read_carry_their_error() -> None:
    file = read("id,text\n1,fine\n2\n3,a,b\n4,fine")
    assert [bool(row.error) for row in file.rows()] == [False, True, True, False]
    assert [row.number for row in file.rows()] == [1, 2, 3, 4]
    lines = ['{"text": "a", "n": 1.5}', "{", "[1]", '"bare"', '{"text": null, "more": {"x": []}}']
    file = read("\n\n".join(lines), "rows.jsonl")
    assert file.columns == ("text", "n", "more")
    found = list(file.rows())
    assert [bool(row.error) for row in found] == [False, True, True, False, False]
    assert found[0].cells == {"text": "a", "n": "1.5"}
    assert found[4].cells == {"text": "", "more": '{"x": []}'}


@pytest.mark.parametrize(
    ("content", "name", "told"),
    [
        (b"", "a.csv", "no"),
        (b"id,text\n", "a.csv", "no rows"),
        (b"\n\n  \n", "a.csv", "no rows"),
        (b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 20, "a.csv", "no text"),
        (b'[{"a": 1}]', "a.jsonl", "one object a line"),
        (b"just words\nand more", "a.jsonl", "no JSONL"),
        (b'id,text\n1,"never closed ' + b"x" * 200_000, "a.csv", "quote is closed"),
        (b'{"a": ' + b"[" * 100_000, "a.jsonl", "no JSONL"),
        (b"a\n" + b"1\n" * (MAX_ROWS + 1), "a.csv", "rows"),
        (json.dumps(dict.fromkeys(map(str, range(900)), 1)).encode(), "a.jsonl", "no JSONL"),
    ],
)
def test_files_that_are_no_rows_are_refused(content: bytes, name: str, told: str) -> None:
    with pytest.raises(InvalidInput, match=told):
        read(content, name)


@pytest.mark.parametrize("delimiter", [",", ";", '","', '"",'])
@pytest.mark.parametrize("lead", ["", "a,b\n1,2\n", 'a,b\n1,"'])
def test_a_csv_with_no_end_of_columns_is_refused_at_once(delimiter: str, lead: str) -> None:
    content = (lead + delimiter * (4_000_000 // len(delimiter))).encode()
    tracemalloc.start()
    begun = time.process_time()
    with pytest.raises(InvalidInput):
        read(content)
    took_s = time.process_time() - begun
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert took_s < 1.0
    assert peak < 50 * 2**20


def test_columns_within_the_line_are_bounded() -> None:
    wide = ",".join(f"c{n}" for n in range(MAX_COLUMNS + 2))
    with pytest.raises(InvalidInput, match="columns"):
        read(f"{wide}\n1,2")
    many = ", ".join(["word"] * 2_000)
    assert cells(read(f'id,text\n1,"{many}"\n2,"a\n{many}"'))[0][1] == many


CELL = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cc"], exclude_characters="\ufeff")
    | st.sampled_from("\r\n\t,;\"'=+-@"),
    max_size=30,
)


@given(st.lists(st.lists(CELL, min_size=2, max_size=2), min_size=1, max_size=8))
@settings(deadline=None)
def test_what_is_written_as_csv_is_read_back(rows: list[list[str]]) -> None:
    out = io.StringIO()
    csv.writer(out).writerows([["number", "comment"], *rows])
    file = read(out.getvalue())
    assume(file.delimiter == ",")
    assert cells(file) == rows


@given(st.lists(st.dictionaries(CELL, CELL, min_size=1, max_size=4), min_size=1, max_size=8))
@settings(deadline=None)
def test_what_is_written_as_jsonl_is_read_back(rows: list[dict[str, str]]) -> None:
    file = read("\n".join(map(json.dumps, rows)), "rows.jsonl")
    assert [dict(row.cells) for row in file.rows()] == rows


@given(st.binary(max_size=400), st.sampled_from(["a.csv", "a.jsonl", "a"]))
@settings(deadline=None)
def test_any_bytes_are_rows_or_refused(content: bytes, name: str) -> None:
    try:
        file = read(content, name)
    except InvalidInput:
        return
    assert sum(1 for _ in file.rows()) == file.total
    assert text_columns("translate each row", file)


@given(CELL)
def test_no_cell_is_a_formula(text: str) -> None:
    cell = safe_cell(text)
    assert cell.removeprefix("'") == text.removeprefix("'")
    if cell[:1] in {"=", "@", "\t", "\r"}:
        raise AssertionError(cell)
    if cell[:1] in {"+", "-"}:
        float(cell.replace("%", "").replace(",", "").replace(".", "") or "x")


@given(st.lists(CELL, min_size=1, max_size=5))
def test_a_line_of_results_is_one_record(values: list[str]) -> None:
    (record,) = list(csv.reader(io.StringIO(csv_line([*values, "end"]), newline="")))
    assert record == [*map(safe_cell, values), "end"]


@pytest.mark.parametrize("text", ["-0.5", "+3", "-1,200.50", "-12 %", "-1e-5"])
def test_numbers_stay_numbers(text: str) -> None:
    assert safe_cell(text) == text


REVIEWS = (
    "id,title,review,product\n1,Nice bag,I like it a lot for travel,bag\n2,Bad,It broke at once,mug"
)


@pytest.mark.parametrize(
    ("request_", "columns"),
    [
        ("Translate the second column into French", ("title",)),
        ("Translate column 4", ("product",)),
        ("Übersetze die dritte Spalte", ("review",)),
        ("翻译第二列", ("title",)),
        ("Summarize the last column", ("product",)),
        ("Is each review good or bad, and which product is it about?", ("review",)),
        ("Translate the product column", ("product",)),
        ("Put the titles into German", ("title",)),
        ("Rate each row", ("review",)),
    ],
)
def test_the_text_that_is_meant(request_: str, columns: tuple[str, ...]) -> None:
    assert text_columns(request_, read(REVIEWS)) == columns


def test_a_column_that_is_not_there_is_told() -> None:
    with pytest.raises(InvalidInput, match="no column 9"):
        text_columns("Translate column 9", read(REVIEWS))


def test_without_texts_all_of_a_row_is_meant() -> None:
    file = read("make,model\nTesla,Y\nFiat,500")
    columns = text_columns("Describe each car", file)
    assert columns == ("make", "model")
    assert [text_of(row, columns) for row in file.rows()] == [
        "make: Tesla\nmodel: Y",
        "make: Fiat\nmodel: 500",
    ]


RATE = "Is each review good or bad?"


@pytest.mark.parametrize(
    ("request_", "content", "columns"),
    [
        (RATE, "text,label\nGreat phone,negative\nBad,positive", ("text",)),
        (RATE, "label,Message\nnegative,Great phone\npositive,Bad", ("Message",)),
        (RATE, "text,product\nGreat phone,The Acme X 500\nBad,The Acme Y 2", ("text",)),
        (RATE, "email,message\na@b.org,Great phone\nc@d.org,Bad", ("message",)),
        (RATE, "comments,title\n17,Great phone\n3,Bad buy", ("comments", "title")),
        (RATE, "words,sentiment\nGreat phone,negative\nBad,positive", ("words",)),
        ("Label each row as good or bad", "text,label\nGreat phone,bad\nBad,good", ("text",)),
        ("What is the sentiment of each?", "text,sentiment\nGreat,bad\nBad,good", ("text",)),
        ("Translate each category", "text,category\nGreat phone,bad\nBad,good", ("category",)),
        ("Translate the label column", "text,label\nGreat phone,bad\nBad,good", ("label",)),
        (RATE, "Great phone,bad\nNice bag,good\nBad buy,bad\nOh well,good", ("column 1",)),
    ],
)
def test_a_label_is_not_read_beside_its_text(
    request_: str, content: str, columns: tuple[str, ...]
) -> None:
    assert text_columns(request_, read(content)) == columns


def test_results_have_columns_of_their_own() -> None:
    steps = (
        Step(id="s1", tool="classify_text", args={"text": "input:text", "task": "sentiment"}),
        Step(id="s2", tool="translate_text", args={"text": "input:text", "target_language": "fr"}),
        Step(id="s3", tool="translate_text", args={"text": "input:text", "target_language": "de"}),
        Step(id="s4", tool="extract_entities", args={"text": "input:text", "redact": True}),
    )
    taken = ("text", "sentiment")
    columns = ResultColumns(Plan(steps=steps), load_registry(), taken)
    assert columns.names == (
        "sentiment_2", "sentiment_2_score", "translation_fr", "translation_de", "entities",
        "redacted",
    )  # fmt: skip
    reports = [
        StepReport(
            id="s1", tool="classify_text", status="ok",
            result={"labels": [{"label": "positive", "score": 0.9}], "chosen": ["positive"]},
        ),
        StepReport(id="s2", tool="translate_text", status="ok", result={"text": "=bon"}),
        StepReport(id="s3", tool="translate_text", status="failed"),
    ]  # fmt: skip
    made = columns.cells(reports)
    assert made == {
        "sentiment_2": "positive", "sentiment_2_score": 0.9, "translation_fr": "=bon"
    }  # fmt: skip
    table = ResultTable(taken, columns.names)
    (row,) = read("text,sentiment\ngood bag here,+1").rows()
    as_csv, as_json = table.lines(row, made, "translate_text: it failed")
    assert as_csv == "good bag here,+1,positive,0.9,'=bon,,,,translate_text: it failed\r\n"
    assert json.loads(as_json)["translation_fr"] == "=bon"
    assert json.loads(as_json)["row"] == 1
