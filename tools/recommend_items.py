"""The tool `recommend_items`: items of the shop that suit a wish, each with why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import BaseModel, ConfigDict, Field

from tools.contracts import (
    MAX_TEXT_CHARS,
    InvalidInput,
    Kind,
    RunContext,
    TextSlot,
    Tool,
    ToolArgs,
    ToolData,
    ToolError,
    ToolResult,
)
from tools.pictures import ImageSlot, read_picture
from tools.recommend_items_words import DESCRIPTION, EXAMPLES, TITLES, report
from tools.recommendation.query import Asked, Note, Query, make_query
from tools.recommendation.reasons import Evidence, Reason, reasons_for
from tools.recommendation.search import Found, Loosening, search, what_would_help
from tools.recommendation.shop import Constraints, Match, Shop
from tools.recommendation.wishes import MAX_ITEMS, MAX_WISH_CHARS, read_wish

if TYPE_CHECKING:
    from model_servers.images import Image

_FOR_PROGRAMS: dict[str, Any] = {"planned": False}
_MAX_LISTED = 50
_CATEGORIES_NAMED = 20


class NoShop(ToolError):
    """There is nothing to recommend from; the message says how to import it."""

    code = "no_shop"
    http_status = 409


class RecommendItemsArgs(ToolArgs):
    """`request` is the wish in the user's own words, from which constraints are read. What is
    given besides goes before what is read."""

    request: str | None = Field(
        default=None, max_length=MAX_TEXT_CHARS, description="The user's wish, word by word."
    )
    user: str | None = Field(default=None, min_length=1, max_length=200)
    item: str | None = Field(
        default=None, min_length=1, max_length=300, description="An item that it should be like."
    )
    taste: str | None = Field(default=None, min_length=1, max_length=1_000)
    image: ImageSlot | None = None
    shown: TextSlot | None = Field(default=None, json_schema_extra=_FOR_PROGRAMS)
    k: int | None = Field(default=None, ge=1, le=MAX_ITEMS)
    price_min: float | None = Field(default=None, ge=0, json_schema_extra=_FOR_PROGRAMS)
    price_max: float | None = Field(default=None, ge=0, json_schema_extra=_FOR_PROGRAMS)
    price_below: float | None = Field(default=None, ge=0, json_schema_extra=_FOR_PROGRAMS)
    categories: list[str] | None = Field(
        default=None, max_length=_MAX_LISTED, json_schema_extra=_FOR_PROGRAMS
    )
    exclude_categories: list[str] | None = Field(
        default=None, max_length=_MAX_LISTED, json_schema_extra=_FOR_PROGRAMS
    )
    exclude_items: list[str] | None = Field(
        default=None, max_length=_MAX_LISTED, json_schema_extra=_FOR_PROGRAMS
    )


class RecommendedItem(BaseModel):
    """An item, and why it is here: the most telling reason first. `score` compares within one
    answer only."""

    model_config = ConfigDict(frozen=True)

    id: str
    title: str
    price: float | None
    currency: str
    categories: tuple[str, ...]
    picture: str | None
    score: float
    reasons: tuple[Reason, ...]


class Understood(BaseModel):
    """What was read out of the request, or given: every item that is shown meets it.

    `like` are titles; `excluded_words` what no item may be about; `currency` is the one that was
    named, whatever the shop's.
    """

    model_config = ConfigDict(frozen=True)

    count: int
    customer: str | None
    like: tuple[str, ...]
    taste: str | None
    price_min: float | None
    price_max: float | None
    price_below: float | None
    currency: str | None
    categories: tuple[str, ...]
    excluded_categories: tuple[str, ...]
    excluded_items: tuple[str, ...]
    excluded_words: tuple[str, ...]


class RecommendItemsResult(ToolData):
    """`version` is the model's that ranked, None where none did; `showing` is what clicks name.

    Where no item meets the constraints, `items` is empty and `loosen` tells which of them, left
    out, would let one through; or `notes` ask what the items should be cheaper than.
    """

    items: tuple[RecommendedItem, ...]
    version: str | None
    showing: str | None
    understood: Understood
    notes: tuple[Note, ...]
    loosen: tuple[Loosening, ...]


class RecommendItems(Tool):
    """See `description`."""

    name = "recommend_items"
    description = DESCRIPTION
    examples = EXAMPLES
    Args = RecommendItemsArgs
    Result = RecommendItemsResult
    outputs: ClassVar[Mapping[str, Kind]] = {"items": "items"}
    titles = TITLES

    async def __call__(self, args: RecommendItemsArgs, ctx: RunContext) -> ToolResult:
        """Raises NoShop, InvalidInput, NotFound for a picture that is gone, StoreUnavailable,
        DeadlineExceeded."""
        shop = ctx.shop
        categories = () if shop is None else await shop.categories()
        if shop is None or (not categories and await shop.is_empty()):
            raise NoShop(
                "There are no items to recommend; import a catalogue with "
                "`switchboard recommend import ITEMS.csv INTERACTIONS.csv`."
            )
        if len(args.request or "") > MAX_WISH_CHARS:
            raise InvalidInput(
                f"Say what you wish for in at most {MAX_WISH_CHARS:,} characters: what it must "
                "not be or cost is read from all of it.",
                param="request",
            )
        ctx.remaining_s()
        image = None if args.image is None else await read_picture(args.image, ctx)
        wish = read_wish(args.request or "", categories)
        query = await make_query(_asked(args, image, categories), wish, shop)
        if query.asks_back:
            return ToolResult(await _result(query, Found((), Evidence(), None), None, (), shop))
        found = await search(query, shop)
        ctx.remaining_s()
        showing, chosen = await shop.rerank(
            query.customer, query.past or (), found.matches, query.count
        )
        offered = {match.item.id for match in found.matches}
        shown = [match for match in chosen if match.item.id in offered]
        return ToolResult(await _result(query, found, showing, shown, shop))

    def render(self, data: Any, language: str) -> str:
        assert isinstance(data, RecommendItemsResult)
        return report(data, language)


def _asked(args: RecommendItemsArgs, image: Image | None, categories: Sequence[str]) -> Asked:
    return Asked(
        customer=args.user,
        item=args.item,
        taste=args.taste,
        image=image,
        shown=args.shown,
        count=args.k,
        where=Constraints(
            price_min=args.price_min,
            price_max=args.price_max,
            price_below=args.price_below,
            categories=_known(args.categories or (), categories),
            excluded_categories=tuple(
                _called_so(name, categories) or name for name in args.exclude_categories or ()
            ),
            excluded_items=tuple(args.exclude_items or ()),
        ),
    )


def _known(names: Sequence[str], categories: Sequence[str]) -> tuple[str, ...]:
    """The categories as the shop writes them. Raises InvalidInput for one that it has not."""
    found = [(name, _called_so(name, categories)) for name in names]
    unknown = [name for name, category in found if category is None]
    if unknown:
        there = ", ".join(sorted(categories)[:_CATEGORIES_NAMED])
        more = ", …" if len(categories) > _CATEGORIES_NAMED else ""
        raise InvalidInput(
            f"There is no category {unknown[0]!r}; there are: {there}{more}.", param="categories"
        )
    return tuple(category for _, category in found if category is not None)


def _called_so(name: str, categories: Sequence[str]) -> str | None:
    wanted = name.strip().casefold()
    return next((c for c in categories if c.casefold() == wanted), None)


async def _result(
    query: Query, found: Found, showing: str | None, shown: Sequence[Match], shop: Shop
) -> RecommendItemsResult:
    items = tuple(
        RecommendedItem(
            id=match.item.id,
            title=match.item.title,
            price=match.item.price,
            currency=match.item.currency,
            categories=match.item.categories,
            picture=match.item.picture,
            score=match.score,
            reasons=reasons_for(match.item, found.evidence),
        )
        for match in shown
    )
    notes = list(query.notes)
    currency = items[0].currency if items else None
    if query.currency and currency and query.currency != currency:
        notes.append(Note(kind="other_currency", about=currency))
    if 0 < len(items) < query.count:
        notes.append(Note(kind="fewer", about=str(len(items))))
    return RecommendItemsResult(
        items=items,
        version=found.version,
        showing=showing,
        understood=_understood(query),
        notes=tuple(notes),
        loosen=() if items or query.asks_back else await what_would_help(query, shop),
    )


def _understood(query: Query) -> Understood:
    where = query.where
    return Understood(
        count=query.count,
        customer=query.customer,
        like=tuple(item.title for item in query.like),
        taste=query.taste,
        price_min=where.price_min,
        price_max=where.price_max,
        price_below=where.price_below,
        currency=query.currency,
        categories=where.categories,
        excluded_categories=where.excluded_categories,
        excluded_items=where.excluded_items,
        excluded_words=tuple(names[0] for names in query.without),
    )
