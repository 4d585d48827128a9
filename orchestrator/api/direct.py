"""Requests that the chat model answers itself: a client's own functions, and fixed formats."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from model_servers.contracts import FunctionSpec, ToolCall, ToolCalls, Usage
from orchestrator.api.chat_request import ChatRequest, JsonSchemaFormat, NamedChoice, ToolMessage
from orchestrator.api.completions import Completion
from orchestrator.api.conversation import as_prompt
from orchestrator.api.made_calls import asking_for_words, settled_calls, unsettled
from orchestrator.api.replies import dumps
from orchestrator.errors import BadRequest

if TYPE_CHECKING:
    from model_servers.contracts import ChatModel
    from orchestrator.settings import Settings

DEFAULT_MAX_TOKENS = 1024
Schema = dict[str, Any]


def is_direct(request: ChatRequest) -> bool:
    """Whether the chat model is asked, and not the agent."""
    return (
        bool(request.tools)
        or _schema(request) is not None
        or any(isinstance(message, ToolMessage) for message in request.messages)
    )


class DirectChat:
    """One such request, checked. Raises BadRequest."""

    def __init__(self, request: ChatRequest, chat: ChatModel, settings: Settings) -> None:
        self._chat = chat
        self._timeout_s = settings.llm_timeout_s
        self._max_tokens = min(
            request.token_limit or DEFAULT_MAX_TOKENS, settings.llm_context_tokens
        )
        self._temperature = request.temperature or 0.0
        self._prompt = as_prompt(request)
        self._functions = _functions(request)
        self._choice = _choice(request, self._functions)
        # Where a client asks for a call, it gets it. The model's own choice never repeats one.
        self._settled = settled_calls(request.messages) if self._choice == "auto" else []
        # OpenAI's default is several. Here one is, which a strict schema of its own holds.
        self._parallel = request.parallel_tool_calls is True
        self._schema = _schema(request)
        has_results = isinstance(request.messages[-1], ToolMessage)
        in_words = has_results and self._schema is None
        self._for_answer = asking_for_words(self._prompt) if in_words else self._prompt

    async def whole(self, completion: Completion) -> dict[str, Any]:
        """The answer as a chat completion. Raises what `ChatModel.complete` does."""
        made = await self._called()
        if made.calls:
            calls = [_call_json(call) for call in made.calls]
            return completion.whole(None, made.usage, finish="tool_calls", tool_calls=calls)
        reply = await self._chat.complete(
            self._for_answer,
            max_tokens=self._max_tokens,
            schema=self._schema,
            temperature=self._temperature,
            timeout_s=self._timeout_s,
        )
        usage = made.usage + reply.usage
        return completion.whole(reply.text, usage, finish=reply.finish_reason)

    async def stream(self, completion: Completion) -> AsyncIterator[bytes]:
        """The answer in chunks; calls and constrained answers come in one piece."""
        made = await self._called()
        yield completion.first()
        if made.calls:
            yield completion.tool_calls([_call_json(call) for call in made.calls])
            yield completion.last(made.usage, "tool_calls")
        elif self._schema is not None:
            reply = await self._chat.complete(
                self._for_answer,
                max_tokens=self._max_tokens,
                schema=self._schema,
                temperature=self._temperature,
                timeout_s=self._timeout_s,
            )
            yield completion.text(reply.text)
            yield completion.last(made.usage + reply.usage, reply.finish_reason)
        else:
            async for piece in self._text(completion, made.usage):
                yield piece

    async def _text(self, completion: Completion, before: Usage) -> AsyncIterator[bytes]:
        deltas = self._chat.stream(
            self._for_answer,
            max_tokens=self._max_tokens,
            temperature=self._temperature,
            timeout_s=self._timeout_s,
        )
        async with aclosing(deltas):
            async for delta in deltas:
                if delta.text:
                    yield completion.text(delta.text)
                if delta.finish_reason is not None:
                    yield completion.last(before + (delta.usage or Usage()), delta.finish_reason)

    async def _called(self) -> ToolCalls:
        """The calls to make, with what it took to decide; none where none may be made, or where
        the results are there already: it is answered from them."""
        if self._choice is None:
            return ToolCalls((), Usage())
        made = await self._chat.call(
            self._prompt,
            self._functions,
            choice=self._choice,
            parallel=self._parallel,
            max_tokens=self._max_tokens,
            timeout_s=self._timeout_s,
        )
        return replace(made, calls=unsettled(made.calls, self._settled))


def _call_json(call: ToolCall) -> dict[str, Any]:
    return {
        "id": f"call_{uuid4().hex[:24]}",
        "type": "function",
        "function": {"name": call.name, "arguments": dumps(call.arguments).decode()},
    }


def _functions(request: ChatRequest) -> list[FunctionSpec]:
    functions: list[FunctionSpec] = []
    for index, tool in enumerate(request.tools or []):
        function, param = tool.function, f"tools[{index}].function"
        if any(function.name == other.name for other in functions):
            raise BadRequest(
                f"{param}.name: two functions are called {function.name!r}.", param=f"{param}.name"
            )
        parameters = function.parameters or {"type": "object", "properties": {}}
        _check_schema(parameters, f"{param}.parameters")
        functions.append(FunctionSpec(function.name, function.description or "", parameters))
    return functions


def _choice(request: ChatRequest, functions: list[FunctionSpec]) -> str | None:
    """`ChatModel.call`'s choice; None where no function is to be called."""
    wanted = request.tool_choice
    if not functions:
        if wanted not in (None, "none", "auto"):
            raise BadRequest("tool_choice: there are no tools to choose from.", param="tool_choice")
        return None
    if isinstance(wanted, NamedChoice):
        name = wanted.function.name
        if all(name != function.name for function in functions):
            raise BadRequest(
                f"tool_choice: no function in tools is called {name!r}.", param="tool_choice"
            )
        return name
    return None if wanted == "none" else wanted or "auto"


def _schema(request: ChatRequest) -> Schema | None:
    wanted = request.response_format
    if wanted is None or wanted.type == "text":
        return None
    if isinstance(wanted, JsonSchemaFormat):
        schema = wanted.json_schema.json_schema
        if schema is None:
            raise BadRequest(
                "response_format.json_schema.schema: this field is required.",
                param="response_format.json_schema.schema",
            )
        _check_schema(schema, "response_format.json_schema.schema")
        return schema
    return {"type": "object"}


def _check_schema(schema: Schema, param: str) -> None:
    from jsonschema import Draft202012Validator, SchemaError  # type: ignore[import-untyped]

    try:
        Draft202012Validator.check_schema(schema)
    except SchemaError as error:
        raise BadRequest(
            f"{param}: this is no JSON Schema: {error.message}.", param=param
        ) from None
