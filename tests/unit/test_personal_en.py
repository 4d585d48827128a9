"""What redaction hides beyond what was found."""

from __future__ import annotations

import time

import pytest

from model_servers.rampart import PersonalSpan
from tools.personal_en import addresses, birth_dates, may_be_people
from tools.spans import EntityType, Found, redact, with_hidden


def entity(text: str, surface: str, kind: EntityType) -> Found:
    start = text.index(surface)
    return Found(start, start + len(surface), kind, 0.7, "spacy")


def people(text: str, *found: Found) -> list[str]:
    return [text[e.start : e.end] for e in may_be_people(text, [], found)]


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("Hi, this is Ana Costa, my card was declined", ["Ana Costa"]),
        ("My name is Jan van der Berg and I wait.", ["Jan van der Berg"]),
        ("I'm Wei Zhang.", ["Wei Zhang"]),
        ("Dear Mr. Okafor, thanks", ["Okafor"]),
        ("Customer: Lee Wong\nOrder: 7", ["Lee Wong"]),
        ("Best regards,\n  Igor Petrov\nSales", ["Igor Petrov"]),
        ("Sara,\nthe parcel is here.", ["Sara"]),
        ("Dear Customer, this is Great. I am Not sure.", []),
        ("this is what we do", []),
        ("Thanks,\nwe wait.", []),
        ("Hello,\nthe parcel is here.", []),
    ],
)
def test_who_is_introduced_is_a_person(text: str, names: list[str]) -> None:
    assert people(text) == names


def test_what_is_known_to_be_no_person_is_none_for_being_introduced() -> None:
    text = "This is Nokia, in Oslo"
    assert people(text, entity(text, "Nokia", "organisation")) == []


def test_a_guess_is_enough_to_hide_a_person_and_no_place() -> None:
    text = "Thank Ana Costa in Oslo"
    guesses = [PersonalSpan(6, 15, "person", 0.35), PersonalSpan(19, 23, "place", 0.99)]
    assert [(e.start, e.end) for e in may_be_people(text, guesses, [])] == [(6, 15)]
    assert list(may_be_people(text, [PersonalSpan(6, 15, "person", 0.2)], [])) == []
    (name,) = may_be_people(text, [PersonalSpan(6, 18, "person", 0.9)], [])
    assert text[name.start : name.end] == "Ana Costa"


@pytest.mark.parametrize(
    ("text", "places"),
    [
        ("at 12 Baker Street, London, born", ["12 Baker Street, London"]),
        ("221B Baker St, London NW1 6XE.", ["221B Baker St, London NW1 6XE"]),
        ("Flat 3, 7 Rose Lane", ["Flat 3, 7 Rose Lane"]),
        ("6 N. Elm Ave Apt 4B, London, NY 10001", ["6 N. Elm Ave Apt 4B, London, NY 10001"]),
        ("5 42nd Street", ["5 42nd Street"]),
        ("to P.O. Box 123", ["P.O. Box 123"]),
        ("2 days on the road, 3 Wall Street banks", ["3 Wall Street"]),
        ("I saw 5 Star Wars films; $5 Court fees; Baker Street", []),
    ],
)  # fmt: skip
def test_streets_with_a_number_and_what_follows(text: str, places: list[str]) -> None:
    found = [entity(text, "London", "place")] if "London" in text else []
    assert [text[e.start : e.end] for e in addresses(text, found)] == places


@pytest.mark.parametrize(
    ("text", "dates"),
    [
        ("born 3 May 1980 in Rome", ["3 May 1980"]),
        ("DOB: 03/05/1980", ["03/05/1980"]),
        ("D.O.B. 1980-05-03", ["1980-05-03"]),
        ("Date of birth: May 3, 1980", ["May 3, 1980"]),
        ("She was born in 1980.", ["1980"]),
        ("My birthday is on 3 May", ["3 May"]),
        ("She was born to win on 3 May", []),
        ("ordered 3 May 1980", []),
    ],
)
def test_dates_of_birth(text: str, dates: list[str]) -> None:
    assert [text[e.start : e.end] for e in birth_dates(text)] == dates


def test_what_is_hidden_goes_whole_whatever_it_was_taken_for() -> None:
    text = "Ana Costa Lima, Oslo"
    found = [entity(text, "Costa Lima", "place"), entity(text, "Oslo", "place")]
    all_, hidden = with_hidden(found, [entity(text, "Ana Costa", "person"), found[0]])
    assert redact(text, hidden) == "[PLACE], Oslo"
    assert [text[e.start : e.end] for e in all_] == ["Ana Costa Lima", "Oslo"]
    all_, hidden = with_hidden(found, [entity(text, "Ana Costa", "person")])
    assert redact(text, hidden) == "[PERSON] Lima, Oslo"
    assert [text[e.start : e.end] for e in all_] == ["Ana Costa", "Oslo"]


@pytest.mark.parametrize(
    "piece", ["Aa ", "12 Aa ", "Dear Aa ", "Regards,\n\n", "1 ", "born 1 May "]
)
def test_long_texts_take_no_longer_than_they_are(piece: str) -> None:
    text = piece * (200_000 // len(piece))
    begun = time.process_time()
    for _ in (*may_be_people(text, [], []), *addresses(text, []), *birth_dates(text)):
        pass
    assert time.process_time() - begun < 5
