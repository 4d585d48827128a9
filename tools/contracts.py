"""What a tool is: one typed capability, in the words that a planner and a person use."""

from __future__ import annotations

import asyncio
import time
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field

from model_servers.contracts import ChatModel, DeadlineExceeded, Usage
from tools.artifacts import Artifact, ArtifactStore
from tools.errors import InvalidInput as InvalidInput  # noqa: PLC0414 - re-exported
from tools.errors import NotFound as NotFound  # noqa: PLC0414 - re-exported
from tools.errors import ToolError as ToolError  # noqa: PLC0414 - re-exported

if TYPE_CHECKING:
    from model_servers.pool import ModelPool
    from tools.knowledge.base import KnowledgeBase
    from tools.recommendation.shop import Shop
    from tools.web import WebFetcher

Kind = Literal[
    "text",
    "document",
    "image",
    "audio",
    "video",
    "labels",
    "entities",
    "boxes",
    "masks",
    "items",
    "table",
]
KINDS: tuple[Kind, ...] = get_args(Kind)

MAX_TEXT_CHARS = 400_000


@dataclass(frozen=True, slots=True)
class Slot:
    """Marks an argument that a plan may fill with data of this kind."""

    kind: Kind


TextSlot = Annotated[str, Slot("text"), Field(min_length=1, max_length=MAX_TEXT_CHARS)]
"""Text to work on: the user's, a document's, or what another step gave."""

DocumentSlot = Annotated[Artifact, Slot("document")]
"""A file whose text is to be worked on."""

LanguageCode = Annotated[str, Field(pattern=r"^[a-z]{2}$", examples=["en", "fr", "zh"])]
"""ISO 639-1."""


class ToolArgs(BaseModel):
    """Base of every tool's arguments: frozen, and unknown names are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class ToolData(BaseModel):
    """Base of every tool's result data. Its fields named in `outputs` are the tool's ports."""

    model_config = ConfigDict(frozen=True)


@dataclass(frozen=True, slots=True)
class ToolResult:
    """What a call gave: typed data, files it made, and tokens it spent."""

    data: BaseModel
    artifacts: tuple[Artifact, ...] = ()
    usage: Usage = Usage()


class ToolEvent(BaseModel):
    """What a tool that watches something has just seen, in a word or two; `time_s` is in it."""

    model_config = ConfigDict(frozen=True)

    time_s: float
    kind: Literal["shot", "entry", "exit", "count", "unusual"]
    what: str


def _ignore(_: Any) -> None:
    return None


@dataclass(frozen=True, slots=True)
class RunContext:
    """What a running tool may use. `deadline` is on the clock of `time.monotonic()`.

    `write` streams a piece of the result's text as it is made: the pieces joined must equal the
    text that the result holds. `progress` tells how far a long call is, from 0 to 1. `tell` tells
    what was seen on the way, by what is known by then: the result has the last word. `vision` is a
    chat model that sees pictures, and `shop` what can be recommended, where there is one. `web` is
    for live video that the caller gave the address of, and for no address found in data.
    `find_file` knows whose request it is; without it every file in `artifacts` is there to be used.
    `said` is the whole request where one step is all of its plan: what stands around its arguments.
    """

    models: ModelPool
    chat: ChatModel
    artifacts: ArtifactStore
    knowledge: KnowledgeBase
    vision: ChatModel | None = None
    shop: Shop | None = None
    web: WebFetcher | None = None
    find_file: Callable[[str], Awaitable[Artifact]] | None = None
    said: str = ""
    deadline: float = field(default_factory=lambda: time.monotonic() + 120.0)
    write: Callable[[str], None] = _ignore
    progress: Callable[[float], None] = _ignore
    tell: Callable[[ToolEvent], None] = _ignore

    async def file(self, file_id: str) -> Artifact:
        """The file that an id in the arguments names, or a sha256. Raises NotFound, also where it
        is somebody else's."""
        if self.find_file is None:
            return await asyncio.to_thread(self.artifacts.get, file_id)
        return await self.find_file(file_id)

    def remaining_s(self) -> float:
        """Seconds left. Raises DeadlineExceeded when there are none."""
        left = self.deadline - time.monotonic()
        if left <= 0:
            raise DeadlineExceeded(
                "The time for this request is over; ask for less, or allow more."
            )
        return left


class Tool(ABC):
    """One capability. Subclass it, fill the class attributes, write `__call__`: that is a tool.

    Attributes:
        name: a verb and a noun, as plans write it.
        description: one or two sentences that say what it does and when to use it. By these the
            agent chooses: a tool whose description is empty is only called by its name.
        examples: requests as people say them, in any language; the router learns from them.
        Args, Result: what goes in and what comes out.
        outputs: the ports that later steps may refer to, the default one first; each is a field
            of Result. Beside `boxes` a Result has an `image`, the picture that they are in.
        prose: whether the default output is an answer that can be shown to a person as it is.
        titles: what the tool's result is called, by language, where an answer has several parts.
    """

    name: ClassVar[str]
    description: ClassVar[str]
    examples: ClassVar[tuple[str, ...]]
    Args: ClassVar[type[ToolArgs]]
    Result: ClassVar[type[ToolData]]
    outputs: ClassVar[Mapping[str, Kind]]
    prose: ClassVar[bool] = False
    titles: ClassVar[Mapping[str, str]] = {}

    @abstractmethod
    async def __call__(self, args: Any, ctx: RunContext) -> ToolResult:
        """Do it. Raises ToolError or ModelError, never anything else on purpose."""

    def render(self, data: Any, language: str) -> str:
        """The result in words for a person, in Markdown; `language` is the request's."""
        value = getattr(data, next(iter(self.outputs)))
        return value if isinstance(value, str) else str(value)

    @classmethod
    def slots(cls) -> dict[str, Kind]:
        """Arguments that a plan fills with data, with the kind each takes."""
        found: dict[str, Kind] = {}
        for name, info in cls.Args.model_fields.items():
            mark = next(filter(None, map(_slot, (*info.metadata, info.annotation))), None)
            if mark is not None:
                found[name] = mark.kind
        return found


def _slot(annotation: Any) -> Slot | None:
    """The Slot mark in an annotation such as `TextSlot | None`."""
    if isinstance(annotation, Slot):
        return annotation
    inner = (*getattr(annotation, "__metadata__", ()), *get_args(annotation))
    return next(filter(None, map(_slot, inner)), None)
