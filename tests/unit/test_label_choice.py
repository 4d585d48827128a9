"""Choosing among labels, and which words weighed."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from numpy.testing import assert_allclose

from tools import label_choice
from tools.label_choice import Scale
from tools.word_weights import pieces, word_weights

SCALE = Scale(temperature=0.1, middle=0.5, centroid_middle=0.5)
AXES = np.eye(3, dtype=np.float32)


def test_similarity_prefers_the_nearest_and_adds_up_to_one() -> None:
    text = np.array([[0.9, 0.4, 0.1]], dtype=np.float32)
    (row,) = label_choice.by_similarity(AXES, SCALE, multi=False)([""], text)
    assert row.argmax() == 0
    assert_allclose(row.sum(), 1)


def test_multi_judges_each_label_by_itself() -> None:
    text = np.array([[0.8, 0.5, 0.0]], dtype=np.float32)
    (row,) = label_choice.by_similarity(AXES, SCALE, multi=True)([""], text)
    assert_allclose(row[1], 0.5)
    assert row[0] > 0.9
    assert row[2] < 0.1


def test_a_centroid_is_the_mean_of_its_examples_or_the_label_itself() -> None:
    examples = np.array([[1, 0, 0], [0, 1, 0]], dtype=np.float32)
    rows = label_choice.centroids(examples, [0, 0], AXES)
    assert_allclose(rows[0], [0.5**0.5, 0.5**0.5, 0], rtol=1e-6)
    assert_allclose(rows[1:], AXES[1:])


def test_many_means_enough_in_the_mean_and_one_for_every_label() -> None:
    assert label_choice.has_many([0] * 5 + [1] * 5, 2)
    assert label_choice.has_many([0] * 20 + [1], 2)
    assert not label_choice.has_many([0] * 6 + [1] * 3, 2)
    assert not label_choice.has_many([0] * 20, 2)
    assert not label_choice.has_many([0] * 20, 1)
    assert not label_choice.has_many([i % 2_000 for i in range(20_000)], 2_000)


@pytest.mark.parametrize("labels", [2, 3])
def test_regressions_judge_each_label_by_itself(labels: int) -> None:
    random = np.random.default_rng(0)
    classes = list(range(labels)) * 10
    examples = (AXES[classes] + random.normal(0, 0.05, (len(classes), 3))).astype(np.float32)
    score = label_choice.by_regressions(examples, classes)
    rows = score([""] * labels, AXES[:labels])
    assert rows.argmax(axis=1).tolist() == list(range(labels))
    assert ((rows > 0.5) == np.eye(labels, dtype=bool)).all()


def test_a_second_opinion_follows_bayes() -> None:
    joined = label_choice.second_opinion(np.array([0.5, 0.3, 0.2]), 1, accuracy=0.8)
    assert_allclose(joined, np.array([0.05, 0.24, 0.02]) / 0.31)


def test_pieces_are_words_and_pairs_of_ideographs() -> None:
    text = "It doesn't fit! 拉链坏了 😀"
    assert [text[a:b] for a, b in pieces(text, 99)] == [
        "It", "doesn't", "fit", "拉链", "坏了", "😀",
    ]  # fmt: skip
    assert len(pieces("word " * 1000, 32)) <= 32


async def test_the_word_that_the_decision_rests_on_weighs_most() -> None:
    async def score(texts: Sequence[str]) -> list[float]:
        return [0.9 if "broke" in text else 0.2 for text in texts]

    words = await word_weights("The zip broke.", 0.9, score)
    assert words == [("broke", pytest.approx(0.7))]
