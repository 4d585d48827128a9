"""Labels chosen by what is said of them, on vectors that are known."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from model_servers.encoders import unit_rows
from tools.described_labels import DescribedHead, Statements, spelt_out
from tools.label_choice import Scale, Vectors
from tools.word_evidence import PieceLikeness, count_pieces

SCALE = Scale(temperature=0.1, middle=0.5, centroid_middle=0.5, described_middle=4.0)
THINGS = ("weather", "train", "umbrella", "ticket")


def vectors(texts: Sequence[str]) -> Vectors:
    """How often each thing is named; the last column is the same for all."""
    counts = [[text.lower().count(thing) for thing in THINGS] + [0.3] for text in texts]
    return unit_rows(np.array(counts, dtype=np.float32))


def head(about: dict[str, list[str]], *, multi: bool = False) -> DescribedHead:
    statements = Statements(about)
    return statements.head(vectors(statements.to_encode()), SCALE, multi=multi)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("PDF&URLTool", "PDF URL Tool"),
        ("get_user.info", "get user info"),
        ("ResearchFinder", "Research Finder"),
        ("天气 查询", "天气 查询"),
        ("Größe", "Größe"),
        ("__", "__"),
    ],
)
def test_a_name_is_spelt_out(name: str, words: str) -> None:
    assert spelt_out(name) == words


def test_a_label_is_chosen_by_its_description() -> None:
    score = head({"A": ["Tells the weather."], "B": ["Finds a train."]})
    rows = score(["Which train?", "weather"], vectors(["Which train?", "weather"]))
    assert rows.argmax(axis=1).tolist() == [1, 0]
    np.testing.assert_allclose(rows.sum(axis=1), 1)


def test_letters_tell_apart_what_means_the_same() -> None:
    score = head({"A": ["Weather in Lisbon."], "B": ["Weather in Oslo."]})
    text = ["the weather, Oslo"]
    assert score(text, vectors(text)).argmax() == 1


def test_a_label_of_which_nothing_is_said_goes_by_its_name() -> None:
    score = head({"WeatherTool": [], "B": ["Finds a train."]})
    assert score(["the weather"], vectors(["the weather"])).argmax() == 0


def test_of_many_statements_the_best_ones_count() -> None:
    about = {"A": ["train ticket"] * 3 + ["umbrella"] * 9, "B": ["train", "weather", "weather"]}
    text = ["a train ticket"]
    assert head(about)(text, vectors(text)).argmax() == 0


def test_several_labels_may_hold_or_none() -> None:
    score = head({"A": ["Tells the weather."], "B": ["Finds a train."]}, multi=True)
    texts = ["train, and the weather", "zzz"]
    rows = score(texts, vectors(texts))
    assert (rows[0] > rows[1]).all()
    assert (rows[1] < 0.5).all()
    assert 0 < rows.min() < rows.max() < 1


def test_one_label_alone_can_be_judged() -> None:
    (row,) = head({"A": ["Tells the weather."]}, multi=True)(["weather"], vectors(["weather"]))
    assert np.isfinite(row).all()


def test_pieces_that_no_text_has_count_for_nothing() -> None:
    alike = PieceLikeness(["red apples", "green pears"])
    with_others, alone = alike(count_pieces(["red apples 12345", "red apples"]))
    assert alone[0] == pytest.approx(1, abs=1e-6)
    assert with_others[0] == pytest.approx(1, abs=0.05)
    assert alone[1] < 0.3
    assert alike.size_bytes > 0
