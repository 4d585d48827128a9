"""Labels learnt from examples: by meaning, by words, and how sure of it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose
from numpy.typing import NDArray
from threadpoolctl import threadpool_info

from model_servers.blas import one_thread
from model_servers.encoders import unit_rows
from tools.example_head import ExampleHead, Nearness, affordable
from tools.word_evidence import WordEvidence, count_pieces

SIDES = 16
AXES = np.eye(SIDES, dtype=np.float32)


def blobs(classes: NDArray[Any], noise: float, seed: int = 0) -> NDArray[Any]:
    """Unit vectors around one axis for each class."""
    spread = np.random.default_rng(seed).normal(0, noise, (len(classes), SIDES))
    return unit_rows(AXES[classes] + spread)


def head(texts: list[str], classes: NDArray[Any], vectors: NDArray[Any]) -> ExampleHead:
    return ExampleHead(texts, classes, int(classes.max()) + 1, vectors, np.arange(len(texts)))


CLASSES = np.repeat(np.arange(3), 20)


def test_the_meaning_decides_where_the_words_say_nothing() -> None:
    texts = ["the same words"] * len(CLASSES)
    found = head(texts, CLASSES, blobs(CLASSES, 0.1))(["the same words"] * 3, AXES[:3])
    assert found.argmax(axis=1).tolist() == [0, 1, 2]
    assert (found.max(axis=1) > 0.8).all()


def test_the_words_decide_where_the_meaning_says_nothing() -> None:
    names = ["card", "parcel", "refund"]
    texts = [f"my {names[label]} number {i}" for i, label in enumerate(CLASSES)]
    vectors = blobs(np.zeros_like(CLASSES), 0.3)
    found = head(texts, CLASSES, vectors)([f"where is the {name}" for name in names], vectors[:3])
    assert found.argmax(axis=1).tolist() == [0, 1, 2]


def test_it_is_as_sure_as_it_is_right() -> None:
    classes = np.repeat(np.arange(4), 100)
    texts = [f"text {i}" for i in range(len(classes))]
    learnt = head(texts, classes, blobs(classes, 0.55))
    found = learnt(["text"] * len(classes), blobs(classes, 0.55, seed=1))
    accuracy = (found.argmax(axis=1) == classes).mean()
    assert 0.6 < accuracy < 0.95
    assert abs(found.max(axis=1).mean() - accuracy) < 0.06


def test_a_text_unlike_all_examples_belongs_to_no_label_for_sure() -> None:
    learnt = head(["a"] * len(CLASSES), CLASSES, blobs(CLASSES, 0.1))
    near, strange = AXES[[0]], AXES[[9]]
    assert_allclose(learnt(["a"], near).sum(), 1.0)
    assert learnt(["a"], strange).sum() < 0.2


def test_a_label_may_have_a_single_example() -> None:
    classes = np.append(CLASSES, 3)
    texts = [f"text {i}" for i in range(len(classes))]
    vectors = blobs(classes, 0.1)
    found = head(texts, classes, vectors)(texts[-1:], vectors[-1:])
    assert found.argmax() == 3
    assert np.isfinite(found).all()


def test_examples_without_a_vector_teach_their_words() -> None:
    names = ["card", "parcel"]
    classes = np.array([0, 1] * 30)
    texts = [f"{names[label]} {i}" for i, label in enumerate(classes)]
    # Of the label 1 nobody said "late" where a vector was made.
    texts[-1] = "late late late"
    encoded = np.arange(20)
    same = blobs(np.zeros(20, dtype=int), 0.3)
    learnt = ExampleHead(texts, classes, 2, same, encoded)
    assert learnt(["late"], same[:1]).argmax() == 1


def test_alike_examples_leave_nothing_to_tell_from_nearness() -> None:
    same = np.repeat(AXES[:1], 5, axis=0)
    assert_allclose(Nearness(same)(AXES[:2]), [1.0, 1.0])


def test_an_encoder_reads_equally_many_examples_of_each_label() -> None:
    texts = ["x" * 10] * 12
    classes = np.array([0] * 8 + [1] * 3 + [2])
    assert affordable(texts, classes, 1_000).tolist() == list(range(12))
    assert affordable(texts, classes, 60).tolist() == [0, 1, 2, 8, 9, 11]
    # One of each label is read, whatever it costs; a text counts as it is written and as it is cut.
    assert affordable(texts, classes, 0).tolist() == [0, 8, 11]
    assert affordable(["好" * 10, "x", "y"], np.array([0, 1, 1]), 30).tolist() == [0, 1]
    assert affordable(["x" * 4_000, "y", "z"], np.array([0, 1, 1]), 1_002).tolist() == [0, 1, 2]


def test_words_count_by_naive_bayes() -> None:
    texts = ["aa aa bb", "aa", "cc dd", "dd"]
    classes = np.array([0, 0, 1, 1])
    evidence = WordEvidence(count_pieces(texts), classes, 2)
    scores = evidence.scores(count_pieces(["aa", "dd", "zz"]))
    assert scores.argmax(axis=1)[:2].tolist() == [0, 1]
    # What nobody said tells the labels apart only by how much each said in all.
    assert abs(scores[2, 0] - scores[2, 1]) < abs(scores[0, 0] - scores[0, 1]) / 4
    assert evidence.size_bytes > 0


@pytest.mark.parametrize(("text", "other"), [("我的卡在哪里", "我的卡"), ("où est-ce", "où")])
def test_pieces_are_found_in_any_script(text: str, other: str) -> None:
    shared = count_pieces([text]).multiply(count_pieces([other]))
    assert shared.nnz > 0


def blas_threads() -> set[int]:
    return {pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"}


def test_products_take_one_thread_inside_alone() -> None:
    before = blas_threads()
    with one_thread(), one_thread():
        assert blas_threads() == {1}
    assert blas_threads() == before
