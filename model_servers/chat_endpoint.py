"""Where the chat model is served: a URL that is given, or a server that Switchboard starts."""

from __future__ import annotations

from typing import Protocol

from .contracts import ModelError, ModelUnavailable


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

    async def recover(self, url: str) -> bool:
        """Whether a call that could not reach `url` should be tried again on a new `url()`."""
        ...

    async def close(self) -> None:
        """Stop what was started."""
        ...


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

    async def recover(self, url: str) -> bool:
        return False

    async def close(self) -> None:
        pass

    async def _first_model(self) -> str:
        import httpx

        headers = {"Authorization": f"Bearer {self.api_key}"}
        try:
            async with httpx.AsyncClient(timeout=10, headers=headers) as client:
                answer = await client.get(f"{self._url}/models")
            answer.raise_for_status()
            return str(answer.json()["data"][0]["id"])
        except httpx.TransportError as error:
            raise ModelUnavailable("The chat model's endpoint can't be reached.") from error
        except (httpx.HTTPStatusError, ValueError, LookupError, TypeError) as error:
            raise ModelError(
                "The chat model's endpoint does not list its models: name the model to use."
            ) from error
