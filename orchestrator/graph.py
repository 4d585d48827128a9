"""The agent as a LangGraph graph: guard → resolve → route → (plan) → execute → respond.

Where a person must answer, it is guard → hand over → wait: the graph is interrupted there until the
conversation is given back. Two unsure answers in a row end there, too.

State is JSON only, so any checkpointer can hold it; what a run works with (models, clock, where
events go) comes as the run's context and is never stored.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypedDict

os.environ.setdefault("LANGGRAPH_STRICT_MSGPACK", "true")

# Strict decoding of checkpoints is read from the environment when langgraph is imported.
from langgraph.func import task
from langgraph.graph import END, START, StateGraph
from langgraph.runtime import Runtime
from langgraph.types import interrupt

from model_servers.spans import leaf, note, spanned
from orchestrator.asking_back import ask_back, told_cannot
from orchestrator.budget import BudgetExceeded
from orchestrator.composer import Composer
from orchestrator.draft import ANSWERER, Lack
from orchestrator.executor import InputValue, StepWork, execute
from orchestrator.followups import (
    LEANT_ON,
    complete_question,
    may_lean,
    plain_answer,
    resolve_by_rules,
    stands_alone,
)
from orchestrator.guard import admit
from orchestrator.handoff_words import told, told_not_possible
from orchestrator.handoffs import is_unsure
from orchestrator.looking import with_look
from orchestrator.lookup import asked_alone, looked_up, told_of
from orchestrator.plan import Plan, Step, missing_media, reachable
from orchestrator.planner import make_plan
from orchestrator.responder import AnswerWriter, chat_answer, chat_prompt, citations
from orchestrator.router import CHAT
from orchestrator.signs import Sign
from orchestrator.tracing import note_done_before
from orchestrator.turn import (
    Event,
    HandoffReason,
    Message,
    Path,
    Planned,
    Routed,
    RouteReport,
    StepChanged,
    StepReport,
    TextDelta,
)
from orchestrator.whole_request import with_request
from orchestrator.wishes import (
    FILE_WORDS,
    MEDIA_WORDS,
    PREVIOUS_INPUT,
    TEXT_INPUT,
    request_language,
)
from tools.artifacts import Artifact

if TYPE_CHECKING:
    from langgraph.checkpoint.base import BaseCheckpointSaver

    from orchestrator.budget import MeteredChat
    from tools.contracts import Kind, RunContext
    from tools.registry import Registry

MAX_SHORTLIST = 6

Settled = Callable[[], Awaitable[None]]
LookForSign = Callable[[str, "Mapping[str, Kind]"], Awaitable[Sign | None]]


async def _settled() -> None:
    return None


async def _no_sign(_request: str, _kinds: Mapping[str, Kind]) -> Sign | None:
    return None


class State(TypedDict, total=False):
    """What is known of a turn so far; each node adds its part. All of it is JSON."""

    request: str
    attachments: list[dict[str, Any]]
    earlier_attachments: list[dict[str, Any]]
    history: list[dict[str, str]]
    last_plan: dict[str, Any]
    antecedent: dict[str, str] | None
    plan_only: bool
    kept: bool
    unsure_before: bool
    handoff: HandoffReason | None
    resolved: str
    leans_on: str | None
    payload: str | None
    language: str
    lacks: Lack | None
    cannot: bool
    route: dict[str, Any]
    inputs: dict[str, dict[str, Any]]
    plan: dict[str, Any]
    steps: list[dict[str, Any]]
    citations: list[dict[str, Any]]
    answer: str


@dataclass(frozen=True, slots=True)
class TurnContext:
    """What one run works with. `emit` gets every event as it happens; `settled` returns when
    every result of a step that was given to the checkpointer is kept. `sign` looks for what calls
    for a person in a request."""

    registry: Registry
    composer: Composer
    run: RunContext
    chat: MeteredChat
    emit: Callable[[Event], None]
    route_threshold: float
    max_prompt_chars: int
    max_steps: int
    settled: Settled = _settled
    sign: LookForSign = _no_sign


Node = Runtime[TurnContext]


def build_agent(checkpointer: BaseCheckpointSaver[Any] | None) -> Any:
    """The compiled graph. Run it with a TurnContext as `context`."""
    graph = StateGraph(State, context_schema=TurnContext)
    graph.add_node("guard", guard)
    graph.add_node("resolve", resolve)
    graph.add_node("route", route)
    graph.add_node("plan", plan)
    graph.add_node("execute", run_plan)
    graph.add_node("respond", respond)
    graph.add_edge(START, "guard")
    graph.add_node("hand_over", hand_over)
    graph.add_node("wait", wait)
    graph.add_conditional_edges("guard", _after_guard, ["hand_over", "resolve", END])
    graph.add_edge("resolve", "route")
    graph.add_conditional_edges("route", _after_route, ["plan", "execute", "respond", END])
    graph.add_conditional_edges("plan", _after_plan, ["execute", "respond", END])
    graph.add_conditional_edges("execute", _after_answer, ["hand_over", END])
    graph.add_conditional_edges("respond", _after_answer, ["hand_over", END])
    graph.add_conditional_edges("hand_over", _after_hand_over, ["wait", END])
    graph.add_edge("wait", END)
    return graph.compile(checkpointer=checkpointer)


@spanned("guard")
async def guard(state: State, runtime: Node) -> State:
    """Clean and bound what came in, and see whether a person must answer it."""
    context = runtime.context
    files = state.get("attachments", ())
    request = admit(state["request"], len(files), max_chars=context.max_prompt_chars)
    seen: State = {"request": request, "resolved": request, "payload": None, "handoff": None}
    sign = await context.sign(request, {file["name"]: file["kind"] for file in files})
    if sign is None:
        return seen
    report = RouteReport(path="handoff", confidence=round(sign.confidence, 4))
    context.emit(Routed(route=report))
    context.emit(Planned(plan=Plan()))
    note(handoff=sign.reason, confidence=report.confidence)
    return {
        **seen,
        "handoff": sign.reason,
        "language": request_language(request),
        "route": report.model_dump(mode="json"),
        "plan": Plan().model_dump(mode="json"),
    }


@spanned("resolve")
async def resolve(state: State, runtime: Node) -> State:
    """Make a follow-up stand on its own."""
    history = _history(state)
    if not history or state.get("attachments"):
        return {}
    last_plan = Plan.model_validate(state.get("last_plan") or {})
    request, earlier = state["request"], state.get("earlier_attachments", [])
    ruled = resolve_by_rules(request, history, last_plan)
    if ruled is not None:
        files = earlier if ruled.continues else []
        return {"resolved": ruled.request, "payload": ruled.payload, "attachments": files}
    before = state.get("antecedent")
    if before and may_lean(request) and not await _stands_alone(request, before["tool"], runtime):
        encode = functools.partial(
            runtime.context.composer.router.encode, language=request_language(request)
        )
        meant = await complete_question(request, before["words"], encode)
        return {"resolved": meant, "leans_on": before["tool"], "attachments": earlier}
    speaks_of_one = FILE_WORDS.search(request) or MEDIA_WORDS.search(request)
    return {"attachments": earlier} if speaks_of_one else {}


async def _stands_alone(request: str, asked: str, runtime: Node) -> bool:
    """Whether a message leans on nothing that the tool `asked` was asked; on a tool that is there
    no more nothing can lean."""
    context = runtime.context
    if asked not in context.registry:
        return True
    draft = await context.composer.compose(
        request, {PREVIOUS_INPUT: "text"}, language=request_language(request)
    )
    scores = {score.tool: score.confidence for score in draft.shortlist}
    arguments = set(LEANT_ON) & context.registry[asked].Args.model_fields.keys()
    answering = {
        tool.name
        for tool in context.registry.offered()
        if arguments & tool.Args.model_fields.keys()
    }
    return stands_alone(request, scores, answering)


@spanned("route")
async def route(state: State, runtime: Node) -> State:
    """Draft a plan from the words, and say how sure it is."""
    context = runtime.context
    request, payload = state["resolved"], state.get("payload")
    language = request_language(request)
    inputs = _inputs(state)
    kinds: dict[str, Kind] = {name: value.kind for name, value in inputs.items()}
    draft = await context.composer.compose(request, kinds, language=language, payload=payload)
    if draft.payload is not None:
        inputs[TEXT_INPUT] = InputValue(kind="text", text=draft.payload)
    path: Path
    if draft.plan.steps and draft.confidence >= context.route_threshold:
        path, confidence = "router", draft.confidence
        planned = with_request(draft.plan, request, kinds, context.registry)
        if leans_on := state.get("leans_on"):
            planned = asked_alone(planned, request, context.registry[leans_on])
    elif draft.lacks is not None:
        path, confidence, planned = "router", draft.shortlist[0].confidence, Plan()
    elif draft.chat >= context.route_threshold:
        path, confidence, planned = "chat", draft.chat, Plan()
    else:
        path, confidence, planned = "planner", draft.confidence, Plan()
    score = None
    if path == "chat" and ANSWERER in context.registry and not state.get("attachments"):
        score = await told_of(request, language, context.run)
        if score is not None:
            path, confidence = "router", score
            planned = looked_up(request, context.registry[ANSWERER])
    report = RouteReport(
        path=path,
        confidence=round(confidence, 4),
        shortlist=draft.shortlist[:MAX_SHORTLIST],
        resolved_request=request if request != state["request"] else None,
    )
    context.emit(Routed(route=report))
    note(
        path=path,
        confidence=report.confidence,
        shortlist={score.tool: round(score.confidence, 4) for score in report.shortlist},
        language=language,
        follow_up=report.resolved_request is not None,
        lacks=draft.lacks if not planned.steps else None,
        told_of=score,
    )
    if path != "planner":
        context.emit(Planned(plan=planned))
        with leaf("plan", by=path, steps=_as_traced(planned, context.registry)):
            pass
    return {
        "language": language,
        "inputs": {name: value.model_dump(mode="json") for name, value in inputs.items()},
        "lacks": draft.lacks if path == "router" and not planned.steps else None,
        "cannot": draft.cannot and path == "chat",
        "route": report.model_dump(mode="json"),
        "plan": planned.model_dump(mode="json"),
    }


@spanned("plan")
async def plan(state: State, runtime: Node) -> State:
    """Ask the LLM for a plan over the shortlist."""
    context = runtime.context
    report = RouteReport.model_validate(state["route"])
    registry = context.registry
    inputs = {n: InputValue.model_validate(v) for n, v in state["inputs"].items()}
    kinds: dict[str, Kind] = {name: value.kind for name, value in inputs.items()}
    listed = [registry[score.tool] for score in report.shortlist if score.tool != CHAT]
    offered = reachable(listed, kinds.values())
    tools = [tool for tool in listed if missing_media(tool, offered) is None]
    planned = await make_plan(
        state["resolved"],
        tools[: MAX_SHORTLIST - 1],
        kinds,
        registry,
        context.chat,
        timeout_s=context.run.remaining_s(),
    )
    if not planned.steps and tools and tools[0].name == report.shortlist[0].tool:
        planned = looked_up(state["resolved"], tools[0])
    planned = with_look(planned, kinds, registry)
    planned = with_request(planned, state["resolved"], kinds, registry)
    context.emit(Planned(plan=planned))
    note(by="planner", steps=_as_traced(planned, registry))
    return {"plan": planned.model_dump(mode="json")}


def _as_traced(planned: Plan, registry: Registry) -> dict[str, str]:
    """Each step's tool, and the steps that it needs."""
    needs = planned.needs(registry)
    return {step.id: f"{step.tool}({', '.join(sorted(needs[step.id]))})" for step in planned.steps}


async def run_plan(state: State, runtime: Node) -> State:
    """Run the plan; each step is a durable task of its own name."""
    context = runtime.context
    planned = Plan.model_validate(state["plan"])
    if len(planned.steps) > context.max_steps:
        raise BudgetExceeded(
            f"This takes {len(planned.steps)} steps and a request may take {context.max_steps}; "
            "ask for less at once."
        )
    inputs = {n: InputValue.model_validate(v) for n, v in state["inputs"].items()}
    writer = AnswerWriter(
        planned,
        context.registry,
        state["language"],
        lambda text: context.emit(TextDelta(text=text)),
    )

    def emit(event: Event) -> None:
        context.emit(event)
        if isinstance(event, StepChanged) and event.step.status != "running":
            writer.finished(event.step)

    alone = len(planned.steps) == 1
    reports = await execute(
        planned,
        inputs,
        context.registry,
        replace(context.run, said=state["resolved"]) if alone else context.run,
        emit=emit,
        write=writer.write,
        launch=functools.partial(_as_task, context.settled),
    )
    return {
        "steps": [report.model_dump(mode="json") for report in reports],
        "citations": [cited.model_dump(mode="json") for cited in citations(reports)],
        "answer": writer.finish(reports),
    }


async def _as_task(settled: Settled, step: Step, work: StepWork) -> StepReport:
    """Run a step as a LangGraph task: its result is kept, and not made again after a crash."""
    ran = False

    async def run() -> dict[str, Any]:
        nonlocal ran
        ran = True
        return (await work()).model_dump(mode="json")

    # A fresh partial a step: LangGraph tells tasks of one function apart by name only then.
    durable: Any = task(name=f"step:{step.id}")(functools.partial(run))
    done = await durable()
    # LangGraph keeps the result beside the work: what follows must not begin before it is kept.
    await settled()
    report = StepReport.model_validate(done)
    if not ran:
        note_done_before(report)
    return report


@spanned("respond")
async def respond(state: State, runtime: Node) -> State:
    """Plain chat, a question back, or that it can't be done."""
    context = runtime.context
    said = None
    if lack := state.get("lacks"):
        report = RouteReport.model_validate(state["route"])
        said = ask_back(lack, state["language"], report.shortlist, context.registry)
    elif state.get("cannot"):
        said = told_cannot(state["language"])
    if said is not None:
        context.emit(TextDelta(text=said))
        return {"answer": said, "steps": [], "citations": []}
    answer = await chat_answer(
        chat_prompt(state["resolved"], _history(state), context.registry, state["language"]),
        context.chat,
        lambda text: context.emit(TextDelta(text=text)),
        timeout_s=context.run.remaining_s(),
    )
    return {"answer": answer, "steps": [], "citations": []}


@spanned("hand_over")
async def hand_over(state: State, runtime: Node) -> State:
    """Tell the customer that a person takes over, or that none can."""
    reason, language = state.get("handoff") or "low_confidence", state["language"]
    words = (told if state.get("kept") else told_not_possible)(reason, language)
    if answered := state.get("answer"):
        words = f"\n\n{words}"
    runtime.context.emit(TextDelta(text=words))
    note(reason=reason, taken=bool(state.get("kept")))
    return {"handoff": reason, "answer": f"{answered or ''}{words}"}


async def wait(state: State) -> State:
    """Pause until the person gives the conversation back."""
    interrupt(state["handoff"])
    return {"answer": told("back", state["language"])}


def _after_guard(state: State) -> str:
    if state["handoff"] is None:
        return "resolve"
    return END if state.get("plan_only") else "hand_over"


def _after_answer(state: State) -> str:
    """To a person, where the answer before was as unsure as this one."""
    if not state.get("unsure_before"):
        return END
    route = RouteReport.model_validate(state["route"])
    steps = [StepReport.model_validate(step) for step in state["steps"]]
    return "hand_over" if is_unsure(route, steps) else END


def _after_hand_over(state: State) -> str:
    return "wait" if state.get("kept") else END


def _after_route(state: State) -> str:
    path = state["route"]["path"]
    if path == "planner":
        return "plan"
    return _after_plan(state)


def _after_plan(state: State) -> str:
    if state.get("plan_only"):
        return END
    return "execute" if state["plan"]["steps"] else "respond"


def _history(state: State) -> list[Message]:
    return [Message.model_validate(message) for message in state.get("history", ())]


def _inputs(state: State) -> dict[str, InputValue]:
    inputs: dict[str, InputValue] = {}
    for value in state.get("attachments", ()):
        artifact = Artifact.model_validate(value)
        name, number = artifact.name, 2
        while name in inputs or name in (TEXT_INPUT, PREVIOUS_INPUT):
            name, number = f"{number}-{artifact.name}", number + 1
        inputs[name] = InputValue(kind=artifact.kind, artifact=artifact)
    answered = next((m for m in reversed(_history(state)) if m.role == "assistant"), None)
    if answered is not None and (text := plain_answer(answered.content)):
        inputs[PREVIOUS_INPUT] = InputValue(kind="text", text=text)
    return inputs
