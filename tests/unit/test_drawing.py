"""Labels can be read at any size of the picture, and stay inside it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tools.drawing import (
    LARGEST_SIDE,
    SMALLEST_SIDE,
    Mark,
    draw_marks,
    draw_masks,
    drawing_scale,
    group_colour,
    label_font,
    label_place,
)


@pytest.mark.parametrize(
    "size", [(1, 1), (20, 30), (90, 120), (480, 640), (3000, 4000), (5, 900), (4000, 7)]
)
def test_a_drawing_is_of_a_size_that_shows_its_labels(size: tuple[int, int]) -> None:
    image = np.full((*size, 3), 90, np.uint8)
    height, width = size
    marks = [Mark((0, 0, width, height), "person 90%", "person"), Mark((0, 0, 1, 1), "", "x")]
    drawn = draw_marks(image, marks)
    assert SMALLEST_SIDE - 1 <= max(drawn.shape[:2]) <= LARGEST_SIDE
    assert label_font(drawn.shape[1], drawn.shape[0]).size >= 14
    if min(drawn.shape[:2]) >= 60:  # the label's ground, in the group's colour
        assert (drawn.reshape(-1, 3) == group_colour("person")).all(axis=1).any()


def test_a_box_is_drawn_where_it_is() -> None:
    image = np.zeros((200, 800, 3), np.uint8)
    drawn = draw_marks(image, [Mark((100, 50, 300, 150), "", "dog")])
    assert drawn.shape == image.shape
    colour = group_colour("dog")
    assert (drawn[100, 100] == colour).all()
    assert (drawn[50, 200] == colour).all()
    assert (drawn[100, 200] == 0).all()
    assert (drawn[100, 400] == 0).all()


def test_what_no_mask_covers_is_dimmed() -> None:
    image = np.full((640, 640, 3), 200, np.uint8)
    mask = np.zeros((640, 640), bool)
    mask[200:400, 200:400] = True
    drawn = draw_masks(image, [mask], [Mark((200, 200, 400, 400), "", "cat")])
    assert (drawn[10, 10] < 150).all()
    assert drawn[300, 300].max() > 190


@given(st.lists(st.tuples(st.integers(0, 600), st.integers(0, 400)), min_size=1, max_size=8))
def test_labels_stay_in_the_picture(corners: list[tuple[int, int]]) -> None:
    taken: list[tuple[float, float, float, float]] = []
    for x, y in corners:
        place = label_place((x, y, x + 40, y + 40), (90, 20), taken, (640, 480))
        assert 0 <= place[0] < place[2] <= 640
        assert 0 <= place[1] < place[3] <= 480
        taken.append(place)


def test_two_labels_of_one_place_do_not_hide_each_other() -> None:
    box = (100.0, 100.0, 200.0, 200.0)
    first = label_place(box, (90, 20), [], (640, 480))
    second = label_place(box, (90, 20), [first], (640, 480))
    assert second[1] >= first[3] or second[0] >= first[2]


def test_scale_is_one_where_the_picture_needs_none() -> None:
    assert drawing_scale(np.zeros((700, 800, 3), np.uint8)) == 1


def test_a_label_beside_its_line_hides_neither_it_nor_the_line_above() -> None:
    line = (100.0, 50.0, 300.0, 70.0)
    place = label_place(line, (30, 24), [], (640, 480), beside=True)
    assert place == (70, 48, 100, 72)
