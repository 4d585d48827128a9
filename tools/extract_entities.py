"""The tool `extract_entities`: names, dates, amounts and personal data, with exact offsets."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping, Sequence
from typing import Annotated, Any, ClassVar, NamedTuple

from pydantic import BaseModel, BeforeValidator, Field

from model_servers.contracts import Usage
from model_servers.entities import NamedSpan
from model_servers.lac import TaggedWord
from model_servers.languages import UNDETERMINED, identify
from model_servers.rampart import PersonalSpan
from tools import entity_en, entity_llm, entity_zh
from tools.contracts import Kind, RunContext, TextSlot, Tool, ToolArgs, ToolData, ToolResult
from tools.errors import InvalidInput
from tools.extract_entities_words import EXAMPLES, entity_type, listing
from tools.personal_en import addresses, birth_dates, may_be_people
from tools.pii import find_pii
from tools.products import spoken_of
from tools.spans import (
    ENTITY_TYPES,
    NAMED_TYPES,
    PERSONAL,
    EntityType,
    Found,
    NamedType,
    Source,
    redact,
    with_hidden,
    without_overlaps,
)
from tools.windows import split_windows

SPACY_WINDOW_CHARS = 4_000
RAMPART_WINDOW_CHARS = 450
LAC_WINDOW_CHARS = 400
_LETTERS_THAT_TELL = 60
_NAMES_TO_A_WORD = 5
_PUNCTUATION = ".,;:!?…()[]*\"'“”„«»¿¡"
_LATIN_END = "\u024f"
_PERSONAL = frozenset({"person", "organisation", "place"})
"""The types about which Rampart has something to say."""
SPOKEN_OF_SCORE = 0.4
"""Of a product that is not named, only spoken of."""
Type = Annotated[EntityType, BeforeValidator(lambda v: entity_type(v) if isinstance(v, str) else v)]


class Entity(BaseModel):
    """`text` stands at `start` to `end` of the input, counted in Unicode code points."""

    text: str
    type: EntityType
    start: int
    end: int
    score: float
    source: Source


class ExtractEntitiesArgs(ToolArgs):
    text: TextSlot
    types: list[Type] | None = Field(default=None, min_length=1, max_length=32)
    redact: bool = False


class ExtractEntitiesResult(ToolData):
    """In the text's order and without overlaps. `redacted` is there when it was asked for."""

    entities: list[Entity]
    redacted: str | None
    language: str


class ExtractEntities(Tool):
    """With `redact` the text comes back with marks such as [PERSON] in place of the `types`.

    Without `types` these are people, e-mail addresses, telephone, card, IBAN, IP and US social
    security numbers; in English also streets with their number, post boxes and what follows of the
    address ([PLACE]), and dates of birth ([DATE]). In English who may be a person goes, too, so
    that now and then a word goes that names nobody. Towns and dates by themselves, companies and
    products stay. Not found: names that neither model knows and nothing introduces (about one word
    of ten on Universal NER's English test set), streets without a number or in other languages,
    other countries' numbers of identity, passwords, and what tells who somebody is without naming
    them. Read the result before it is given to others.
    """

    name = "extract_entities"
    description = (
        "Finds the people, organisations, places, dates, amounts, products and personal data "
        "(e-mail, phone, IBAN, card numbers) that a text names, and can redact them. Use it to "
        "list who or what is mentioned, or to anonymise a text."
    )
    examples = EXAMPLES
    Args = ExtractEntitiesArgs
    Result = ExtractEntitiesResult
    outputs: ClassVar[Mapping[str, Kind]] = {"entities": "entities", "redacted": "text"}

    async def __call__(self, args: ExtractEntitiesArgs, ctx: RunContext) -> ToolResult:
        if not args.text.strip():
            raise InvalidInput("The text is empty; give some text to search.", param="text")
        wanted = frozenset(args.types or ENTITY_TYPES)
        # What is redacted by default has to be looked for, whatever else was asked.
        hidden = frozenset(args.types or PERSONAL) if args.redact else frozenset[EntityType]()
        seen = await _find(args.text, wanted | hidden, ctx)
        found = without_overlaps(seen.found)
        if args.types == ["product"] and seen.language == "en":
            found = await _with_product(args.text, found, ctx)
        masked: list[Found] = []
        if args.redact:
            found, masked = with_hidden(found, _to_hide(args.text, seen, hidden, args.types))
        data = ExtractEntitiesResult(
            entities=[
                Entity(
                    text=args.text[e.start : e.end],
                    type=e.type,
                    start=e.start,
                    end=e.end,
                    score=e.score,
                    source=e.source,
                )
                for e in found
                if e.type in wanted
            ],
            redacted=redact(args.text, masked) if args.redact else None,
            language=seen.language,
        )
        return ToolResult(data, usage=seen.usage)

    def render(self, data: Any, language: str) -> str:
        assert isinstance(data, ExtractEntitiesResult)
        listed = listing([(entity.type, entity.text) for entity in data.entities], language)
        return listed if data.redacted is None else f"{data.redacted}\n\n{listed}"


class _Seen(NamedTuple):
    """Everything that was found, which may overlap, and Rampart's guesses in an English text."""

    found: list[Found]
    guesses: Sequence[PersonalSpan]
    language: str
    usage: Usage


def _to_hide(
    text: str, seen: _Seen, hidden: Collection[EntityType], asked: Sequence[EntityType] | None
) -> list[Found]:
    """What is taken out of the text, which may overlap: in English rather too much than a name
    too little, and by default where somebody lives and when they were born."""
    hide = [entity for entity in seen.found if entity.type in hidden]
    if seen.language == "en":
        if "person" in hidden:
            hide += may_be_people(text, seen.guesses, seen.found)
        if asked is None or "place" in asked:
            hide += addresses(text, seen.found)
        if asked is None or "date" in asked:
            hide += birth_dates(text)
    return hide


async def _find(text: str, types: Collection[EntityType], ctx: RunContext) -> _Seen:
    guess = identify(text)
    # Names, numbers and addresses alone say little of a language; the pipeline takes them as well.
    doubtful = guess.probability < 0.5 or not _has_words(text)
    english = guess.code in {"en", UNDETERMINED} or doubtful
    named = [kind for kind in NAMED_TYPES if kind in types]
    found = await _by_rules(text, types)
    guesses: Sequence[PersonalSpan] = ()
    usage = Usage()
    if named and english:
        named_by_two, guesses = await _by_two_models(text, named, ctx)
        found += named_by_two
    elif named:
        if guess.code == "zh":
            words: list[TaggedWord] = await _predicted("ner-zh", text, LAC_WINDOW_CHARS, ctx)
            found += entity_zh.names_of(text, words, named)
            named = [kind for kind in named if kind not in entity_zh.TYPES]
        if named:
            by_llm, usage = await _by_llm(text, named, ctx)
            found += by_llm
    return _Seen(found, guesses, "en" if english else guess.code, usage)


def _has_words(text: str) -> bool:
    """Whether there is more than names and numbers in Latin letters."""
    letters = [char for char in text if char.isalpha()]
    if any(char > _LATIN_END for char in letters):
        return True
    words = [word.strip(_PUNCTUATION) for word in text.split() if any(map(str.isalpha, word))]
    common = sum(word.isalpha() and word.islower() for word in words)
    if common and common * _NAMES_TO_A_WORD >= len(words):
        return True
    return len(letters) >= _LETTERS_THAT_TELL and "".join(letters).isupper()


async def _by_rules(text: str, types: Collection[EntityType]) -> list[Found]:
    return await asyncio.to_thread(find_pii, text, types)


async def _by_two_models(
    text: str, types: Sequence[NamedType], ctx: RunContext
) -> tuple[list[Found], Sequence[PersonalSpan]]:
    """By spaCy and Rampart, one after the other: they share the machine's few cores. With all
    that Rampart guessed."""
    spans: list[NamedSpan] = await _predicted(
        "ner-en", entity_en.without_bullets(text), SPACY_WINDOW_CHARS, ctx
    )
    personal: list[PersonalSpan] = []
    if not _PERSONAL.isdisjoint(types):
        personal = await _predicted("names-en", text, RAMPART_WINDOW_CHARS, ctx)
    return entity_en.names_of(text, spans, personal, types), personal


async def _predicted(model: str, text: str, window_chars: int, ctx: RunContext) -> list[Any]:
    """A model's spans of the whole text, which it is given in windows."""
    windows = split_windows(text, window_chars)
    parts = [text[window.start : window.end] for window in windows]
    rows = await ctx.models.predict(model, parts, deadline=ctx.deadline)
    return [
        span._replace(start=span.start + window.start, end=span.end + window.start)
        for window, row in zip(windows, rows, strict=True)
        for span in row
    ]


async def _with_product(text: str, found: list[Found], ctx: RunContext) -> list[Found]:
    """Where no product is named and only that was asked for: the thing that the text is about."""
    if any(entity.type == "product" for entity in found):
        return found
    window = split_windows(text, SPACY_WINDOW_CHARS)[0]
    part = text[window.start : window.end]
    (phrases,) = await ctx.models.predict("nouns-en", [part], deadline=ctx.deadline)
    span = spoken_of(part, phrases)
    if span is None:
        return found
    start, end = window.start + span.start, window.start + span.end
    return without_overlaps([*found, Found(start, end, "product", SPOKEN_OF_SCORE, "syntax")])


async def _by_llm(
    text: str, types: Sequence[NamedType], ctx: RunContext
) -> tuple[list[Found], Usage]:
    windows = split_windows(text, entity_llm.WINDOW_CHARS)
    found: list[Found] = []
    usage = Usage()
    for number, window in enumerate(windows, 1):
        part, spent = await entity_llm.find_named(text[window.start : window.end], types, ctx)
        usage += spent
        found += [e._replace(start=e.start + window.start, end=e.end + window.start) for e in part]
        ctx.progress(number / len(windows))
    return found, usage
