"""The chat model's client: litellm to an OpenAI-compatible URL. Nothing else imports litellm."""

from __future__ import annotations

import asyncio
import logging
import os
import warnings
from collections.abc import (
    AsyncGenerator,
    AsyncIterator,
    Awaitable,
    Callable,
    Mapping,
    Sequence,
)
from contextlib import aclosing, asynccontextmanager
from functools import cache
from typing import Any, Literal, TypeVar

from model_servers.breaker import Breaker
from model_servers.chat_endpoint import ChatEndpoint, is_loopback
from model_servers.chat_errors import Unreachable, as_ours
from model_servers.chat_responses import begun, finish_of, is_json, usage_of, whole
from model_servers.chat_spans import recorded_failure, recorded_function_call, recorded_pieces
from model_servers.contracts import (
    ChatDelta,
    ChatMessage,
    ChatReply,
    DeadlineExceeded,
    FunctionSpec,
    ModelError,
    ModelRefused,
    ModelUnavailable,
    ToolCall,
    ToolCalls,
    Usage,
)
from model_servers.function_prompts import (
    arguments_in,
    arguments_prompt,
    calls_prompt,
    calls_schema,
    choice_prompt,
    choice_schema,
    chosen,
)
from model_servers.retries import Sleep, with_retries

CONNECT_TIMEOUT_S = 10.0
CHOICE_TOKENS = 64

T = TypeVar("T")


@cache
def _litellm() -> Any:
    """litellm, told to stay off the network and quiet. Importing it takes 3-5 s."""
    os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"
    # pydantic can't hold litellm's fields to be read-only, and says so.
    warnings.filterwarnings("ignore", message=r".*on TypedDict class .*`ReadOnly` qualifier")
    import litellm

    litellm.telemetry = False
    litellm.suppress_debug_info = True
    logging.getLogger("LiteLLM").setLevel(logging.WARNING)  # it tells of every call
    return litellm


def _on_the_wire(message: ChatMessage) -> dict[str, Any]:
    if not message.images:
        return {"role": message.role, "content": message.content}
    parts: list[dict[str, Any]] = [{"type": "text", "text": message.content}]
    parts += [{"type": "image_url", "image_url": {"url": url}} for url in message.images]
    return {"role": message.role, "content": parts}


class LiteLLMChat:
    """The ChatModel behind an endpoint.

    What may pass by itself is tried again until the first piece of a reply is there, never later;
    an endpoint that keeps failing is left alone for a while.

    Args:
        breaker: says when it is left alone.
        sleep: how it waits between two tries.
    """

    def __init__(
        self,
        endpoint: ChatEndpoint,
        *,
        breaker: Breaker | None = None,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        self.endpoint = endpoint
        self.breaker = breaker or Breaker()
        self.sleep = sleep
        self._http: Any = None

    async def warm_up(self) -> None:
        """Get ready what the first call would wait for. Raises what the endpoint's start does."""
        await asyncio.gather(asyncio.to_thread(_litellm), self.endpoint.warm_up())

    async def complete(
        self,
        messages: Sequence[ChatMessage],
        *,
        max_tokens: int,
        schema: Mapping[str, Any] | None = None,
        temperature: float = 0.0,
        timeout_s: float = 120.0,
    ) -> ChatReply:
        """See ChatModel.complete. `timeout_s` covers everything, a server's start included."""
        options: dict[str, Any] = {"max_tokens": max_tokens, "temperature": temperature}
        if schema is not None:
            options["response_format"] = {
                "type": "json_schema",
                "json_schema": {"name": "reply", "strict": True, "schema": dict(schema)},
            }
        # Streamed, too: llama.cpp notices that a caller has gone when it writes to it.
        async with aclosing(self._pieces(messages, options, timeout_s)) as pieces:
            deltas = [delta async for delta in pieces]
        text = "".join(delta.text for delta in deltas)
        finish, usage = deltas[-1].finish_reason, deltas[-1].usage
        assert finish is not None
        assert usage is not None
        if schema is not None:
            text = text.strip()
            if is_json(text):
                # Whole, whatever was cut: JSON allows white space after it without end.
                finish = "stop"
        return ChatReply(text, finish, usage)

    async def stream(
        self,
        messages: Sequence[ChatMessage],
        *,
        max_tokens: int,
        temperature: float = 0.0,
        timeout_s: float = 120.0,
    ) -> AsyncGenerator[ChatDelta, None]:
        """See ChatModel.stream. `timeout_s` counts to the last piece, the consumer's time too."""
        options = {"max_tokens": max_tokens, "temperature": temperature}
        async with aclosing(self._pieces(messages, options, timeout_s)) as pieces:
            async for delta in pieces:
                yield delta

    async def call(
        self,
        messages: Sequence[ChatMessage],
        functions: Sequence[FunctionSpec],
        *,
        choice: str = "auto",
        parallel: bool = False,
        max_tokens: int = 512,
        timeout_s: float = 120.0,
    ) -> ToolCalls:
        """See ChatModel.call.

        Which function it is, if any, is asked first, constrained to their names: small models
        can't be trusted with tool_choice "auto". Its arguments are then held to its schema.
        """
        by_name = {function.name: function for function in functions}
        if not functions or choice not in {"auto", "required", *by_name}:
            raise ModelRefused("Offer the functions, and choose one of them.", param="tool_choice")
        usage = Usage()
        async with _deadline(timeout_s):
            name: str | None = choice
            if choice == "auto" or (choice == "required" and len(functions) > 1):
                name, usage = await self._choose(messages, functions, choice == "auto", timeout_s)
            elif choice == "required":
                name = functions[0].name
            if name is None:
                return ToolCalls((), usage)
            ask: Callable[..., Awaitable[tuple[str, Usage]]]
            if parallel:  # an endpoint's own way gives one call of a function that is named
                ask = self._constrained_calls
            elif self.endpoint.native_functions:
                ask = self._native_call
            else:
                ask = self._constrained_call
            text, more = await ask(messages, by_name[name], max_tokens, timeout_s)
        try:
            made = arguments_in(text, several=parallel)
        except ValueError:
            raise ModelError(
                f"The chat model gave no whole JSON object as arguments of {name}; allow it more "
                "tokens, or simplify the function's parameters."
            ) from None
        return ToolCalls(tuple(ToolCall(name, arguments) for arguments in made), usage + more)

    async def _choose(
        self,
        messages: Sequence[ChatMessage],
        functions: Sequence[FunctionSpec],
        optional: bool,
        timeout_s: float,
    ) -> tuple[str | None, Usage]:
        reply = await self.complete(
            choice_prompt(messages, functions, optional=optional),
            max_tokens=CHOICE_TOKENS,
            schema=choice_schema(functions, optional=optional),
            timeout_s=timeout_s,
        )
        try:
            return chosen(reply.text, functions, optional=optional), reply.usage
        except ValueError as error:
            raise ModelError("The chat model did not choose one of the functions.") from error

    @recorded_function_call
    async def _native_call(
        self,
        messages: Sequence[ChatMessage],
        function: FunctionSpec,
        max_tokens: int,
        timeout_s: float,
    ) -> tuple[str, Usage]:
        spec = {
            "name": function.name,
            "description": function.description,
            "parameters": dict(function.parameters),
            "strict": True,
        }
        # In extra_body, since litellm imports the mcp package once it sees tools.
        body = {
            "tools": [{"type": "function", "function": spec}],
            "tool_choice": {"type": "function", "function": {"name": function.name}},
        }
        options = {"max_tokens": max_tokens, "temperature": 0.0, "extra_body": body}
        response = await self._ask(messages, options, timeout_s, whole)
        calls = response.choices[0].message.tool_calls or []
        return (calls[0].function.arguments if calls else ""), usage_of(response.usage)

    async def _constrained_call(
        self,
        messages: Sequence[ChatMessage],
        function: FunctionSpec,
        max_tokens: int,
        timeout_s: float,
    ) -> tuple[str, Usage]:
        reply = await self.complete(
            arguments_prompt(messages, function),
            max_tokens=max_tokens,
            schema=function.parameters,
            timeout_s=timeout_s,
        )
        return reply.text, reply.usage

    async def _constrained_calls(
        self,
        messages: Sequence[ChatMessage],
        function: FunctionSpec,
        max_tokens: int,
        timeout_s: float,
    ) -> tuple[str, Usage]:
        reply = await self.complete(
            calls_prompt(messages, function),
            max_tokens=max_tokens,
            schema=calls_schema(function),
            timeout_s=timeout_s,
        )
        return reply.text, reply.usage

    @recorded_pieces
    async def _pieces(
        self, messages: Sequence[ChatMessage], options: Mapping[str, Any], timeout_s: float
    ) -> AsyncGenerator[ChatDelta, None]:
        """The reply's pieces; the last has its finish reason and usage."""
        deadline = asyncio.get_running_loop().time() + timeout_s
        streamed = {**options, "stream": True, "stream_options": {"include_usage": True}}
        async with _deadline(timeout_s):
            response, chunk = await self._ask(messages, streamed, timeout_s, begun)
        finish: Literal["stop", "length"] = "stop"
        usage = Usage(llm_calls=1)
        try:
            while chunk is not None:
                if getattr(chunk, "usage", None) is not None:
                    usage = usage_of(chunk.usage)
                for choice in chunk.choices[:1]:
                    if choice.finish_reason is not None:
                        finish = finish_of(choice.finish_reason)
                    if choice.delta.content:
                        yield ChatDelta(choice.delta.content)
                chunk = await self._next(response, deadline, timeout_s)
            # litellm ends every stream as if it were whole.
            if response.received_finish_reason is None:
                raise ModelUnavailable("The chat model's answer broke off; try again.")
            yield ChatDelta("", finish, usage)
        finally:
            await response.aclose()  # without it the server would go on generating

    async def _ask(
        self,
        messages: Sequence[ChatMessage],
        options: Mapping[str, Any],
        timeout_s: float,
        take: Callable[[Any], Awaitable[T]],
    ) -> T:
        """What `take` makes of the endpoint's response; both are tried again together."""

        async def once() -> T:
            with recorded_failure(), self.breaker.watching():
                url = await self.endpoint.url()
                try:
                    return await self._send(url, messages, options, timeout_s, take)
                except Unreachable:
                    await self.endpoint.recover(url)
                    raise

        return await with_retries(once, timeout_s=timeout_s, sleep=self.sleep)

    async def _send(
        self,
        url: str,
        messages: Sequence[ChatMessage],
        options: Mapping[str, Any],
        timeout_s: float,
        take: Callable[[Any], Awaitable[T]],
    ) -> T:
        model = await self.endpoint.model_name()
        litellm = await asyncio.to_thread(_litellm)
        import httpx

        try:
            response = await litellm.acompletion(
                model=f"openai/{model}",
                client=self._client(url),
                api_key=self.endpoint.api_key,
                messages=[_on_the_wire(message) for message in messages],
                max_retries=0,
                timeout=httpx.Timeout(timeout_s, connect=CONNECT_TIMEOUT_S),
                **options,
            )
            return await take(response)
        except Exception as error:  # litellm lets the errors of several libraries through
            raise as_ours(error, secret=self.endpoint.api_key) from None

    def _client(self, url: str) -> Any:
        """A client that keeps no connection, since one would belong to a single event loop and
        outlive a server of ours; and that asks no proxy on the way to loopback.
        """
        import httpx
        import openai

        if self._http is None:
            self._http = httpx.AsyncClient(
                limits=httpx.Limits(max_keepalive_connections=0),
                trust_env=not is_loopback(url),
            )
        return openai.AsyncOpenAI(
            base_url=url, api_key=self.endpoint.api_key, max_retries=0, http_client=self._http
        )

    async def _next(self, response: Any, deadline: float, timeout_s: float) -> Any | None:
        """The next chunk; None at the end."""
        try:
            async with asyncio.timeout_at(deadline):
                return await anext(response, None)
        except TimeoutError:
            raise _too_slow(timeout_s) from None
        except Exception as error:
            raise as_ours(error, secret=self.endpoint.api_key) from None


@asynccontextmanager
async def _deadline(timeout_s: float) -> AsyncIterator[None]:
    try:
        async with asyncio.timeout(timeout_s):
            yield
    except TimeoutError:
        raise _too_slow(timeout_s) from None


def _too_slow(timeout_s: float) -> DeadlineExceeded:
    return DeadlineExceeded(f"The chat model took longer than {timeout_s:g} s.")
