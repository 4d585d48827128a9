"""English entities from what two models found, put right by rules."""

from __future__ import annotations

import pytest

from model_servers.entities import NamedSpan
from model_servers.rampart import PersonalSpan
from tools.entity_en import names_of, without_bullets
from tools.spans import NAMED_TYPES


def named(
    text: str, spans: dict[str, str], personal: dict[str, tuple[str, float]] | None = None
) -> list[str]:
    """Entities as "surface type", where the models find these surfaces."""
    found = [
        NamedSpan(text.index(surface), text.index(surface) + len(surface), label)
        for surface, label in spans.items()
    ]
    sure = [
        PersonalSpan(text.index(surface), text.index(surface) + len(surface), kind, score)
        for surface, (kind, score) in (personal or {}).items()
    ]
    entities = names_of(text, found, sure, NAMED_TYPES)
    return [f"{text[e.start : e.end]} {e.type}" for e in entities]


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
        ("Call Ana Costa", "ORG", ["Ana Costa organisation"]),
        ("Please thank Ana Costa", "PERSON", ["Ana Costa person"]),
        ("Call of Duty", "PRODUCT", ["Call of Duty product"]),
        ("Ann Lee\nBo Chen", "PERSON", ["Ann Lee person", "Bo Chen person"]),
        ("USD 300 and £45", "MONEY", ["USD 300 amount", "£45 amount"]),
        ("between 5 and 10 dollars", "MONEY", ["between 5 and 10 dollars amount"]),
    ],
)
def test_what_the_pipeline_found_is_put_right(text: str, label: str, names: list[str]) -> None:
    assert named(text, {text: label}) == names


def test_an_article_within_a_sentence_belongs_to_an_organisations_name() -> None:
    assert named("He reads The Times daily.", {"Times": "ORG"}) == ["The Times organisation"]
    assert named("The Times is late.", {"The Times": "ORG"}) == ["Times organisation"]


def test_the_second_model_is_believed_if_it_is_sure() -> None:
    text = "Darrell called."
    assert named(text, {"Darrell": "ORG"}, {"Darrell": ("person", 0.9)}) == ["Darrell person"]
    assert named(text, {"Darrell": "ORG"}, {"Darrell": ("person", 0.6)}) == ["Darrell organisation"]
    assert named("Near Holyoke", {"Holyoke": "ORG"}, {"Holyoke": ("place", 0.9)}) == [
        "Holyoke place"
    ]
    long = "Maria Silva Foundation for Music"
    assert named(long, {long: "ORG"}, {"Silva": ("person", 0.9)}) == [f"{long} organisation"]


def test_a_name_ends_with_its_line() -> None:
    text = "Lisbon\nDate: soon"
    assert named(text, {"Lisbon\nDate": "ORG"}) == ["Lisbon organisation"]


def test_where_both_see_the_same_name_the_second_says_what_it_is() -> None:
    text = "Call Ana Costa now"
    assert named(text, {"Call Ana Costa": "ORG"}, {"Ana Costa": ("person", 0.5)}) == [
        "Ana Costa person"
    ]


def test_a_piece_of_a_name_that_the_second_saw_whole_is_the_whole_name() -> None:
    text = "Ana Costa's parcel"
    assert named(text, {"Costa": "GPE"}, {"Ana Costa": ("person", 0.9)}) == ["Ana Costa person"]
    text = "Ana Costa flew"
    assert named(text, {"Ana Costa": "PERSON"}, {text: ("person", 0.9)}) == ["Ana Costa person"]


def test_what_a_person_is_does_not_belong_to_the_name() -> None:
    text = "Mary Hain Senior Regulatory Counsel"
    assert named(text, {text: "PERSON"}, {"Mary Hain": ("person", 0.9)}) == ["Mary Hain person"]


def test_names_that_only_the_second_model_found() -> None:
    personal = {"Vince": ("person", 0.9), "sid": ("person", 0.9), "oslo": ("place", 0.9)}
    assert named("Vince, sid, oslo", {}, personal) == ["Vince person", "oslo place"]
    assert named("Vince", {}, {"Vince": ("person", 0.7)}) == []


def test_bullets_become_blanks() -> None:
    text = "- Ann Lee\n  * Bo -Di\n1 - 2\n-x"
    assert without_bullets(text) == "  Ann Lee\n    Bo -Di\n1 - 2\n-x"
