"""Runs one turn of a conversation: what came before, the graph, what is kept of it."""

from __future__ import annotations

import functools
import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from model_servers.contracts import SwitchboardError
from model_servers.spans import note
from orchestrator.budget import MeteredChat
from orchestrator.composer import Composer
from orchestrator.conversations import ConversationStore
from orchestrator.followups import antecedent_in
from orchestrator.guard import admit
from orchestrator.handoff_words import told as words_of
from orchestrator.handoffs import Handoff, HandoffStore
from orchestrator.partial import Told, usage_report
from orchestrator.past import Past, past_of
from orchestrator.plan import Plan
from orchestrator.settings import Settings
from orchestrator.shapes import shape
from orchestrator.signs import Signs
from orchestrator.spoken import heard
from orchestrator.trace import Kind
from orchestrator.tracing import Tracer, note_done_before, outcome_facts
from orchestrator.turn import (
    Event,
    Finished,
    HandoffReason,
    HandoffReport,
    Heard,
    Limits,
    Outcome,
    Planned,
    Routed,
    RouteReport,
    StepChanged,
    StepReport,
    TextDelta,
    Turn,
)
from orchestrator.wishes import request_language
from tools.contracts import RunContext
from tools.registry import Registry

if TYPE_CHECKING:
    from model_servers.contracts import ChatModel
    from model_servers.pool import ModelPool
    from orchestrator.files import FileStore
    from tools.artifacts import FileArtifactStore
    from tools.knowledge.base import KnowledgeBase
    from tools.recommendation.shop import Shop
    from tools.web import WebFetcher

log = logging.getLogger(__name__)

_HISTORY_MESSAGES = 20
_TO_A_PERSON = RouteReport(path="handoff", confidence=1.0)

N = TypeVar("N", int, float)

NO_LIMITS = Limits()

Durability = Literal["exit", "sync"]
"""When LangGraph keeps a turn's state: once at its end, or after every step, to go on from."""


@dataclass(frozen=True, slots=True)
class Work:
    """What tools and the agent work with, in every turn."""

    settings: Settings
    registry: Registry
    models: ModelPool
    chat: ChatModel
    artifacts: FileArtifactStore
    knowledge: KnowledgeBase
    shop: Shop
    tracer: Tracer
    files: FileStore
    web: WebFetcher
    vision: ChatModel | None = None

    def meter(self, limits: Limits = NO_LIMITS) -> MeteredChat:
        """The chat model, with the bounds of one request."""
        return MeteredChat(
            self.chat,
            max_calls=lower(self.settings.max_llm_calls, limits.max_llm_calls),
            max_completion_tokens=lower(
                self.settings.max_completion_tokens, limits.max_completion_tokens
            ),
        )

    def context(
        self, chat: MeteredChat, owner: str, *, timeout_s: float | None = None
    ) -> RunContext:
        """What the tools of one request of this owner get; its time begins now. What the model
        that sees is asked counts as what the chat model is."""
        return RunContext(
            models=self.models,
            chat=chat,
            artifacts=self.artifacts,
            knowledge=self.knowledge,
            shop=self.shop,
            web=self.web,
            vision=None if self.vision is None else chat.beside(self.vision),
            find_file=functools.partial(self.files.artifact, owner=owner),
            deadline=time.monotonic() + (timeout_s or self.settings.request_timeout_s),
        )


def lower(bound: N, asked: N | None) -> N:
    """The service's own bound, or the lower one that was asked for."""
    return bound if asked is None else min(bound, asked)


class Turns:
    """Runs turns by the compiled graph.

    Args:
        work: what every turn works with.
        agent: the graph, from `build_agent`.
    """

    def __init__(
        self,
        work: Work,
        *,
        agent: Any,
        composer: Composer,
        signs: Signs,
        conversations: ConversationStore,
        handoffs: HandoffStore,
    ) -> None:
        self._work = work
        self._agent = agent
        self._composer = composer
        self._signs = signs
        self._conversations = conversations
        self._handoffs = handoffs

    async def run(
        self,
        turn: Turn,
        emit: Callable[[Event], None],
        *,
        turn_id: str,
        durability: Durability = "exit",
        timeout_s: float | None = None,
    ) -> None:
        """Run a turn to its outcome, which is the last event. Raises SwitchboardError.

        `turn_id` is the LangGraph thread. With "sync" its state is kept after every step, and a
        turn that was begun before, and cut off, goes on from there: what is done is told again,
        and not done again. `timeout_s` is the setting for requests where it is None.
        """
        kind: Kind = "task" if durability == "sync" else "turn"
        with self._work.tracer.trace(turn_id, kind, turn.owner):
            note(**_traced(turn))
            await self._run(turn, emit, turn_id, durability, timeout_s)

    async def _run(
        self,
        turn: Turn,
        emit: Callable[[Event], None],
        turn_id: str,
        durability: Durability,
        timeout_s: float | None,
    ) -> None:
        from orchestrator.graph import TurnContext

        begun = time.monotonic()
        lasting = durability == "sync"
        config = {"configurable": {"thread_id": turn_id}}
        limits = turn.limits
        chat = self._work.meter(limits)
        timeout_s = lower(timeout_s or self._work.settings.request_timeout_s, limits.timeout_s)
        told = Told(emit)
        context = TurnContext(
            registry=self._work.registry,
            composer=self._composer,
            run=self._work.context(chat, turn.owner, timeout_s=timeout_s),
            chat=chat,
            emit=told,
            route_threshold=self._work.settings.route_threshold,
            max_prompt_chars=self._work.settings.max_prompt_chars,
            max_steps=lower(self._work.settings.max_steps, limits.max_steps),
            settled=functools.partial(self._agent.checkpointer.settled, turn_id),
            sign=self._signs,
        )
        turn = await _in_words(turn, context.run, self._work.registry, told)
        before = await self._agent.aget_state(config) if lasting else None
        if before is None or before.created_at is None:
            if (handoff := await self._open_handoff(turn)) is not None:
                await self._pass_on(turn, handoff, emit, turn_id)
                return
            given = await self._begin(turn, f"{turn_id}_user" if lasting else None)
            try:
                state = await self._agent.ainvoke(
                    given, config, context=context, durability=durability
                )
            except SwitchboardError as error:
                if not lasting and not turn.plan_only:
                    took = time.monotonic() - begun
                    await self._keep_broken_off(
                        told.broken_off(
                            turn_id, turn.conversation_id, error, usage=chat.usage, seconds=took
                        )
                    )
                raise
        else:
            for event in _done_before(before):
                emit(event)
                if isinstance(event, Routed):
                    note_done_before(event.route)
                elif isinstance(event, StepChanged):
                    note_done_before(event.step)
            state = before.values
            # Not `next`: it leaves out nodes that have ended, and what follows them is to be done.
            if before.tasks:
                state = await self._agent.ainvoke(
                    None, config, context=context, durability=durability
                )
        outcome = _outcome(turn_id, turn, state, chat, time.monotonic() - begun)
        if state.get("handoff") is not None:
            report = await self._hand_over(turn, turn_id, state["handoff"])
            outcome = outcome.model_copy(update={"handoff": report})
        note(**outcome_facts(outcome))
        if turn.conversation_id is not None and not turn.plan_only:
            message_id = await self._conversations.append(
                turn.conversation_id,
                "assistant",
                outcome.answer,
                outcome.model_dump(mode="json"),
                message_id=f"{turn_id}_answer" if lasting else None,
            )
            outcome = outcome.model_copy(update={"message_id": message_id})
        emit(Finished(outcome=outcome))

    async def resume(self, handoff: Handoff) -> Handoff:
        """Go on with what was paused: the agent says that it is back. Raises Conflict."""
        from langgraph.types import Command

        config = {"configurable": {"thread_id": handoff.thread_id}}
        paused = await self._agent.aget_state(config)
        state = paused.values
        if paused.next:
            state = await self._agent.ainvoke(Command(resume=True), config, durability="sync")
        outcome = Outcome(
            id=handoff.thread_id,
            conversation_id=handoff.conversation_id,
            answer=state["answer"],
            plan=Plan(),
            route=_TO_A_PERSON,
            handoff=handoff.model_copy(update={"state": "resumed"}).report,
        )
        # Said first: a page that sees the hand-over end looks no more for what comes after.
        await self._conversations.append(
            handoff.conversation_id,
            "assistant",
            outcome.answer,
            outcome.model_dump(mode="json"),
            message_id=f"{handoff.id}_back",
        )
        resumed = await self._handoffs.resume(handoff.id)
        await self._agent.checkpointer.adelete_thread(handoff.thread_id)
        return resumed

    async def _open_handoff(self, turn: Turn) -> Handoff | None:
        if turn.conversation_id is None:
            return None
        return await self._handoffs.open_for(turn.conversation_id)

    async def _hand_over(self, turn: Turn, turn_id: str, reason: HandoffReason) -> HandoffReport:
        if turn.plan_only:
            return HandoffReport(id=None, reason=reason, state="planned")
        if turn.conversation_id is None:
            return HandoffReport(id=None, reason=reason, state="not_possible")
        return (await self._handoffs.open(turn.conversation_id, turn_id, reason)).report

    async def _pass_on(
        self, turn: Turn, handoff: Handoff, emit: Callable[[Event], None], turn_id: str
    ) -> None:
        """Keep a message for the person who has the conversation, and say so."""
        begun = time.monotonic()
        text = admit(
            turn.text, len(turn.attachments), max_chars=self._work.settings.max_prompt_chars
        )
        # Others' conversations look as if they were not there.
        await self._conversations.messages(handoff.conversation_id, turn.owner, limit=1)
        if not turn.plan_only:
            await self._keep_request(turn, f"{turn_id}_user")
        outcome = Outcome(
            id=turn_id,
            conversation_id=handoff.conversation_id,
            answer=words_of("waiting", request_language(text)),
            plan=Plan(),
            route=_TO_A_PERSON,
            seconds=round(time.monotonic() - begun, 4),
            handoff=handoff.report,
            heard=turn.heard,
        )
        note(**outcome_facts(outcome))
        for event in (Routed(route=outcome.route), Planned(plan=outcome.plan)):
            emit(event)
        emit(TextDelta(text=outcome.answer))
        emit(Finished(outcome=outcome))

    async def _keep_broken_off(self, outcome: Outcome | None) -> None:
        """Keep what there is of an answer in its conversation, with the reason why no more."""
        if outcome is None or outcome.conversation_id is None:
            return
        try:
            await self._conversations.append(
                outcome.conversation_id,
                "assistant",
                outcome.answer,
                outcome.model_dump(mode="json"),
            )
        except SwitchboardError:  # the turn's own error is the one to be told
            log.exception("turn %s broke off, and what there was of it is not kept", outcome.id)

    async def _begin(self, turn: Turn, message_id: str | None) -> dict[str, Any]:
        """The graph's input; the request becomes part of its conversation."""
        past = await self._past(turn, message_id)
        kept = turn.conversation_id is not None and not turn.plan_only
        if kept:
            await self._keep_request(turn, message_id)
        return {
            "request": turn.text,
            "attachments": [file.model_dump(mode="json") for file in turn.attachments],
            "earlier_attachments": past.attachments,
            "history": [message.model_dump() for message in past.messages],
            "last_plan": past.last_plan.model_dump(mode="json"),
            "antecedent": None if past.antecedent is None else asdict(past.antecedent),
            "plan_only": turn.plan_only,
            "kept": kept,
            "unsure_before": past.ends_unsure,
        }

    async def _keep_request(self, turn: Turn, message_id: str | None) -> None:
        assert turn.conversation_id is not None
        kept: dict[str, Any] = {
            "attachments": [file.model_dump(mode="json") for file in turn.attachments]
        }
        if turn.heard is not None:
            kept["heard"] = turn.heard.model_dump(mode="json")
        await self._conversations.append(
            turn.conversation_id, "user", turn.text, kept, message_id=message_id
        )

    async def _past(self, turn: Turn, own: str | None) -> Past:
        """What came before. `own` is the id of this turn's own message, which an earlier attempt
        may have stored."""
        if turn.conversation_id is None:
            return Past(turn.history, antecedent=antecedent_in(turn.history))
        stored = await self._conversations.messages(
            turn.conversation_id, turn.owner, _HISTORY_MESSAGES
        )
        return past_of([message for message in stored if message.id != own])


async def _in_words(
    turn: Turn, ctx: RunContext, registry: Registry, emit: Callable[[Event], None]
) -> Turn:
    """The turn with what is said in it as text, where it was spoken."""
    if turn.speech is None:
        return turn
    turn = await heard(turn, registry, ctx)
    note(request=shape(turn.text))
    assert turn.heard is not None
    emit(Heard(heard=turn.heard))
    return turn


def _done_before(before: Any) -> list[Event]:
    """What a turn that goes on has done already, from LangGraph's snapshot of it."""
    values = dict(before.values)
    for node in before.tasks:  # one that has ended is part of the values only when the next begins
        values |= node.result or {}
    events: list[Event] = []
    if "route" in values:
        route = RouteReport.model_validate(values["route"])
        plan = Plan.model_validate(values["plan"])
        events.append(Routed(route=route))
        if route.path != "planner" or plan.steps:
            events.append(Planned(plan=plan))
    steps = values.get("steps", ())
    events += [StepChanged(step=StepReport.model_validate(step)) for step in steps]
    return events


def _traced(turn: Turn) -> dict[str, Any]:
    """What a trace tells of a turn before it runs."""
    return {
        "request": shape(turn.text),
        "attachments": [shape(file) for file in turn.attachments],
        "conversation_id": turn.conversation_id,
        "plan_only": turn.plan_only,
    }


def _outcome(
    turn_id: str,
    turn: Turn,
    state: Mapping[str, Any],
    chat: MeteredChat,
    seconds: float,
) -> Outcome:
    steps = tuple(StepReport.model_validate(step) for step in state.get("steps", ()))
    return Outcome(
        id=turn_id,
        conversation_id=turn.conversation_id,
        answer=state.get("answer", ""),
        plan=Plan.model_validate(state["plan"]),
        steps=steps,
        artifacts=tuple(artifact for step in steps for artifact in step.artifacts),
        citations=state.get("citations", ()),
        route=RouteReport.model_validate(state["route"]),
        usage=usage_report(chat.usage),
        seconds=round(seconds, 4),
        heard=turn.heard,
    )
