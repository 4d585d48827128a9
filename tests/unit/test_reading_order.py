"""Lines in the order in which a person reads them."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tools.reading_order import reading_order, rows


def line(left: float, top: float, width: float = 200, height: float = 20) -> tuple[float, ...]:
    return left, top, left + width, top + height


def read(**lines: tuple[float, ...]) -> str:
    names = sorted(lines)  # not in the order of reading, as a detector gives them
    boxes = [lines[name] for name in names]
    return " ".join(names[place] for place in reading_order(boxes))  # type: ignore[arg-type]


def test_lines_go_from_top_to_bottom() -> None:
    assert read(c=line(0, 0), a=line(0, 30), b=line(0, 60)) == "c a b"


def test_columns_of_text_are_read_one_after_the_other() -> None:
    page = {"title": line(0, 0, 500)}
    page |= {f"left{n}": line(0, 50 + 25 * n) for n in range(4)}
    page |= {f"right{n}": line(300, 58 + 25 * n) for n in range(4)}
    assert read(**page) == ("title left0 left1 left2 left3 right0 right1 right2 right3")


def test_a_table_is_read_row_by_row() -> None:
    table = {}
    for n, name in enumerate(("top", "mid", "low")):
        table |= {f"{name}1": line(0, 30 * n), f"{name}2": line(300, 30 * n + 1)}
    assert read(**table) == "top1 top2 mid1 mid2 low1 low2"


def test_cells_of_a_row_are_put_together() -> None:
    boxes = [line(0, 0), line(300, 2), line(0, 40)]
    order = reading_order(boxes)  # type: ignore[arg-type]
    assert rows(boxes, order) == [[0, 1], [2]]  # type: ignore[arg-type]


def test_lines_that_touch_are_two_rows() -> None:
    boxes = [line(0, 0), line(0, 18)]
    assert rows(boxes, reading_order(boxes)) == [[0], [1]]  # type: ignore[arg-type]


number = st.integers(0, 200)


@given(st.lists(st.builds(line, number, number, st.integers(1, 90), st.integers(1, 40))))
def test_every_line_is_read_once(boxes: list[tuple[float, ...]]) -> None:
    order = reading_order(boxes)  # type: ignore[arg-type]
    assert sorted(order) == list(range(len(boxes)))
    assert [place for row in rows(boxes, order) for place in row] == order  # type: ignore[arg-type]
