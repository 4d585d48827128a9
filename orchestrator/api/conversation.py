"""From OpenAI's messages to a turn of the agent, or to a prompt of the chat model."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from model_servers.contracts import ChatMessage
from orchestrator.api.chat_request import (
    AnyMessage,
    AssistantMessage,
    AudioPart,
    ChatRequest,
    Extension,
    NamedAttachment,
    SystemMessage,
    TextPart,
    ToolMessage,
    UserMessage,
)
from orchestrator.api.uploads import attachment
from orchestrator.errors import BadRequest
from orchestrator.file_links import without_files_shown
from orchestrator.spoken import only_recording
from orchestrator.turn import Limits, Message, Turn
from tools.artifacts import Artifact, clean_name

if TYPE_CHECKING:
    from orchestrator.api.facade import Service
    from orchestrator.settings import Settings


def check_size(request: ChatRequest, settings: Settings) -> None:
    """Raises BadRequest where there are more messages or characters than the service takes."""
    count = len(request.messages)
    if count > settings.max_messages:
        raise BadRequest(
            f"messages: {count} are more than the {settings.max_messages} that are taken; "
            "leave out old ones.",
            param="messages",
        )
    chars = sum(len(text_of(message)) for message in request.messages)
    if chars > settings.max_prompt_chars:
        raise BadRequest(
            f"messages: {chars:,} characters are more than the {settings.max_prompt_chars:,} that "
            "are taken; send a long text as a file.",
            param="messages",
        )


def limits_of(request: ChatRequest, settings: Settings) -> Limits:
    """What the client lets its request take.

    OpenAI's own bound lowers the tokens as ours does; clients send it without knowing of this
    service, so that one which is higher than the service's is no mistake.
    Raises BadRequest where the extension's are more than the service does.
    """
    extension = request.switchboard or Extension()
    bounds = {
        "timeout_s": settings.request_timeout_s,
        "max_steps": settings.max_steps,
        "max_llm_calls": settings.max_llm_calls,
        "max_completion_tokens": settings.max_completion_tokens,
    }
    asked = {name: getattr(extension, name) for name in bounds}
    for name, bound in bounds.items():
        if asked[name] is not None and asked[name] > bound:
            param = f"switchboard.{name}"
            raise BadRequest(
                f"{param}: {asked[name]:g} is more than the service's own {bound:g}; it can only "
                "be lowered.",
                param=param,
            )
    asked_tokens = (asked["max_completion_tokens"], request.token_limit)
    tokens = min((bound for bound in asked_tokens if bound is not None), default=None)
    return Limits(**asked | {"max_completion_tokens": tokens})


async def as_turn(request: ChatRequest, service: Service, owner: str) -> Turn:
    """The last message is the request, those before it are the history.

    Without a word of text an audio part is the request itself, spoken. System messages do not
    reach the agent: it has its own instructions.
    Raises BadRequest, InvalidInput, NotFound.
    """
    extension = request.switchboard or Extension()
    text, files = await request_of(request, service, owner)
    if extension.attachments and not extension.plan_only:
        raise BadRequest(
            "switchboard.attachments: names without bytes are enough to plan with, not to work "
            "on; send the files, or plan_only.",
            param="switchboard.attachments",
        )
    speech = None
    if not text.strip():
        speech, files = _spoken(request.messages[-1], files)
    history = [_history(message) for message in request.messages[:-1]]
    earlier = tuple(message for message in history if message is not None)
    if earlier and (extension.conversation is not None or extension.store):
        raise BadRequest(
            "messages: in a stored conversation only the new message is sent; the service has "
            "the earlier ones.",
            param="messages",
        )
    return Turn(
        text=text,
        speech=speech,
        attachments=(*files, *map(_without_bytes, extension.attachments)),
        conversation_id=extension.conversation,
        history=earlier,
        plan_only=extension.plan_only,
        owner=owner,
    )


def _spoken(
    message: AnyMessage, files: Sequence[Artifact]
) -> tuple[Artifact | None, tuple[Artifact, ...]]:
    """The recording that is the request, and the files that it is about."""
    content = message.content or ()
    parts = [] if isinstance(content, str) else content
    brought = [part for part in parts if not isinstance(part, TextPart)]
    sent = list(zip(brought, files, strict=True))
    speech = only_recording([file for part, file in sent if isinstance(part, AudioPart)])
    return speech, tuple(file for part, file in sent if not isinstance(part, AudioPart))


def _without_bytes(named: NamedAttachment) -> Artifact:
    """What stands for a file that was not sent; its id is no file's."""
    return Artifact(
        id="0" * 64,
        kind=named.kind,
        media_type="application/octet-stream",
        size=0,
        name=clean_name(named.name),
        origin="user",
    )


async def request_of(
    request: ChatRequest, service: Service, owner: str
) -> tuple[str, tuple[Artifact, ...]]:
    """Text and files of the last message. Raises BadRequest, InvalidInput, NotFound."""
    last, param = request.messages[-1], f"messages[{len(request.messages) - 1}]"
    if not isinstance(last, UserMessage):
        raise BadRequest(
            f"{param}.role: the last message is the user's request, and this one is of the "
            f"{last.role}.",
            param=f"{param}.role",
        )
    parts = [] if isinstance(last.content, str) else last.content
    files = [
        await attachment(part, service, owner, param=f"{param}.content[{index}]")
        for index, part in enumerate(parts)
        if not isinstance(part, TextPart)
    ]
    text = text_of(last)
    if not text.strip() and not files:
        raise BadRequest(
            f"{param}.content: the request is empty; write one.", param=f"{param}.content"
        )
    return text, tuple(files)


def text_of(message: AnyMessage) -> str:
    """What a message says, its text parts joined."""
    content = message.content or ""
    if isinstance(content, str):
        return content
    return "\n".join(part.text for part in content if isinstance(part, TextPart))


def _history(message: AnyMessage) -> Message | None:
    if isinstance(message, UserMessage):
        parts = () if isinstance(message.content, str) else message.content
        files = sum(not isinstance(part, TextPart) for part in parts)
        # Without their names: history is what was said, and a name may say anything.
        note = f"\n[attached: {files} file{'s' * (files > 1)}]" if files else ""
        return Message(role="user", content=text_of(message) + note)
    if isinstance(message, AssistantMessage) and (said := without_files_shown(text_of(message))):
        return Message(role="assistant", content=said)
    return None


def as_prompt(request: ChatRequest) -> list[ChatMessage]:
    """The messages for the chat model itself, calls and their results in words.

    Raises BadRequest for files and for results of calls that were not made.
    """
    names: dict[str, str] = {}
    prompt: list[ChatMessage] = []
    for index, message in enumerate(request.messages):
        param = f"messages[{index}]"
        match message:
            case SystemMessage():
                prompt.append(ChatMessage("system", text_of(message)))
            case UserMessage():
                if not isinstance(message.content, str) and any(
                    not isinstance(part, TextPart) for part in message.content
                ):
                    raise BadRequest(
                        f"{param}.content: files go to the agent; send them without tools and "
                        "response_format.",
                        param=f"{param}.content",
                    )
                prompt.append(ChatMessage("user", text_of(message)))
            case AssistantMessage():
                calls = message.tool_calls or []
                names |= {call.id: call.function.name for call in calls}
                made = [f"{call.function.name}({call.function.arguments})" for call in calls]
                prompt.append(
                    ChatMessage("assistant", "\n".join(filter(None, [text_of(message), *made])))
                )
            case ToolMessage():
                if message.tool_call_id not in names:
                    raise BadRequest(
                        f"{param}.tool_call_id: no earlier message made the call "
                        f"{message.tool_call_id!r}.",
                        param=f"{param}.tool_call_id",
                    )
                name = names[message.tool_call_id]
                prompt.append(ChatMessage("user", f"Result of {name}: {text_of(message)}"))
    return prompt
