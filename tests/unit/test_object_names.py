"""Which of the detector's objects a sentence names, and what it names that is none of them."""

from __future__ import annotations

import pytest

from model_servers.coco_labels import COCO_LABELS
from tools.object_names import LANGUAGES, Asked, asked_for, label_of, object_name


@pytest.mark.parametrize(
    ("words", "known"),
    [
        ("How many people are in this picture?", ("person",)),
        ("count the cars and the buses", ("car", "bus")),
        ("Is there a teddy bear or a hot dog in the photo?", ("teddy bear", "hot dog")),
        ("where are the wine glasses?", ("wine glass",)),
        ("照片里有多少人？", ("person",)),
        ("图中有几只狗和猫", ("dog", "cat")),
        ("¿Cuántas personas y perros hay en la foto?", ("person", "dog")),
        ("Combien de voitures y a-t-il sur cette image ?", ("car",)),
        ("Wie viele Fahrräder sind auf dem Bild?", ("bicycle",)),
        ("Quantos carros aparecem nesta foto?", ("car",)),
        ("この写真に自転車は何台ありますか？", ("bicycle",)),
    ],
)
def test_objects_are_known_by_their_names(words: str, known: tuple[str, ...]) -> None:
    assert asked_for(words) == Asked(known, ())


@pytest.mark.parametrize(
    ("words", "known", "unknown"),
    [
        ("How many forklifts are in this picture?", (), ("forklifts",)),
        ("Is there a forklift here?", (), ("forklift",)),
        ("count the pallets and the people", ("person",), ("pallets",)),
        ("¿Cuántas carretillas elevadoras hay en la foto?", (), ("carretillas elevadoras",)),
        ("Wie viele Gabelstapler sind auf dem Bild?", (), ("Gabelstapler",)),
        ("图里有多少叉车", (), ("叉车",)),
    ],
)
def test_what_is_no_kind_of_the_detector_is_told_apart(
    words: str, known: tuple[str, ...], unknown: tuple[str, ...]
) -> None:
    assert asked_for(words) == Asked(known, unknown)


@pytest.mark.parametrize(
    "words",
    ["What objects are in this picture?", "detect everything", "what do you see", "检测图中的物体",
     "find the objects in this photo"],
)  # fmt: skip
def test_whatever_is_there_is_no_name(words: str) -> None:
    assert asked_for(words) == Asked((), ())


def test_every_label_has_a_name_in_every_language_that_finds_it() -> None:
    for label in COCO_LABELS:
        for language in LANGUAGES:
            assert label_of(object_name(label, language)) is not None, (label, language)
    assert object_name("person", "fi") == "person"


def test_words_that_are_no_names_have_no_label() -> None:
    assert label_of("forklift") is None
    assert label_of("carpet") is None
