"""English entities from what a pipeline found, put right by rules."""

from __future__ import annotations

import pytest

from model_servers.entities import NamedSpan
from tools.entity_en import names_of, without_bullets
from tools.spans import NAMED_TYPES


def named(text: str, spans: dict[str, str]) -> list[str]:
    """Entities as "surface type", where the pipeline finds these surfaces."""
    found = [
        NamedSpan(text.index(surface), text.index(surface) + len(surface), label)
        for surface, label in spans.items()
    ]
    return [f"{text[e.start : e.end]} {e.type}" for e in names_of(text, found, NAMED_TYPES)]


@pytest.mark.parametrize(
    ("text", "label", "names"),
    [
        ("Elizabeth 36349", "PERSON", ["Elizabeth person"]),
        ("Mr. Dar", "PERSON", ["Dar person"]),
        ("George and Lynne", "PERSON", ["George person", "Lynne person"]),
        ("Marks & Spencer", "ORG", ["Marks & Spencer organisation"]),
        ("the Red Cross", "ORG", ["Red Cross organisation"]),
        ("Paris's", "GPE", ["Paris place"]),
        ("a Retail Store", "ORG", []),
        ("this shop", "PERSON", []),
        ("offer-v2.doc", "ORG", []),
        ("Fax", "ORG", []),
        ("48213", "DATE", []),
        ("Love Actually", "WORK_OF_ART", []),
    ],
)
def test_what_the_pipeline_found_is_put_right(text: str, label: str, names: list[str]) -> None:
    assert named(text, {text: label}) == names


def test_an_article_within_a_sentence_belongs_to_an_organisations_name() -> None:
    assert named("He reads The Times daily.", {"Times": "ORG"}) == ["The Times organisation"]
    assert named("The Times is late.", {"The Times": "ORG"}) == ["Times organisation"]


def test_bullets_become_blanks() -> None:
    text = "- Ann Lee\n  * Bo -Di\n1 - 2\n-x"
    assert without_bullets(text) == "  Ann Lee\n    Bo -Di\n1 - 2\n-x"
