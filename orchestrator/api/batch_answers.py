"""Answers a request that came in a batch's file, by the same code as one over HTTP."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from typing import Any

from fastapi import Request
from pydantic import ValidationError
from starlette.responses import Response

from model_servers.contracts import SwitchboardError
from orchestrator.admission import Overloaded, Stopping
from orchestrator.api.chat_request import ChatRequest
from orchestrator.api.embeddings import EmbeddingsRequest, create_embeddings
from orchestrator.api.facade import Service
from orchestrator.api.openai import create_chat_completion
from orchestrator.api.replies import bad_request
from orchestrator.errors import to_openai

log = logging.getLogger(__name__)


async def answer_request(
    service: Service, owner: str, endpoint: str, body: Mapping[str, Any]
) -> tuple[int, Any]:
    """Status and body of the answer, an error's among them.

    Raises Overloaded and Stopping: then it was not begun.
    """
    try:
        if endpoint == "/v1/embeddings":
            answer: Response = await create_embeddings(
                EmbeddingsRequest.model_validate(body), service, owner
            )
        else:
            # Only a stream needs the connection, and a batch has none.
            request = Request({"type": "http", "headers": []})
            answer = await create_chat_completion(
                request, ChatRequest.model_validate(body), service, owner
            )
    except ValidationError as error:
        found = [{**e, "loc": ("body", *e["loc"])} for e in error.errors(include_url=False)]
        refusal = bad_request(found, body)
        return refusal.http_status, to_openai(refusal)
    except (Overloaded, Stopping):
        raise
    except SwitchboardError as error:
        return error.http_status, to_openai(error)
    except Exception:
        log.exception("a request of a batch")
        broken = SwitchboardError("Something broke inside the service; its log has the details.")
        return broken.http_status, to_openai(broken)
    return answer.status_code, json.loads(bytes(answer.body))
