"""The overlap of masks, against what can be counted by hand."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evals.metrics import MaskOverlap, MetricError, mask_of

SQUARE: Any = {"size": [10, 20], "polygons": [[0, 0, 10, 0, 10, 10, 0, 10]]}
EMPTY: Any = {"size": [10, 20], "polygons": []}


def rectangle(left: int, top: int, right: int, bottom: int) -> Any:
    inside = np.zeros((10, 20), bool)
    inside[top:bottom, left:right] = True
    return mask_of(inside)


def test_overlap_by_hand() -> None:
    # 100 and 50 pixels wanted; 50 of 100 found are right, and 50 of 50.
    golds = [SQUARE, rectangle(0, 0, 5, 10)]
    figures = MaskOverlap()(golds, [rectangle(5, 0, 15, 10), rectangle(0, 0, 5, 10)])
    assert figures == {
        "iou": pytest.approx((1 / 3 + 1) / 2),
        "pixel_iou": pytest.approx(100 / 200),
        "pixel_precision": pytest.approx(100 / 150),
        "pixel_recall": pytest.approx(100 / 150),
    }


def test_an_error_covers_nothing() -> None:
    assert MaskOverlap()([SQUARE, EMPTY], [None, None])["iou"] == 0.5
    assert MaskOverlap()([EMPTY, EMPTY], [EMPTY, SQUARE])["iou"] == 0.5


def test_overlapping_outlines_count_once() -> None:
    twice = {**SQUARE, "polygons": SQUARE["polygons"] * 2}
    assert MaskOverlap()([twice], [SQUARE])["iou"] == 1.0


@pytest.mark.parametrize(
    "found", [rectangle(0, 0, 5, 10) | {"size": [20, 10]}, {"size": [10, 20]}, [1], "x"]
)
def test_what_is_no_mask_is_said(found: Any) -> None:
    with pytest.raises(MetricError, match="A mask"):
        MaskOverlap()([SQUARE], [found])


BITS = st.lists(st.booleans(), min_size=12, max_size=12)


@settings(deadline=None)
@given(BITS, BITS)
def test_overlap_is_that_of_the_pixels(one: list[bool], other: list[bool]) -> None:
    right, found = (np.array(bits).reshape(3, 4) for bits in (one, other))
    either = int((right | found).sum())
    wanted = int((right & found).sum()) / either if either else 1.0
    assert MaskOverlap()([mask_of(right)], [mask_of(found)])["iou"] == pytest.approx(wanted)
