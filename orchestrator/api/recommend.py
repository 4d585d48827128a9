"""The shop: its items and interactions in, its recommenders trained and exchanged, and what people
do with what they are shown. Recommending itself is a tool: `recommend_items`."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path as FilePath
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Path, Query, Request
from pydantic import Field
from starlette.responses import Response

from orchestrator.api.chat_request import Body
from orchestrator.api.facade import TheService, only_operators
from orchestrator.api.limits import BoundedRoute
from orchestrator.api.replies import Json
from orchestrator.api.streams import sse, streamed
from orchestrator.errors import BadRequest
from tools.errors import NotFound
from tools.recommendation.shop import Constraints, Past

router = APIRouter(prefix="/v1/recommend", tags=["Recommendation"], route_class=BoundedRoute)
Operators = [Depends(only_operators)]
MAX_EXPLAINED = 100
_PICTURE_KEPT_S = 3_600

Tell = Callable[[dict[str, Any]], None]
Work = Callable[[Tell], Awaitable[tuple[str, Any]]]
"""Long work that tells how far it is; gives the name of its outcome, and the outcome."""


class ImportRequest(Body):
    items: str | None = Field(default=None, max_length=4_096)
    interactions: str | None = Field(default=None, max_length=4_096)
    stream: bool = False


class TrainRequest(Body):
    models: list[Annotated[str, Field(max_length=64)]] | None = Field(default=None, max_length=16)
    seed: int = Field(default=0, ge=0, le=2**31 - 1)
    fresh: bool = False
    stream: bool = False


class Pressed(Body):
    showing: str = Field(min_length=1, max_length=64)
    item: str = Field(min_length=1, max_length=128)
    kind: Literal["click", "cart", "buy", "like", "dislike"]


@router.get("/shop", summary="What can be recommended")
async def get_shop(service: TheService) -> Json:
    shop = service.shop.asked
    return Json(
        {"object": "shop", "items": await shop.count(), "categories": await shop.categories()}
    )


@router.post("/import", summary="Import a catalogue, interactions, or both", dependencies=Operators)
async def import_shop(body: ImportRequest, request: Request, service: TheService) -> Response:
    """The files lie on the service's own machine. With `stream`, server-sent events: `progress`,
    then `report`. All is taken at once at the end, or, where it fails or the client goes away,
    nothing."""
    items, interactions = (_file(body, name) for name in ("items", "interactions"))

    async def work(tell: Tell) -> tuple[str, Any]:
        report = await service.shop.imports.run(
            items, interactions, lambda progress: tell(asdict(progress))
        )
        return "report", report

    return await _answered(work, request, stream=body.stream)


def _file(body: ImportRequest, name: str) -> FilePath | None:
    given = getattr(body, name)
    if given is None:
        return None
    path = FilePath(given)
    if "\0" in given or not path.is_absolute() or not path.is_file():
        raise BadRequest(
            f"{name}: name a CSV file on the service's machine, from its root.", param=name
        )
    return path


@router.post("/train", summary="Train, and put the best model in service", dependencies=Operators)
async def train(body: TrainRequest, request: Request, service: TheService) -> Response:
    """With `stream`, server-sent events: `progress`, then `version`. Where the client goes away,
    the run stops; the same request goes on with it."""

    async def work(tell: Tell) -> tuple[str, Any]:
        version = await service.shop.training.run(
            body.models, tell, seed=body.seed, fresh=body.fresh
        )
        return "version", next(v for v in await service.shop.versions.list() if v.id == version)

    return await _answered(work, request, stream=body.stream)


async def _answered(work: Work, request: Request, *, stream: bool) -> Response:
    if stream:
        return await streamed(_told(work), request)
    _, outcome = await work(lambda _: None)
    return Json(outcome)


async def _told(work: Work) -> AsyncIterator[bytes]:
    """What long work tells as it goes, and its outcome, as events; closing it cancels the work."""
    told: asyncio.Queue[dict[str, Any] | None] = asyncio.Queue()
    task = asyncio.ensure_future(work(told.put_nowait))
    task.add_done_callback(lambda _: told.put_nowait(None))
    try:
        while (progress := await told.get()) is not None:
            yield sse(progress, event="progress")
        name, outcome = await task
        yield sse(outcome, event=name)
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError, Exception):
            await task


@router.get("/versions", summary="The trained models, the newest first")
async def list_versions(service: TheService) -> Json:
    return Json({"object": "list", "data": await service.shop.versions.list()})


@router.post("/versions/{id}/serve", summary="Put a version in service", dependencies=Operators)
async def serve_version(
    version_id: Annotated[str, Path(alias="id", max_length=16)], service: TheService
) -> Json:
    """An older one as well: nothing is restarted, and requests at work end with the one before."""
    return Json(await service.shop.versions.serve(version_id))


@router.post("/feedback", summary="What somebody did with an item that was shown")
async def feedback(body: Pressed, service: TheService) -> Json:
    """`showing` is that of the result. What is shown next follows from it."""
    pressed = await service.shop.asked.feedback(body.showing, body.item, body.kind)
    return Json({"object": "recommendation.feedback", "counted": pressed is not None})


@router.get("/items/{id}/picture", summary="An item's picture")
async def picture(
    item_id: Annotated[str, Path(alias="id", max_length=128)], service: TheService
) -> Response:
    jpeg = await service.shop.asked.picture(item_id)
    if jpeg is None:
        raise NotFound("There is no picture of this item.")
    headers = {"cache-control": f"private, max-age={_PICTURE_KEPT_S}"}
    return Response(jpeg, media_type="image/jpeg", headers=headers)


@router.get("/explain", summary="How the items come to a customer", dependencies=Operators)
async def explain(
    service: TheService,
    customer: Annotated[str | None, Query(max_length=128)] = None,
    item: Annotated[str | None, Query(max_length=128)] = None,
    limit: Annotated[int, Query(ge=1, le=MAX_EXPLAINED)] = 10,
) -> Json:
    """What is known of the customer, which version ranks, and the first items of its ranking, or
    the place of one item; `because` is what of the customer's history weighed most."""
    shop = service.shop.asked
    events = [] if customer is None else await shop.history(customer)
    if events is None:
        raise NotFound(f"Nothing is known of a customer {customer!r}.")
    history = tuple(dict.fromkeys(event.item for event in events))
    most = limit if item is None else _ALL
    found = await shop.candidates([Past(history)], Constraints(), most)
    (ranking,) = found.rankings
    places = {match.item.id: place for place, match in enumerate(ranking, start=1)}
    if item is not None and item not in places:
        raise NotFound(
            f"{item!r} is not ranked for them: there is no such item, it is not available, or they "
            "had it."
        )
    shown = [m for m in ranking if item is None or m.item.id == item]
    titles = {each.id: each.title for each in await shop.items(history)}
    return Json(
        {
            "object": "recommendation.explanation",
            "customer": customer,
            "version": found.version,
            "ranked": len(places) if item is not None else None,
            "history": [
                {"item": e.item, "title": titles.get(e.item), "kind": e.kind, "at": e.at}
                for e in events[-MAX_EXPLAINED:]
            ],
            "items": [
                {
                    "place": places[m.item.id],
                    "item": m.item.id,
                    "title": m.item.title,
                    "score": m.score,
                    "because": past.title if (past := found.because.get(m.item.id)) else None,
                }
                for m in shown
            ],
        }
    )


_ALL = 1_000_000
"""More than a catalogue has."""
