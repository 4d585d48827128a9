"""Boxes: overlaps, suppression, fusion, and what the detectors' heads make of their numbers."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from model_servers import centernet, nanodet
from model_servers.boxes import Boxes, fuse, join, no_boxes, overlaps, suppress
from model_servers.images import letterbox, resize, wrong_image


def boxes(*rows: tuple[float, float, float, float, float, int]) -> Boxes:
    """Rows of left, top, right, bottom, score, class."""
    table = np.array(rows, np.float32).reshape(-1, 6)
    return Boxes(table[:, :4], table[:, 4], table[:, 5].astype(np.int64))


edge = st.integers(0, 40)
box_rows = st.builds(
    lambda x, y, w, h, s, c: (x, y, x + w, y + h, s / 100, c),
    edge, edge, st.integers(1, 40), st.integers(1, 40), st.integers(1, 100), st.integers(0, 2),
)  # fmt: skip
some_boxes = st.lists(box_rows, max_size=12).map(lambda rows: boxes(*rows))


def test_overlaps_are_intersection_over_union() -> None:
    one = boxes((0, 0, 10, 10, 1, 0)).edges
    others = boxes((0, 0, 10, 10, 1, 0), (5, 0, 15, 10, 1, 0), (20, 20, 30, 30, 1, 0)).edges
    assert_allclose(overlaps(one, others), [[1, 1 / 3, 0]], rtol=1e-6)


def test_suppression_keeps_the_surest_of_a_class_and_all_classes() -> None:
    kept = suppress(
        boxes((0, 0, 10, 10, 0.5, 0), (1, 0, 11, 10, 0.9, 0), (0, 0, 10, 10, 0.3, 1)), 0.6
    )
    assert kept.scores.tolist() == pytest.approx([0.9, 0.3])
    assert kept.classes.tolist() == [0, 1]


@given(some_boxes, st.sampled_from([0.3, 0.6]))
def test_what_suppression_keeps_does_not_overlap(some: Boxes, overlap: float) -> None:
    kept = suppress(some, overlap)
    assert (np.diff(kept.scores) <= 0).all()
    between = overlaps(kept.edges, kept.edges)
    same = kept.classes[:, None] == kept.classes[None, :]
    np.fill_diagonal(same, False)
    assert (between[same] <= overlap).all()
    assert (len(kept.scores) > 0) == (len(some.scores) > 0)


def test_fusion_means_places_by_score_and_lowers_what_one_network_saw() -> None:
    first = boxes((0, 0, 10, 10, 0.9, 0), (50, 50, 60, 60, 0.8, 1))
    second = boxes((0, 0, 10, 13, 0.3, 0))
    fused = fuse([first, second], 0.6)
    assert fused.classes.tolist() == [0, 1]
    assert_allclose(fused.scores, [0.6, 0.4], rtol=1e-6)
    assert_allclose(fused.edges[0], [0, 0, 10, (10 * 0.9 + 13 * 0.3) / 1.2], rtol=1e-6)
    assert_allclose(fused.edges[1], [50, 50, 60, 60])


@given(st.lists(some_boxes, min_size=1, max_size=3))
def test_fusion_stays_within_what_it_was_given(answers: list[Boxes]) -> None:
    every = join(answers)
    fused = fuse(answers, 0.6)
    assert len(fused.scores) <= len(every.scores)
    assert (np.diff(fused.scores) <= 1e-6).all()
    if len(every.scores):
        assert fused.scores.max() <= every.scores.max() + 1e-6
        assert (fused.edges >= every.edges.min(axis=0) - 1e-3).all()
        assert (fused.edges <= every.edges.max(axis=0) + 1e-3).all()
        assert set(fused.classes) == set(every.classes)


def test_fusing_nothing_gives_nothing() -> None:
    assert len(fuse([no_boxes(), no_boxes()], 0.6).scores) == 0


@pytest.mark.parametrize("size", [(10, 40), (40, 10), (33, 33), (1, 200), (1000, 900)])
def test_a_box_finds_its_way_out_of_the_square(size: tuple[int, int]) -> None:
    height, width = size
    inside = letterbox(np.zeros((*size, 3), np.uint8), 64, 114)
    assert inside.square.shape == (64, 64, 3)
    whole = np.array([[inside.left, inside.top, 64 - inside.left, 64 - inside.top]], np.float32)
    tolerance = 1 / inside.scale + 1e-3
    (edges,) = inside.boxes_in_picture(whole, size)
    assert_allclose(edges, [0, 0, width, height], atol=tolerance)
    assert (inside.boxes_in_picture(whole + 1000, size) <= [width, height, width, height]).all()


def test_a_picture_keeps_its_mean_when_it_shrinks() -> None:
    image = np.random.default_rng(1).integers(0, 256, (90, 120, 3), np.uint8)
    small = resize(image, 12, 9)
    assert small.shape == (9, 12, 3)
    assert abs(small.mean() - image.mean()) < 1


@pytest.mark.parametrize(
    ("image", "message"),
    [
        (np.zeros((4, 4, 3), np.float32), "bytes"),
        (np.zeros((4, 4), np.uint8), "height, width, 3"),
        (np.zeros((0, 4, 3), np.uint8), "empty"),
        ("a path", "array"),
    ],
)
def test_what_is_no_picture_is_told(image: object, message: str) -> None:
    error = wrong_image(image)
    assert error is not None
    assert message in error.message


def test_nanodets_distances_are_means_of_its_bins() -> None:
    answers = {}
    for stride in nanodet.STRIDES:
        points = (nanodet.SIDE // stride) ** 2
        answers[f"scores_{stride}"] = np.zeros((1, points, 80), np.float32)
        answers[f"bins_{stride}"] = np.zeros((1, points, 44), np.float32)
    columns = nanodet.SIDE // 16
    place = 3 * columns + 5
    answers["scores_16"][0, place, 7] = 0.8
    bins = answers["bins_16"][0, place].reshape(4, 11)
    for side, distance in enumerate((1, 2, 3, 4)):
        bins[side, distance] = 50  # all of the weight on one bin
    found = nanodet.read_answers(answers, 0.5)
    assert found.classes.tolist() == [7]
    x, y = 5.5 * 16, 3.5 * 16
    assert_allclose(found.edges, [[x - 16, y - 32, x + 48, y + 64]], rtol=1e-5)


def test_centernet_reads_peaks_only() -> None:
    scores = np.zeros((128, 128, 80), np.float32)
    scores[10, 20, 2], scores[10, 21, 2], scores[10, 21, 3] = 0.9, 0.7, 0.6
    scores[127, 127, 2] = 0.5
    distances = np.full((128, 128, 4), 8, np.float32)
    found = centernet.read_maps(scores, distances, 0.3)
    order = np.lexsort((found.scores, found.classes))
    assert found.classes[order].tolist() == [2, 2, 3]
    assert_allclose(found.scores[order], [0.5, 0.9, 0.6])
    best = found.at(np.array([int(found.scores.argmax())]))
    assert_allclose(best.edges, [[80 - 8, 40 - 8, 80 + 8, 40 + 8]])
    assert len(centernet.read_maps(np.zeros_like(scores), distances, 0.3).scores) == 0
