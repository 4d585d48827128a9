"""Where the chat model is served: a URL that is given, or a server that Switchboard starts."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Literal, Protocol
from urllib.parse import urlsplit

from model_servers.chat_errors import UNREADY, Unreachable, Unready
from model_servers.contracts import ModelError
from model_servers.llama import LlamaServer
from model_servers.vllm import VllmOptions, VllmServer


def is_loopback(url: str) -> bool:
    """Whether a URL leads to this machine, so that no proxy is asked on the way."""
    return urlsplit(url).hostname in {"127.0.0.1", "localhost", "::1"}


class ChatEndpoint(Protocol):
    """An OpenAI-compatible endpoint, started when it is first asked for.

    Attributes:
        api_key: what the endpoint wants as its bearer token.
        native_functions: whether it takes `tools` and holds the model to a `strict` one;
            else arguments are held to their schema as any structured reply is.
    """

    @property
    def api_key(self) -> str: ...

    @property
    def native_functions(self) -> bool: ...

    async def url(self) -> str:
        """Base URL with its /v1. Raises ModelUnavailable when it does not come up."""
        ...

    async def model_name(self) -> str:
        """The name that it serves the chat model under."""
        ...

    async def warm_up(self) -> None:
        """Start what is ours and small enough to be started before it is asked for."""
        ...

    async def recover(self, url: str) -> None:
        """See to it that a server of ours that could not be reached at `url` is started anew."""
        ...

    async def close(self) -> None:
        """Stop what was started."""
        ...


def chat_endpoint(
    *,
    base_url: str | None,
    model: str | None,
    api_key: str | None,
    profile: Literal["embedded", "gpu"],
    gguf: Callable[[], Path],
    vllm: VllmOptions,
    context_tokens: int,
    parallel: int,
    log_folder: Path,
) -> ChatEndpoint:
    """The endpoint that the settings name: the given URL, or else the profile's own server.

    Nothing is started before its `url` is asked for.

    Args:
        base_url: an OpenAI-compatible endpoint with its /v1; it goes before the profile.
        model: the name to ask `base_url` for; None takes the first that it lists.
        api_key: what `base_url` wants as its bearer token.
        gguf: gives the embedded model's weights, or raises WeightsError.
        vllm: what the gpu profile serves.
        context_tokens: the embedded model's context window.
        parallel: requests that the embedded model runs at once.
        log_folder: gets the log of a server that is started.
    """
    if base_url is not None:
        return FixedEndpoint(base_url, model=model, api_key=api_key)
    if profile == "gpu":
        return VllmServer(vllm, log=log_folder / "vllm.log")
    return LlamaServer(
        gguf, context_tokens=context_tokens, parallel=parallel, log=log_folder / "llama.log"
    )


class FixedEndpoint:
    """An endpoint that someone else runs, vLLM or any other OpenAI-compatible one.

    Args:
        url: base URL with its /v1.
        model: the served name; None takes the first that the endpoint lists.
    """

    native_functions = True

    def __init__(self, url: str, *, model: str | None = None, api_key: str | None = None) -> None:
        self.api_key = api_key or "none"
        self._url = url.rstrip("/")
        self._model = model

    async def url(self) -> str:
        return self._url

    async def model_name(self) -> str:
        if self._model is None:
            self._model = await self._first_model()
        return self._model

    async def warm_up(self) -> None:
        pass

    async def recover(self, url: str) -> None:
        pass

    async def close(self) -> None:
        pass

    async def _first_model(self) -> str:
        import httpx

        headers = {"Authorization": f"Bearer {self.api_key}"}
        try:
            async with httpx.AsyncClient(
                timeout=10, headers=headers, trust_env=not is_loopback(self._url)
            ) as client:
                answer = await client.get(f"{self._url}/models")
            answer.raise_for_status()
            return str(answer.json()["data"][0]["id"])
        except httpx.TransportError as error:
            raise Unreachable(
                "The chat model's endpoint can't be reached; is it running?"
            ) from error
        except (httpx.HTTPStatusError, ValueError, LookupError, TypeError) as error:
            status = error.response.status_code if isinstance(error, httpx.HTTPStatusError) else 0
            if status in UNREADY:
                raise Unready(
                    "The chat model is not available just now; try again later."
                ) from error
            raise ModelError(
                "The chat model's endpoint does not list its models: name the model to use."
            ) from error
