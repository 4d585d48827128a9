"""The tool `search_images`: which of the pictures that were added looks like this one."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict, Field

from tools.artifacts import Artifact
from tools.contracts import Kind, RunContext, Tool, ToolArgs, ToolData, ToolError, ToolResult
from tools.knowledge.passages import DEFAULT_COLLECTION
from tools.knowledge.pictures import PictureMatch
from tools.pictures import ImageSlot, read_picture
from tools.search_images_words import EXAMPLES, TITLES, report

MIN_SCORE = 0.6
"""Above it a picture is taken for the same thing. Provisional: chosen and tried on the same 32
photographs. Of altered views of one (cropped, turned, darkened, covered in part, shrunk to a third)
95 % are above it, and of other pictures' nearest 1 %."""


class ImageMatch(BaseModel):
    """One of ours. `score` is the cosine of its features and the picture's, at most 1; `title` is
    the name of its file without folder and ending; `picture` is a copy to show."""

    model_config = ConfigDict(frozen=True)

    title: str
    name: str
    score: float
    picture: Artifact


class SearchImagesArgs(ToolArgs):
    image: ImageSlot
    limit: int = Field(default=3, ge=1, le=20, description="How many matches at most.")
    min_score: float = Field(
        default=MIN_SCORE, ge=0.0, le=1.0, description="How alike a match is at least."
    )
    collection: str = Field(default=DEFAULT_COLLECTION, description="Among which pictures.")


class SearchImagesResult(ToolData):
    """`matches` are likest first; none where nothing reaches the least score, and then `nearest`
    tells how alike the nearest one is."""

    text: str
    matches: list[ImageMatch]
    nearest: float
    picture: Artifact | None


class SearchImages(Tool):
    """See `description`."""

    name = "search_images"
    description = (
        "Finds which of our own pictures, such as those of our products, a picture looks like, "
        "and says so when none does. Use it to tell which of ours something is, or to look a "
        "photo up in our picture collection."
    )
    examples = EXAMPLES
    Args = SearchImagesArgs
    Result = SearchImagesResult
    outputs: ClassVar[Mapping[str, Kind]] = {"text": "text", "matches": "items", "picture": "image"}
    prose = True
    titles = TITLES

    async def __call__(self, args: SearchImagesArgs, ctx: RunContext) -> ToolResult:
        """Raises InvalidInput, ToolError where there are no pictures, StoreUnavailable,
        ModelError, DeadlineExceeded."""
        image = await read_picture(args.image, ctx)
        found = await ctx.knowledge.pictures.search(
            image, collection=args.collection, limit=args.limit, deadline=ctx.deadline
        )
        if not found:
            where = "" if args.collection == DEFAULT_COLLECTION else f" in {args.collection!r}"
            raise ToolError(
                f"There are no pictures to compare with{where}; add some with "
                "`switchboard kb add --images FOLDER`."
            )
        alike = [match for match in found if match.score >= args.min_score]
        copies = await ctx.knowledge.pictures.shown([match.picture for match in alike])
        matches = await asyncio.to_thread(_kept, alike, copies, ctx)
        data = SearchImagesResult(
            text=_words(matches, "en"),
            matches=matches,
            nearest=round(found[0].score, 4),
            picture=matches[0].picture if matches else None,
        )
        # The same picture may be there twice under two names.
        files = {match.picture.id: match.picture for match in matches}
        return ToolResult(data, tuple(files.values()))

    def render(self, data: Any, language: str) -> str:
        assert isinstance(data, SearchImagesResult)
        return _words(data.matches, language)


def _kept(
    alike: Sequence[PictureMatch], copies: Sequence[bytes], ctx: RunContext
) -> list[ImageMatch]:
    """The matches, with the copies of their pictures as files."""
    kept = []
    for match, copy in zip(alike, copies, strict=True):
        title = match.picture.title
        file = ctx.artifacts.put(copy, name=f"{title}.jpg", origin="tool")
        score = round(match.score, 4)
        kept.append(ImageMatch(title=title, name=match.picture.name, score=score, picture=file))
    return kept


def _words(matches: list[ImageMatch], language: str) -> str:
    return report([(match.title, match.score) for match in matches], language)
