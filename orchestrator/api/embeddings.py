"""OpenAI's embeddings, by the two sentence encoders."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any, Literal

from fastapi import APIRouter
from pydantic import field_validator

from model_servers.encoders import DIMENSIONS, encode, encoder_name
from model_servers.languages import identify
from orchestrator.api.admitted import admitted
from orchestrator.api.chat_request import Body
from orchestrator.api.facade import Owner, TheService
from orchestrator.api.limits import CostlyRoute
from orchestrator.api.replies import Json
from orchestrator.api.text_lengths import check_lengths
from orchestrator.errors import BadRequest, UnknownModel

if TYPE_CHECKING:
    from model_servers.encoders import Vector

router = APIRouter(prefix="/v1", tags=["OpenAI"], route_class=CostlyRoute)

MODELS = {"all-minilm-l6-v2": "en", "multilingual-e5-small": "zh"}
"""Each encoder's public name, with a language that it serves."""
AUTO = "switchboard"
MAX_INPUTS = 2048


class EmbeddingsRequest(Body):
    """`input_type` is for the multilingual encoder, which tells queries from passages."""

    model: str
    input: str | list[str]
    encoding_format: Literal["float", "base64"] = "float"
    dimensions: int | None = None
    user: str | None = None
    input_type: Literal["query", "passage"] = "passage"

    @field_validator("input", mode="before")
    @classmethod
    def _texts(cls, value: Any) -> Any:
        if isinstance(value, list) and value and isinstance(value[0], int | list):
            raise ValueError("tokens are not taken; send texts.")
        return value

    @field_validator("dimensions")
    @classmethod
    def _own_dimensions(cls, value: int | None) -> int | None:
        if value not in (None, DIMENSIONS):
            raise ValueError(f"the vectors have {DIMENSIONS} dimensions; leave it out.")
        return value


@router.post("/embeddings", summary="Texts as vectors")
async def create_embeddings(body: EmbeddingsRequest, service: TheService, owner: Owner) -> Json:
    """Unit vectors of 384 dimensions. The model `switchboard` takes the encoder by the texts'
    language, one for the whole request: vectors of the two can't be compared. A text of more than
    256 tokens, or 2,000 characters, is refused. The usage is estimated from the texts' length."""
    texts = [body.input] if isinstance(body.input, str) else body.input
    _check(texts, service.settings.max_prompt_chars)
    if body.model == AUTO:
        language = _common_language(texts)
    elif body.model in MODELS:
        language = MODELS[body.model]
    else:
        raise UnknownModel(
            f"There is no embedding model {body.model!r}; there are: {', '.join([AUTO, *MODELS])}.",
            param="model",
        )
    model = next(n for n, code in MODELS.items() if encoder_name(code) == encoder_name(language))
    async with admitted(service, owner) as deadline:
        await check_lengths(texts, service, model=model, language=language, role=body.input_type)
        vectors = await encode(
            service.models, texts, language=language, role=body.input_type, deadline=deadline
        )
    tokens = sum(map(_estimated_tokens, texts))
    return Json(
        {
            "object": "list",
            "data": [
                {
                    "object": "embedding",
                    "index": index,
                    "embedding": _encoded(vector, body.encoding_format),
                }
                for index, vector in enumerate(vectors)
            ],
            "model": model,
            "usage": {"prompt_tokens": tokens, "total_tokens": tokens},
        }
    )


def _check(texts: list[str], max_chars: int) -> None:
    if not 1 <= len(texts) <= MAX_INPUTS:
        raise BadRequest(
            f"input: 1 to {MAX_INPUTS} texts are taken; there are {len(texts)}.", param="input"
        )
    for index, text in enumerate(texts):
        if not text.strip():
            raise BadRequest(f"input[{index}]: the text is empty.", param=f"input[{index}]")
        if len(text) > max_chars:
            raise BadRequest(
                f"input[{index}]: {len(text):,} characters are more than {max_chars:,}.",
                param=f"input[{index}]",
            )


def _common_language(texts: list[str]) -> str:
    """English where every text is; the multilingual encoder serves all others."""
    codes = {identify(text).code for text in texts}
    return "en" if codes == {"en"} else next(code for code in codes if code != "en")


def _encoded(vector: Vector, encoding: str) -> str | list[float]:
    if encoding == "base64":
        return base64.b64encode(vector.astype("<f4").tobytes()).decode()
    return [float(number) for number in vector]


def _estimated_tokens(text: str) -> int:
    return max(1, min(256, len(text.encode()) // 4))
