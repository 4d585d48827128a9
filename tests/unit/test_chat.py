"""The chat model's client against a scripted server."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing

import pytest

from model_servers.chat import LiteLLMChat
from model_servers.chat_endpoint import FixedEndpoint
from model_servers.chat_errors import EndpointFailed, Unready
from model_servers.contracts import (
    ChatDelta,
    ChatMessage,
    ContextTooLong,
    DeadlineExceeded,
    FunctionSpec,
    ModelBusy,
    ModelError,
    ModelRefused,
    ModelUnavailable,
    SwitchboardError,
    ToolCall,
    ToolCalls,
    Usage,
)
from model_servers.retries import FIRST_PAUSE_S
from tests import fake_openai
from tests.fake_openai import FakeOpenAI, error, reply, stream

KEY = "key-8f3a-secret"
HELLO = [ChatMessage("system", "Be brief."), ChatMessage("user", "Hello")]
COLOUR = {"type": "object", "properties": {"colour": {"type": "string"}}, "required": ["colour"]}
WEATHER = FunctionSpec(
    "get_weather",
    "Weather of a city",
    {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
)
MAIL = FunctionSpec("send_mail", "Send a mail", {"type": "object", "properties": {}})


@pytest.fixture
async def fake() -> AsyncIterator[FakeOpenAI]:
    async with fake_openai.fake_openai() as server:
        yield server


class Endpoint(FixedEndpoint):
    """A fixed endpoint that can pose as llama.cpp, or as a server that is started again."""

    def __init__(self, *urls: str, native_functions: bool = True) -> None:
        super().__init__(urls[0], model="m", api_key=KEY)
        self.native_functions = native_functions
        self.urls = list(urls)
        self.recovered: list[str] = []

    async def url(self) -> str:
        return self.urls[0]

    async def recover(self, url: str) -> None:
        self.recovered.append(url)
        if len(self.urls) > 1:
            self.urls.pop(0)


class Pauses(list[float]):
    """Stands for sleeping: keeps how long it would have been."""

    async def __call__(self, seconds: float) -> None:
        self.append(seconds)


def chat_to(fake: FakeOpenAI, *, native_functions: bool = True) -> LiteLLMChat:
    endpoint = Endpoint(fake.url, native_functions=native_functions)
    return LiteLLMChat(endpoint, sleep=Pauses())


async def failure(chat: LiteLLMChat, timeout_s: float = 120.0) -> SwitchboardError:
    with pytest.raises(SwitchboardError) as caught:
        await chat.complete(HELLO, max_tokens=5, timeout_s=timeout_s)
    assert KEY not in caught.value.message
    assert "127.0.0.1" not in caught.value.message
    return caught.value


async def drained(pieces: AsyncGenerator[ChatDelta, None]) -> list[ChatDelta]:
    async with aclosing(pieces):
        return [delta async for delta in pieces]


def dead_url() -> str:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{probe.getsockname()[1]}/v1"


async def test_a_reply_has_text_reason_and_usage(fake: FakeOpenAI) -> None:
    fake.answers = [reply("Hi.")]
    answer = await chat_to(fake).complete(HELLO, max_tokens=5, temperature=0.5)
    assert (answer.text, answer.finish_reason) == ("Hi.", "stop")
    assert answer.usage == Usage(prompt_tokens=7, completion_tokens=3, llm_calls=1)
    asked = fake.requests[0]
    assert asked["messages"] == [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "Hello"},
    ]
    assert (asked["model"], asked["max_tokens"], asked["temperature"]) == ("m", 5, 0.5)
    assert fake.authorizations == [f"bearer {KEY}".lower()]


async def test_a_schema_is_sent_as_a_strict_response_format(fake: FakeOpenAI) -> None:
    fake.answers = [reply('{"colour": "red"}')]
    await chat_to(fake).complete(HELLO, max_tokens=5, schema=COLOUR)
    sent = fake.requests[0]["response_format"]
    assert sent["type"] == "json_schema"
    assert sent["json_schema"]["schema"] == COLOUR
    assert sent["json_schema"]["strict"] is True


@pytest.mark.parametrize(
    ("text", "finish"),
    [('{"colour": "red"}  \n\n ', "stop"), ('{"colour": "re', "length"), ("", "length")],
)
async def test_a_constrained_reply_is_cut_only_when_its_json_is(
    fake: FakeOpenAI, text: str, finish: str
) -> None:
    fake.answers = [reply(text, "length")]
    answer = await chat_to(fake).complete(HELLO, max_tokens=5, schema=COLOUR)
    assert (answer.text, answer.finish_reason) == (text.strip(), finish)


async def test_an_unconstrained_reply_that_was_cut_says_so(fake: FakeOpenAI) -> None:
    fake.answers = [reply("42", "length")]
    assert (await chat_to(fake).complete(HELLO, max_tokens=1)).finish_reason == "length"


async def test_a_stream_ends_with_reason_and_usage(fake: FakeOpenAI) -> None:
    fake.answers = [stream("Hel", "lo", then="length")]
    deltas = await drained(chat_to(fake).stream(HELLO, max_tokens=2))
    assert [d.text for d in deltas] == ["Hel", "lo", ""]
    assert [d.finish_reason for d in deltas] == [None, None, "length"]
    assert deltas[-1].usage == Usage(prompt_tokens=7, completion_tokens=3, llm_calls=1)
    assert fake.requests[0]["stream_options"] == {"include_usage": True}


async def test_closing_a_stream_hangs_up(fake: FakeOpenAI) -> None:
    fake.answers = [stream("one", then="wait")]
    async with aclosing(chat_to(fake).stream(HELLO, max_tokens=99)) as pieces:
        assert (await anext(pieces)).text == "one"
    async with asyncio.timeout(10):
        await fake.hung_up.wait()


async def test_cancelling_a_call_hangs_up(fake: FakeOpenAI) -> None:
    fake.answers = [fake_openai.silence]
    call = asyncio.ensure_future(chat_to(fake).complete(HELLO, max_tokens=5))
    await fake.asked.wait()
    call.cancel()
    async with asyncio.timeout(10):
        await fake.hung_up.wait()


@pytest.mark.parametrize("then", [None, "end"])
async def test_a_stream_that_breaks_off_is_unavailable(fake: FakeOpenAI, then: str | None) -> None:
    fake.answers = [stream("one", then=then)]
    with pytest.raises(ModelUnavailable):
        await drained(chat_to(fake).stream(HELLO, max_tokens=9))


async def test_a_stream_that_stalls_meets_its_deadline(fake: FakeOpenAI) -> None:
    fake.answers = [stream("warm-up"), stream("one", then="wait")]
    chat = chat_to(fake)
    await drained(chat.stream(HELLO, max_tokens=9))
    with pytest.raises(DeadlineExceeded):
        await drained(chat.stream(HELLO, max_tokens=9, timeout_s=0.5))


@pytest.mark.parametrize(
    ("status", "message", "kind", "tries"),
    [
        (400, "bad grammar", ModelRefused, 1),
        (400, "request (9000 tokens) exceeds the available context size", ContextTooLong, 1),
        (400, "This model's maximum context length is 4096 tokens.", ContextTooLong, 1),
        (401, f"wrong key {KEY}", ModelError, 1),
        (403, "no", ModelError, 1),
        (404, "no such model", ModelError, 1),
        (429, "slow down", ModelBusy, 3),
        (500, "boom", EndpointFailed, 1),
        (502, "bad gateway", Unready, 3),
        (503, "Loading model", Unready, 3),
        (504, "gateway timeout", Unready, 3),
    ],
)
async def test_a_status_has_its_error(
    fake: FakeOpenAI, status: int, message: str, kind: type[SwitchboardError], tries: int
) -> None:
    fake.answers = [error(status, message)] * tries
    raised = await failure(chat_to(fake))
    assert type(raised) is kind
    assert raised.retryable is (tries > 1)
    assert len(fake.requests) == tries, "litellm must not try again by itself"


async def test_a_busy_endpoint_says_when_to_come_back(fake: FakeOpenAI) -> None:
    fake.answers = [error(429, "slow down", retry_after="7")] * 3
    raised = await failure(chat_to(fake))
    assert isinstance(raised, ModelBusy)
    assert raised.retry_after_s == 7.0


# --- tries ---


async def test_what_passes_is_tried_again_after_random_growing_pauses(fake: FakeOpenAI) -> None:
    first, second = set(), set()
    for _ in range(8):
        fake.answers = [error(503), fake_openai.hang_up, reply("Hi.")]
        pauses = Pauses()
        chat = LiteLLMChat(Endpoint(fake.url), sleep=pauses)
        assert (await chat.complete(HELLO, max_tokens=5)).text == "Hi."
        assert len(pauses) == 2
        first.add(pauses[0])
        second.add(pauses[1])
    assert 0 <= min(first) < max(first) <= FIRST_PAUSE_S
    assert 0 <= min(second) < max(second) <= 2 * FIRST_PAUSE_S


async def test_a_retry_after_is_honoured(fake: FakeOpenAI) -> None:
    fake.answers = [error(429, retry_after="7"), reply("Hi.")]
    pauses = Pauses()
    await LiteLLMChat(Endpoint(fake.url), sleep=pauses).complete(HELLO, max_tokens=5)
    assert pauses == [7.0]


@pytest.mark.parametrize("nonsense", ["soon", "-3", "nan", "inf", "1e300"])
async def test_a_retry_after_that_makes_no_sense_is_ignored(
    fake: FakeOpenAI, nonsense: str
) -> None:
    fake.answers = [error(429, retry_after=nonsense), reply("Hi.")]
    pauses = Pauses()
    await LiteLLMChat(Endpoint(fake.url), sleep=pauses).complete(HELLO, max_tokens=5)
    assert 0 <= pauses[0] <= FIRST_PAUSE_S


async def test_no_pause_goes_past_the_deadline(fake: FakeOpenAI) -> None:
    fake.answers = [error(429, retry_after="31")]
    pauses = Pauses()
    chat = LiteLLMChat(Endpoint(fake.url), sleep=pauses)
    with pytest.raises(ModelBusy) as caught:
        await chat.complete(HELLO, max_tokens=5, timeout_s=30)
    assert pauses == []
    assert caught.value.retry_after_s == 31


async def test_a_stream_that_has_begun_is_not_tried_again(fake: FakeOpenAI) -> None:
    fake.answers = [stream("one", then=None)]
    with pytest.raises(ModelUnavailable):
        await drained(chat_to(fake).stream(HELLO, max_tokens=9))
    assert len(fake.requests) == 1


async def test_a_stream_that_breaks_before_its_first_piece_is_tried_again(
    fake: FakeOpenAI,
) -> None:
    fake.answers = [stream(then=None), stream("one")]
    deltas = await drained(chat_to(fake).stream(HELLO, max_tokens=9))
    assert [delta.text for delta in deltas] == ["one", ""]


async def test_an_endpoint_that_keeps_failing_is_left_alone(fake: FakeOpenAI) -> None:
    fake.answers = [error(500)] * 5
    chat = chat_to(fake)
    for _ in range(5):
        await failure(chat)
    raised = await failure(chat)
    assert isinstance(raised, ModelUnavailable)
    assert raised.retry_after_s is not None
    assert len(fake.requests) == 5


async def test_silence_meets_the_deadline(fake: FakeOpenAI) -> None:
    fake.answers = [reply("warm-up"), fake_openai.silence]
    chat = chat_to(fake)
    await chat.complete(HELLO, max_tokens=5)
    assert isinstance(await failure(chat, timeout_s=0.3), DeadlineExceeded)


async def test_a_broken_connection_is_unavailable(fake: FakeOpenAI) -> None:
    fake.answers = [fake_openai.hang_up] * 3
    assert isinstance(await failure(chat_to(fake)), ModelUnavailable)


async def test_nonsense_for_an_answer_is_an_error(fake: FakeOpenAI) -> None:
    fake.answers = [fake_openai.body({"hello": "world"})]
    assert isinstance(await failure(chat_to(fake)), ModelError)


async def test_a_server_that_was_started_again_is_asked_once_more(fake: FakeOpenAI) -> None:
    fake.answers = [reply("Hi.")]
    dead = dead_url()
    endpoint = Endpoint(dead, fake.url)
    answer = await LiteLLMChat(endpoint, sleep=Pauses()).complete(HELLO, max_tokens=5)
    assert answer.text == "Hi."
    assert endpoint.recovered == [dead]


async def test_it_is_asked_no_fourth_time() -> None:
    endpoint = Endpoint(dead_url())
    raised = await failure(LiteLLMChat(endpoint, sleep=Pauses()))
    assert isinstance(raised, ModelUnavailable)
    assert len(endpoint.recovered) == 3
    assert raised.retried
    assert raised.retry_after_s is not None


async def test_one_client_serves_several_event_loops() -> None:
    async def ask(chat: LiteLLMChat | None) -> LiteLLMChat:
        async with fake_openai.fake_openai() as fake:
            fake.answers = [reply("Hi.")]
            chat = chat or LiteLLMChat(Endpoint(fake.url))
            chat.endpoint = Endpoint(fake.url)
            await chat.complete(HELLO, max_tokens=5)
            return chat

    chat = await asyncio.to_thread(lambda: asyncio.run(ask(None)))
    await asyncio.to_thread(lambda: asyncio.run(ask(chat)))


async def test_the_model_that_an_endpoint_lists_first_is_used(fake: FakeOpenAI) -> None:
    fake.answers = [fake_openai.body({"data": [{"id": "tiny"}, {"id": "big"}]}), reply("Hi.")]
    await LiteLLMChat(FixedEndpoint(fake.url, api_key=KEY)).complete(HELLO, max_tokens=5)
    assert fake.requests[1]["model"] == "tiny"


@pytest.mark.parametrize("listed", [{"data": []}, ["x"], {"data": [{}]}])
async def test_an_endpoint_that_lists_no_model_wants_a_name(
    fake: FakeOpenAI, listed: object
) -> None:
    fake.answers = [fake_openai.body(listed)]
    raised = await failure(LiteLLMChat(FixedEndpoint(fake.url, api_key=KEY)))
    assert type(raised) is ModelError


# --- function calling ---


def native(name: str, arguments: str) -> fake_openai.Answer:
    called = {"id": "c1", "type": "function", "function": {"name": name, "arguments": arguments}}
    return reply("", tool_calls=[called])


def chosen(name: str) -> fake_openai.Answer:
    return reply(json.dumps({"function": name}))


async def test_auto_may_choose_no_function(fake: FakeOpenAI) -> None:
    fake.answers = [chosen("reply")]
    found = await chat_to(fake).call(HELLO, [WEATHER], choice="auto")
    assert found == ToolCalls((), Usage(prompt_tokens=7, completion_tokens=3, llm_calls=1))
    schema = fake.requests[0]["response_format"]["json_schema"]["schema"]
    assert schema["properties"]["function"]["enum"] == ["get_weather", "reply"]


async def test_auto_chooses_first_and_then_calls_strictly(fake: FakeOpenAI) -> None:
    fake.answers = [chosen("get_weather"), native("get_weather", '{"city": "Rome"}')]
    found = await chat_to(fake).call(HELLO, [WEATHER, MAIL], choice="auto")
    assert found.calls == (ToolCall("get_weather", {"city": "Rome"}),)
    assert found.usage == Usage(prompt_tokens=14, completion_tokens=6, llm_calls=2)
    (tool,) = fake.requests[1]["tools"]
    assert tool["function"]["strict"] is True
    assert tool["function"]["parameters"] == WEATHER.parameters
    assert fake.requests[1]["tool_choice"]["function"]["name"] == "get_weather"


async def test_required_chooses_among_functions_only(fake: FakeOpenAI) -> None:
    fake.answers = [chosen("send_mail"), native("send_mail", "{}")]
    found = await chat_to(fake).call(HELLO, [WEATHER, MAIL], choice="required")
    assert [call.name for call in found.calls] == ["send_mail"]
    schema = fake.requests[0]["response_format"]["json_schema"]["schema"]
    assert schema["properties"]["function"]["enum"] == ["get_weather", "send_mail"]


@pytest.mark.parametrize(
    ("functions", "choice"), [([WEATHER], "required"), ([WEATHER, MAIL], "get_weather")]
)
async def test_nothing_is_asked_where_there_is_nothing_to_choose(
    fake: FakeOpenAI, functions: Sequence[FunctionSpec], choice: str
) -> None:
    fake.answers = [native("get_weather", '{"city": "Rome"}')]
    found = await chat_to(fake).call(HELLO, functions, choice=choice)
    assert len(found.calls) == 1
    assert found.usage.llm_calls == 1


async def test_without_native_functions_the_schema_holds_the_arguments(fake: FakeOpenAI) -> None:
    fake.answers = [reply('{"city": "Rome"}')]
    found = await chat_to(fake, native_functions=False).call(HELLO, [WEATHER], choice="required")
    assert found.calls == (ToolCall("get_weather", {"city": "Rome"}),)
    asked = fake.requests[0]
    assert "tools" not in asked
    assert asked["response_format"]["json_schema"]["schema"] == WEATHER.parameters
    assert [m["role"] for m in asked["messages"]] == ["system", "user"]


@pytest.mark.parametrize("native_functions", [True, False])
async def test_a_function_may_be_called_several_times(
    fake: FakeOpenAI, native_functions: bool
) -> None:
    spec = FunctionSpec("get_weather", "…", {**WEATHER.parameters, "$defs": {"C": {}}})
    fake.answers = [reply('{"calls": [{"city": "Rome"}, {"city": "Oslo"}]}')]
    chat = chat_to(fake, native_functions=native_functions)
    found = await chat.call(HELLO, [spec], choice="required", parallel=True)
    assert [call.arguments["city"] for call in found.calls] == ["Rome", "Oslo"]
    schema = fake.requests[0]["response_format"]["json_schema"]["schema"]
    assert schema["properties"]["calls"]["items"] == WEATHER.parameters
    assert schema["$defs"] == {"C": {}}


@pytest.mark.parametrize("made", ['{"calls": []}', '{"calls": [1]}', '{"city": "Rome"}', "[]"])
async def test_several_calls_that_are_none_are_an_error(fake: FakeOpenAI, made: str) -> None:
    fake.answers = [reply(made)]
    with pytest.raises(ModelError, match="get_weather"):
        await chat_to(fake).call(HELLO, [WEATHER], choice="required", parallel=True)


@pytest.mark.parametrize("arguments", ['{"city": "Ro', "[1]", "", "null"])
async def test_arguments_that_are_no_object_are_an_error(fake: FakeOpenAI, arguments: str) -> None:
    fake.answers = [native("get_weather", arguments)]
    with pytest.raises(ModelError, match="get_weather"):
        await chat_to(fake).call(HELLO, [WEATHER], choice="required")


async def test_an_answer_without_a_call_is_an_error(fake: FakeOpenAI) -> None:
    fake.answers = [reply("I can't")]
    with pytest.raises(ModelError):
        await chat_to(fake).call(HELLO, [WEATHER], choice="required")


@pytest.mark.parametrize("choice", ["{", '{"function": "rm"}', "[]", '{"function": null}'])
async def test_a_choice_outside_the_functions_is_an_error(fake: FakeOpenAI, choice: str) -> None:
    fake.answers = [reply(choice)]
    with pytest.raises(ModelError):
        await chat_to(fake).call(HELLO, [WEATHER, MAIL])


async def test_an_own_function_named_reply_is_a_function(fake: FakeOpenAI) -> None:
    own = FunctionSpec("reply", "Reply to a review", {"type": "object", "properties": {}})
    fake.answers = [chosen("reply"), native("reply", "{}"), chosen("reply_")]
    chat = chat_to(fake)
    assert [call.name for call in (await chat.call(HELLO, [own])).calls] == ["reply"]
    assert (await chat.call(HELLO, [own])).calls == ()


@pytest.mark.parametrize(("functions", "choice"), [([], "auto"), ([], "required"), ([MAIL], "x")])
async def test_a_choice_that_is_not_offered_is_refused(
    functions: Sequence[FunctionSpec], choice: str
) -> None:
    with pytest.raises(ModelRefused):
        await LiteLLMChat(Endpoint(dead_url())).call(HELLO, functions, choice=choice)
