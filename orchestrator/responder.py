"""The answer: rendered from the steps' results as they come, or, in plain chat, by the LLM.

Nothing is invented: what a tool gave is shown, and what failed is said to have failed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from contextlib import aclosing
from typing import Any

from model_servers.contracts import ChatMessage, ChatModel
from orchestrator.followups import plain_answer
from orchestrator.plan import Plan, Step
from orchestrator.turn import Citation, Message, StepReport
from tools.language_names import language_name
from tools.registry import Registry

_MARK = re.compile(r"\[(\d{1,2})\]")
_HISTORY_MESSAGES = 6
_HISTORY_CHARS = 4_000
_MAX_CHAT_TOKENS = 400


class AnswerWriter:
    """Writes the answer in the plan's order while the steps run.

    A single step's text streams as it is made. With several steps each has a section with a
    title, and a section waits until those before it are written.

    Args:
        emit: gets the pieces; joined, they are what `finish` returns.
    """

    def __init__(
        self, plan: Plan, registry: Registry, language: str, emit: Callable[[str], None]
    ) -> None:
        self._plan = plan
        self._registry = registry
        self._language = language
        self._emit = emit
        self._order = [step.id for step in plan.steps]
        self._drafts: dict[str, str] = dict.fromkeys(self._order, "")
        self._done: dict[str, StepReport] = {}
        self._sent = ""

    def write(self, step_id: str, text: str) -> None:
        """A piece of the text that a step is making."""
        self._drafts[step_id] += text
        self._flush()

    def finished(self, report: StepReport) -> None:
        """A step ended."""
        self._done[report.id] = report
        self._flush()

    def finish(self, reports: Sequence[StepReport]) -> str:
        """The whole answer; what was not sent yet is sent."""
        self._done = {report.id: report for report in reports}
        self._flush()
        return self._sent

    def _flush(self) -> None:
        text, cited = "", 0
        for number, step in enumerate(self._plan.steps):
            report = self._done.get(step.id)
            # Citation marks of a later section are numbered on, so it is shown when it is whole.
            body = (
                render_step(step, report, self._registry, self._language, first_citation=cited)
                if report is not None
                else self._drafts[step.id]
                if cited == 0
                else ""
            )
            if not body:
                break
            if len(self._order) > 1:
                separator = "\n\n" if number else ""
                body = f"{separator}**{title(step, self._registry, self._language)}**\n\n{body}"
            text += body
            if report is None:
                break
            cited += len(citations_of(report))
        # Trailing space is held back: a tool's draft may end in it where its result does not.
        if text.startswith(self._sent):
            new = text[len(self._sent) :]
            if new:
                self._emit(new)
                self._sent = text


def render_step(
    step: Step, report: StepReport, registry: Registry, language: str, *, first_citation: int = 0
) -> str:
    """One step's result, or why there is none, as a person reads it."""
    if report.status != "ok" or report.result is None:
        reason = report.error.message if report.error else "it did not run."
        return f"{_FAILED.get(language, _FAILED['en'])} {reason}"
    tool = registry[step.tool]
    text = tool.render(tool.Result.model_validate(report.result), language)
    if first_citation:
        text = _MARK.sub(lambda mark: f"[{int(mark[1]) + first_citation}]", text)
    return text


_FAILED = {
    "en": "This did not work:",
    "zh": "这一步没有成功：",
    "es": "Esto no ha funcionado:",
    "fr": "Ceci n'a pas fonctionné :",
    "de": "Das hat nicht geklappt:",
    "pt": "Isto não funcionou:",
}


def title(step: Step, registry: Registry, language: str) -> str:
    """What a section is about: the tool in words, and the language it goes to."""
    tool = registry[step.tool]
    name = tool.titles.get(language) or tool.titles.get("en")
    words = name or tool.name.replace("_", " ").capitalize()
    target = step.args.get("target_language") or step.args.get("language")
    return f"{words}: {language_name(target, language)}" if isinstance(target, str) else words


def citations_of(report: StepReport) -> list[dict[str, Any]]:
    """The citations in a step's result, as it numbers them."""
    found = (report.result or {}).get("citations", ())
    return [item for item in found if isinstance(item, dict)]


def citations(reports: Sequence[StepReport]) -> tuple[Citation, ...]:
    """All citations of an answer, numbered through in the order of its sections."""
    numbered: list[Citation] = []
    for report in reports:
        offset = len(numbered)
        numbered += [
            Citation(
                number=item["number"] + offset,
                document=item["document"],
                heading=" › ".join(item["heading"]),
                chunk_id=item["chunk_id"],
                text=item["text"],
            )
            for item in citations_of(report)
        ]
    return tuple(numbered)


def chat_prompt(
    request: str, history: Sequence[Message], registry: Registry, language: str
) -> list[ChatMessage]:
    """Plain chat: what the assistant is and can do, then the conversation."""
    abilities = "\n".join(f"- {tool.description.split('. ')[0]}." for tool in registry.offered())
    # A small model takes what is said to it for one of the texts that the list speaks of.
    system = (
        "You are Switchboard, a friendly assistant, in a chat with somebody. Talk with them: "
        "answer what they say to you in one to three sentences, warmly and honestly. Never "
        "describe, rate or summarize their message.\n"
        f"Asked what you can do, name these:\n{abilities}\n"
        "Asked for anything else, such as to book, buy, draw or play something, or for news or "
        "weather, say plainly that you can't. Never claim to have done something."
    )
    messages = [ChatMessage("system", system)]
    kept: list[ChatMessage] = []
    room = _HISTORY_CHARS
    for message in reversed(history[-_HISTORY_MESSAGES:]):
        # Shown citation marks, the model writes some of its own, and they cite nothing.
        content = message.content if message.role == "user" else plain_answer(message.content)
        room -= len(content)
        if room < 0:
            break
        kept.append(ChatMessage(message.role, content))
    messages += reversed(kept)
    wanted = f"\n(Answer in {language_name(language)}.)" if language != "en" else ""
    messages.append(ChatMessage("user", f"{request}{wanted}"))
    return messages


async def chat_answer(
    messages: Sequence[ChatMessage],
    chat: ChatModel,
    emit: Callable[[str], None],
    *,
    timeout_s: float,
) -> str:
    """The LLM's reply, streamed. Raises what the chat model raises."""
    text = ""
    stream = chat.stream(messages, max_tokens=_MAX_CHAT_TOKENS, timeout_s=timeout_s)
    async with aclosing(stream):
        async for delta in stream:
            if delta.text:
                text += delta.text
                emit(delta.text)
    return text
