"""The agent's graph with scripted scores, a scripted chat model and small tools."""

from __future__ import annotations

import asyncio
import dataclasses
import json
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from langgraph.checkpoint.memory import InMemorySaver

from orchestrator.budget import BudgetExceeded
from orchestrator.composer import Composer
from orchestrator.errors import BadRequest
from orchestrator.graph import TurnContext, build_agent
from orchestrator.lookup import asked_alone, looked_up, told_of
from orchestrator.plan import Plan
from orchestrator.turn import Event, StepChanged, TextDelta
from tools.registry import load_registry

from .small_tools import ExtractEntities, FakeChat, TranslateText, context, registry
from .test_composer import ScriptedRouter

TOOLS = registry()


async def ask(
    request: str,
    chat: FakeChat | None = None,
    emit: Callable[[Event], None] = lambda _: None,
    max_steps: int = 12,
    **state: Any,
) -> dict[str, Any]:
    chat = chat or FakeChat()
    turn = TurnContext(
        registry=TOOLS,
        composer=Composer(TOOLS, ScriptedRouter()),  # type: ignore[arg-type]
        run=context(chat),
        chat=chat,  # type: ignore[arg-type]
        emit=emit,
        route_threshold=0.6,
        max_prompt_chars=1_000,
        max_steps=max_steps,
    )
    agent = build_agent(InMemorySaver())
    result: dict[str, Any] = await agent.ainvoke(
        {"request": request, **state},
        {"configurable": {"thread_id": "t"}},
        context=turn,
        durability="exit",
    )
    return result


async def test_a_clear_request_needs_no_llm_and_streams() -> None:
    events: list[Event] = []
    chat = FakeChat()
    state = await ask("Translate this into French: Good morning", chat, events.append)
    assert state["route"]["path"] == "router"
    assert state["answer"] == "fr:Good morning"
    assert not chat.asked
    pieces = [event.text for event in events if isinstance(event, TextDelta)]
    assert len(pieces) > 1
    assert "".join(pieces) == state["answer"]
    assert [e.type for e in events[:2]] == ["route", "plan"]


async def test_three_steps_run_at_once_under_their_own_names(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    all_running = asyncio.Barrier(3)
    for tool in (TranslateText, ExtractEntities):
        alone = tool.__call__

        async def together(self: Any, args: Any, ctx: Any, alone: Any = alone) -> Any:
            await all_running.wait()
            return await alone(self, args, ctx)

        monkeypatch.setattr(tool, "__call__", together)
    state = await ask(
        "Translate this into French and Portuguese and list the people in it: Maria flew"
    )
    assert [step["status"] for step in state["steps"]] == ["ok"] * 3
    assert [step["result"].get("text") for step in state["steps"]] == [
        "fr:Maria flew",
        "pt:Maria flew",
        None,
    ]


async def test_what_is_unclear_is_planned_by_the_llm() -> None:
    plan = {"steps": [{"id": "s1", "tool": "summarize_text", "args": {"text": "input:text"}}]}
    chat = FakeChat(json.dumps(plan))
    state = await ask("Summarize it and translate it: Good morning", chat)
    assert state["route"]["path"] == "planner"
    assert state["answer"] == "sum(Good morning)"


@pytest.mark.parametrize(
    ("tool", "question", "tools"),
    [
        ("answer_question", "What is the CEO's favourite colour?", ["answer_question"]),
        ("answer_question", "x" * 501, []),
        ("summarize_text", "What is the CEO's favourite colour?", []),
    ],
)
def test_a_question_for_which_the_llm_plans_nothing_is_looked_up(
    tool: str, question: str, tools: list[str]
) -> None:
    steps = looked_up(question, TOOLS[tool]).check(TOOLS, {}).steps
    assert [step.tool for step in steps] == tools


def test_a_question_that_leans_is_all_that_was_asked() -> None:
    steps = [
        {"id": "s1", "tool": "recommend_items", "args": {"request": "a bag"}},
        {"id": "s2", "tool": "answer_question", "args": {"question": "a bag?"}},
    ]
    both = Plan.model_validate({"steps": steps})
    answers, recommends = (load_registry()[step["tool"]] for step in reversed(steps))
    (step,) = asked_alone(both, "Which bag? And the price?", answers).steps
    assert (step.tool, step.args) == ("answer_question", {"question": "Which bag? And the price?"})
    (step,) = asked_alone(both, "A bag. Not a red one", recommends).steps
    assert step == both.steps[0]
    wish = Plan(steps=both.steps[:1])
    assert asked_alone(wish, "Which bag?", answers) == wish


class Shelf:
    """A knowledge base with one passage."""

    def __init__(self, *scores: float) -> None:
        self.found = [SimpleNamespace(score=score) for score in scores]

    async def search(self, query: str, **options: Any) -> list[Any]:
        return self.found


@pytest.mark.parametrize(
    ("request_", "scores", "looked"),
    [
        ("Explain to me how returns work", (0.36, 0.1), 0.36),
        ("Explain to me how returns work", (0.1,), None),
        ("Explain to me how returns work", (), None),
        ("how old are you", (0.65,), None),
        ("x " * 400, (0.65,), None),
    ],
)
async def test_what_the_documents_speak_of_is_no_small_talk(
    request_: str, scores: tuple[float, ...], looked: float | None
) -> None:
    run = dataclasses.replace(context(FakeChat()), knowledge=Shelf(*scores))  # type: ignore[arg-type]
    assert await told_of(request_, "en", run) == looked


async def test_small_talk_is_chat() -> None:
    state = await ask("hello", FakeChat("Hi there!"))
    assert state["route"]["path"] == "chat"
    assert state["answer"].strip() == "Hi there!"


@pytest.mark.parametrize(
    ("request_", "asks"),
    [
        ("Translate this into French", "Which text"),
        ("Traduce esto: Mi pedido", "idioma"),
        ("Translate this: Good morning everyone", "which language"),
    ],
)
async def test_what_was_forgotten_is_asked_for(request_: str, asks: str) -> None:
    chat = FakeChat()
    state = await ask(request_, chat)
    assert asks in state["answer"]
    assert not state["plan"]["steps"]
    assert not chat.asked


async def test_a_foreign_text_goes_into_the_language_of_the_wish() -> None:
    state = await ask("Translate this please: Guten Morgen, ich hätte gern mein Geld zurück.")
    assert state["plan"]["steps"][0]["args"]["target_language"] == "en"


async def test_planning_alone_runs_nothing() -> None:
    state = await ask("Translate this into French: Good morning", plan_only=True)
    assert state["plan"]["steps"]
    assert "steps" not in state


async def test_a_question_that_leans_is_completed_first() -> None:
    history = [
        {"role": "user", "content": "How long do I have to send a laptop back?"},
        {"role": "assistant", "content": "30 days [1]."},
    ]
    state = await ask(
        "and shoes?",
        history=history,
        antecedent={"tool": "answer_question", "words": history[0]["content"]},
    )
    assert state["plan"]["steps"][0]["args"]["question"] == "How long do I have to send shoes back?"
    assert state["route"]["resolved_request"] == "How long do I have to send shoes back?"


async def test_nothing_leans_on_a_tool_that_is_there_no_more() -> None:
    asked = {"tool": "gone", "words": "How long do I have to send a laptop back?"}
    history = [{"role": "user", "content": asked["words"]}, {"role": "assistant", "content": "30."}]
    state = await ask("and shoes?", FakeChat("Which?"), history=history, antecedent=asked)
    assert state["route"]["resolved_request"] is None


async def test_the_last_answer_is_translated() -> None:
    history = [
        {"role": "user", "content": "How long do I have?"},
        {"role": "assistant", "content": "30 days [1]."},
    ]
    state = await ask("translate that into Spanish", history=history)
    assert state["answer"] == "es:30 days."


async def test_a_plan_has_a_bounded_number_of_steps() -> None:
    with pytest.raises(BudgetExceeded, match="2 steps"):
        await ask("Translate this into French and Portuguese: Hello", max_steps=1)


async def test_an_empty_request_is_refused() -> None:
    with pytest.raises(BadRequest, match="empty"):
        await ask(" \u200b\n")


async def test_cancelling_a_turn_leaves_nothing_running() -> None:
    running = asyncio.Event()

    def watch(event: Event) -> None:
        if isinstance(event, StepChanged):
            running.set()

    plan = {"steps": [{"id": "s1", "tool": "fail", "args": {"text": "input:text", "how": "hang"}}]}
    before = asyncio.all_tasks()
    work = asyncio.create_task(
        ask("Summarize it, translate it: x", FakeChat(json.dumps(plan)), watch)
    )
    await running.wait()
    work.cancel()
    with pytest.raises(asyncio.CancelledError):
        await work
    assert asyncio.all_tasks() <= before
