"""Reads requests with the network that was trained for it, each of the last ones only once."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from model_servers.request_reader import Asked, File, Reading
from orchestrator.wishes import PREVIOUS_INPUT, TEXT_INPUT
from tools.contracts import Kind

if TYPE_CHECKING:
    from model_servers.pool import ModelPool

READER = "request-reader"
_REMEMBERED = 256

Understand = Callable[[str, Mapping[str, Kind]], Awaitable[Reading]]
"""What a request says, and where. The inputs are its attachments, by name and kind."""


def understand_with(pool: ModelPool) -> Understand:
    """Reads with the pool's model; guard and route ask for the same request."""
    known: OrderedDict[Asked, Reading] = OrderedDict()

    async def understand(request: str, kinds: Mapping[str, Kind]) -> Reading:
        asked = Asked(request, attached(kinds))
        if asked not in known:
            read: Sequence[Any] = await pool.predict(READER, [asked])
            known[asked] = read[0]
            while len(known) > _REMEMBERED:
                known.popitem(last=False)
        return known[asked]

    return understand


def attached(kinds: Mapping[str, Kind]) -> tuple[File, ...]:
    """The attachments among the inputs, in order."""
    own = (TEXT_INPUT, PREVIOUS_INPUT)
    return tuple(File(kind, name) for name, kind in kinds.items() if name not in own)
