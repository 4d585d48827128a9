from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from tools.knowledge.chunks import MAX_WORDS, Chunk, count_words, split_chunks

WORDS = st.text(alphabet="abcdefghij", min_size=2, max_size=9)
SENTENCES = st.lists(WORDS, min_size=1, max_size=60).map(lambda w: " ".join(w).capitalize() + ".")
PARAGRAPHS = st.lists(SENTENCES, min_size=1, max_size=12).map(" ".join)
LISTS = st.lists(SENTENCES, min_size=1, max_size=12).map(
    lambda items: "\n".join(f"- {item}" for item in items)
)
HEADINGS = st.tuples(st.integers(1, 4), WORDS).map(lambda h: f"{'#' * h[0]} {h[1]}")
DOCUMENTS = st.lists(st.one_of(PARAGRAPHS, LISTS, HEADINGS), max_size=12).map("\n\n".join)


def _words(text: str) -> list[str]:
    return re.findall(r"\w+", text)


def _prose(text: str) -> list[str]:
    """The words that are not in headings."""
    return _words("\n".join(line for line in text.split("\n") if not line.startswith("#")))


def _in_order(needles: list[str], haystack: list[str]) -> bool:
    rest = iter(haystack)
    return all(needle in rest for needle in needles)


@given(DOCUMENTS)
def test_nothing_is_lost_and_the_order_is_kept(document: str) -> None:
    chunks = split_chunks(document)
    found = [word for chunk in chunks for word in _words(chunk.text)]

    assert _in_order(_prose(document), found)
    titles = {line.lstrip("# ") for line in document.split("\n") if line.startswith("#")}
    named = {name for chunk in chunks for name in (*chunk.heading, *chunk.text.split("\n"))}
    assert titles <= named


@given(DOCUMENTS)
def test_chunks_are_numbered_bounded_and_never_empty(document: str) -> None:
    chunks = split_chunks(document)

    assert [chunk.number for chunk in chunks] == list(range(len(chunks)))
    assert all(chunk.text.strip() for chunk in chunks)
    assert all(count_words(chunk.text) <= MAX_WORDS for chunk in chunks)


@given(st.text(max_size=400))
def test_any_text_at_all_keeps_its_words(text: str) -> None:
    chunks = split_chunks(text)
    kept = "".join(chunk.text + "".join(chunk.heading) for chunk in chunks)
    for word in re.findall(r"[^\W_]{2,}", text.replace("\0", "\ufffd")):
        assert word in kept


@given(st.text(alphabet="退货期限三十天，。\n", max_size=3_000))
def test_chinese_is_measured_in_characters(text: str) -> None:
    chunks = split_chunks(text)
    assert all(len(chunk.text) <= 500 for chunk in chunks)
    assert re.sub(r"\s", "", "".join(c.text for c in chunks)) == re.sub(r"\s", "", text)


def test_the_heading_path_follows_the_levels() -> None:
    body = "Some words that stand below a heading. " * 8
    titles = ("# Shop", "## Returns", "### Shoes ##", "Delivery\n---")
    text = "\n\n".join(f"{title}\n{body}" for title in titles)
    assert [chunk.heading for chunk in split_chunks(text)] == [
        ("Shop",),
        ("Shop", "Returns"),
        ("Shop", "Returns", "Shoes"),
        ("Shop", "Delivery"),
    ]


def test_a_tiny_introduction_joins_the_section_after_it() -> None:
    text = "# Returns\n\nAll about returns.\n\n## Shoes\n\n" + "Shoes may go back. " * 20
    (chunk,) = split_chunks(text)
    assert chunk.heading == ("Returns", "Shoes")
    assert chunk.text.startswith("All about returns.")


def test_short_clauses_stay_apart() -> None:
    text = "# Contract\n\n## Fees\n\n4,200 euros a month.\n\n## Notice\n\nThree months."
    assert split_chunks(text) == [
        Chunk(0, ("Contract", "Fees"), "4,200 euros a month."),
        Chunk(1, ("Contract", "Notice"), "Three months."),
    ]


def test_a_heading_without_text_is_text() -> None:
    assert split_chunks("# Closed on Sundays") == [Chunk(0, (), "Closed on Sundays")]


def test_a_table_that_fits_stays_whole() -> None:
    table = "| Goods | Days |\n|---|---|\n" + "\n".join(f"| thing {i} | {i} |" for i in range(30))
    prose = "These are words before a table. " * 25
    assert any(table in chunk.text for chunk in split_chunks(f"{prose}\n\n{table}\n\n{prose}"))


def test_each_part_of_a_long_table_has_its_head() -> None:
    head = "| Goods | Days |\n|---|---|"
    table = head + "\n" + "\n".join(f"| thing {i} | {i} days |" for i in range(200))
    chunks = split_chunks(table)
    assert len(chunks) > 1
    assert all(chunk.text.startswith(head) for chunk in chunks)
    rows = [line for chunk in chunks for line in chunk.text.split("\n")[2:]]
    assert rows == table.split("\n")[2:]


def test_a_hash_inside_a_code_block_is_no_heading() -> None:
    (chunk,) = split_chunks("# Setup\n\n```\n# a comment\nrun it\n```\n")
    assert chunk.heading == ("Setup",)
    assert "# a comment" in chunk.text


def test_a_long_paragraph_is_cut_between_sentences() -> None:
    sentence = "This sentence has seven words in it. "
    chunks = split_chunks(sentence * 100)
    assert len(chunks) > 2
    assert all(chunk.text.endswith(".") for chunk in chunks)
    sizes = [count_words(chunk.text) for chunk in chunks]
    assert max(sizes) < 1.3 * min(sizes)


def test_a_link_definition_is_kept() -> None:
    (chunk,) = split_chunks("See [the terms].\n\n[the terms]: https://example.com/terms")
    assert "https://example.com/terms" in chunk.text


def test_text_without_spaces_is_cut() -> None:
    chunks = split_chunks("x" * 50_000)
    assert max(len(chunk.text) for chunk in chunks) < 5_000
    assert sum(chunk.text.count("x") for chunk in chunks) == 50_000
